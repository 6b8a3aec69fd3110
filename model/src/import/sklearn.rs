//! scikit-learn, through arrays that `model/export/sklearn_to_npz.py` writes: a .npz of the trees, no pickle.
//!
//! `x <= threshold` goes left; forests compare x as f32 with an f64 threshold, HistGradientBoosting f64 with f64. NaN goes
//! where `missing_go_to_left` says. Forests give the mean over trees of class fractions, boosting a sum over its
//! baseline. A threshold of +inf (all but NaN go left) sends +inf right: scikit-learn takes no rows with infinities.

mod npy;
mod tree;

use npy::Arrays;

use super::{Fault, Foreign, Options};
use crate::{
    forest::wide::{OUTPUTS_MAX, Precision, WideForest},
    link::{Link, Outputs},
};

/// A zip archive that has the arrays of trees.
pub(super) fn is_it(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") && bytes.windows(14).any(|window| window == b"node_count.npy")
}

pub(super) fn read(bytes: &[u8], _: &Options) -> Result<Foreign, Fault> {
    let arrays = Arrays::read(bytes)?;
    let classes = labels(&arrays)?;
    let feature_count = arrays.count("n_features")?;
    let mut features = match arrays.optional("feature_names") {
        Some(names) => names.texts()?,
        None => Vec::new(),
    };
    if features.is_empty() {
        // The model refuses more features than it can number; no need to make them all first.
        features.resize(feature_count.min(1 << 17), String::new());
    }
    if features.len() != feature_count.min(1 << 17) {
        return Err(format!("{} names for {feature_count} features", features.len()).into());
    }
    let values = match arrays.text("compare")?.as_deref() {
        None | Some("f4") => Precision::Single,
        Some("f8") => Precision::Double,
        Some(other) => return Err(Fault::Unsupported(format!("compare {other:?}"))),
    };
    let boosted = arrays.optional("baseline").map(|baseline| baseline.doubles()).transpose()?;
    let library = arrays.text("library")?.unwrap_or_else(|| "scikit-learn, version not said".to_owned());

    let (trees, base, mut outputs) = match boosted {
        Some(base) => {
            let count = base.len();
            if count == 0 || count > OUTPUTS_MAX {
                return Err(Fault::Unsupported(format!("{count} outputs; 1 to {OUTPUTS_MAX} are possible")));
            }
            let trees = tree::read_all(&arrays, tree::Leaves::InTurn { outputs: count })?;
            (trees, base, Outputs::plain(count, Precision::Double, link(&arrays)?))
        }
        None => {
            let leaves = match classes.len() {
                0 => tree::Leaves::Values,
                _ => tree::Leaves::Fractions { classes: classes.len() },
            };
            let count = leaves.outputs();
            let trees = tree::read_all(&arrays, leaves)?;
            let mut outputs = Outputs::plain(count, Precision::Double, Link::Identity);
            outputs.divisor = trees.len().max(1) as f64;
            (trees, vec![0.0; count], outputs)
        }
    };
    let mut notes = Vec::new();
    if classes.len() == 2 {
        notes.push(format!("Two classes: the one score is the probability of {:?}.", classes[1]));
    }
    outputs.classes = classes;
    let forest = WideForest { trees, sets: Vec::new(), base, values, sum: Precision::Double };
    Ok(Foreign { features, forest, outputs, library, notes })
}

/// The classes in the order of their columns; none for a regressor.
fn labels(arrays: &Arrays) -> Result<Vec<String>, Fault> {
    let classes = arrays.get("classes")?.texts()?;
    match classes.len() {
        1 => Err(Fault::Unsupported("a classifier of one class".to_owned())),
        count if count > OUTPUTS_MAX => Err(Fault::Unsupported(format!("{count} classes"))),
        _ => Ok(classes),
    }
}

fn link(arrays: &Arrays) -> Result<Link, Fault> {
    Ok(match arrays.text("link")?.as_deref() {
        None | Some("identity") => Link::Identity,
        Some("sigmoid") => Link::Sigmoid { slope: 1.0 },
        Some("softmax") => Link::Softmax,
        Some("exp") => Link::Exponential,
        Some(other) => return Err(Fault::Unsupported(format!("link {other:?}"))),
    })
}
