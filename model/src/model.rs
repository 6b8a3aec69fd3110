//! A mapped and checked model: [`open`] reads and checks it, [`predict`] scores rows, [`explain`] explains scores,
//! [`verify`] repeats the file's self-test.

mod explain;
mod open;
mod predict;
mod verify;

use std::sync::OnceLock;

use crate::{
    drift::DriftReference,
    explain::{ExplainError, Explainer, reference::Reference},
    file::pages::Pages,
    forest::{Layout, mapped::MappedForest, wide::mapped::MappedWide},
    info::ModelInfo,
    linear::MappedLinear,
    link::Outputs,
    preparation::Preparation,
    self_test::SelfTest,
};

/// A mapped and checked model that scores from any thread. Share it by `Arc`.
#[derive(Debug)]
pub struct Model {
    info: ModelInfo,
    /// The file's name, for messages.
    file: String,
    /// All bytes of the file.
    pages: Pages,
    /// Members with their weights, in the order of the sum. Never empty.
    members: Vec<(f64, Member)>,
    self_test: Option<SelfTest>,
    /// The transformation of the members' sums to the answers; `None`: calibration and sigmoid.
    outputs: Option<Outputs>,
    /// Imputing and scaling of a row before a wide member reads it.
    preparation: Option<Preparation>,
    drift: Option<DriftReference>,
    /// Covers and mean contributions of each member, for explanations.
    references: Vec<Option<Reference>>,
    /// Built on first use.
    explainer: OnceLock<Result<Explainer, ExplainError>>,
}

#[derive(Debug)]
enum Member {
    Forest(MappedForest),
    Linear(MappedLinear),
    /// The only member, with weight 1.
    Wide(MappedWide),
}

/// The smallest page size of the supported systems.
const PAGE_BYTES: usize = 4_096;

impl Model {
    /// Name, version, features, threshold and provenance from the file.
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

    /// The file's bytes. Their SHA-256 is the one in [`Model::info`].
    pub fn bytes(&self) -> &[u8] {
        self.pages.bytes()
    }

    /// Reads a byte of every page, so that the first rows do not wait for the disk. Returns the file's length in bytes.
    #[doc(hidden)]
    pub fn touch(&self) -> usize {
        let bytes = self.pages.bytes();
        for page in bytes.chunks(PAGE_BYTES) {
            std::hint::black_box(page[0]);
        }
        bytes.len()
    }

    /// The distributions of features and answers in training, if the file has them.
    pub fn drift_reference(&self) -> Option<&DriftReference> {
        self.drift.as_ref()
    }

    /// The transformation of an imported model's sums to its answers; `None` for calibration and sigmoid.
    pub fn outputs(&self) -> Option<&Outputs> {
        self.outputs.as_ref()
    }

    /// Number of raw scores a row has: 1, or one for each class.
    pub fn raw_count(&self) -> usize {
        self.outputs.as_ref().map_or(1, Outputs::raw_count)
    }

    /// Number of answers a row has: 1, or one for each class.
    pub fn answer_count(&self) -> usize {
        self.outputs.as_ref().map_or(1, Outputs::answer_count)
    }

    /// Whether any member compares f64. If none does, a row's values are rounded to f32 first.
    pub fn reads_doubles(&self) -> bool {
        self.preparation.is_some()
            || self.members.iter().any(|(_, member)| match member {
                Member::Forest(forest) => forest.reads_doubles(),
                Member::Wide(forest) => forest.reads_doubles(),
                Member::Linear(_) => false,
            })
    }

    /// Whether a row has one answer and that answer is a probability. False for regressions, rankings and models of
    /// several classes.
    pub fn gives_probability(&self) -> bool {
        self.outputs
            .as_ref()
            .is_none_or(|outputs| outputs.answer_count() == 1 && outputs.gives_probabilities())
    }
}
