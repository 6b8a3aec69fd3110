//! scikit-learn models, from arrays that `model/export/sklearn_to_npz.py` writes (.npz) or from skops files (.skops).
//! Pickles are refused.
//!
//! `x <= threshold` goes left; forests compare x as f32 with an f64 threshold, HistGradientBoosting f64 with f64. NaN
//! goes where `missing_go_to_left` says. A forest's score is the mean over trees of class fractions, boosting's the sum
//! over its baseline. A threshold of +inf sends everything except NaN left; forests take no rows with infinities,
//! HistGradientBoosting does. Imputing and scaling before the model, and sigmoid calibration after it, are supported.
//! Linear models are sums of products in f64.

mod npy;
mod skops;
mod tree;

use npy::Arrays;

use super::{Fault, Foreign, Options};
use crate::{
    forest::wide::{LinearLeaf, OUTPUTS_MAX, Precision, WideForest, WideNode, WideTree},
    link::{Link, Outputs},
    preparation::{Preparation, PreparedFeature},
};

fn is_zip_with(bytes: &[u8], name: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") && bytes.windows(name.len()).any(|window| window == name)
}

/// Whether the bytes are a zip archive with the arrays of trees or lines.
pub(super) fn is_npz(bytes: &[u8]) -> bool {
    is_zip_with(bytes, b"node_count.npy") || is_zip_with(bytes, b"intercepts.npy")
}

/// Whether the bytes are a zip archive with a schema.
pub(super) fn is_skops(bytes: &[u8]) -> bool {
    is_zip_with(bytes, b"schema.json")
}

pub(super) fn read_npz(bytes: &[u8], _: &Options) -> Result<Foreign, Fault> {
    read(&Arrays::read(bytes)?)
}

pub(super) fn read_skops(bytes: &[u8], _: &Options) -> Result<Foreign, Fault> {
    read(&skops::arrays(bytes)?)
}

fn read(arrays: &Arrays) -> Result<Foreign, Fault> {
    let classes = labels(arrays)?;
    let features = features(arrays)?;
    let library = arrays.text("library")?.unwrap_or_else(|| "scikit-learn, version not said".to_owned());
    let mut notes = Vec::new();
    if classes.len() == 2 {
        notes.push(format!("Two classes: the one score is the probability of {:?}.", classes[1]));
    }
    let (forest, mut outputs) = match arrays.optional("coefficients") {
        Some(_) => lines(arrays, features.len(), &classes, &mut notes)?,
        None => trees(arrays, &classes)?,
    };
    calibrate(arrays, &mut outputs)?;
    outputs.classes = classes;
    let preparation = preparation(arrays)?;
    Ok(Foreign { features, preparation, forest, outputs, library, notes })
}

/// The feature names; empty texts if there are none.
fn features(arrays: &Arrays) -> Result<Vec<String>, Fault> {
    // The model refuses more features than it can number, so they need not all be made first.
    let count = arrays.count("n_features")?.min(1 << 17);
    let mut features = match arrays.optional("feature_names") {
        Some(names) => names.texts()?,
        None => Vec::new(),
    };
    if features.is_empty() {
        features.resize(count, String::new());
    }
    match features.len() == count {
        true => Ok(features),
        false => Err(format!("{} names for {count} features", features.len()).into()),
    }
}

/// Number of calibrated classifiers that are averaged; 1 for other models.
fn classifier_count(arrays: &Arrays) -> Result<usize, Fault> {
    let count = arrays.optional("calibration_a").map(npy::Array::doubles).transpose()?.map_or(1, |a| a.len());
    if count == 0 || count > OUTPUTS_MAX {
        return Err(Fault::Unsupported(format!(
            "{count} calibrated classifiers; 1 to {OUTPUTS_MAX} are possible"
        )));
    }
    Ok(count)
}

fn trees(arrays: &Arrays, classes: &[String]) -> Result<(WideForest, Outputs), Fault> {
    let values = match arrays.text("compare")?.as_deref() {
        None | Some("f4") => Precision::Single,
        Some("f8") => Precision::Double,
        Some(other) => return Err(Fault::Unsupported(format!("compare {other:?}"))),
    };
    let classifiers = classifier_count(arrays)?;
    if classifiers > 1 && classes.len() != 2 {
        return Err(Fault::Unsupported("calibration of other than two classes".to_owned()));
    }
    let boosted = arrays.optional("baseline").map(npy::Array::doubles).transpose()?;
    let (leaves, link) = match &boosted {
        Some(base) if base.is_empty() || base.len() > OUTPUTS_MAX => {
            let what = format!("{} outputs; 1 to {OUTPUTS_MAX} are possible", base.len());
            return Err(Fault::Unsupported(what));
        }
        // Of averaged classifiers each has one output of its own.
        Some(base) => (tree::Leaves::InTurn { outputs: base.len() / classifiers }, link(arrays)?),
        None if classes.is_empty() => (tree::Leaves::Values, Link::Identity),
        None => (tree::Leaves::Fractions { classes: classes.len() }, Link::Identity),
    };
    let count = match &boosted {
        Some(base) => base.len(),
        None => leaves.outputs() * classifiers,
    };
    if classifiers > 1 && count != classifiers {
        return Err(format!("{count} outputs for {classifiers} calibrated classifiers").into());
    }
    let tree::Read { mut trees, sets } = tree::read_all(arrays, leaves, values)?;
    let mut outputs = Outputs::plain(count, Precision::Double, link);
    if boosted.is_none() {
        outputs.divisor = (trees.len() / classifiers).max(1) as f64;
    }
    if classifiers > 1 {
        let shares = arrays.get("tree_counts")?.integers()?;
        share_out(&mut trees, &shares, classifiers, boosted.is_none())?;
    }
    let base = boosted.unwrap_or_else(|| vec![0.0; count]);
    Ok((WideForest { trees, sets, base, values, sum: Precision::Double }, outputs))
}

/// Gives the trees of each averaged classifier an output of their own.
fn share_out(
    trees: &mut [WideTree],
    shares: &[i64],
    classifiers: usize,
    averages: bool,
) -> Result<(), Fault> {
    let total = shares.iter().try_fold(0_i64, |sum, &share| sum.checked_add(share));
    if shares.len() != classifiers
        || total != i64::try_from(trees.len()).ok()
        || shares.iter().any(|&share| share < 0)
    {
        return Err("tree_counts are not those of its trees".to_owned().into());
    }
    if averages && shares.iter().any(|&share| share != shares[0]) {
        return Err(Fault::Unsupported("calibrated forests of different sizes".to_owned()));
    }
    let owners = shares
        .iter()
        .enumerate()
        .flat_map(|(owner, &share)| std::iter::repeat_n(owner as u16, share as usize));
    for (tree, owner) in trees.iter_mut().zip(owners) {
        tree.output = Some(owner);
    }
    Ok(())
}

/// Builds a line for each output: a tree of one linear leaf.
fn lines(
    arrays: &Arrays,
    width: usize,
    classes: &[String],
    notes: &mut Vec<String>,
) -> Result<(WideForest, Outputs), Fault> {
    let (coefficients, intercepts) =
        (arrays.get("coefficients")?.doubles()?, arrays.get("intercepts")?.doubles()?);
    let count = intercepts.len();
    if count == 0 || count > OUTPUTS_MAX || coefficients.len() != count * width || width > 1 << 16 {
        let what = format!("{} coefficients for {count} lines over {width} features", coefficients.len());
        return Err(what.into());
    }
    let link = match classes.len() {
        0 => Link::Identity,
        2 => Link::Sigmoid { slope: 1.0 },
        _ => Link::Softmax,
    };
    let line = |(output, coefficients): (usize, &[f64])| WideTree {
        nodes: vec![WideNode::Leaf(0)],
        output: Some(output as u16),
        leaves: vec![0.0],
        lines: vec![LinearLeaf { constant: 0.0, terms: (0..).zip(coefficients.iter().copied()).collect() }],
        cover: Vec::new(),
    };
    let trees = coefficients.chunks_exact(width.max(1)).enumerate().map(line).collect();
    let mut outputs = Outputs::plain(count, Precision::Double, link);
    outputs.bias = intercepts;
    notes.push(
        "A linear model: products are added in the order of the features; scikit-learn leaves the order to its BLAS, \
         which may differ in the last digits."
            .to_owned(),
    );
    if arrays.optional("prepare_imputed").is_none() {
        notes.push(
            "It has no imputer: a row with a missing value is scored by the intercept alone.".to_owned(),
        );
    }
    let (values, sum) = (Precision::Double, Precision::Double);
    Ok((WideForest { trees, sets: Vec::new(), base: vec![0.0; count], values, sum }, outputs))
}

/// Sets the calibration: `1 / (1 + exp(a*f + b))` of each classifier's score f, averaged.
fn calibrate(arrays: &Arrays, outputs: &mut Outputs) -> Result<(), Fault> {
    if arrays.optional("calibration_a").is_none() {
        return Ok(());
    }
    if arrays.optional("coefficients").is_some() {
        return Err(Fault::Unsupported("calibration of a linear model".to_owned()));
    }
    let negated =
        |name: &str| Ok::<_, String>(arrays.get(name)?.doubles()?.iter().map(|value| -value).collect());
    let (scales, biases): (Vec<f64>, Vec<f64>) = (negated("calibration_a")?, negated("calibration_b")?);
    if scales.len() != outputs.raw_count() || biases.len() != scales.len() {
        return Err(format!("{} calibrations for {} outputs", scales.len(), outputs.raw_count()).into());
    }
    outputs.bias = biases;
    match scales.as_slice() {
        [scale] => (outputs.scale, outputs.link) = (*scale, Link::Sigmoid { slope: 1.0 }),
        _ => (outputs.scales, outputs.link) = (scales, Link::MeanSigmoid),
    }
    Ok(())
}

/// Reads imputing, then centring and scaling, from the columns of these names.
fn preparation(arrays: &Arrays) -> Result<Option<Preparation>, Fault> {
    let column = |name: &str| arrays.optional(name).map(npy::Array::doubles).transpose();
    let (imputed, center, scale) =
        (column("prepare_imputed")?, column("prepare_center")?, column("prepare_scale")?);
    let Some(width) = [&imputed, &center, &scale].into_iter().flatten().map(Vec::len).max() else {
        return Ok(None);
    };
    let plain = PreparedFeature::PLAIN;
    let (imputed, center, scale) = (
        imputed.unwrap_or_else(|| vec![plain.imputed; width]),
        center.unwrap_or_else(|| vec![plain.center; width]),
        scale.unwrap_or_else(|| vec![plain.scale; width]),
    );
    if [imputed.len(), center.len(), scale.len()] != [width; 3] {
        return Err("its columns of preparation differ in length".to_owned().into());
    }
    let parts = imputed.into_iter().zip(center).zip(scale);
    let part = |((imputed, center), scale)| PreparedFeature { imputed, center, scale };
    Ok(Some(Preparation { features: parts.map(part).collect() }))
}

/// The classes in the order of their columns; empty for a regressor.
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
