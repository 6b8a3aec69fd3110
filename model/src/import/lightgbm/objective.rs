//! LightGBM's objectives, with the parameters that follow their names. Unknown ones are refused by name.

use super::{Fault, text::Block};
use crate::link::Link;

pub(super) struct Objective {
    pub(super) link: Link,
    /// Whether outputs are classes.
    pub(super) classifies: bool,
}

impl Objective {
    pub(super) fn of(head: &Block<'_>, outputs: usize, notes: &mut Vec<String>) -> Result<Self, Fault> {
        let Some(line) = head.optional("objective") else {
            notes.push("Trained with an objective of the user's own: answers are the raw scores.".to_owned());
            return Ok(Self { link: Link::Identity, classifies: false });
        };
        let mut words = line.split_ascii_whitespace();
        let name = words.next().unwrap_or_default();
        let (mut slope, mut squared) = (1.0, false);
        for word in words {
            match word.split_once(':') {
                Some(("sigmoid", value)) => {
                    slope = value.parse().map_err(|_| format!("objective {line:?}: no slope"))?;
                }
                Some(("num_class", value)) if value == outputs.to_string() => {}
                Some(("alpha" | "c" | "fair_c" | "quantile" | "tweedie_variance_power", _)) => {}
                None if word == "sqrt" => squared = true,
                _ => return Err(Fault::Unsupported(format!("objective {line:?}: parameter {word:?}"))),
            }
        }
        let link = match name {
            "binary" | "multiclassova" => Link::Sigmoid { slope },
            "multiclass" => Link::Softmax,
            "cross_entropy" => Link::Sigmoid { slope: 1.0 },
            "cross_entropy_lambda" => Link::Softplus,
            "poisson" | "gamma" | "tweedie" => Link::Exponential,
            "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" if squared => {
                Link::SignedSquare
            }
            "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" | "lambdarank"
            | "rank_xendcg" => Link::Identity,
            other => return Err(Fault::Unsupported(format!("objective {other:?}"))),
        };
        Ok(Self { link, classifies: matches!(name, "binary" | "multiclass" | "multiclassova") })
    }
}
