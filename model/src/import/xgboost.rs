//! XGBoost's JSON and UBJSON formats (versions 1 to 3).
//!
//! Everything is f32: `x < threshold` goes left, leaves are added in tree order to the base margin. NaN follows
//! `default_left`. Listed categories go right. The file stores the base score after the link.

mod logarithm;
mod objective;
mod tree;

use objective::Objective;

use super::{
    Fault, Foreign, Options,
    document::{Value, json, ubjson},
};
use crate::{
    forest::wide::{OUTPUTS_MAX, Precision, WideForest},
    link::{Link, Outputs},
};

/// The base margin that replaces minus infinity, which a model cannot hold: no sum of real leaves brings it near 0, so
/// its exponential is 0 too.
const MARGIN_MIN: f32 = -9.9e29;

/// The library's major, minor and patch version.
type Version = (i64, i64, i64);

/// Whether the bytes start like a JSON object whose first keys are XGBoost's.
pub(super) fn is_json(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(4096)];
    let text = start.trim_ascii_start();
    let object = text.starts_with(b"{") && matches!(text.get(1), Some(b'"' | b' ' | b'\t' | b'\r' | b'\n'));
    object && start.windows(9).any(|window| window == b"\"learner\"")
}

/// Starts like UBJSON's object with XGBoost's keys.
pub(super) fn is_ubjson(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(4096)];
    let object = start.first() == Some(&b'{') && !matches!(start.get(1), None | Some(b'"'));
    object && start.windows(7).any(|window| window == b"learner")
}

pub(super) fn read_json(bytes: &[u8], options: &Options) -> Result<Foreign, Fault> {
    read(&json::read(bytes)?, options)
}

pub(super) fn read_ubjson(bytes: &[u8], options: &Options) -> Result<Foreign, Fault> {
    read(&ubjson::read(bytes)?, options)
}

fn read(root: &Value<'_>, options: &Options) -> Result<Foreign, Fault> {
    let (library, version) = version(root)?;
    let learner = root.field("learner")?;
    let parameters = learner.field("learner_model_param")?;
    let objective = Objective::by_name(learner.field("objective")?.text("name")?, version)?;
    let (model, weights) = booster(learner.field("gradient_booster")?)?;

    let count_of = |name: &str| match parameters.optional(name) {
        Some(_) => parameters.integer(name),
        None => Ok(0),
    };
    let outputs = count_of("num_class")?.max(count_of("num_target")?).max(1);
    let outputs = usize::try_from(outputs).ok().filter(|&outputs| outputs <= OUTPUTS_MAX);
    let outputs = outputs.ok_or_else(|| Fault::Unsupported(format!("more than {OUTPUTS_MAX} outputs")))?;
    let feature_count = usize::try_from(parameters.integer("num_feature")?).unwrap_or(0);
    if outputs > 1 && objective.name == "reg:quantileerror" && version >= (3, 4, 0) {
        return Err(Fault::Unsupported(
            "several quantiles of XGBoost 3.4, which sorts their answers".to_owned(),
        ));
    }
    let mut notes = Vec::new();
    let base = base_margins(parameters.text("base_score")?, outputs, &objective, &mut notes)?;
    note_categories(model, &mut notes);
    let kept = kept_trees(learner, model, outputs, options, &mut notes)?;
    let (trees, sets) = tree::read_all(model, weights.as_deref(), kept, outputs)?;
    if matches!(version, (1, 6, _)) && !sets.is_empty() {
        notes.push(
            "XGBoost 1.6 itself may answer otherwise: it sends categories that a split does not list another way than \
             later versions, as whose splits these are read."
                .to_owned(),
        );
    }
    let mut after = Outputs::plain(outputs, Precision::Single, objective.link);
    if objective.classifies {
        after.classes = (0..outputs.max(2)).map(|class| class.to_string()).collect();
    }
    let forest = WideForest { trees, sets, base, values: Precision::Single, sum: Precision::Single };
    let features = feature_names(learner, feature_count)?;
    Ok(Foreign { features, preparation: None, forest, outputs: after, library, notes })
}

/// The library's name with its version, and the parts of the version that decide how the file is read.
fn version(root: &Value<'_>) -> Result<(String, Version), Fault> {
    let version = root.integers("version")?;
    match version[..] {
        [major @ 1..=3, ref rest @ ..] => {
            let parts: Vec<String> = version.iter().map(i64::to_string).collect();
            let part = |at: usize| rest.get(at).copied().unwrap_or(0);
            Ok((format!("XGBoost {}", parts.join(".")), (major, part(0), part(1))))
        }
        _ => Err(Fault::Unsupported(format!("version {version:?} (1 to 3 are known)"))),
    }
}

/// The trees' model, and the tree weights of DART.
fn booster<'v, 'a>(booster: &'v Value<'a>) -> Result<(&'v Value<'a>, Option<Vec<f32>>), Fault> {
    match booster.text("name")? {
        "gbtree" => Ok((booster.field("model")?, None)),
        "dart" => {
            let weights = booster.singles("weight_drop")?;
            Ok((booster.field("gbtree")?.field("model")?, Some(weights)))
        }
        other => Err(Fault::Unsupported(format!("booster {other:?} (gbtree and dart are)"))),
    }
}

/// The base score of each output before the link, computed in f32 as the library does.
fn base_margins(
    text: &str,
    outputs: usize,
    objective: &Objective<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<f64>, Fault> {
    let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
    let scores: Result<Vec<f32>, _> = inner.split(',').map(|score| score.trim().parse::<f32>()).collect();
    let mut scores = scores.map_err(|_| format!("base_score {text:?} is no number"))?;
    if scores.len() == 1 {
        scores.resize(outputs, scores[0]);
    }
    if scores.len() != outputs {
        return Err(format!("base_score has {} numbers for {outputs} outputs", scores.len()).into());
    }
    let mut margins = Vec::with_capacity(outputs);
    for (output, score) in scores.into_iter().enumerate() {
        let margin = match (objective.margin)(score) {
            margin if margin.is_finite() => margin,
            f32::NEG_INFINITY if objective.link == Link::Exponential => {
                notes.push(format!(
                    "base_score {score} of output {output}: its answers are 0, as XGBoost's are; its raw scores are about \
                     {MARGIN_MIN:e}, where XGBoost's are minus infinity."
                ));
                MARGIN_MIN
            }
            _ => {
                return Err(format!(
                    "base_score {score} of output {output} has no finite margin under {}, where XGBoost refuses it or \
                     answers NaN: train again with another base_score",
                    objective.name
                )
                .into());
            }
        };
        margins.push(f64::from(margin));
    }
    Ok(margins)
}

/// Notes that a model of a data frame (since 3.1) stores its categories, to recode those of another frame. Rows here
/// are numbers: the codes, which the library takes from an array.
fn note_categories(model: &Value<'_>, notes: &mut Vec<String>) {
    let encodings = model.optional("cats").and_then(|cats| cats.array("enc").ok());
    let with_values =
        |encoding: &Value<'_>| encoding.optional("values").is_some_and(|values| !values.is_empty());
    if encodings.is_some_and(|encodings| encodings.iter().any(with_values)) {
        notes.push(
            "Trained on a data frame's categories: rows give their codes in that frame's order (0 for the first), not \
             their values."
                .to_owned(),
        );
    }
}

/// Number of trees in use: all, or those up to the best iteration if that was requested and training stopped early.
fn kept_trees(
    learner: &Value<'_>,
    model: &Value<'_>,
    outputs: usize,
    options: &Options,
    notes: &mut Vec<String>,
) -> Result<usize, Fault> {
    let all = model.array("trees")?.len();
    let Some(best) = learner.optional("attributes").and_then(|some| some.optional("best_iteration")) else {
        return Ok(all);
    };
    let best = best.as_integer().and_then(|best| usize::try_from(best).ok());
    let best = best.ok_or_else(|| "best_iteration is no number".to_owned())?;
    let ends = match model.optional("iteration_indptr") {
        Some(_) => model.integers("iteration_indptr")?,
        None => {
            let parallel = model.field("gbtree_model_param")?.integer("num_parallel_tree").unwrap_or(1);
            let a_round = usize::try_from(parallel.max(1)).unwrap_or(1).saturating_mul(outputs);
            (0..=all).step_by(a_round).map(|end| end as i64).collect()
        }
    };
    let end = ends.get(best.saturating_add(1)).and_then(|&end| usize::try_from(end).ok());
    let end = end.filter(|&end| end <= all).ok_or_else(|| format!("best_iteration {best} is not in it"))?;
    if end == all {
        return Ok(all);
    }
    if options.best_iteration {
        notes
            .push(format!("Stopped early: {end} of {all} trees are kept, up to iteration {best}, the best."));
        return Ok(end);
    }
    notes.push(format!(
        "Stopped early at iteration {best}, but all {all} trees are kept, as Booster.predict does; the scikit-learn \
         wrapper uses {end} of them (--best-iteration)."
    ));
    Ok(all)
}

fn feature_names(learner: &Value<'_>, count: usize) -> Result<Vec<String>, Fault> {
    let mut names = Vec::new();
    if let Some(Value::Array(given)) = learner.optional("feature_names") {
        for name in given {
            match name {
                Value::Text(name) => names.push(name.clone().into_owned()),
                _ => return Err("a feature's name is no text".to_owned().into()),
            }
        }
    }
    if names.is_empty() {
        // The model refuses more features than it can number, so they need not all be made first.
        names.resize(count.min(1 << 17), String::new());
    } else if names.len() != count {
        return Err(format!("{} names for {count} features", names.len()).into());
    }
    Ok(names)
}
