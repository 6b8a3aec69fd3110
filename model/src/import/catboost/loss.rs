//! CatBoost's losses: the link from raw values to answers. Unknown ones are refused by name.

use super::Fault;
use crate::{import::document::Value, link::Link};

/// The link, and whether outputs are classes.
pub(super) fn link(info: Option<&Value<'_>>, notes: &mut Vec<String>) -> Result<(Link, bool), Fault> {
    let parameters = info.and_then(|info| info.optional("params"));
    let Some(loss) = parameters.and_then(|parameters| parameters.optional("loss_function")) else {
        notes.push("The file does not say its loss: answers are the raw values.".to_owned());
        return Ok((Link::Identity, false));
    };
    Ok(match loss.text("type")? {
        "Logloss" | "CrossEntropy" => (Link::Sigmoid { slope: 1.0 }, true),
        "MultiClass" => (Link::FastSoftmax, true),
        "MultiClassOneVsAll" => (Link::Sigmoid { slope: 1.0 }, true),
        "Poisson" | "Tweedie" => (Link::Exponential, false),
        "RMSE" | "MAE" | "Quantile" | "MultiQuantile" | "LogLinQuantile" | "MAPE" | "Lq" | "Huber"
        | "Expectile" | "MultiRMSE" | "QueryRMSE" | "PairLogit" | "PairLogitPairwise" | "YetiRank"
        | "YetiRankPairwise" | "QuerySoftMax" => (Link::Identity, false),
        other => return Err(Fault::Unsupported(format!("loss_function {other:?}"))),
    })
}

/// The classes' labels from the file, otherwise their numbers.
pub(super) fn classes(info: Option<&Value<'_>>, count: usize) -> Vec<String> {
    let listed = info.and_then(|info| info.optional("class_params")?.array("class_names").ok());
    let labels = listed.map(|labels| {
        let label = |label: &Value<'_>| match label {
            Value::Text(text) => text.clone().into_owned(),
            Value::Decimal(text) => (*text).to_owned(),
            _ => String::new(),
        };
        labels.iter().map(label).collect::<Vec<_>>()
    });
    labels
        .filter(|labels| labels.len() == count)
        .unwrap_or_else(|| (0..count).map(|at| at.to_string()).collect())
}

/// The library's version, from the branch of its build.
pub(super) fn library(info: Option<&Value<'_>>) -> String {
    let build = info.and_then(|info| info.text("catboost_version_info").ok()).unwrap_or_default();
    let branch = build.lines().find_map(|line| line.trim().strip_prefix("Branch: "));
    format!("CatBoost {}", branch.unwrap_or_default().trim_start_matches("tags/v")).trim_end().to_owned()
}
