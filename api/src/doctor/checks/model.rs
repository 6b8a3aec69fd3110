//! Does the model open, score as it did where it was made, and predict the configured event?

use engine::shard::Unfit;
use model::Model;

use crate::{config::Loaded, doctor::finding::Finding, model_file, shipped, wiring};

pub(super) fn look(loaded: &Loaded) -> Vec<Finding> {
    let config = &loaded.config.model;
    let opened = match config.path.get() {
        Some(path) => model_file::open(path),
        None => {
            let variant = config.variant.get().unwrap_or(shipped::DEFAULT_VARIANT);
            match shipped::model(variant) {
                Some(model) => model.map_err(|error| error.to_string()),
                None => Err(format!("no model of variant {variant:?} is shipped")),
            }
        }
    };
    match opened {
        Ok(model) => of_model(&model, loaded),
        Err(why) => vec![Finding::failed(
            format!("no model: {why}"),
            "the service starts without one and answers 503 \"Model not loaded\". `stormglass model inspect FILE` says what \
             the file is; fix MODEL_PATH or unset it",
        )],
    }
}

fn of_model(model: &Model, loaded: &Loaded) -> Vec<Finding> {
    let info = model.info();
    let name = format!("{} {} ({}), sha256 {}", info.name, info.version, info.variant, info.sha256);
    let mut found = vec![match model.verify() {
        Ok(0) => Finding::ok(format!("{name} opens; it carries no self-test")),
        Ok(rows) => Finding::ok(format!("{name} opens; its {rows} self-test rows give the bits they had")),
        Err(error) => Finding::failed(
            format!("{name} scores other than where it was made: {error}"),
            "the file was changed, or this processor computes otherwise: import it again, and report it",
        ),
    }];
    let label = wiring::engine_settings(&loaded.config).state.label;
    if let Some(other) = model_file::other_event(info, &label) {
        found.push(Finding::warning(
            other,
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
    if let Some(variant) = config_variant(loaded).filter(|&variant| variant != info.variant) {
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

fn config_variant(loaded: &Loaded) -> Option<&str> {
    loaded.config.model.variant.get()
}
