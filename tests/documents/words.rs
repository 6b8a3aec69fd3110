//! Names in code type: metrics, keys of the configuration, variables, routes, commands.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    commands::{complaint, route},
    markdown::guides,
    shell::commands,
};

/// Variables that are not keys of the configuration: of the replaced service, of compose.yaml, of the tests.
const VARIABLES: [&str; 21] = [
    "API_ADDRESS",
    "API_PORT",
    "CI",
    "FEED_SOURCE",
    "KAFKA_BOOTSTRAP_SERVERS",
    "KAFKA_IMAGE",
    "KAFKA_PASSWORD",
    "KAFKA_TOPIC_PREDICTIONS",
    "KAFKA_TOPIC_RAW",
    "LOG_LEVEL",
    "MODEL_PATH",
    "MODEL_VARIANT",
    "MODEL_VERSION",
    "RUSTDOCFLAGS",
    "STORMGLASS_CONFIG",
    "STORMGLASS_DATA_DIR",
    "STORMGLASS_IMAGE",
    "STORMGLASS_MODELS",
    "STORMGLASS_WRITE_DOCS",
    "TOKEN",
    "COMPOSE_PROJECT_NAME",
];

/// Names that look like keys of the configuration and are not: topics, files, objects of other programs.
const NOT_KEYS: [&str; 6] = [
    "engine.snapshots",
    "engine.owners",
    "engine.models",
    "engine.events",
    "model.features",
    "source.files_total",
];
const ENDINGS: [&str; 8] = ["sgm", "json", "npz", "rs", "md", "toml", "sh", "ubj"];

/// Every key, `section.key`.
fn keys() -> BTreeSet<String> {
    super::generated::settings()
        .into_iter()
        .map(|setting| format!("{}.{}", setting.section, setting.key))
        .collect()
}

/// What is wrong with a variable; nothing, where somebody reads it.
pub(super) fn setting(name: &str) -> Option<String> {
    let known = match name.strip_prefix("STORMGLASS__") {
        Some(path) => {
            let key = path.to_lowercase().replacen("__", ".", 1);
            keys().contains(&key)
        }
        None => VARIABLES.contains(&name),
    };
    (!known).then(|| format!("nothing reads the variable {name}"))
}

/// What is wrong with a word in code type.
fn wrong(word: &str, keys: &BTreeSet<String>, metrics: &BTreeSet<&str>) -> Option<String> {
    let name: String = word.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    let rest = &word[name.len()..];
    let is_metric = [
        "stormglass_",
        "process_",
        "http_requests_",
        "prediction_latency_",
        "model_loaded",
        "predictions_total",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix));
    if is_metric
        && (rest.is_empty() || rest.starts_with(['{', '*']))
        && !["stormglass_model", "stormglass_engine"].contains(&name.as_str())
    {
        let is_known = match rest {
            "*" => metrics.iter().any(|known| known.starts_with(&name)),
            _ => ["", "_bucket", "_count", "_sum"]
                .iter()
                .any(|suffix| name.strip_suffix(suffix).is_some_and(|stem| metrics.contains(stem))),
        };
        return (!is_known).then(|| format!("no metric {name}"));
    }
    if let Some((section, key)) = word.split_once('.')
        && keys.iter().any(|known| known.starts_with(&format!("{section}.")))
    {
        let key: String = key.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
        let full = format!("{section}.{key}");
        let is_other = NOT_KEYS.contains(&full.as_str()) || ENDINGS.contains(&key.as_str());
        return (!is_other && !keys.contains(&full)).then(|| format!("no key {full}"));
    }
    if let Some((method @ ("GET" | "POST" | "DELETE"), path)) = word.split_once(' ') {
        return route(method, path.split(' ').next().unwrap_or_default());
    }
    if word.starts_with("STORMGLASS__") && !word.contains("SECTION") {
        return setting(&name);
    }
    if word.starts_with("stormglass ") || word.starts_with("cargo ") || word.starts_with("tests/run.sh") {
        return commands(word).iter().find_map(complaint);
    }
    None
}

#[test]
fn every_name_in_code_type_is_one_of_the_code() {
    let keys = keys();
    let metrics: BTreeSet<&str> = api::metrics::names().into_iter().collect();
    let (mut count, mut complaints) = (0, Vec::new());
    for document in guides() {
        for (line, word) in document.code() {
            count += 1;
            if let Some(complaint) = wrong(&word, &keys, &metrics) {
                complaints.push(format!("{}:{line}: `{word}`: {complaint}", document.name));
            }
        }
    }
    println!("{count} words");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    for broken in [
        "stormglass_ticks",
        "stormglass_nothing_*",
        "server.listne",
        "GET /predictions",
        "STORMGLASS__SERVER__LISTNE",
        "stormglass srve",
    ] {
        assert!(wrong(broken, &keys, &metrics).is_some(), "{broken}");
    }
}

#[test]
fn the_example_of_the_stacks_variables_has_each_with_its_default() {
    let deploy = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy");
    let compose = std::fs::read_to_string(format!("{deploy}/compose.yaml")).unwrap();
    let mut taken = BTreeMap::new();
    for part in compose.split("${").skip(1) {
        let (name, default) = part.split('}').next().unwrap().split_once('-').expect("each has a default");
        let before = taken.insert(name.trim_end_matches(':'), default);
        assert!(before.is_none_or(|before| before == default), "{name} has two defaults");
    }
    let example = std::fs::read_to_string(format!("{deploy}/.env.example")).unwrap();
    let lines = example.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let given: BTreeMap<&str, &str> = lines.map(|line| line.split_once('=').unwrap()).collect();
    assert!(taken.len() > 10);
    assert_eq!(given, taken);
}
