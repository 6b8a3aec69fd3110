//! Symbols without a new tick, as at the end of a recording, in a silence of the feed or after it has ended: the model
//! that takes over answers for them at once.

use std::{fmt::Write as _, path::PathBuf};

use engine::{
    encode::encode,
    sim::{SimConfig, SimSymbol, Simulator},
};
use serde_json::{Value, json};

use super::activation::{Folder, WARM, change, get, metric, over};
use crate::support::{client::Connection, fixtures::small_model_named, process::Process, service::Service};

/// Two symbols that are warm at the end, and one that is not.
const SYMBOLS: [&str; 3] = ["AAA-USD", "BBB-USD", "CCC-USD"];

/// Writes the ticks of these symbols to a file; gives it and how many they are.
fn recording(folder: &Folder) -> (PathBuf, usize) {
    let market = SimConfig { symbols: SYMBOLS.map(SimSymbol::named).to_vec(), ..SimConfig::default() };
    let (mut text, mut line, mut count, mut of_last) = (String::new(), String::new(), 0, 0);
    for (symbol, tick) in Simulator::new(market).take(4_500) {
        of_last += usize::from(symbol == 2);
        if symbol == 2 && of_last > 5 {
            continue;
        }
        line.clear();
        encode("coinbase", SYMBOLS[symbol], &tick, &mut line);
        writeln!(text, "{line}").unwrap();
        count += 1;
    }
    let path = folder.file("ticks").with_extension("ndjson");
    std::fs::write(&path, text).unwrap();
    (path, count)
}

/// A service that has read all ticks, with this file as its model.
fn after_the_end(folder: &Folder, model: &str, (ticks, count): &(PathBuf, usize)) -> Process {
    let source = format!("file:{}", ticks.display());
    let service = Process::serve(&["--source", &source, "--speed", "max"], |command| {
        over(folder, true)(command);
        command.env("MODEL_PATH", folder.file(model));
    });
    let all = format!("stormglass_ticks_total{{outcome=\"accepted\"}} {count}");
    service.get_until("/metrics", WARM, |_, text| text.lines().any(|line| line == all));
    service
}

/// A prediction without the fields that depend on when and how it is asked for.
fn without_age(mut prediction: Value) -> Value {
    let fields = prediction.as_object_mut().unwrap();
    for field in ["age_ms", "explanation", "explanation_reason"] {
        fields.remove(field);
    }
    prediction
}

fn answers(service: &Process) -> Vec<Value> {
    SYMBOLS.map(|symbol| without_age(get(service, &format!("/predict/{symbol}")))).to_vec()
}

fn ask(service: &Process, more: &str) -> (u16, Value) {
    let body = format!("{{\"symbols\":{}{more}}}", json!(SYMBOLS));
    let answer = Connection::open(service.address).post("/predict", body.as_bytes());
    (answer.status, answer.json())
}

/// The list, named and not, gives these predictions, and explains them by the model that made them.
fn check_list(service: &Process, model: &str, expected: &[Value]) {
    for pin in ["", &format!(",\"model\":\"{model}\"")] {
        let (status, body) = ask(service, &format!("{pin},\"explain\":true"));
        assert_eq!(status, 200, "{body}");
        let items = body["predictions"].as_array().unwrap().clone();
        for item in &items[..2] {
            let parts = item["explanation"]["contributions"].as_object().unwrap();
            let sum: f64 = parts.values().map(|part| part.as_f64().unwrap()).sum();
            let raw = item["explanation"]["base_value"].as_f64().unwrap() + sum;
            let probability = item["probability"].as_f64().unwrap();
            assert!((model::sigmoid(raw) - probability).abs() < 1e-9, "{item}");
            assert_eq!(item.get("explanation_reason"), None, "{item}");
        }
        assert_eq!(items[2]["explanation"], Value::Null);
        let reason = items[2]["explanation_reason"].as_str().unwrap();
        assert!(reason.contains("fewer than 80 %"), "{reason}");
        let plain: Vec<Value> = items.into_iter().map(without_age).collect();
        assert_eq!(plain, expected, "{pin}");
    }
}

fn check_refused(service: &Process, model: &str, loaded: &str) {
    let (status, body) = ask(service, &format!(",\"model\":\"{model}\""));
    assert_eq!((status, &body["error"]), (404, &json!("Unknown model")), "{body}");
    assert!(body["detail"].as_str().unwrap().contains(loaded), "{body}");
}

fn names(answers: &[Value]) -> Vec<&str> {
    answers.iter().map(|answer| answer["model"]["name"].as_str().unwrap()).collect()
}

#[test]
fn activate_rollback_and_clear_reach_symbols_without_a_new_tick() {
    let folder = Folder::new();
    let ticks = recording(&folder);
    let two = answers(&after_the_end(&folder, "two", &ticks));
    let service = after_the_end(&folder, "one", &ticks);
    let one = answers(&service);
    assert_eq!((names(&one), names(&two)), (vec!["one"; 3], vec!["two"; 3]));
    assert_ne!(one[0]["probability"], two[0]["probability"]);
    assert_eq!(one[2]["status"], "warming");
    check_list(&service, "one", &one);
    check_refused(&service, "two", "one@1");
    let counted = |service: &Process| {
        [
            r#"stormglass_ticks_total{outcome="accepted"}"#,
            r#"stormglass_rows_scored_total{on="tick"}"#,
            r#"stormglass_rows_scored_total{on="grid"}"#,
        ]
        .map(|series| metric(service, series))
    };
    let before = (counted(&service), get(&service, "/symbols"));

    let activate =
        |name: &str| change(&service, "POST", &format!("/models/{name}/activate"), r#"{"max_flip_rate":1}"#);
    activate("two");
    assert_eq!(answers(&service), two);
    check_list(&service, "two", &two);
    check_refused(&service, "one", "two@2");
    change(&service, "POST", "/models/two/rollback", "");
    assert_eq!(answers(&service), one);
    check_list(&service, "one", &one);
    activate("two");
    assert_eq!(change(&service, "DELETE", "/models/active", "")["outcome"], "cleared");
    assert_eq!(answers(&service), one, "the configured model");
    check_list(&service, "one", &one);

    let states = |symbols: &Value| -> Vec<Value> {
        symbols["symbols"].as_array().unwrap().iter().map(|symbol| symbol["status"].clone()).collect()
    };
    assert_eq!(counted(&service), before.0, "a row that is scored again is no prediction");
    assert_eq!(states(&get(&service, "/symbols")), states(&before.1));
}

/// Watchers of quiet symbols are told what the new model says.
#[test]
fn watchers_are_told_the_answers_of_the_model_that_took_over() {
    let folder = Folder::new();
    let ticks = recording(&folder);
    let service = after_the_end(&folder, "one", &ticks);
    let mut watcher = Connection::open(service.address);
    watcher.send(b"GET /stream HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(watcher.read_head().status, 200);
    let mut next = || loop {
        let line = watcher.line();
        assert!(!line.is_empty(), "the stream ended");
        if let Some(data) = line.strip_prefix("data: ") {
            break without_age(serde_json::from_str(data).unwrap());
        }
    };
    let mut told = || {
        let mut told = [next(), next(), next()];
        told.sort_by_key(|event| event["symbol"].to_string());
        told.to_vec()
    };
    assert_eq!(told(), answers(&service));
    change(&service, "POST", "/models/two/activate", r#"{"max_flip_rate":1}"#);
    let after = told();
    assert_eq!(names(&after), ["two"; 3]);
    assert_eq!(after, answers(&service));
}

/// The shard answers by the baseline where it stands in for the loaded model: who named that model is told, not
/// answered.
#[test]
fn a_request_that_names_a_model_is_not_answered_by_the_one_that_stands_in() {
    let service = Service::plain();
    let loaded = small_model_named("loaded", -1.5);
    service.app.engine.model.store(Some(loaded));
    let ask = |more: &str| {
        let body = format!(r#"{{"symbols":["coinbase:BTC-USD"]{more}}}"#);
        service.post("/predict", &body).json()["predictions"][0].clone()
    };
    let plain = ask(r#","explain":true"#);
    assert_eq!(plain["model"]["name"], "tiny");
    assert_eq!(plain["explanation"], Value::Null);
    assert_eq!(plain["explanation_reason"], "tiny@7 stands in for the model (quality.fallback)");
    let named = ask(r#","model":"loaded""#);
    assert_eq!((&named["status"], &named["error"]), (&json!(409), &json!("Another model answers")));
    assert!(named["detail"].as_str().unwrap().contains("is answered by tiny@7"), "{named}");
    assert_eq!(named.get("probability"), None);
}
