//! Another model while requests are answered: tried first, refused or taken as a whole, written down, and taken back.

use std::{
    collections::HashMap,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use api::config::sections::SourceKind;
use engine::features;
use model::Model;
use serde_json::{Value, json};

use crate::support::{
    client::{Answer, Connection},
    fixtures::small_version_bytes,
    process::Process,
    service::{Service, model_bytes},
};

const TOKEN: &str = "a-token-of-a-test";
pub(super) const WARM: Duration = Duration::from_secs(60);

/// A folder with models `one` and `two`, close to each other, and `far`.
pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(folder.models()).unwrap();
        for (name, version, base) in [("one", "1", -1.5), ("two", "2", -1.45), ("far", "3", -9.0)] {
            folder.put(name, &small_version_bytes(name, version, base));
        }
        folder
    }

    fn models(&self) -> PathBuf {
        self.0.path().join("models")
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.models().join(format!("{name}.sgm"))
    }

    /// As files of models are replaced: by rename.
    fn put(&self, name: &str, bytes: &[u8]) {
        let aside = self.models().join(".aside");
        std::fs::write(&aside, bytes).unwrap();
        std::fs::rename(aside, self.file(name)).unwrap();
    }

    pub(super) fn record(&self) -> PathBuf {
        self.0.path().join("active.json")
    }

    pub(super) fn open(&self, name: &str) -> Model {
        Model::open(&self.file(name)).unwrap()
    }
}

/// The settings of a service over the folder.
pub(super) fn over<'a>(folder: &'a Folder, record: bool) -> impl FnOnce(&mut Command) + use<'a> {
    move |command| {
        command.env("STORMGLASS__SERVER__ADMIN_TOKEN", TOKEN);
        command.env("STORMGLASS__MODEL__DIRECTORY", folder.models());
        if record {
            command.env("STORMGLASS__MODEL__RECORD", folder.record());
        }
    }
}

/// A service that begins with `one`.
fn serve(folder: &Folder, arguments: &[&str], record: bool) -> Process {
    Process::serve(arguments, |command| {
        over(folder, record)(command);
        command.env("MODEL_PATH", folder.file("one"));
    })
}

fn ask(service: &Process, method: &str, path: &str, token: &str, body: &str) -> Answer {
    let mut connection = Connection::open(service.address);
    let length = body.len();
    let token = if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
    let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n{token}\r\n");
    connection.send(format!("{head}{body}").as_bytes());
    connection.read()
}

/// A change that is made.
pub(super) fn change(service: &Process, method: &str, path: &str, body: &str) -> Value {
    let answer = ask(service, method, path, TOKEN, body);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

fn refused(service: &Process, path: &str, body: &str, status: u16, words: &str) -> Value {
    let answer = ask(service, "POST", path, TOKEN, body);
    assert_eq!(answer.status, status, "{path}: {}", answer.text());
    assert!(answer.text().contains(words), "{words} is not in {}", answer.text());
    answer.json()
}

pub(super) fn get(service: &Process, path: &str) -> Value {
    serde_json::from_str(&service.get(path).unwrap().1).unwrap()
}

fn warm(service: &Process) {
    service.get_until("/predict/BTC-USD", WARM, |status, body| {
        status == 200 && serde_json::from_str::<Value>(body).unwrap()["status"] == "ok"
    });
}

/// Three rows of the engine's features, as a question and as what a model says of them offline.
pub(super) fn question() -> (String, Vec<Vec<f32>>) {
    let specs = features::specs();
    let rows: Vec<Vec<f32>> = (0..3)
        .map(|row| (0..specs.len()).map(|i| ((i * 7 + row * 5) % 13) as f32 * 0.25 - 1.5).collect())
        .collect();
    let named = |row: &Vec<f32>| -> Value {
        specs
            .iter()
            .zip(row)
            .map(|(spec, value)| (spec.name.to_owned(), json!(value)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    (json!({"rows": rows.iter().map(named).collect::<Vec<_>>()}).to_string(), rows)
}

pub(super) fn offline(model: &Model, rows: &[Vec<f32>]) -> Vec<u64> {
    rows.iter().map(|row| model.predict(row).to_bits()).collect()
}

pub(super) fn bits(scores: &Value) -> Vec<u64> {
    scores.as_array().unwrap().iter().map(|score| score.as_f64().unwrap().to_bits()).collect()
}

/// Ends what waits for it, also where the story fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(super) fn metric(service: &Process, series: &str) -> f64 {
    let text = service.get("/metrics").unwrap().1;
    let line =
        text.lines().find(|line| line.starts_with(series)).unwrap_or_else(|| panic!("{series} in {text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn under_load_every_request_is_answered_by_the_model_that_it_names() {
    let folder = Folder::new();
    let service = serve(&folder, &["--speed", "20"], true);
    warm(&service);
    let (question, rows) = question();
    let scores: HashMap<String, Vec<u64>> = [("1", "one"), ("2", "two")]
        .map(|(version, name)| (version.to_owned(), offline(&folder.open(name), &rows)))
        .into();
    assert_ne!(scores["1"], scores["2"]);
    let hashes = ["one", "two"].map(|name| (name.to_owned(), folder.open(name).info().sha256.clone()));
    let hashes: HashMap<String, String> = hashes.into();

    let (is_over, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    let seen: HashMap<String, u64> = std::thread::scope(|scope| {
        let over = Over(&is_over);
        let rows_client = || {
            let mut connection = Connection::open(service.address);
            let mut seen = HashMap::<String, u64>::new();
            while !is_over.load(Ordering::Relaxed) {
                let answer = connection.post("/predict", question.as_bytes());
                assert_eq!(answer.status, 200, "{}", answer.text());
                let body = answer.json();
                let version = body["version"].as_str().unwrap();
                assert_eq!(bits(&body["scores"]), scores[version], "{body}");
                *seen.entry(version.to_owned()).or_default() += 1;
                answered.fetch_add(1, Ordering::Relaxed);
            }
            seen
        };
        let symbol_client = || {
            let mut connection = Connection::open(service.address);
            while !is_over.load(Ordering::Relaxed) {
                let answer = connection.get("/predict/BTC-USD");
                assert_eq!(answer.status, 200, "{}", answer.text());
                let model = &answer.json()["model"];
                assert_eq!(model["sha256"], json!(hashes[model["name"].as_str().unwrap()]), "{model}");
                answered.fetch_add(1, Ordering::Relaxed);
            }
        };
        // A list is of one model, and of the one that it names.
        let list_client = || {
            let mut connection = Connection::open(service.address);
            let symbols = r#""symbols":["BTC-USD","ETH-USD","SOL-USD"]"#;
            while !is_over.load(Ordering::Relaxed) {
                for asked in ["", "one", "two"] {
                    let pin = if asked.is_empty() { String::new() } else { format!(r#","model":"{asked}""#) };
                    let answer = connection.post("/predict", format!("{{{symbols}{pin}}}").as_bytes());
                    let body = answer.json();
                    if answer.status == 404 && !asked.is_empty() {
                        assert_eq!(body["error"], "Unknown model", "{body}");
                        continue;
                    }
                    assert_eq!(answer.status, 200, "{body}");
                    let items = body["predictions"].as_array().unwrap();
                    let first = &items[0]["model"]["name"];
                    assert!(asked.is_empty() || first == asked, "{asked}: {body}");
                    assert!(items.iter().all(|item| &item["model"]["name"] == first), "{body}");
                }
            }
        };
        let clients = [scope.spawn(rows_client), scope.spawn(rows_client)];
        scope.spawn(symbol_client);
        scope.spawn(list_client);
        let served = |more: u64| {
            let from = answered.load(Ordering::Relaxed);
            while answered.load(Ordering::Relaxed) < from + more {
                assert!(!clients.iter().any(|client| client.is_finished()), "a client found a wrong answer");
                std::thread::yield_now();
            }
        };
        for turn in 0..10 {
            served(40);
            let body = if turn % 2 == 0 {
                change(&service, "POST", "/models/two/activate", r#"{"reason":"a test"}"#)
            } else {
                change(&service, "POST", "/models/two/rollback", "")
            };
            assert_eq!(body["outcome"], ["activated", "rolled_back"][turn % 2], "{body}");
        }
        served(40);
        drop(over);
        let mut all = HashMap::<String, u64>::new();
        for client in clients {
            for (version, count) in client.join().unwrap() {
                *all.entry(version).or_default() += count;
            }
        }
        all
    });
    println!("{} answers; of rows, by version: {seen:?}", answered.load(Ordering::Relaxed));
    assert!(seen["1"] > 0 && seen["2"] > 0, "{seen:?}");
    assert_eq!(metric(&service, r#"stormglass_model_swaps_total{outcome="activated"}"#), 5.0);
    assert_eq!(metric(&service, r#"stormglass_model_swaps_total{outcome="rolled_back"}"#), 5.0);
    assert_eq!(metric(&service, r#"model_loaded{model_version="1"}"#), 1.0);
    for (version, count) in &seen {
        let of = |prediction: &str| {
            metric(
                &service,
                &format!(r#"predictions_total{{model_version="{version}",prediction="{prediction}"}}"#),
            )
        };
        assert!(of("0") + of("1") >= 3.0 * *count as f64, "version {version}");
    }
    let events = get(&service, "/events?kind=model_swapped");
    let event = &events["events"][0];
    assert!(event["model"].as_str().unwrap().starts_with("two@2 "), "{events}");
    assert!(event["before"].as_str().unwrap().starts_with("one@1 "), "{events}");
    assert_eq!(event["reason"], "a test");
    assert_eq!(event["request_id"].as_str().unwrap().len(), 16, "{events}");
    assert_eq!(get(&service, "/events?kind=model_rolled_back")["events"].as_array().unwrap().len(), 5);
}

#[test]
fn what_is_refused_leaves_all_as_it_was() {
    let folder = Folder::new();
    let whole = std::fs::read(folder.file("two")).unwrap();
    folder.put("damaged", &whole[..whole.len() - 9]);
    folder.put("foreign", &model_bytes("foreign", "1"));
    let service = serve(&folder, &[], true);
    warm(&service);
    let before = get(&service, "/version");
    let body = refused(&service, "/models/far/activate", "", 409, "Beyond the bounds");
    let numbers = &body["comparison"];
    assert!(numbers["rows"].as_u64().unwrap() > 1_000, "{body}");
    assert!(numbers["flip_rate"].as_f64().unwrap() > 0.25, "{body}");
    assert!(numbers["score_difference_max"].as_f64() >= numbers["score_difference_mean"].as_f64(), "{body}");
    assert!(numbers["after"]["ns_per_row"].as_f64().unwrap() > 0.0, "{body}");
    let body = refused(
        &service,
        "/models/two/activate",
        r#"{"max_score_difference":0.001}"#,
        409,
        "Beyond the bounds",
    );
    assert_eq!(body["comparison"]["max_score_difference"], 0.001);
    refused(&service, "/models/damaged/activate", "", 409, "damaged.sgm");
    refused(&service, "/models/foreign/activate", "", 409, "alpha@1");
    refused(&service, "/models/runbook-rf/activate", "", 409, "cannot drive the stream");
    refused(&service, "/models/nobody/activate", "", 404, "there are: default, baseline");
    refused(&service, "/models/two/activate", r#"{"version":"9"}"#, 404, "two@2");
    refused(&service, "/models/one/rollback", "", 409, "Nothing to roll back to");
    refused(&service, "/models/one/shadow", "", 409, "is the active model");
    for (body, status, words) in [
        (r#"{"max_flip_rate":2}"#, 422, "max_flip_rate is 2"),
        (r#"{"max_flips":1}"#, 422, "max_flips"),
        ("{", 400, "Not JSON"),
    ] {
        refused(&service, "/models/two/activate", body, status, words);
    }
    let body = change(&service, "POST", "/models/two/activate", r#"{"dry_run":true}"#);
    assert_eq!((&body["outcome"], &body["comparison"]["within_bounds"]), (&json!("dry_run"), &json!(true)));
    let body = change(&service, "POST", "/models/far/activate", r#"{"dry_run":true}"#);
    assert_eq!(body["comparison"]["within_bounds"], false);
    assert_eq!(get(&service, "/version"), before);
    assert!(!folder.record().exists());
    let events = get(&service, "/events?kind=model_refused");
    let why = events["events"].to_string();
    assert!(why.contains("are called otherwise") && why.contains("damaged.sgm"), "{events}");
    assert_eq!(get(&service, "/events?kind=model_swapped")["events"], json!([]));
    assert_eq!(metric(&service, r#"stormglass_model_swaps_total{outcome="refused"}"#), 9.0);

    let models = get(&service, "/models");
    let state = |name: &str| {
        let found = models["models"].as_array().unwrap().iter().find(|model| model["name"] == name);
        found.unwrap_or_else(|| panic!("{name} in {models}"))["state"].clone()
    };
    let names = ["one", "two", "damaged", "foreign", "default", "runbook-rf"];
    let expected = ["active", "available", "refused", "available", "available", "available"];
    assert_eq!(names.map(state), expected);
    assert_eq!((&models["active"], &models["previous"]), (&json!("one@1"), &Value::Null));
}

#[test]
fn a_replaced_file_changes_nothing_until_it_is_activated() {
    let folder = Folder::new();
    let service = serve(&folder, &[], false);
    warm(&service);
    let (question, rows) = question();
    let score = || {
        let answer = Connection::open(service.address).post("/predict", question.as_bytes());
        bits(&answer.json()["scores"])
    };
    let two = offline(&folder.open("two"), &rows);
    let body = change(&service, "POST", "/models/two/activate", "");
    assert!(body["warnings"].to_string().contains("model.record"), "it does not last: {body}");
    assert_eq!(score(), two);
    folder.put("two", &small_version_bytes("two", "2.1", -1.4));
    assert_eq!(score(), two, "what was activated is the old file");
    refused(&service, "/models/two@2/activate", "", 404, "two@2.1");
    let body = change(&service, "POST", "/models/two@2.1/activate", "");
    assert_eq!((&body["model"]["version"], &body["before"]["version"]), (&json!("2.1"), &json!("2")));
    assert_eq!(score(), offline(&folder.open("two"), &rows));
    change(&service, "POST", "/models/active/rollback", "");
    assert_eq!(score(), two, "the one before was kept, though its file is gone");
}

/// Rollback as operators need it: it holds over restarts, against the environment, and without the file.
#[test]
fn the_record_outranks_the_configuration_until_it_is_cleared() {
    let folder = Folder::new();
    let restart = |variant: &str| {
        Process::serve(&[], |command| {
            over(&folder, true)(command);
            command.env("MODEL_VARIANT", variant);
        })
    };
    let active = |service: &Process| {
        service.get_until("/version", WARM, |status, _| status == 200);
        let version = get(service, "/version");
        (
            version["model"].as_str().unwrap().to_owned(),
            version["variant_source"].as_str().unwrap().to_owned(),
        )
    };
    let pair = |model: &str, source: &str| (model.to_owned(), source.to_owned());

    let service = restart("baseline");
    assert_eq!(active(&service), pair("stormglass-baseline", "environment MODEL_VARIANT"));
    warm(&service);
    change(&service, "POST", "/models/two/activate", r#"{"max_flip_rate":1,"reason":"a better one"}"#);
    assert_eq!(active(&service), pair("two", "record"));
    assert!(service.terminate().success());

    // Neither the environment nor what becomes of the file decides.
    let sha256 = folder.open("two").info().sha256.clone();
    folder.put("two", &small_version_bytes("two", "9", 2.0));
    let service = restart("ml");
    assert_eq!(active(&service), pair("two", "record"));
    assert_eq!(get(&service, "/version")["model_sha256"], sha256);
    warm(&service);
    let models = get(&service, "/models");
    assert!(models["previous"].as_str().unwrap().starts_with("baseline@"), "{models}");
    let body = change(&service, "POST", "/models/two/rollback", r#"{"reason":"two is worse"}"#);
    assert_eq!((&body["outcome"], &body["model"]["name"]), (&json!("rolled_back"), &json!("baseline")));
    refused(&service, "/models/two/rollback", "", 409, "baseline is");
    assert_eq!(active(&service), pair("stormglass-baseline", "record"));
    assert_eq!(metric(&service, r#"model_variant_active{model_variant="baseline"}"#), 1.0);
    assert!(service.terminate().success());

    let service = restart("ml");
    assert_eq!(active(&service), pair("stormglass-baseline", "record"), "MODEL_VARIANT=ml does not undo it");
    warm(&service);
    let body = change(&service, "DELETE", "/models/active", "");
    assert_eq!((&body["outcome"], &body["model"]["name"]), (&json!("cleared"), &json!("default")));
    assert_eq!(active(&service), pair("stormglass-default", "environment MODEL_VARIANT"));
    assert!(!folder.record().exists());
    assert!(service.terminate().success());
    assert_eq!(active(&restart("baseline")), pair("stormglass-baseline", "environment MODEL_VARIANT"));
}

/// `MODEL_VERSION` labels the configured model, whoever says that it answers.
#[test]
fn the_configured_models_label_survives_a_rollback_and_a_restart() {
    let folder = Folder::new();
    let start = || {
        let service = Process::serve(&["--source", "none"], |command| {
            over(&folder, true)(command);
            command.env("MODEL_PATH", folder.file("one")).env("MODEL_VERSION", "blue");
        });
        service.get_until("/version", WARM, |status, _| status == 200);
        service
    };
    let version = |service: &Process| get(service, "/version")["model_version"].clone();
    let service = start();
    assert_eq!(version(&service), "blue");
    folder.put("mine", &small_version_bytes("two", "2", -1.45));
    change(&service, "POST", "/models/mine/activate", "");
    assert_eq!(version(&service), "2");
    // By its name in the folder and by the file's own, under every protocol.
    for path in ["/v2/models/mine/ready", "/v2/models/two/versions/2/ready"] {
        assert_eq!(service.get(path).unwrap().0, 200, "{path}");
    }
    change(&service, "POST", "/models/active/rollback", "");
    assert_eq!(version(&service), "blue");
    assert!(service.terminate().success());
    let service = start();
    let body = get(&service, "/version");
    assert_eq!((&body["model_version"], &body["variant_source"]), (&json!("blue"), &json!("record")));
    assert_eq!(get(&service, "/v2/models/one/versions/blue")["name"], "one");
}

#[test]
fn a_record_that_cannot_be_obeyed_is_no_reason_to_take_another_model() {
    let folder = Folder::new();
    let gone =
        json!({"active": {"name": "gone", "version": "1", "variant": "ml", "sha256": "00", "since": "x"}});
    std::fs::write(folder.record(), gone.to_string()).unwrap();
    let service = serve(&folder, &["--source", "none"], true);
    let (_, body) = service.get_until("/health", WARM, |status, _| status == 503);
    assert!(body.contains("gone@1") && body.contains("stormglass model clear"), "{body}");
    let run = |action: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stormglass"));
        over(&folder, true)(&mut command);
        let output = command.args(["model", action]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let listed = run("list");
    assert!(listed.contains("two@2 ml ") && listed.contains("the record says gone@1"), "{listed}");
    assert!(run("clear").contains("is removed"));
    assert!(run("clear").contains("there is no record"));
    let service = serve(&folder, &["--source", "none"], true);
    service.get_until("/health", WARM, |status, _| status == 200);
    assert_eq!(get(&service, "/version")["model"], "one");
}

#[test]
fn a_shadow_is_judged_beside_the_active_model_and_scores_rows_that_ask_for_it() {
    let folder = Folder::new();
    let service = serve(&folder, &["--speed", "60"], true);
    warm(&service);
    let body = change(&service, "POST", "/models/two/shadow", "");
    assert_eq!((&body["outcome"], &body["model"]["state"]), (&json!("shadow_on"), &json!("shadow")));
    let shadow = |body: &str| {
        let body: Value = serde_json::from_str(body).unwrap();
        let models = body["models"].as_array().unwrap().clone();
        models.into_iter().find(|model| model["variant"] == "shadow" && model["rows"].as_u64() > Some(20))
    };
    let (_, body) =
        service.get_until("/quality", 2 * WARM, |status, body| status == 200 && shadow(body).is_some());
    let judged = shadow(&body).unwrap();
    assert_eq!(
        (&judged["name"], &judged["sha256"]),
        (&json!("two"), &json!(folder.open("two").info().sha256))
    );
    assert!(service.get("/metrics").unwrap().1.contains(r#"model_version="2",model_variant="shadow""#));
    assert_eq!(get(&service, "/version")["model"], "one");

    let (question, rows) = question();
    let score = |model: &str| {
        let asked = question.replacen('{', &format!("{{\"model\":\"{model}\","), 1);
        Connection::open(service.address).post("/predict", asked.as_bytes())
    };
    let (one, two) = (offline(&folder.open("one"), &rows), offline(&folder.open("two"), &rows));
    for (model, expected) in [("one@active", &one), ("one", &one), ("two@shadow", &two), ("two@2", &two)] {
        assert_eq!(&bits(&score(model).json()["scores"]), expected, "{model}");
    }
    assert_eq!(score("two@previous").status, 404);
    assert_eq!(change(&service, "DELETE", "/models/two/shadow", "")["outcome"], "shadow_off");
    assert_eq!(change(&service, "POST", "/models/two/shadow", r#"{"off":true}"#)["outcome"], "shadow_off");
    assert_eq!(score("two@shadow").status, 404);
    for kind in ["shadow_on", "shadow_off"] {
        assert_eq!(get(&service, &format!("/events?kind={kind}"))["events"].as_array().unwrap().len(), 1);
    }
    change(&service, "POST", "/models/two/shadow", "");
    change(&service, "POST", "/models/two/activate", "");
    let models = get(&service, "/models");
    assert_eq!((&models["active"], &models["previous"]), (&json!("two@2"), &json!("one@1")));
    assert_eq!(models["shadow"], Value::Null, "beside itself it tells nothing: {models}");
}

#[test]
fn without_a_stream_a_model_of_rows_takes_over_and_gives_back() {
    let folder = Folder::new();
    folder.put("foreign", &model_bytes("foreign", "5"));
    let service = serve(&folder, &["--source", "none"], false);
    service.get_until("/readyz", WARM, |status, _| status == 200);
    let body = change(&service, "POST", "/models/foreign/activate", "");
    assert!(body["warnings"].to_string().contains("it answers rows"), "{body}");
    let row = br#"{"rows":[{"alpha":1,"beta":2,"gamma":3}]}"#;
    assert_eq!(Connection::open(service.address).post("/predict", row).json()["version"], "5");
    change(&service, "POST", "/models/foreign/rollback", "");
    assert_eq!(Connection::open(service.address).post("/predict", row).status, 422);
}

#[test]
fn nobody_changes_the_model_without_the_token() {
    let service = Service::plain();
    let off = service.post("/models/baseline/activate", "");
    assert_eq!(off.status, 403);
    assert!(off.text().contains("server.admin_token"), "it says how: {}", off.text());

    let service = Service::with(|config| config.server.admin_token = TOKEN.into());
    for path in ["/models/baseline/activate", "/models/tiny/rollback", "/models/baseline/shadow"] {
        for headers in ["", "authorization: Bearer a-token-of-a-tesu\r\n", "authorization: Basic YTpi\r\n"] {
            let answer = service.connect().post_with(path, headers, "{");
            assert_eq!(answer.status, 401, "{path} {headers}: {}", answer.text());
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            assert!(!answer.text().contains(TOKEN), "{}", answer.text());
        }
    }
    assert_eq!(service.get("/models/baseline/activate").status, 405);
    assert_eq!(service.get("/models").status, 200, "the list is for all");
    assert!(!format!("{:?}", service.app).contains(TOKEN));
}

#[test]
fn with_kafka_a_change_is_refused_by_name() {
    let service = Service::with(|config| {
        config.server.admin_token = TOKEN.into();
        config.source.kind = SourceKind::Kafka;
        config.model.record = Some("/no/such/folder/active.json".to_owned());
    });
    let token = format!("authorization: Bearer {TOKEN}\r\n");
    for path in ["/models/baseline/activate", "/models/tiny/rollback"] {
        let answer = service.connect().post_with(path, &token, "");
        assert_eq!(answer.status, 409, "{}", answer.text());
        assert!(answer.text().contains("ticks come from Kafka"), "{}", answer.text());
    }
    assert_eq!(service.get("/models").json()["record"], Value::Null);
}
