//! CatBoost's JSON format.
//!
//! A value is rounded to f32; if it is above the border, it sets its bit of the leaf's number (symmetric trees) or goes
//! right (others). A one-hot split does so if the category is the split's. NaN is below everything or above everything,
//! as the feature says. Leaves are f64, summed from 0, then scaled and shifted by the bias. Statistics that CatBoost
//! makes of categories (CTR), texts and embeddings are refused by name.

mod loss;
mod tree;

use std::collections::HashMap;

use super::{
    Fault, Foreign, Options,
    document::{Value, json},
};
use crate::{
    forest::wide::{MissingRule, OUTPUTS_MAX, Precision, WideForest},
    link::Outputs,
};

/// Whether the bytes start like a JSON object whose first key is CatBoost's.
pub(super) fn is_it(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(4096)];
    // A model with CTR begins with its tables, however long they are; it is recognised here and refused later by name.
    let keys: [&[u8]; 4] = [b"\"features_info\"", b"\"oblivious_trees\"", b"\"model_info\"", b"\"ctr_data\""];
    let has = |key: &[u8]| start.windows(key.len()).any(|window| window == key);
    start.trim_ascii_start().starts_with(b"{") && keys.into_iter().any(has)
}

/// The features, by the numbers that splits use.
struct Features {
    floats: Vec<Feature>,
    /// Row positions of the categorical features.
    categories: Vec<u16>,
    /// Categories by CatBoost's hash of their text.
    by_hash: HashMap<i64, String>,
}

/// A numerical feature.
struct Feature {
    place: u16,
    missing: MissingRule,
}

pub(super) fn read(bytes: &[u8], _: &Options) -> Result<Foreign, Fault> {
    let root = json::read(bytes)?;
    let (names, features) = features(root.field("features_info")?)?;
    let (scale, bias) = match root.field("scale_and_bias")? {
        Value::Array(parts) if parts.len() == 2 => (parts[0].as_double(), &parts[1]),
        _ => return Err("scale_and_bias is no pair".to_owned().into()),
    };
    let scale = scale.ok_or_else(|| "the scale is no number".to_owned())?;
    let bias = match bias {
        Value::Array(bias) => bias.iter().map(Value::as_double).collect(),
        bias => bias.as_double().map(|bias| vec![bias]),
    };
    let bias: Vec<f64> = bias.ok_or_else(|| "the bias is no list of numbers".to_owned())?;
    let outputs = bias.len();
    if outputs == 0 || outputs > OUTPUTS_MAX {
        return Err(Fault::Unsupported(format!("{outputs} outputs; 1 to {OUTPUTS_MAX} are possible")));
    }
    let read = match root.optional("oblivious_trees") {
        Some(_) => tree::symmetric,
        None => tree::nested,
    };
    let trees =
        root.array(if root.optional("oblivious_trees").is_some() { "oblivious_trees" } else { "trees" })?;
    let (mut grown, mut sets) = (Vec::with_capacity(trees.len()), Vec::new());
    for (number, tree) in trees.iter().enumerate() {
        grown.push(read(tree, &features, outputs, &mut sets).map_err(|fault| match fault {
            Fault::Broken(what) => Fault::Broken(format!("tree {number}: {what}")),
            unsupported => unsupported,
        })?);
    }

    let mut notes = Vec::new();
    if !features.categories.is_empty() {
        notes.push("Categories are numbers: a row's 3 is the category \"3\".".to_owned());
    }
    let info = root.optional("model_info");
    let (link, classifies) = loss::link(info, &mut notes)?;
    let mut after = Outputs::plain(outputs, Precision::Double, link);
    (after.scale, after.bias) = (scale, bias);
    if classifies {
        after.classes = loss::classes(info, outputs.max(2));
    }
    let (values, sum) = (Precision::Single, Precision::Double);
    let forest = WideForest { trees: grown, sets, base: vec![0.0; outputs], values, sum };
    Ok(Foreign {
        features: names,
        preparation: None,
        forest,
        outputs: after,
        library: loss::library(info),
        notes,
    })
}

/// The names of a row's features, and the features by the numbers that splits use.
fn features(info: &Value<'_>) -> Result<(Vec<String>, Features), Fault> {
    for kind in ["text_features", "embedding_features"] {
        if info.optional(kind).is_some_and(|features| !features.is_empty()) {
            return Err(Fault::Unsupported(kind.to_owned()));
        }
    }
    let mut names: Vec<String> = Vec::new();
    let mut name = |feature: &Value<'_>| -> Result<u16, Fault> {
        let place = feature.integer("flat_feature_index")?;
        let place = u16::try_from(place).map_err(|_| format!("feature {place} is beyond 65,535"))?;
        if names.len() <= usize::from(place) {
            names.resize(usize::from(place) + 1, String::new());
        }
        if let Some(Value::Text(given)) = feature.optional("feature_id") {
            names[usize::from(place)] = given.clone().into_owned();
        }
        Ok(place)
    };
    let mut categories = Vec::new();
    if info.optional("categorical_features").is_some() {
        for feature in info.array("categorical_features")? {
            categories.push(name(feature)?);
        }
    }
    let mut floats = Vec::new();
    for (number, feature) in info.array("float_features")?.iter().enumerate() {
        if feature.integer("feature_index")? != number as i64 {
            return Err(format!("float feature {number} is out of order").into());
        }
        let missing = match feature.text("nan_value_treatment").unwrap_or("AsIs") {
            "AsIs" | "AsFalse" => MissingRule::Left,
            "AsTrue" => MissingRule::Right,
            other => return Err(Fault::Unsupported(format!("nan_value_treatment {other:?}"))),
        };
        floats.push(Feature { place: name(feature)?, missing });
    }
    let mut by_hash = HashMap::new();
    if info.optional("cat_features_hash").is_some() {
        for category in info.array("cat_features_hash")? {
            // Written without a sign here and with one in splits.
            let hash = category.integer("hash")? as u32 as i32;
            by_hash.insert(i64::from(hash), category.text("value")?.to_owned());
        }
    }
    Ok((names, Features { floats, categories, by_hash }))
}
