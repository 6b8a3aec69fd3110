//! The files of `deploy/`, and what other files they must agree with.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::Command,
};

use api::{
    config::{Config, Environment, Layers},
    http::endpoint::ENDPOINTS,
};
use serde_json::Value;

use super::docker::said;

/// A path in the sources.
pub(super) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

pub(super) fn text(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// All documents of a YAML or JSON file. Debian's Python reads them: docker-compose brings its YAML with it.
pub(super) fn documents(name: &str) -> Vec<Value> {
    const READER: &str =
        "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
    let mut reader = Command::new("/usr/bin/python3");
    reader.args(["-c", READER]).arg(path(name));
    serde_json::from_str(&said(&mut reader)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// A file of one document.
pub(super) fn document(name: &str) -> Value {
    let [document] = <[Value; 1]>::try_from(documents(name)).unwrap_or_else(|all| panic!("{name}: {all:?}"));
    document
}

/// The items of a list; none where there is no list.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// What follows `word` on the line of the Dockerfile that begins with it.
pub(super) fn dockerfile(word: &str) -> String {
    let text = text("deploy/Dockerfile");
    let line = text.lines().find_map(|line| line.strip_prefix(word));
    line.unwrap_or_else(|| panic!("deploy/Dockerfile has no {word}")).trim().to_owned()
}

struct Variables(HashMap<String, String>);

impl Environment for Variables {
    fn variables(&self) -> Vec<(String, String)> {
        self.0.clone().into_iter().collect()
    }
}

/// The configuration that a container with this file and these variables has.
pub(super) fn configuration(file: Option<PathBuf>, variables: &[(&str, &str)]) -> Config {
    let variables = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    let layers = Layers { file, flags: Vec::new() };
    layers.load(&Variables(variables)).unwrap_or_else(|e| panic!("{e}")).config
}

/// A path that probes ask is one that is served, and that no request counter sees.
pub(super) fn assert_is_a_probe(asked: &str) {
    let endpoint = ENDPOINTS.iter().find(|endpoint| endpoint.route.label() == asked);
    let endpoint = endpoint.unwrap_or_else(|| panic!("nothing serves {asked}"));
    assert_eq!(endpoint.observed, api::http::endpoint::Observed::Probe, "{asked}");
}
