//! XGBoost's objectives: the link from margins to answers. Unknown ones are refused by name.

use super::{Fault, Version, logarithm::ln_single};
use crate::link::Link;

/// The least base score that a logistic objective uses unchanged; the greatest is as far below 1.
const BASE_SCORE_MIN: f32 = 1e-6;

/// An objective's reading of its base score, and its link from margins to answers.
pub(super) struct Objective<'a> {
    pub(super) name: &'a str,
    /// Converts the base score to the margin; not finite for an invalid score.
    pub(super) margin: fn(f32) -> f32,
    pub(super) link: Link,
    /// Whether outputs are classes.
    pub(super) classifies: bool,
}

impl<'a> Objective<'a> {
    /// The objective called `name`, as the XGBoost version that wrote the model reads its base score.
    pub(super) fn by_name(name: &'a str, version: Version) -> Result<Self, Fault> {
        // 3.2 bounds the base score; 1.3.1 made that of logitraw a margin, as that objective's answers are.
        let logistic = if version >= (3, 2, 0) { bounded_logit } else { logit };
        let raw = if version >= (1, 3, 1) { same } else { logit };
        let (margin, link): (fn(f32) -> f32, Link) = match name {
            "binary:logistic" | "reg:logistic" => (logistic, Link::Sigmoid { slope: 1.0 }),
            "binary:logitraw" => (raw, Link::Identity),
            "binary:hinge" => (same, Link::Hinge),
            "multi:softprob" => (same, Link::Softmax),
            "multi:softmax" => (same, Link::ArgMax),
            "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => {
                (ln_single, Link::Exponential)
            }
            "reg:squarederror"
            | "reg:linear"
            | "reg:squaredlogerror"
            | "reg:pseudohubererror"
            | "reg:absoluteerror"
            | "reg:quantileerror"
            | "rank:pairwise"
            | "rank:ndcg"
            | "rank:map" => (same, Link::Identity),
            other => return Err(Fault::Unsupported(format!("objective {other:?}"))),
        };
        let classifies = matches!(name, "binary:logistic" | "binary:hinge") || name.starts_with("multi:");
        Ok(Self { name, margin, link, classifies })
    }
}

fn same(score: f32) -> f32 {
    score
}

/// `-ln(1/p - 1)`, each step an f32.
fn logit(probability: f32) -> f32 {
    -ln_single(1.0 / probability - 1.0)
}

/// The logit of a probability that is clamped away from 0 and 1, which equal labels would give.
fn bounded_logit(probability: f32) -> f32 {
    match (0.0..=1.0).contains(&probability) {
        true => logit(probability.clamp(BASE_SCORE_MIN, 1.0 - BASE_SCORE_MIN)),
        false => f32::NAN,
    }
}
