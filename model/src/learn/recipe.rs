//! The list of models that can be trained.

use super::{
    boost::{BoostOptions, Trainer},
    dataset::Dataset,
    error::LearnError,
    forust::{ForustForest, ForustTrainer},
    logistic::fit_logistic,
    options::{BASELINE_FEATURES, TrainOptions},
};
use crate::{
    draft::{MemberDraft, ModelDraft},
    forest::wide::Precision,
    info::ModelInfo,
    link::{Link, Outputs},
};

/// The members that a model is made of.
///
/// No recipe has a calibration. Three ways were measured on sixty hours of XBTUSD trades, walking forward in k parts
/// over the last 60 % of 41,737 rows. The table shows average precision / Brier skill / expected calibration error of
///
/// - *last*: members on the first 85 % of the training rows, Platt's line on the last 15 %,
/// - *none*: members on all training rows (a forest: its share of votes as it is),
/// - *cross*: as *none*, with Platt's line on scores from a purged walk over the training rows, three parts after 40 %.
///
/// | recipe | k | last | none | cross |
/// |---|---|---|---|---|
/// | `Average` | 1 | .437 / .222 / .019 | .440 / .223 / .022 | .440 / .213 / .032 |
/// | | 2 | .440 / .231 / .010 | .443 / .225 / .020 | .434 / .216 / .013 |
/// | | 3 | .380 / .166 / .029 | .442 / .227 / .018 | .408 / .206 / .010 |
/// | | 5 | .432 / .223 / .008 | .442 / .225 / .018 | .420 / .212 / .008 |
/// | `Logistic` | 1 | .446 / .223 / .018 | .448 / .224 / .025 | .448 / .214 / .034 |
/// | | 3 | .346 / .122 / .035 | .446 / .228 / .019 | .415 / .205 / .013 |
/// | | 5 | .442 / .229 / .009 | .448 / .229 / .020 | .428 / .215 / .010 |
/// | `Boosted` | 1 | .396 / .200 / .021 | .398 / .203 / .020 | .398 / .189 / .033 |
/// | | 3 | .345 / .152 / .027 | .401 / .208 / .017 | .361 / .181 / .011 |
/// | | 5 | .385 / .193 / .010 | .399 / .204 / .016 | .367 / .182 / .009 |
/// | `HarLogit` | 1 | .389 / .179 / .018 | .390 / .176 / .026 | .390 / .177 / .028 |
/// | | 3 | .191 / .029 / .040 | .381 / .177 / .019 | .338 / .154 / .011 |
/// | | 5 | .370 / .176 / .012 | .379 / .176 / .018 | .342 / .158 / .011 |
/// | `Forest` | 1 | .384 / .159 / .028 | .375 / .186 / .030 | .375 / .177 / .035 |
/// | | 3 | .339 / .132 / .025 | .386 / .190 / .026 | .341 / .148 / .021 |
/// | | 5 | .326 / .131 / .019 | .383 / .189 / .026 | .353 / .155 / .019 |
/// | the same, ten features | 1 | .381 / .135 / .037 | .368 / .135 / .038 | .368 / .152 / .035 |
/// | | 3 | .177 / .008 / .040 | .364 / .140 / .033 | .306 / .116 / .018 |
/// | | 5 | .321 / .138 / .018 | .337 / .132 / .033 | .298 / .112 / .018 |
///
/// Without a line the numbers depend least on where the parts are cut, rows rank best (except the forests at k = 1),
/// and the Brier skill is the best or within .006 of it except in two cells of the ten features. A line has a smaller
/// calibration error only on average: it comes from one regime of a few hours, and the same probability means something
/// else in the next. On two hours of Coinbase, 1,270 rows, no way has any skill, and the line of a forest falls where
/// it should rise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipe {
    /// The default: logistic regression and boosted trees, averaged in log-odds.
    Average,
    /// Logistic regression only.
    Logistic,
    /// Boosted trees only.
    Boosted,
    /// A random forest: the mean share of spikes in the leaves that a row reaches.
    Forest,
    /// The baseline, HAR-logit: logistic regression on [`BASELINE_FEATURES`].
    HarLogit,
}

/// The result of a fit: members with their weights, and the trainer's name.
pub(super) struct Fitted {
    pub(super) members: Vec<(f64, MemberDraft)>,
    pub(super) trainers: String,
}

impl Recipe {
    /// The variant name of its models: `baseline` for HAR-logit, otherwise `ml`.
    pub fn variant(self) -> &'static str {
        if self == Self::HarLogit { "baseline" } else { "ml" }
    }

    /// The dataset with only the features that the recipe reads; `None` if it reads all.
    ///
    /// # Errors
    /// [`LearnError::FeatureAbsent`].
    pub(super) fn features(self, data: &Dataset) -> Result<Option<Dataset>, LearnError> {
        (self == Self::HarLogit).then(|| data.select(&BASELINE_FEATURES)).transpose()
    }

    /// Makes the model of these members.
    ///
    /// # Errors
    /// [`LearnError::Draft`].
    pub(super) fn draft(
        self,
        info: ModelInfo,
        members: Vec<(f64, MemberDraft)>,
    ) -> Result<ModelDraft, LearnError> {
        let draft = ModelDraft::new(info, members)?;
        Ok(match self.outputs() {
            Some(outputs) => draft.with_outputs(outputs)?,
            None => draft,
        })
    }

    /// The outputs that turn the members' sum into a probability; `None` for the sigmoid. A forest's sum is a
    /// probability already.
    fn outputs(self) -> Option<Outputs> {
        (self == Self::Forest).then(|| Outputs {
            classes: vec!["no spike".to_owned(), "spike".to_owned()],
            ..Outputs::plain(1, Precision::Double, Link::Identity)
        })
    }

    pub(super) fn fit(
        self,
        data: &Dataset,
        rows: &[usize],
        options: &TrainOptions,
        trainer: &dyn Trainer,
    ) -> Result<Fitted, LearnError> {
        let linear =
            || Ok::<_, LearnError>(MemberDraft::Linear(fit_logistic(data, rows, options.logistic_l2)?));
        let boosted = || {
            let boost = BoostOptions {
                seed: options.seed,
                increasing: options.increasing.iter().filter_map(|name| data.position(name)).collect(),
                ..options.boost.clone()
            };
            Ok::<_, LearnError>(MemberDraft::Forest(trainer.fit(data, rows, &boost)?))
        };
        let logistic = format!("logistic (Newton, l2 {})", options.logistic_l2);
        Ok(match self {
            Self::Average => Fitted {
                members: vec![(0.5, linear()?), (0.5, boosted()?)],
                trainers: format!("{logistic} + {}", trainer.name()),
            },
            Self::Logistic | Self::HarLogit => Fitted { members: vec![(1.0, linear()?)], trainers: logistic },
            Self::Boosted => Fitted { members: vec![(1.0, boosted()?)], trainers: trainer.name() },
            Self::Forest => {
                let forest = ForustForest.fit(data, rows, &options.forest_options())?;
                Fitted {
                    members: vec![(1.0, MemberDraft::Forest(forest))],
                    trainers: format!("random forest by {}", ForustTrainer.name()),
                }
            }
        })
    }
}
