//! A model, mapped and checked, ready to score.

use std::path::Path;

use rkyv::rend::{f32_le, f64_le};
use sha2::{Digest, Sha256};

use crate::{
    combine,
    error::ModelError,
    file::{
        pages::{MappedSlice, Pages},
        read::{Section, SectionFile},
    },
    forest::narrow::NarrowForest,
    info::{ModelInfo, Score},
    linear::MappedLinear,
    meta, schema,
};

/// A model, mapped and checked, ready to score. Shared by `Arc` between shards.
#[derive(Debug)]
pub struct Model {
    info: ModelInfo,
    /// The file's name for messages.
    file: String,
    /// Weight and member, in the order of the sum. Never empty.
    members: Vec<(f64, Member)>,
    self_test: Option<SelfTest>,
}

#[derive(Debug)]
enum Member {
    Forest(NarrowForest),
    Linear(MappedLinear),
}

/// Rows, and the log-odds they had where the file was made.
#[derive(Debug)]
struct SelfTest {
    rows: MappedSlice<f32_le>,
    log_odds: MappedSlice<f64_le>,
}

impl Model {
    /// Maps the file and checks all of it.
    ///
    /// The file must be replaced by rename, never modified in place, for as long as the model lives.
    ///
    /// # Errors
    /// [`ModelError`], which names the file, the section and what is wrong with it.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let file = path.display().to_string();
        match Pages::of_file(path) {
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
        let mut self_test = None;
        for (place, section) in known {
            let error = |what| sections.error(place, what);
            let (member, made_for) = match section {
                Section::Meta(_) if place != meta_place => return Err(error("a second META".to_owned())),
                Section::Meta(_) => continue,
                Section::SelfTest(archived) => {
                    self_test = Some(SelfTest::check(archived, pages, width).map_err(error)?);
                    continue;
                }
                Section::Forest(archived) => {
                    let forest = NarrowForest::check(archived, pages, width).map_err(error)?;
                    info.tree_count += forest.tree_count();
                    info.node_count += forest.node_count();
                    (Member::Forest(forest), archived.features_fingerprint.to_native())
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
            members.push((weight, member));
        }
        if members.is_empty() || weights.next().is_some() {
            let what = format!("more weights than members, of which there are {}", members.len());
            return Err(sections.error(meta_place, what));
        }
        info.sha256 = hexadecimal(&Sha256::digest(pages.bytes()));
        Ok(Self { info, file, members, self_test })
    }

    /// What the file says of itself.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Scores one row, in the order of `info().features`, NaN = missing. No allocation. Infinite values are taken as
    /// beyond every threshold.
    ///
    /// # Panics
    /// If the row's length is not the number of features.
    #[inline]
    pub fn score_row(&self, row: &[f32]) -> Score {
        self.score_by(row, NarrowForest::score)
    }

    /// The same with every node read through a bounds check: the twin that tests hold [`Model::score_row`] to.
    ///
    /// # Panics
    /// As [`Model::score_row`].
    pub fn score_row_checked(&self, row: &[f32]) -> Score {
        self.score_by(row, NarrowForest::score_checked)
    }

    /// Scores rows, row-major; `out` takes one probability each. No allocation; the same bits as row by row.
    ///
    /// # Panics
    /// If `rows` is not as long as `out` times the number of features.
    pub fn score_rows(&self, rows: &[f32], out: &mut [f64]) {
        let width = self.info.features.len();
        assert_eq!(rows.len(), out.len() * width, "values, rows times {width} features");
        for (row, place) in rows.chunks_exact(width).zip(out) {
            *place = self.score_row(row).probability;
        }
    }

    /// Rescores the self-test's rows and compares bits. Gives how many rows there were; 0 for a file without any.
    ///
    /// # Errors
    /// [`ModelError::SelfTest`] with the first row that differs: this build or machine does not compute what the
    /// model's maker saw.
    pub fn verify(&self) -> Result<usize, ModelError> {
        let Some(test) = &self.self_test else { return Ok(0) };
        let mut values = Vec::with_capacity(self.info.features.len());
        for (row, (archived, log_odds)) in
            test.rows.chunks_exact(self.info.features.len()).zip(test.log_odds.iter()).enumerate()
        {
            values.clear();
            values.extend(archived.iter().map(|value| value.to_native()));
            let (expected, found) = (log_odds.to_native(), self.score_row(&values).log_odds);
            if expected.to_bits() != found.to_bits() {
                return Err(ModelError::SelfTest { file: self.file.clone(), row, expected, found });
            }
        }
        Ok(test.log_odds.len())
    }

    #[inline]
    fn score_by(&self, row: &[f32], forest_score: impl Fn(&NarrowForest, &[f32]) -> f64) -> Score {
        assert_eq!(row.len(), self.info.features.len(), "values in the row, features of the model");
        let raw = combine::weighted_sum(self.members.iter().map(|(weight, member)| {
            let log_odds = match member {
                Member::Forest(forest) => forest_score(forest, row),
                Member::Linear(linear) => linear.score(row),
            };
            (*weight, log_odds)
        }));
        combine::finish(raw, self.info.calibration)
    }
}

impl SelfTest {
    fn check(
        archived: &crate::file::v1::ArchivedSelfTest,
        pages: &Pages,
        width: usize,
    ) -> Result<Self, String> {
        if archived.rows.len() != archived.log_odds.len() * width {
            let (values, answers) = (archived.rows.len(), archived.log_odds.len());
            return Err(format!("{values} values for {answers} answers of {width} features"));
        }
        Ok(Self { rows: pages.keep(&archived.rows), log_odds: pages.keep(&archived.log_odds) })
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
