//! Which models can be learned: one list.

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

/// What a model is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipe {
    /// The default: logistic regression and boosted trees, averaged in log-odds.
    Average,
    /// Logistic regression alone.
    Logistic,
    /// Boosted trees alone.
    Boosted,
    /// A random forest: the mean share of spikes in the leaves that a row reaches.
    Forest,
    /// The baseline, HAR-logit: logistic regression on [`BASELINE_FEATURES`].
    HarLogit,
}

/// What the recipe gave: members with their weights, and who made them.
pub(super) struct Fitted {
    pub(super) members: Vec<(f64, MemberDraft)>,
    pub(super) trainers: String,
}

impl Recipe {
    /// The variant that serves it: `baseline` for HAR-logit, else `ml`.
    pub fn variant(self) -> &'static str {
        if self == Self::HarLogit { "baseline" } else { "ml" }
    }

    /// The features that it reads of those there are.
    ///
    /// # Errors
    /// [`LearnError::FeatureAbsent`].
    pub(super) fn features(self, data: &Dataset) -> Result<Option<Dataset>, LearnError> {
        (self == Self::HarLogit).then(|| data.select(&BASELINE_FEATURES)).transpose()
    }

    /// The model that these members are.
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

    /// How its members' sum becomes a probability, where that is not by the sigmoid: a forest's is one already.
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
