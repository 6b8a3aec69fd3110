//! The kinds of models that `train` and `evaluate` make.

use clap::ValueEnum;
use model::learn::{Recipe, TrainOptions};

/// The kinds of models that can be trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Variant {
    /// The average of a logistic regression and boosted trees.
    Ml,
    /// Boosted trees alone.
    Gbm,
    /// The logistic regression alone.
    Logistic,
    /// A random forest.
    Forest,
    /// HAR-logit.
    Baseline,
    /// A random forest on the ten features of the system that this one replaces, for its clients.
    RunbookRf,
}

impl Variant {
    /// The recipe of the trainer.
    pub(super) fn recipe(self) -> Recipe {
        match self {
            Self::Ml => Recipe::Average,
            Self::Gbm => Recipe::Boosted,
            Self::Logistic => Recipe::Logistic,
            Self::Forest | Self::RunbookRf => Recipe::Forest,
            Self::Baseline => Recipe::HarLogit,
        }
    }

    /// Changes the options where this kind needs other ones.
    pub(super) fn adapt(self, options: &mut TrainOptions) {
        if self == Self::RunbookRf {
            // Ten features support no more, and the model is built into the binary.
            (options.forest.trees, options.forest.leaves_max) = (100, 32);
        }
    }

    pub(super) fn default_name(self) -> &'static str {
        match self {
            Self::Ml => "stormglass-default",
            Self::Gbm => "stormglass-gbm",
            Self::Logistic => "stormglass-logistic",
            Self::Forest => "stormglass-forest",
            Self::Baseline => "stormglass-baseline",
            Self::RunbookRf => "runbook-rf",
        }
    }
}
