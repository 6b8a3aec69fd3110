//! The loaded models by name and version, for other protocols.

use std::sync::Arc;

use hyper::StatusCode;
use model::Model;

use super::{app::App, problem::Problem};

/// A loaded model with its version in answers.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    pub(super) model: Arc<Model>,
    pub(super) version: String,
}

impl Loaded {
    pub(super) fn name(&self) -> &str {
        &self.model.info().name
    }
}

/// The model that drives the stream, then the one of `predict.legacy_model`.
pub(super) fn all(app: &App) -> Vec<Loaded> {
    let main = app.engine.model.load_full().map(|model| {
        let version = app.version_of(model.info()).to_owned();
        Loaded { model, version }
    });
    let legacy = app.legacy_model.clone().map(|model| {
        let version = model.info().version.clone();
        Loaded { model, version }
    });
    main.into_iter().chain(legacy).collect()
}

/// The model of this name; with a version only if it has that one, the configured or the file's own.
///
/// # Errors
/// 503 if no model is loaded, 404 if this one is not.
pub(super) fn find(app: &App, name: &str, version: Option<&str>) -> Result<Loaded, Problem> {
    let all = all(app);
    if all.is_empty() {
        return Err(Problem::no_model());
    }
    let is_it = |loaded: &Loaded| {
        loaded.name() == name
            && version.is_none_or(|v| v == loaded.version || v == loaded.model.info().version)
    };
    match all.iter().position(is_it) {
        Some(place) => Ok(all.into_iter().nth(place).expect("the place is of this list")),
        None => {
            let asked = version.map_or(name.to_owned(), |version| format!("{name}@{version}"));
            // By its name in the catalog, as /predict does.
            if let Some(model) = app.models.active(&asked) {
                let version = app.version_of(model.info()).to_owned();
                return Ok(Loaded { model, version });
            }
            let there: Vec<String> = all.iter().map(|l| format!("{}@{}", l.name(), l.version)).collect();
            Err(Problem::new(
                StatusCode::NOT_FOUND,
                "Unknown model",
                format!("model {asked:?} is not loaded; there are: {}", there.join(", ")),
            ))
        }
    }
}
