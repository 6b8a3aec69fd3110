//! XGBoost's objectives: what stands between margins and answers. Unknown ones are refused by name.

use super::Fault;
use crate::link::Link;

/// How an objective reads its base score and turns margins into answers.
pub(super) struct Objective {
    /// From the base score to the margin.
    pub(super) margin: fn(f32) -> f32,
    pub(super) link: Link,
    /// Whether outputs speak of classes.
    pub(super) classifies: bool,
}

impl Objective {
    pub(super) fn by_name(name: &str) -> Result<Self, Fault> {
        let (margin, link): (fn(f32) -> f32, Link) = match name {
            "binary:logistic" | "reg:logistic" => (logit, Link::Sigmoid { slope: 1.0 }),
            "binary:logitraw" => (logit, Link::Identity),
            "binary:hinge" => (same, Link::Hinge),
            "multi:softprob" => (same, Link::Softmax),
            "multi:softmax" => (same, Link::ArgMax),
            "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => {
                (logarithm, Link::Exponential)
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
        Ok(Self { margin, link, classifies })
    }
}

fn same(score: f32) -> f32 {
    score
}

/// `-ln(1/p - 1)`, each step an f32.
fn logit(probability: f32) -> f32 {
    -logarithm(1.0 / probability - 1.0)
}

/// The f32 nearest the logarithm.
fn logarithm(score: f32) -> f32 {
    libm::log(f64::from(score)) as f32
}
