//! A model before it is a file: the result of training and importing, which the plain walks can score.

use std::path::Path;

use crate::{
    combine,
    drift::DriftReference,
    error::DraftError,
    explain::reference,
    file::{
        v1, v2,
        write::{self, NewSection, archive},
    },
    forest::{CanonicalForest, Layout, WideForest, layout},
    info::ModelInfo,
    linear::{LinearDraft, LinearTerm},
    link::Outputs,
    meta,
    preparation::Preparation,
    row::{FeatureValue, Row},
    schema,
    self_test::SELF_TEST_ROWS_MAX,
};

/// One part of a model. Its output is in log-odds.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberDraft {
    /// Trees whose nodes fit the narrow form: f32 thresholds, one output.
    Forest(CanonicalForest),
    /// A weighted sum of the features.
    Linear(LinearDraft),
    /// Another library's trees that [`Self::Forest`] cannot hold. It must be the only member, with weight 1 and
    /// [`Outputs`].
    Wide(WideForest),
}

/// A model in a form that is easy to build and to read. It is checked when made, so it can always be scored.
#[derive(Clone, Debug)]
pub struct ModelDraft {
    info: ModelInfo,
    members: Vec<(f64, MemberDraft)>,
    /// Rows for the file's self-test, row-major.
    self_test_rows: Vec<f64>,
    outputs: Option<Outputs>,
    layout: Layout,
    preparation: Option<Preparation>,
    drift: Option<DriftReference>,
    /// Mean contribution of each term of a linear member, one list a member; empty if unknown.
    mean_contributions: Vec<Vec<f64>>,
}

impl ModelDraft {
    /// Makes a draft of members with their weights in the sum of log-odds: 1 for a single one, 0.5 and 0.5 for the
    /// average of two.
    ///
    /// `info`'s hash and counts are ignored.
    ///
    /// # Errors
    /// [`DraftError`] for the first part of `info`, weight or member that a file cannot hold.
    pub fn new(mut info: ModelInfo, members: Vec<(f64, MemberDraft)>) -> Result<Self, DraftError> {
        meta::check(&info).map_err(|(field, what)| DraftError::Info { field, what })?;
        if members.is_empty() {
            return Err(DraftError::Info { field: "members", what: "there are none".to_owned() });
        }
        (info.sha256, info.tree_count, info.node_count) = (String::new(), 0, 0);
        let wide = members.iter().position(|(_, member)| matches!(member, MemberDraft::Wide(_)));
        if let Some(member) = wide.filter(|_| members.len() > 1 || members[0].0 != 1.0) {
            let what = "a wide forest stands alone, with weight 1".to_owned();
            return Err(DraftError::Member { member, what });
        }
        for (place, (weight, member)) in members.iter().enumerate() {
            if !combine::is_moderate(*weight) {
                return Err(DraftError::Member { member: place, what: format!("weight {weight}") });
            }
            match member {
                MemberDraft::Linear(linear) => linear.check(place, info.features.len())?,
                MemberDraft::Forest(forest) => {
                    forest.check(place, info.features.len())?;
                    info.tree_count += forest.trees.len();
                    info.node_count += forest.node_count();
                }
                MemberDraft::Wide(forest) => {
                    forest.check(place, info.features.len())?;
                    info.tree_count += forest.trees.len();
                    info.node_count += forest.node_count();
                }
            }
        }
        let mean_contributions = vec![Vec::new(); members.len()];
        Ok(Self {
            info,
            members,
            self_test_rows: Vec::new(),
            outputs: None,
            layout: Layout::Auto,
            preparation: None,
            drift: None,
            mean_contributions,
        })
    }

    /// Replaces calibration and sigmoid by an imported model's own transformation of the members' sums.
    ///
    /// # Errors
    /// [`DraftError::Info`] for outputs that do not fit the members, or together with a calibration.
    pub fn with_outputs(mut self, outputs: Outputs) -> Result<Self, DraftError> {
        let raw_count = match self.members.as_slice() {
            [(_, MemberDraft::Wide(forest))] => forest.outputs(),
            _ => 1,
        };
        let fault = if outputs.raw_count() != raw_count {
            Some(format!("{} for members that give {raw_count}", outputs.raw_count()))
        } else if self.info.calibration.is_some() {
            Some("a calibration has no place before another link".to_owned())
        } else {
            outputs.fault()
        };
        if let Some(what) = fault {
            return Err(DraftError::Info { field: "outputs", what });
        }
        self.outputs = Some(outputs);
        Ok(self)
    }

    /// Sets the layout in which the file stores the forests; [`Layout::Auto`] by default. Scores do not depend on it.
    ///
    /// # Errors
    /// [`DraftError::Member`] for a forest that the layout cannot hold.
    pub fn with_layout(mut self, layout: Layout) -> Result<Self, DraftError> {
        if layout == Layout::Wide && self.outputs.is_some() {
            for (_, member) in &mut self.members {
                if let MemberDraft::Forest(forest) = member {
                    *member = MemberDraft::Wide(forest.widened());
                }
            }
        }
        for (place, (_, member)) in self.members.iter().enumerate() {
            let packed = match member {
                MemberDraft::Forest(forest) => layout::section(forest, layout, 0).map(drop),
                MemberDraft::Wide(forest) => layout::wide_section(forest, layout, 0).map(drop),
                MemberDraft::Linear(_) => Ok(()),
            };
            let fault = packed.err().map(|what| format!("layout {layout}: {what}"));
            if let Some(what) = fault {
                return Err(DraftError::Member { member: place, what });
            }
        }
        self.layout = layout;
        Ok(self)
    }

    /// Sets the preparation of each row before the wide member reads it: the imputing and scaling steps of a pipeline.
    ///
    /// # Errors
    /// [`DraftError::Info`] if a member is not wide, or a part of the preparation is out of range.
    pub fn with_preparation(mut self, preparation: Preparation) -> Result<Self, DraftError> {
        let fault = match self.members.as_slice() {
            [(_, MemberDraft::Wide(_))] => preparation.fault(self.info.features.len()),
            _ => Some("only a wide forest's rows are prepared".to_owned()),
        };
        if let Some(what) = fault {
            return Err(DraftError::Info { field: "preparation", what });
        }
        self.preparation = Some(preparation);
        Ok(self)
    }

    /// Sets the rows (row-major) that the file carries with their answers, for [`crate::Model::verify`]. A few dozen
    /// suffice.
    ///
    /// # Panics
    /// If `rows` is not a multiple of the number of features, or more than 4,096 rows.
    #[must_use]
    pub fn with_self_test<T: Into<f64>>(mut self, rows: Vec<T>) -> Self {
        assert_eq!(
            rows.len() % self.info.features.len(),
            0,
            "whole rows of {} features",
            self.info.features.len()
        );
        assert!(rows.len() / self.info.features.len() <= SELF_TEST_ROWS_MAX, "more than a file may hold");
        self.self_test_rows = rows.into_iter().map(Into::into).collect();
        self
    }

    /// Adds the distributions of features and answers in training, against which drift is measured.
    ///
    /// # Errors
    /// [`DraftError::Info`] for distributions of other features, or with inconsistent counts.
    pub fn with_drift_reference(mut self, drift: DriftReference) -> Result<Self, DraftError> {
        if let Some(what) = drift.fault(self.info.features.len()) {
            return Err(DraftError::Info { field: "drift reference", what });
        }
        self.drift = Some(drift);
        Ok(self)
    }

    /// Adds the mean contribution of each term of a linear member over the training rows, log-odds; explanations are
    /// relative to them.
    ///
    /// # Errors
    /// [`DraftError::Member`] for a wrong number of means, or one that is not finite.
    pub fn with_mean_contributions(mut self, member: usize, means: Vec<f64>) -> Result<Self, DraftError> {
        let is_linear = matches!(self.members.get(member), Some((_, MemberDraft::Linear(_))));
        if !is_linear || means.len() != self.info.features.len() {
            let what = format!("{} mean contributions: not a linear member's, one a feature", means.len());
            return Err(DraftError::Member { member, what });
        }
        if let Some(mean) = means.iter().find(|mean| !combine::is_moderate(**mean)) {
            return Err(DraftError::Member { member, what: format!("mean contribution {mean}") });
        }
        self.mean_contributions[member] = means;
        Ok(self)
    }

    /// Name, version, features and provenance, as the file will hold them. The hash is empty: only a file has one.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Weights and members, in the order of the sum.
    pub fn members(&self) -> &[(f64, MemberDraft)] {
        &self.members
    }

    /// The transformation of the members' sums to the answers; `None` for calibration and sigmoid.
    pub fn outputs(&self) -> Option<&Outputs> {
        self.outputs.as_ref()
    }

    /// The answer for one row by the plain walks: the slow reference of [`crate::Model::predict`], with equal bits.
    ///
    /// # Panics
    /// If the row's length is not the number of features, the draft gives several answers a row, or a wide member has no
    /// [`Outputs`].
    pub fn predict<T: FeatureValue>(&self, row: &[T]) -> f64 {
        let answers = self.answers(self.predict_raw(row));
        assert_eq!(answers.len(), 1, "answers of the draft: `predict_raw` gives several scores");
        answers[0]
    }

    /// The raw scores of one row by the plain walks: the slow reference of [`crate::Model::predict_raw`], with equal
    /// bits.
    ///
    /// # Panics
    /// If the row's length is not the number of features, or a wide member has no [`Outputs`].
    pub fn predict_raw<T: FeatureValue>(&self, row: &[T]) -> Vec<f64> {
        let mut sums = self.sums(row);
        match &self.outputs {
            Some(outputs) => outputs.finish_raw(&mut sums),
            None => sums[0] = combine::calibrated(sums[0], self.info.calibration),
        }
        sums
    }

    /// Transforms a row's raw scores to its answers.
    fn answers(&self, mut scores: Vec<f64>) -> Vec<f64> {
        match &self.outputs {
            Some(outputs) => {
                let count = outputs.apply(&mut scores);
                scores.truncate(count);
            }
            None => scores[0] = combine::sigmoid(scores[0]),
        }
        scores
    }

    fn sums<R: Row + ?Sized>(&self, row: &R) -> Vec<f64> {
        assert_eq!(row.width(), self.info.features.len(), "values in the row, features of the model");
        if let [(_, MemberDraft::Wide(forest))] = self.members.as_slice() {
            return match &self.preparation {
                None => forest.sums(row),
                Some(preparation) => forest.sums(&preparation.over(row)),
            };
        }
        let singles: Vec<f32> = (0..row.width()).map(|at| row.single(at)).collect();
        let sum = combine::weighted_sum(self.members.iter().map(|(weight, member)| {
            let log_odds = match member {
                MemberDraft::Forest(forest) => forest.score(&singles),
                MemberDraft::Linear(linear) => linear.score(&singles),
                MemberDraft::Wide(_) => unreachable!("`new` lets a wide member stand alone only"),
            };
            (*weight, log_odds)
        }));
        vec![sum]
    }

    /// Encodes the file. Equal drafts give equal bytes.
    ///
    /// # Errors
    /// [`DraftError::Member`] for a forest with more parts than its layout can number.
    pub fn to_bytes(&self) -> Result<Vec<u8>, DraftError> {
        let weights = self.members.iter().map(|(weight, _)| *weight).collect();
        let mut sections = vec![section(*b"META", true, archive(&meta::to_archive(&self.info, weights)))];
        let fingerprint = schema::fingerprint(&self.info.features);
        // Only wide forests read prepared rows.
        let wide_layout = if self.preparation.is_some() { Layout::Wide } else { self.layout };
        for (place, (_, member)) in self.members.iter().enumerate() {
            sections.push(match member {
                MemberDraft::Forest(forest) => layout::section(forest, self.layout, fingerprint)
                    .map_err(|what| DraftError::Member { member: place, what })?,
                MemberDraft::Linear(linear) => {
                    section(*b"LINR", true, archive(&linear_to_archive(linear, fingerprint)))
                }
                MemberDraft::Wide(_) if self.outputs.is_none() => {
                    let what = "a wide forest needs outputs".to_owned();
                    return Err(DraftError::Info { field: "outputs", what });
                }
                MemberDraft::Wide(forest) => layout::wide_section(forest, wide_layout, fingerprint)
                    .map_err(|what| DraftError::Member { member: place, what })?,
            });
        }
        if let Some(outputs) = &self.outputs {
            sections.push(section(*b"LINK", true, archive(&outputs.to_archive())));
            if !outputs.scales.is_empty() {
                let scales = v1::Scales { scales: outputs.scales.clone() };
                sections.push(section(*b"SCAL", true, archive(&scales)));
            }
        }
        if let Some(preparation) = &self.preparation {
            sections.push(section(*b"PREP", true, archive(&preparation.to_archive())));
        }
        for (member, (_, draft)) in (0..).zip(&self.members) {
            let means = &self.mean_contributions[member as usize];
            let explained = match draft {
                MemberDraft::Forest(forest) => reference::of_narrow(forest, member),
                MemberDraft::Wide(forest) => reference::of_wide(forest, member),
                MemberDraft::Linear(_) => (!means.is_empty()).then(|| v1::Explain {
                    covers: Vec::new(),
                    mean_contributions: means.clone(),
                    member,
                }),
            };
            sections.extend(explained.map(|explained| section(*b"EXPL", false, archive(&explained))));
        }
        if let Some(drift) = &self.drift {
            sections.push(section(*b"DRFT", false, archive(&drift.to_archive())));
        }
        if !self.self_test_rows.is_empty() {
            let bytes = archive(&self.self_test());
            sections.push(NewSection { tag: *b"TEST", version: v2::VERSION, required: false, bytes });
        }
        Ok(write::lay_out(&sections))
    }

    /// The self-test rows with their scores and answers by the plain walks.
    fn self_test(&self) -> v2::SelfTest {
        let (mut raw_scores, mut answers) = (Vec::new(), Vec::new());
        for row in self.self_test_rows.chunks_exact(self.info.features.len()) {
            let scores = self.predict_raw(row);
            raw_scores.extend(&scores);
            answers.extend(self.answers(scores));
        }
        v2::SelfTest { rows: self.self_test_rows.clone(), raw_scores, answers }
    }

    /// Writes the file atomically: `path` holds either the old bytes or the new ones, never a mixture.
    ///
    /// # Errors
    /// As [`ModelDraft::to_bytes`], or [`DraftError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), DraftError> {
        let bytes = self.to_bytes()?;
        write::replace(path, &bytes)
            .map_err(|source| DraftError::Io { file: path.display().to_string(), source })
    }
}

fn section(tag: [u8; 4], required: bool, bytes: Vec<u8>) -> NewSection {
    NewSection { tag, version: v1::VERSION, required, bytes }
}

fn linear_to_archive(linear: &LinearDraft, features_fingerprint: u64) -> v1::Linear {
    let term = |term: &LinearTerm| v1::Term {
        coefficient: term.coefficient,
        low: term.low,
        high: term.high,
        imputed: term.imputed,
        missing_coefficient: term.missing_coefficient,
    };
    v1::Linear {
        terms: linear.terms.iter().map(term).collect(),
        intercept: linear.intercept,
        features_fingerprint,
    }
}
