//! The inputs and outputs of a model, as the protocol's metadata.

use std::collections::BTreeMap;

use model::Model;
use schemars::JsonSchema;
use serde::Serialize;

use super::{INPUT, OUTPUT, TREESHAP_OUTPUT, response::DATATYPE, tensor::Datatype};
use crate::http::{loaded::Loaded, scoring::classes};

/// Name of the model format.
pub(in crate::http) const PLATFORM: &str = "stormglass_sgm";

/// A tensor of the metadata; -1 is the number of rows.
#[derive(Debug)]
pub(in crate::http) struct Spec {
    pub(in crate::http) name: &'static str,
    pub(in crate::http) datatype: Datatype,
    /// Numbers in each row; `None` for one number without a dimension.
    pub(in crate::http) width: Option<usize>,
}

/// The tensor of whole rows.
pub(in crate::http) fn inputs(model: &Model) -> Vec<Spec> {
    let datatype = Datatype::of_model(model.reads_doubles());
    vec![Spec { name: INPUT, datatype, width: Some(model.info().features.len()) }]
}

/// The scores, and the contributions if the model can be explained.
pub(in crate::http) fn outputs(model: &Model, explained: bool) -> Vec<Spec> {
    let width = (model.answer_count() > 1).then(|| model.answer_count());
    let scores = Spec { name: OUTPUT, datatype: DATATYPE, width };
    let width = Some(model.info().features.len() + 1);
    let contributions = || Spec { name: TREESHAP_OUTPUT, datatype: DATATYPE, width };
    std::iter::once(scores).chain(explained.then(contributions)).collect()
}

#[derive(JsonSchema, Serialize)]
pub(in crate::http) struct ModelMetadata<'a> {
    name: &'a str,
    versions: [&'a str; 1],
    platform: &'static str,
    inputs: Vec<TensorMetadata>,
    outputs: Vec<TensorMetadata>,
    /// `features` (JSON: their names in the order of a row), `variant`, `sha256`, and if the file has them `threshold`,
    /// `horizon_s`, `classes`.
    properties: BTreeMap<&'static str, String>,
}

#[derive(JsonSchema, Serialize)]
struct TensorMetadata {
    name: &'static str,
    datatype: &'static str,
    /// -1 is the number of rows.
    shape: Vec<i64>,
}

impl From<Spec> for TensorMetadata {
    fn from(spec: Spec) -> Self {
        let shape = std::iter::once(-1).chain(spec.width.map(|width| width as i64)).collect();
        Self { name: spec.name, datatype: spec.datatype.name(), shape }
    }
}

impl<'a> ModelMetadata<'a> {
    pub(in crate::http) fn of(loaded: &'a Loaded, explained: bool) -> Self {
        let (model, info) = (&loaded.model, loaded.model.info());
        let json = |names: &[String]| serde_json::to_string(names).expect("names are always JSON");
        let features: Vec<String> = info.features.iter().map(ToString::to_string).collect();
        let mut properties = BTreeMap::from([
            ("features", json(&features)),
            ("variant", info.variant.clone()),
            ("sha256", info.sha256.clone()),
        ]);
        if model.gives_probability() {
            properties.insert("threshold", info.threshold.to_string());
        }
        if info.horizon_s > 0 {
            properties.insert("horizon_s", info.horizon_s.to_string());
        }
        if !classes(model).is_empty() {
            properties.insert("classes", json(classes(model)));
        }
        Self {
            name: loaded.name(),
            versions: [&loaded.version],
            platform: PLATFORM,
            inputs: inputs(model).into_iter().map(TensorMetadata::from).collect(),
            outputs: outputs(model, explained).into_iter().map(TensorMetadata::from).collect(),
            properties,
        }
    }
}
