//! Picks the model that a process starts with: the recorded one, otherwise the configured one.
//!
//! A file that cannot be used does not prevent the start: the service reports the reason and answers 503 "Model not
//! loaded" until it has a model. It does not load another model than the requested one.

use std::{path::Path, sync::Arc};

use model::Model;

use super::{
    ModelReport, Version,
    active_record::{ActiveRecordFile, RecordedModel},
    catalog, record_file,
};
use crate::{
    config::{Config, Loaded, sections},
    model_file, shipped,
};

/// The model to start with, and its report.
pub fn load(loaded: &Loaded) -> (Option<Arc<Model>>, ModelReport) {
    let config = &loaded.config;
    let origin = config.model.variant.as_deref().map(|_| loaded.origin("model.variant").to_string());
    let (model, mut report) = match record_file(config) {
        Some(file) => recorded(&file, config, origin),
        None => configured(config, origin),
    };
    report.other_event = model.as_deref().and_then(|model| other_event(model, config));
    (model, report)
}

/// A sentence on how the model's event differs from the configured one.
pub(super) fn other_event(model: &Model, config: &Config) -> Option<String> {
    let other_event = model_file::other_event(model.info(), &config.label);
    if let Some(other_event) = &other_event {
        tracing::warn!(other_event, "the answers and the live quality are about different events");
    }
    other_event
}

/// The recorded model, or the configured one if there is no record.
fn recorded(
    file: &ActiveRecordFile,
    config: &Config,
    variant_origin: Option<String>,
) -> (Option<Arc<Model>>, ModelReport) {
    let mut report = ModelReport {
        variant_source: "record".to_owned(),
        variant_origin,
        configured_sha256: configured_sha256(&config.model),
        is_recorded: true,
        ..ModelReport::default()
    };
    let refused = match file.read() {
        Ok(None) => return configured(config, report.variant_origin),
        Ok(Some(record)) => {
            report.previous = record.previous.as_ref().and_then(|previous| previous_version(file, previous));
            let active = record.active;
            (report.name, report.path, report.since) =
                (active.name.clone(), active.path.clone(), Some(active.since.clone()));
            match file.open(&active) {
                Ok(model) => {
                    loaded_line(&model, active.path.as_deref(), "the recorded model is loaded");
                    return (Some(Arc::new(model)), report);
                }
                Err(error) => format!(
                    "model.record {} says {}@{} {}, which cannot be used: {error}; put the file back, or `stormglass \
                     model clear` lets the configuration decide",
                    file.path().display(),
                    active.name,
                    active.version,
                    active.sha256
                ),
            }
        }
        Err(error) => error,
    };
    tracing::error!(%refused, "starting without a model");
    report.refused = Some(refused);
    (None, report)
}

/// SHA-256 of the configured model, whose version `model.version` overrides, while the record names the active one.
fn configured_sha256(config: &sections::Model) -> Option<String> {
    config.version.as_deref()?;
    let model = match config.path.as_deref() {
        Some(path) => model_file::open(path, config.map_above_bytes).ok()?,
        None => shipped::model(config.variant.as_deref().unwrap_or(shipped::DEFAULT_VARIANT))?.ok()?,
    };
    Some(model.info().sha256.clone())
}

fn previous_version(file: &ActiveRecordFile, recorded: &RecordedModel) -> Option<Arc<Version>> {
    match file.open(recorded) {
        Ok(model) => {
            let since = Some(recorded.since.clone());
            Some(Arc::new(Version::new(&recorded.name, recorded.path.clone(), Arc::new(model), since)))
        }
        Err(error) => {
            tracing::warn!(%error, "the model before the recorded one cannot be used: there is no way back to it");
            None
        }
    }
}

fn loaded_line(model: &Model, path: Option<&str>, message: &str) {
    let info = model.info();
    tracing::info!(path, name = info.name, version = info.version, sha256 = info.sha256, "{message}");
}

/// The configured model.
pub(super) fn configured(
    config: &Config,
    variant_origin: Option<String>,
) -> (Option<Arc<Model>>, ModelReport) {
    let config = &config.model;
    let variant_source = variant_origin.clone().unwrap_or_else(|| "model file".to_owned());
    let path = config.path.as_deref().map(str::to_owned);
    let mut report = ModelReport { path, variant_source, variant_origin, ..ModelReport::default() };
    let Some(path) = config.path.as_deref() else {
        return shipped_model(config.variant.as_deref(), report);
    };
    report.name = catalog::file_name(Path::new(path));
    match model_file::open(path, config.map_above_bytes) {
        Ok(model) => {
            loaded_line(&model, Some(path), "model loaded");
            let variant = &model.info().variant;
            if config.variant.as_deref().is_some_and(|asked| asked != variant) {
                tracing::warn!(
                    asked = config.variant.as_deref(),
                    file = variant,
                    "the model file is another variant"
                );
                report.variant_source = "model file".to_owned();
            }
            (Some(Arc::new(model)), report)
        }
        Err(error) => {
            tracing::error!(path, %error, "the model was refused; starting without one");
            report.refused = Some(error);
            (None, report)
        }
    }
}

/// The built-in model of the requested variant.
fn shipped_model(variant: Option<&str>, mut report: ModelReport) -> (Option<Arc<Model>>, ModelReport) {
    if variant.is_none() {
        report.variant_source = "built-in default".to_owned();
    }
    let variant = variant.unwrap_or(shipped::DEFAULT_VARIANT);
    report.name = catalog::built_in_name(variant).to_owned();
    let refused = match shipped::model(variant) {
        Some(Ok(model)) => {
            loaded_line(&model, None, "shipped model loaded");
            return (Some(Arc::new(model)), report);
        }
        Some(Err(error)) => error.to_string(),
        None => format!("no model of variant {variant:?} is shipped; set model.path (MODEL_PATH)"),
    };
    tracing::error!(%refused, "starting without a model");
    report.refused = Some(refused);
    (None, report)
}
