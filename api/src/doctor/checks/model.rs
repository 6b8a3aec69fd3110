//! Does the model open, give the scores of its self-test, and predict the configured event?

use engine::bound_model::Unfit;
use model::Model;

use crate::{
    config::Loaded,
    doctor::{context::Start, finding::Finding},
};

pub(super) fn check(loaded: &Loaded, start: &Start) -> Vec<Finding> {
    let Some(model) = &start.model else {
        let why = start.report.refused.as_deref().unwrap_or("nobody says why");
        let fix = if start.report.is_recorded {
            "the service starts without one and answers 503 \"Model not loaded\": put the file back, or let the configuration \
             decide (`stormglass model clear`)"
        } else {
            "the service starts without one and answers 503 \"Model not loaded\". `stormglass model inspect FILE` says what \
             the file is; fix MODEL_PATH or unset it"
        };
        return vec![Finding::failed(format!("no model: {why}"), fix)];
    };
    check_model(model, loaded, start)
}

fn check_model(model: &Model, loaded: &Loaded, start: &Start) -> Vec<Finding> {
    let info = model.info();
    let by = if start.report.is_recorded { ", by model.record," } else { "" };
    let name = format!("{} {} ({}), sha256 {}{by}", info.name, info.version, info.variant, info.sha256);
    let mut found = vec![match model.verify() {
        Ok(0) => Finding::ok(format!("{name} opens; it carries no self-test")),
        Ok(rows) => Finding::ok(format!("{name} opens; its {rows} self-test rows give the bits they had")),
        Err(error) => Finding::failed(
            format!("{name} scores other than where it was made: {error}"),
            "the file was changed, or this processor computes otherwise: import it again, and report it",
        ),
    }];
    if let Some(other) = &start.report.other_event {
        found.push(Finding::warning(
            other.clone(),
            "set [label] to the model's event, or train for the configured one",
        ));
    }
    if let Some(unfit) = Unfit::of(model) {
        found.push(Finding::warning(
            format!(
                "{unfit}; it answers rows only, and /predict/{{symbol}} says why there is no probability"
            ),
            "train on the engine's features (stormglass features) to let it drive the stream",
        ));
    }
    let asked = loaded.config.model.variant.as_deref().filter(|_| !start.report.is_recorded);
    if let Some(variant) = asked.filter(|&variant| variant != info.variant) {
        found.push(Finding::warning(
            format!(
                "model.variant (MODEL_VARIANT) is {variant:?}, the file's is {:?}; the file counts",
                info.variant
            ),
            "unset model.path to have the shipped model of that variant, or name another file",
        ));
    }
    found
}
