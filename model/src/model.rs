//! A model, mapped and checked, ready to score.

use std::{path::Path, sync::OnceLock};

use sha2::{Digest, Sha256};

use crate::{
    combine,
    drift::DriftReference,
    error::ModelError,
    explain::{
        ExplainError, Explainer, Explanation,
        reference::{Reference, forest_part, linear_part},
    },
    file::{
        pages::Pages,
        read::{Section, SectionFile},
    },
    forest::{
        Kernel, Layout,
        blocks::BlockForest,
        mapped::MappedForest,
        narrow::NarrowForest,
        oblivious::ObliviousForest,
        ragged::RaggedForest,
        wide::{OUTPUTS_MAX, mapped::MappedWide},
    },
    info::{ModelInfo, Score},
    linear::MappedLinear,
    link::Outputs,
    meta,
    preparation::Preparation,
    row::Row,
    schema,
    self_test::{Difference, SelfTest},
};

/// A model, mapped and checked, ready to score. Shared by `Arc` between shards.
#[derive(Debug)]
pub struct Model {
    info: ModelInfo,
    /// The file's name for messages.
    file: String,
    /// All of the file.
    pages: Pages,
    /// Weight and member, in the order of the sum. Never empty.
    members: Vec<(f64, Member)>,
    self_test: Option<SelfTest>,
    /// What becomes of the members' sums; `None`: calibration and the sigmoid.
    outputs: Option<Outputs>,
    /// What happens to a row before a wide member reads it.
    preparation: Option<Preparation>,
    drift: Option<DriftReference>,
    /// By member.
    references: Vec<Option<Reference>>,
    /// Made when first asked for.
    explainer: OnceLock<Result<Explainer, ExplainError>>,
}

#[derive(Debug)]
enum Member {
    Forest(MappedForest),
    Linear(MappedLinear),
    /// Stands alone, with weight 1.
    Wide(MappedWide),
}

/// The smallest page of the systems this runs on.
const PAGE_BYTES: usize = 4_096;

/// Rows that a batch hands to a member at a time.
const BATCH_ROWS: usize = 32;

impl Model {
    /// Copies the file to sealed memory, maps it there and checks all of it: what becomes of the file afterwards does not
    /// touch the model. A file that is replaced or written while it is copied is refused, unless all of one state of it
    /// was read.
    ///
    /// # Errors
    /// [`ModelError`], which names the file, the section and what is wrong with it.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        Self::of_pages(path, Pages::of_file(path))
    }

    /// Maps the file where it lies and checks all of it: for a forest that is not to take up memory as a whole.
    ///
    /// # Errors
    /// As [`Model::open`].
    ///
    /// # Safety
    /// Nobody changes the file in place or cuts it short for as long as the model lives. The
    /// file may be replaced by rename, and removed. Where the promise is broken, rows walk numbers that nobody checked:
    /// scores are those of no model, memory outside the file is read, or the process ends by SIGBUS.
    #[allow(unsafe_code)]
    pub unsafe fn open_in_place(path: &Path) -> Result<Self, ModelError> {
        // SAFETY: the caller's promise.
        Self::of_pages(path, unsafe { Pages::in_place(path) })
    }

    fn of_pages(path: &Path, pages: std::io::Result<Pages>) -> Result<Self, ModelError> {
        let file = path.display().to_string();
        match pages {
            Ok(pages) => Self::from_pages(file, &pages),
            Err(source) => Err(ModelError::Io { file, source }),
        }
    }

    /// The same over bytes in memory (copied once to aligned pages).
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let file = "<memory>".to_owned();
        match Pages::copy_of(bytes) {
            Ok(pages) => Self::from_pages(file, &pages),
            Err(source) => Err(ModelError::Io { file, source }),
        }
    }

    fn from_pages(file: String, pages: &Pages) -> Result<Self, ModelError> {
        let sections = SectionFile::check(&file, pages)?;
        let known = sections.sections()?;
        let (meta_place, archived) = known
            .iter()
            .find_map(
                |(place, section)| {
                    if let Section::Meta(meta) = section { Some((*place, *meta)) } else { None }
                },
            )
            .ok_or_else(|| ModelError::MissingSection { file: file.clone(), section: "META" })?;
        let (mut info, weights) = meta::read(archived).map_err(|what| sections.error(meta_place, what))?;
        let width = info.features.len();
        let fingerprint = schema::fingerprint(&info.features);

        let mut weights = weights.into_iter();
        let mut members = Vec::new();
        let (mut self_test, mut full_test, mut outputs, mut scales) = (None, None, None, None);
        let (mut preparation, mut drift, mut explained) = (None, None, Vec::new());
        for (place, section) in known {
            let error = |what| sections.error(place, what);
            let (member, made_for) = match section {
                Section::Meta(_) if place != meta_place => return Err(error("a second META".to_owned())),
                Section::Meta(_) => continue,
                Section::LastSelfTest(archived) => {
                    self_test = Some(SelfTest::check_last(archived, pages, width).map_err(error)?);
                    continue;
                }
                Section::SelfTest(archived) => {
                    full_test = Some((place, archived));
                    continue;
                }
                Section::Link(_) if outputs.is_some() => return Err(error("a second LINK".to_owned())),
                Section::Link(archived) => {
                    outputs = Some(Outputs::read(archived).map_err(error)?);
                    continue;
                }
                Section::Scales(archived) => {
                    if scales.replace(archived).is_some() {
                        return Err(error("a second SCAL".to_owned()));
                    }
                    continue;
                }
                Section::Preparation(archived) => {
                    let read = Preparation::read(archived, width).map_err(error)?;
                    if preparation.replace(read).is_some() {
                        return Err(sections.error(place, "a second PREP".to_owned()));
                    }
                    continue;
                }
                Section::Drift(_) if drift.is_some() => return Err(error("a second DRFT".to_owned())),
                Section::Drift(archived) => {
                    drift = Some(DriftReference::read(archived, width).map_err(error)?);
                    continue;
                }
                Section::Explain(archived) => {
                    explained.push((place, archived));
                    continue;
                }
                Section::Wide(archived) => {
                    let forest = MappedWide::check(archived, pages, width).map_err(error)?;
                    (Member::Wide(forest), archived.features_fingerprint.to_native())
                }
                Section::Forest(archived) => {
                    let forest = NarrowForest::check(archived, pages, width).map_err(error)?;
                    let made_for = archived.features_fingerprint.to_native();
                    (Member::Forest(MappedForest::Narrow(forest)), made_for)
                }
                Section::Blocks(archived) => {
                    let forest = BlockForest::check(archived, pages, width).map_err(error)?;
                    let made_for = archived.features_fingerprint.to_native();
                    (Member::Forest(MappedForest::Blocks(forest)), made_for)
                }
                Section::Oblivious(archived) => {
                    let forest = ObliviousForest::check(archived, pages, width).map_err(error)?;
                    let made_for = archived.features_fingerprint.to_native();
                    (Member::Forest(MappedForest::Oblivious(forest)), made_for)
                }
                Section::Ragged(archived) => {
                    let forest = RaggedForest::check(archived, pages, width).map_err(error)?;
                    let made_for = archived.features_fingerprint.to_native();
                    (Member::Forest(MappedForest::Ragged(forest)), made_for)
                }
                Section::Linear(archived) => {
                    let linear = MappedLinear::check(archived, pages, width).map_err(error)?;
                    (Member::Linear(linear), archived.features_fingerprint.to_native())
                }
            };
            if made_for != fingerprint {
                return Err(error("it was made for other features than META lists".to_owned()));
            }
            let weight = weights.next().ok_or_else(|| error("META has no weight for it".to_owned()))?;
            let (trees, nodes) = member.size();
            info.tree_count += trees;
            info.node_count += nodes;
            members.push((weight, member));
        }
        if members.is_empty() || weights.next().is_some() {
            let what = format!("more weights than members, of which there are {}", members.len());
            return Err(sections.error(meta_place, what));
        }
        if let Some(scales) = scales {
            let scales = scales.scales.iter().map(|scale| scale.to_native()).collect();
            let read = outputs.take().map(|outputs| Outputs { scales, ..outputs });
            let read = read.ok_or_else(|| "a SCAL without a LINK".to_owned());
            let read = read.and_then(|outputs| outputs.fault().map_or(Ok(outputs), Err));
            outputs = Some(read.map_err(|what| sections.error(meta_place, what))?);
        }
        if preparation.is_some() && !matches!(members.as_slice(), [(_, Member::Wide(_))]) {
            return Err(sections.error(meta_place, "a PREP without a WIDE".to_owned()));
        }
        check_outputs(&members, outputs.as_ref(), info.calibration.is_some())
            .map_err(|what| sections.error(meta_place, what))?;
        if let Some((place, archived)) = full_test {
            let counts = outputs.as_ref().map_or([1, 1], |link| [link.raw_count(), link.answer_count()]);
            let test = SelfTest::check_all(archived, pages, [width, counts[0], counts[1]]);
            self_test = Some(test.map_err(|what| sections.error(place, what))?);
        }
        let mut references: Vec<Option<Reference>> = members.iter().map(|_| None).collect();
        for (place, archived) in explained {
            let reference = check_reference(archived, pages, &members, width);
            let (member, reference) = reference.map_err(|what| sections.error(place, what))?;
            if references[member].replace(reference).is_some() {
                return Err(sections.error(place, format!("a second EXPL for member {member}")));
            }
        }
        let mut sha256 = Sha256::new();
        pages.windows(pages.bytes()).for_each(|piece| sha256.update(piece));
        info.sha256 = hexadecimal(&sha256.finalize());
        pages.release(pages.bytes());
        let (explainer, pages) = (OnceLock::new(), pages.clone());
        Ok(Self { info, file, pages, members, self_test, outputs, preparation, drift, references, explainer })
    }

    /// What the file says of itself.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// The layouts of its forests, in the order of the sum.
    pub fn layouts(&self) -> impl Iterator<Item = Layout> {
        self.members.iter().filter_map(|(_, member)| match member {
            Member::Forest(forest) => Some(forest.layout()),
            Member::Wide(_) => Some(Layout::Wide),
            Member::Linear(_) => None,
        })
    }

    /// Walks its forests with other instructions than the fastest this machine has: for tests and benchmarks. False,
    /// and nothing changes, where the machine does not have them.
    pub fn set_kernel(&mut self, kernel: Kernel) -> bool {
        self.members.iter_mut().all(|(_, member)| match member {
            Member::Forest(forest) => forest.set_kernel(kernel),
            Member::Wide(_) | Member::Linear(_) => true,
        })
    }

    /// Scores one row, in the order of `info().features`, NaN = missing. No allocation. Infinite values are taken as
    /// beyond every threshold.
    ///
    /// # Panics
    /// If the row's length is not the number of features.
    #[inline]
    pub fn score_row(&self, row: &[f32]) -> Score {
        self.score_by::<false>(row)
    }

    /// The same with every node read through a bounds check: the twin that tests hold [`Model::score_row`] to.
    ///
    /// # Panics
    /// As [`Model::score_row`].
    pub fn score_row_checked(&self, row: &[f32]) -> Score {
        self.score_by::<true>(row)
    }

    /// Scores rows, row-major; `out` takes one probability each. No allocation; the same bits as row by row.
    ///
    /// # Panics
    /// If `rows` is not as long as `out` times the number of features.
    pub fn score_rows(&self, rows: &[f32], out: &mut [f64]) {
        let width = self.info.features.len();
        assert_eq!(rows.len(), out.len() * width, "values, rows times {width} features");
        if self.is_wide() {
            for (row, place) in rows.chunks_exact(width).zip(out) {
                *place = self.score_row(row).probability;
            }
            return;
        }
        for (rows, out) in rows.chunks(BATCH_ROWS * width).zip(out.chunks_mut(BATCH_ROWS)) {
            self.score_batch(rows, out);
        }
    }

    /// The answers for rows of f64, row-major; `out` takes [`Model::answer_count`] each. No allocation; the same bits
    /// as [`Model::answers`] row by row.
    ///
    /// # Panics
    /// If `out` has not as many places as there are answers.
    pub fn answer_rows(&self, rows: &[f64], out: &mut [f64]) {
        let (width, answers) = (self.info.features.len(), self.answer_count());
        assert_eq!(rows.len() * answers, out.len() * width, "values times {answers}, answers times {width}");
        if self.is_wide() {
            let mut scores = [0.0; OUTPUTS_MAX];
            let scores = &mut scores[..self.raw_count()];
            for (row, places) in rows.chunks_exact(width).zip(out.chunks_exact_mut(answers)) {
                places.copy_from_slice(self.answers(row, scores));
            }
            return;
        }
        for (rows, out) in rows.chunks(BATCH_ROWS * width).zip(out.chunks_mut(BATCH_ROWS)) {
            self.score_batch(rows, out);
        }
    }

    /// Its one member is a wide forest: what needs more than one sum, or a prepared row.
    fn is_wide(&self) -> bool {
        matches!(self.members.as_slice(), [(_, Member::Wide(_))])
    }

    /// Scores up to [`BATCH_ROWS`] rows of members with one answer each, member by member.
    fn score_batch<T>(&self, rows: &[T], out: &mut [f64])
    where
        [T]: Row,
    {
        let mut row_slices: [&[T]; BATCH_ROWS] = [&[]; BATCH_ROWS];
        for (place, row) in row_slices.iter_mut().zip(rows.chunks_exact(self.info.features.len())) {
            *place = row;
        }
        let (rows, mut scores) = (&row_slices[..out.len()], [0.0; BATCH_ROWS]);
        // As `combine::weighted_sum`: from zero, in the order of the members.
        out.fill(0.0);
        for (weight, member) in &self.members {
            match member {
                Member::Forest(forest) => forest.score_together(rows, &mut scores),
                Member::Linear(linear) => {
                    for (row, score) in rows.iter().zip(&mut scores) {
                        *score = linear.score(*row);
                    }
                }
                Member::Wide(_) => unreachable!("`check_outputs` lets a wide member stand alone only"),
            }
            for (sum, score) in out.iter_mut().zip(scores) {
                *sum += weight * score;
            }
        }
        for place in out {
            *place = match &self.outputs {
                Some(outputs) => {
                    let mut one = [*place];
                    outputs.finish_raw(&mut one);
                    outputs.apply(&mut one);
                    one[0]
                }
                None => combine::finish(*place, self.info.calibration).probability,
            };
        }
    }

    /// Rescores the self-test's rows and compares bits. Gives how many rows there were; 0 for a file without any.
    ///
    /// # Errors
    /// [`ModelError::SelfTest`] with the first row that differs: this build or machine does not compute what the
    /// model's maker saw.
    pub fn verify(&self) -> Result<usize, ModelError> {
        let Some(test) = &self.self_test else { return Ok(0) };
        test.verify(self).map_err(|Difference { row, number, expected, found }| ModelError::SelfTest {
            file: self.file.clone(),
            row,
            number,
            expected,
            found,
        })?;
        Ok(test.values().len() / self.info.features.len())
    }

    /// Reads a byte of every page, so that the first rows wait for none. Gives the bytes of the file.
    pub fn touch(&self) -> usize {
        let bytes = self.pages.bytes();
        for page in bytes.chunks(PAGE_BYTES) {
            std::hint::black_box(page[0]);
        }
        bytes.len()
    }

    /// The file's bytes. Their SHA-256 is the one in [`Model::info`].
    pub fn bytes(&self) -> &[u8] {
        self.pages.bytes()
    }

    /// How features and answers were distributed in training, where the file says.
    pub fn drift_reference(&self) -> Option<&DriftReference> {
        self.drift.as_ref()
    }

    /// The self-test's rows, row-major; empty where the file has none.
    pub fn self_test_rows(&self) -> Vec<f64> {
        self.self_test.as_ref().map_or_else(Vec::new, SelfTest::values)
    }

    /// What explains this model's scores. The first call prepares it, which may take as long as scoring thousands of
    /// rows.
    ///
    /// # Errors
    /// [`ExplainError`]: why it cannot be explained.
    pub fn explainer(&self) -> Result<&Explainer, ExplainError> {
        self.explainer.get_or_init(|| self.make_explainer()).as_ref().map_err(Clone::clone)
    }

    /// Takes a row's raw scores apart: [`Explanation`]. See [`crate::explain`].
    ///
    /// # Errors
    /// As [`Model::explainer`].
    ///
    /// # Panics
    /// If the row's length is not the number of features.
    pub fn explain(&self, row: &[f64]) -> Result<Explanation, ExplainError> {
        let explainer = self.explainer()?;
        let mut scores = vec![0.0; self.raw_count()];
        self.raw_scores(row, &mut scores);
        let mut explanation = match &self.preparation {
            None => explainer.explain(row),
            Some(preparation) => {
                let prepared = preparation.over(row);
                explainer.explain(&(0..row.len()).map(|at| prepared.double(at)).collect::<Vec<_>>())
            }
        };
        for (output, score) in scores.iter().enumerate() {
            // What a sum of f32 rounds away, and here and there the last bit of one of f64.
            let sum: f64 = explanation.of_output(output).iter().sum();
            explanation.base_values[output] += score - (explanation.base_values[output] + sum);
        }
        Ok(explanation)
    }

    fn make_explainer(&self) -> Result<Explainer, ExplainError> {
        let (scales, offsets) = match (&self.outputs, self.info.calibration) {
            (Some(outputs), _) => (outputs.factors(), outputs.bias.clone()),
            (None, Some(platt)) => (vec![platt.a], vec![platt.b]),
            (None, None) => (vec![1.0], vec![0.0]),
        };
        let mut parts = Vec::with_capacity(self.members.len());
        for ((weight, member), reference) in self.members.iter().zip(&self.references) {
            let reference = reference.as_ref();
            let part = match member {
                Member::Forest(forest) => forest_part(|most| forest.unpack(most), reference)?,
                Member::Wide(forest) => forest_part(|most| forest.unpack(most), reference)?,
                Member::Linear(linear) => {
                    let (terms, intercept) = linear.unpack();
                    linear_part(terms, intercept, reference)
                }
            };
            parts.push((*weight, part));
        }
        Ok(Explainer::new(parts, scales, offsets, self.info.features.len()))
    }

    /// What becomes of the members' sums in an imported model; `None` for calibration and the sigmoid.
    pub fn outputs(&self) -> Option<&Outputs> {
        self.outputs.as_ref()
    }

    /// How many raw scores a row has: 1, or one for each class.
    pub fn raw_count(&self) -> usize {
        self.outputs.as_ref().map_or(1, Outputs::raw_count)
    }

    /// How many answers a row has: 1, or one for each class.
    pub fn answer_count(&self) -> usize {
        self.outputs.as_ref().map_or(1, Outputs::answer_count)
    }

    /// Whether any part of it compares f64. Where none does, a row's values are rounded to f32 before anything else
    /// happens to them.
    pub fn reads_doubles(&self) -> bool {
        self.preparation.is_some()
            || self.members.iter().any(|(_, member)| match member {
                Member::Forest(forest) => forest.reads_doubles(),
                Member::Wide(forest) => forest.reads_doubles(),
                Member::Linear(_) => false,
            })
    }

    /// Whether a row's one answer is a probability, as whoever calls a spike must know.
    pub fn gives_probability(&self) -> bool {
        self.outputs
            .as_ref()
            .is_none_or(|outputs| outputs.answer_count() == 1 && outputs.gives_probabilities())
    }

    /// The scores of a row of f64 before the link: margins, log-odds, means of leaves. No allocation.
    ///
    /// # Panics
    /// If the row's length is not the number of features, or `scores` has not [`Model::raw_count`] places.
    pub fn raw_scores(&self, row: &[f64], scores: &mut [f64]) {
        self.sums::<false, _>(row, scores);
        match &self.outputs {
            Some(outputs) => outputs.finish_raw(scores),
            None => scores[0] = combine::finish(scores[0], self.info.calibration).log_odds,
        }
    }

    /// The answers for a row of f64, as the model's library gives them: probabilities, values, or a class's position.
    /// They stand at the beginning of `scores`. No allocation.
    ///
    /// # Panics
    /// As [`Model::raw_scores`].
    pub fn answers<'a>(&self, row: &[f64], scores: &'a mut [f64]) -> &'a [f64] {
        self.raw_scores(row, scores);
        let answers = match &self.outputs {
            Some(outputs) => outputs.apply(scores),
            None => {
                scores[0] = combine::sigmoid(scores[0]);
                1
            }
        };
        &scores[..answers]
    }

    fn sums<const CHECKED: bool, R: Row + ?Sized>(&self, row: &R, sums: &mut [f64]) {
        assert_eq!(row.width(), self.info.features.len(), "values in the row, features of the model");
        assert_eq!(sums.len(), self.raw_count(), "places for scores, raw scores of the model");
        match self.members.as_slice() {
            [(_, Member::Wide(forest))] => match &self.preparation {
                None => forest.score(row, sums),
                Some(preparation) => forest.score(&preparation.over(row), sums),
            },
            _ => sums[0] = self.weighted_sum::<CHECKED, _>(row),
        }
    }

    #[inline]
    fn weighted_sum<const CHECKED: bool, R: Row + ?Sized>(&self, row: &R) -> f64 {
        combine::weighted_sum(self.members.iter().map(|(weight, member)| {
            let log_odds = match member {
                Member::Forest(forest) => forest.score::<CHECKED, R>(row),
                Member::Linear(linear) => linear.score(row),
                Member::Wide(_) => unreachable!("`check_outputs` lets a wide member stand alone only"),
            };
            (*weight, log_odds)
        }))
    }

    #[inline]
    fn score_by<const CHECKED: bool>(&self, row: &[f32]) -> Score {
        if let Some(outputs) = &self.outputs {
            return self.score_imported::<CHECKED>(row, outputs);
        }
        assert_eq!(row.len(), self.info.features.len(), "values in the row, features of the model");
        combine::finish(self.weighted_sum::<CHECKED, _>(row), self.info.calibration)
    }

    /// A row's score by a link of its own.
    fn score_imported<const CHECKED: bool>(&self, row: &[f32], outputs: &Outputs) -> Score {
        match outputs.raw_count() {
            1 => self.score_into::<CHECKED>(row, outputs, &mut [0.0]),
            count => self.score_many::<CHECKED>(row, outputs, count),
        }
    }

    // Never inlined: its scores take much room on the stack.
    #[inline(never)]
    fn score_many<const CHECKED: bool>(&self, row: &[f32], outputs: &Outputs, count: usize) -> Score {
        self.score_into::<CHECKED>(row, outputs, &mut [0.0; OUTPUTS_MAX][..count])
    }

    #[inline]
    fn score_into<const CHECKED: bool>(&self, row: &[f32], outputs: &Outputs, scores: &mut [f64]) -> Score {
        self.sums::<CHECKED, _>(row, scores);
        outputs.finish_raw(scores);
        let log_odds = scores[scores.len() - 1];
        let answers = outputs.apply(scores);
        Score { log_odds, probability: scores[answers - 1] }
    }
}

impl Member {
    /// Trees, and nodes with leaves.
    fn size(&self) -> (usize, usize) {
        match self {
            Self::Forest(forest) => (forest.tree_count(), forest.node_count()),
            Self::Wide(forest) => (forest.tree_count(), forest.node_count()),
            Self::Linear(_) => (0, 0),
        }
    }
}

/// The member that a section EXPL speaks of, and what it says.
fn check_reference(
    archived: &crate::file::v1::ArchivedExplain,
    pages: &Pages,
    members: &[(f64, Member)],
    width: usize,
) -> Result<(usize, Reference), String> {
    let number = archived.member.to_native() as usize;
    let (nodes, terms) = match members.get(number) {
        Some((_, Member::Forest(forest))) => (forest.node_count(), 0),
        Some((_, Member::Wide(forest))) => (forest.node_count(), 0),
        Some((_, Member::Linear(_))) => (0, width),
        None => return Err(format!("member {number} of {}", members.len())),
    };
    Ok((number, Reference::check(archived, pages, nodes, terms)?))
}

/// A wide forest stands alone; outputs are as many as the members give, and take the place of a calibration.
fn check_outputs(
    members: &[(f64, Member)],
    outputs: Option<&Outputs>,
    calibrated: bool,
) -> Result<(), String> {
    let raw_count = match members {
        [(weight, Member::Wide(forest))] if *weight == 1.0 => Some(forest.outputs()),
        _ if members.iter().any(|(_, member)| matches!(member, Member::Wide(_))) => {
            return Err("a wide forest stands alone, with weight 1".to_owned());
        }
        _ => None,
    };
    match (raw_count, outputs) {
        (_, Some(_)) if calibrated => Err("a calibration beside a LINK".to_owned()),
        (Some(_), None) => Err("a wide forest needs a LINK".to_owned()),
        (raw_count, Some(outputs)) if outputs.raw_count() != raw_count.unwrap_or(1) => {
            Err(format!("a LINK of {} outputs for members that give others", outputs.raw_count()))
        }
        _ => Ok(()),
    }
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
