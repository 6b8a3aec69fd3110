//! The layers, told by behaviour.

use std::path::Path;

use engine::source::pace::Speed;

use super::*;

fn load(file: Option<&Path>, variables: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    Layers { file: file.map(Into::into), flags: Vec::new() }.load(&variables)
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[test]
fn the_documented_file_is_the_defaults_and_names_every_key() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../config/stormglass.toml"));
    let loaded = load(Some(path), &[]).unwrap();
    assert_eq!(loaded.config, Config::default());
    let table = toml::Table::try_from(Config::default()).unwrap();
    let undocumented: Vec<String> =
        load::dotted_keys(&table).into_iter().filter(|key| loaded.origin(key) == &Origin::Default).collect();
    assert_eq!(undocumented, Vec::<String>::new());
}

#[test]
fn later_layers_win_and_each_value_knows_its_own() {
    let file = file(
        "[server]\ndeadline_ms = 5\nbody_max_bytes = 6\nconnections_max = 7\n[log]\nlevel = \"error\"\n",
    );
    let variables: &[(&str, &str)] = &[
        ("STORMGLASS__SERVER__BODY_MAX_BYTES", "60"),
        ("STORMGLASS__SERVER__CONNECTIONS_MAX", "70"),
        ("LOG_LEVEL", "INFO"),
        ("STORMGLASS__LOG__LEVEL", "debug"),
        ("UNRELATED", "x"),
    ];
    let layers = Layers {
        file: Some(file.path().into()),
        flags: vec![("server.connections_max", "700".to_owned(), "--connections-max")],
    };
    let loaded = layers.load(&variables).unwrap();
    let server = &loaded.config.server;
    assert_eq!((server.deadline_ms, server.body_max_bytes, server.connections_max), (5, 60, 700));
    assert_eq!(loaded.config.log.level, sections::LogLevel::Debug);
    assert_eq!(loaded.origin("server.deadline_ms"), &Origin::File(file.path().into()));
    assert_eq!(loaded.origin("server.connections_max"), &Origin::Flag("--connections-max"));
    assert_eq!(loaded.origin("log.level"), &Origin::Variable("STORMGLASS__LOG__LEVEL".to_owned()));
    assert_eq!(loaded.origin("predict.rows_max"), &Origin::Default);
}

#[test]
fn an_unknown_key_is_named_with_its_nearest_neighbour() {
    let error = load(Some(file("[server]\nlistn = 1\n").path()), &[]).unwrap_err().to_string();
    assert!(
        error.contains("\"server.listn\"") && error.contains("did you mean \"server.listen\"?"),
        "{error}"
    );
    let error = load(Some(file("[servr]\nlisten = 1\n").path()), &[]).unwrap_err().to_string();
    assert!(error.contains("did you mean \"server\"?"), "{error}");
    let error = load(None, &[("STORMGLASS__PREDICT__ROW_MAX", "1")]).unwrap_err().to_string();
    assert!(
        error.contains("STORMGLASS__PREDICT__ROW_MAX") && error.contains("\"predict.rows_max\""),
        "{error}"
    );
}

#[test]
fn a_wrong_value_names_its_key_and_where_it_was_set() {
    for (key, value, words) in [
        ("PREDICT__MISSING", "maybe", "`error` or `nan`"),
        ("SERVER__LISTEN", "8000", "server.listen"),
        ("SERVER__DEADLINE_MS", "-1", "server.deadline_ms"),
        ("SOURCE__SPEED", "0", "number above 0"),
        ("ENGINE__PINS", "3", "partition:shard"),
        ("READY__WARM_WAIT_S", "NaN", "ready.warm_wait_s"),
        ("SERVER__CONNECTIONS_MAX", "0", "server.connections_max is 0"),
        ("SERVER__DRAIN_TIMEOUT_S", "0.5", "server.deadline_ms"),
        ("ENGINE__PINS", "64:0", "engine.partitions is 64"),
        ("SOURCE__KIND", "file", "source.files"),
        ("SIMULATOR__PREROLL_MINUTES", "10081", "simulator.preroll_minutes is 10081; it is at most 10080"),
        ("SIMULATOR__PREROLL_MINUTES", "4294967295", "at most 10080"),
        ("MODEL__VARIANT", "best", "MODEL_VARIANT"),
        ("SERVER__ADVERTISED_URL", "host:8000", "http://host:port"),
        ("SERVER__ADVERTISED_URL", "http://host:8000/prefix", "without a path"),
        ("SERVER__ADVERTISED_URL", "https://host", "kafka.foreign_symbols"),
        ("KAFKA__FOREIGN_SYMBOLS", "refuse", "`forward` or `redirect`"),
        ("KAFKA__TOPIC_OWNERS", "", "kafka.topic_owners is empty"),
        ("KAFKA__PROPERTIES", "sasl.mechanisms=OAUTHBEARER", "token_file=PATH"),
        (
            "KAFKA__PROPERTIES",
            "sasl.mechanism=oauthbearer,sasl.oauthbearer.method=oidc,sasl.oauthbearer.config=token_file=/t",
            "not built in",
        ),
    ] {
        let name = format!("STORMGLASS__{key}");
        let error = load(None, &[(&name, value)]).unwrap_err().to_string();
        assert!(error.contains(words), "{key}={value}: {error}");
    }
}

#[test]
fn the_value_of_a_token_or_a_property_is_never_repeated() {
    let secret = "918273645";
    let properties = format!("sasl.password=a,{secret}");
    let token = format!("[server]\nadmin_token = {secret}\n");
    let number = format!("[kafka.properties]\n\"sasl.password\" = {secret}\n");
    let text = format!("[kafka]\nproperties = \"{secret}\"\n");
    let errors = [
        load(None, &[("STORMGLASS__KAFKA__PROPERTIES", &properties)]).unwrap_err(),
        load(Some(file(&token).path()), &[]).unwrap_err(),
        load(Some(file(&number).path()), &[]).unwrap_err(),
        load(Some(file(&text).path()), &[]).unwrap_err(),
    ];
    for error in errors {
        let told = error.to_string();
        assert!(!told.contains(secret) && !format!("{error:?}").contains(secret), "{error:?}");
        assert!(told.starts_with("server.admin_token (") || told.starts_with("kafka.properties ("), "{told}");
    }
}

#[test]
fn the_place_of_an_error_quotes_no_value() {
    let advertised = "http://ann:hunter2@host/prefix";
    let broken = file("[model]\npath = hunter2\n");
    for (error, words) in [
        (load(None, &[("STORMGLASS__SERVER__ADVERTISED_URL", advertised)]), "server.advertised_url: "),
        (
            load(None, &[("STORMGLASS__SERVER__DEADLINE_MS", "hunter2")]),
            "server.deadline_ms (environment STORMGLASS",
        ),
        (load(Some(broken.path()), &[]), "is not TOML"),
        (load(None, &[("STORMGLASS__SERVER__LISTNE", "hunter2")]), "did you mean \"server.listen\"?"),
    ] {
        let place = error.unwrap_err().place();
        assert!(place.contains(words) && !place.contains("hunter2"), "{place}");
    }
}

#[test]
fn a_flags_list_has_one_element_whatever_is_in_it() {
    let glob = "ticks/{btc,eth}, old/*.ndjson".to_owned();
    let flags =
        vec![("source.files", glob.clone(), "--source"), ("source.kind", "file".to_owned(), "--source")];
    let environment: &[(&str, &str)] = &[];
    let loaded = Layers { file: None, flags }.load(&environment).unwrap();
    assert_eq!(loaded.config.source.files, [glob]);
}

#[test]
fn lists_speeds_and_the_older_variables_are_read() {
    let variables: &[(&str, &str)] = &[
        ("STORMGLASS__SIMULATOR__PRODUCTS", "A-B, C-D"),
        ("STORMGLASS__ENGINE__PINS", "0:1,5:0"),
        ("STORMGLASS__SOURCE__SPEED", "max"),
        ("MODEL_PATH", "/m.sgm"),
        ("MODEL_VARIANT", "baseline"),
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092"),
        ("LOG_LEVEL", "WARNING"),
    ];
    let config = load(Some(file("[simulator]\nspeed = 10\n").path()), variables).unwrap().config;
    assert_eq!(config.simulator.products, ["A-B", "C-D"]);
    assert_eq!(config.simulator.speed, Speed::Times(10.0));
    assert_eq!(config.source.speed, Speed::Max);
    assert_eq!(config.engine.pins.len(), 2);
    assert_eq!(
        (config.model.path.as_deref(), config.model.variant.as_deref()),
        (Some("/m.sgm"), Some("baseline"))
    );
    assert_eq!(config.kafka.bootstrap_servers, "kafka:9092");
    assert_eq!(config.log.level, sections::LogLevel::Warn);
}

#[test]
fn the_older_services_variables_without_a_key_are_named() {
    let variables: &[(&str, &str)] = &[
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092"),
        ("MLFLOW_TRACKING_URI", "http://mlflow"),
        ("COINBASE_WS_URL", ""),
    ];
    let loaded = load(None, variables).unwrap();
    assert_eq!(loaded.ignored_variables, ["MLFLOW_TRACKING_URI"], "Kafka is the source then");
    let flags = vec![("source.kind", "none".to_owned(), "--source")];
    let loaded = Layers { file: None, flags }.load(&variables).unwrap();
    assert_eq!(loaded.ignored_variables, ["MLFLOW_TRACKING_URI"], "what Kafka alone reads is no fault");
}

#[test]
fn nonsense_has_no_nearest_key() {
    let error = load(Some(file("[zzzzzzzzzzzz]\nzzzzzzzz = 1\n").path()), &[]).unwrap_err().to_string();
    assert!(error.contains("unknown key \"zzzzzzzzzzzz\"") && !error.contains("did you mean"), "{error}");
}
