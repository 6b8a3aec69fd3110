//! The Open Inference Protocol, byte by byte where clients cannot go.

use std::sync::Arc;

use api::config::sections::MissingPolicy;
use model::Model;
use serde_json::{Value, json};

use crate::support::{
    client::Answer,
    service::{Service, Setup, model, model_bytes},
};

const ROW: [f32; 3] = [1.0, 2.5, 3.0];

fn infer(service: &Service, body: &str) -> Answer {
    service.post("/v2/models/tiny/infer", body)
}

fn tensor(rest: &str) -> String {
    format!(r#"{{"inputs":[{{"name":"input__0","shape":[1,3],"datatype":"FP32","data":[1,2.5,3]}}]{rest}}}"#)
}

/// The protocol's errors say everything under `error`.
fn assert_refused(answer: &Answer, status: u16, words: &[&str]) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let body = answer.json();
    for word in words {
        assert!(body["error"].as_str().unwrap().contains(word), "{word:?} is not in {body}");
    }
}

#[test]
fn the_server_and_its_model_describe_themselves() {
    let service = Service::plain();
    let server = service.get("/v2").json();
    assert_eq!(server["name"], "stormglass");
    assert_eq!(server["extensions"], json!(["binary_tensor_data", "model_configuration", "statistics"]));
    assert_eq!(service.get("/v2/health/live").json(), json!({"live": true}));
    assert_eq!(service.get("/v2/health/ready").json(), json!({"ready": true}));
    for path in ["/v2/models/tiny", "/v2/models/tiny/versions/7"] {
        let body = service.get(path).json();
        assert_eq!((&body["name"], &body["versions"]), (&json!("tiny"), &json!(["7"])));
        assert_eq!(body["inputs"], json!([{"name": "input__0", "datatype": "FP32", "shape": [-1, 3]}]));
        let outputs = json!([
            {"name": "output__0", "datatype": "FP64", "shape": [-1]},
            {"name": "treeshap_output", "datatype": "FP64", "shape": [-1, 4]},
        ]);
        assert_eq!(body["outputs"], outputs);
        assert_eq!(body["properties"]["features"], r#"["alpha@1","beta@2","gamma"]"#);
        assert_eq!(body["properties"]["sha256"], json!(model().info().sha256));
        assert_eq!(service.get(&format!("{path}/ready")).json(), json!({"name": "tiny", "ready": true}));
    }
    let config = service.get("/v2/models/tiny/config").json();
    assert_eq!((&config["max_batch_size"], &config["input"][0]["dims"]), (&json!(1000), &json!([3])));
    assert_eq!(config["input"][0]["data_type"], "TYPE_FP32");
}

#[test]
fn every_loaded_model_is_in_the_index_and_infers_under_its_name() {
    let legacy = Arc::new(Model::from_bytes(&model_bytes("old", "1.2")).unwrap());
    let mut setup = Setup { legacy_model: Some(legacy), ..Setup::default() };
    setup.config.model.version = Some("2024-06".to_owned());
    let service = Service::start(setup);
    let expected = json!([
        {"name": "tiny", "version": "2024-06", "state": "READY", "reason": ""},
        {"name": "old", "version": "1.2", "state": "READY", "reason": ""},
    ]);
    for body in ["", "{}", r#"{"ready":true}"#] {
        assert_eq!(service.post("/v2/repository/index", body).json(), expected);
    }
    for (path, name, version) in [
        ("/v2/models/tiny/infer", "tiny", "2024-06"),
        ("/v2/models/tiny/versions/2024-06/infer", "tiny", "2024-06"),
        ("/v2/models/tiny/versions/7/infer", "tiny", "2024-06"),
        ("/v2/models/old/infer", "old", "1.2"),
    ] {
        let body = service.post(path, &tensor("")).json();
        assert_eq!((&body["model_name"], &body["model_version"]), (&json!(name), &json!(version)), "{path}");
        assert_eq!(body["outputs"][0]["data"], json!([model().predict(&ROW)]));
    }
    assert_refused(&service.post("/v2/models/old/versions/7/infer", &tensor("")), 404, &["old@7", "old@1.2"]);
}

#[test]
fn an_inference_has_its_id_and_what_the_score_means() {
    let service = Service::plain();
    let body = infer(&service, &tensor(r#","id":"q-1""#)).json();
    assert_eq!((&body["id"], &body["model_version"]), (&json!("q-1"), &json!("7")));
    assert_eq!(body["parameters"], json!({"model_variant": "ml", "threshold": 0.5}));
    let score = model().predict(&ROW);
    let expected = json!([{"name": "output__0", "datatype": "FP64", "shape": [1], "data": [score]}]);
    assert_eq!(body["outputs"], expected);
    assert_eq!(infer(&service, &tensor("")).json().get("id"), None);
    let rows = service.post("/predict", r#"{"rows":[{"alpha":1,"beta":2.5,"gamma":3}]}"#).json();
    assert_eq!(rows["scores"][0], json!(score));
}

#[test]
fn contributions_are_an_output_that_is_asked_for() {
    let mut setup = Setup::default();
    setup.config.predict.explain_rows_max = 2;
    let service = Service::start(setup);
    let outputs = r#","outputs":[{"name":"treeshap_output"},{"name":"output__0"}]"#;
    let body = infer(&service, &tensor(outputs)).json();
    assert_eq!(body["outputs"][0]["shape"], json!([1, 4]));
    // By hand: 1 * 1, -2 * 2.5, 0.5 * 3, then the intercept.
    assert_eq!(body["outputs"][0]["data"], json!([1.0, -5.0, 1.5, 0.1]));
    assert_eq!(body["outputs"][1]["data"], json!([model().predict(&ROW)]));
    let three = format!(
        r#"{{"inputs":[{{"name":"input__0","shape":[3,3],"datatype":"FP32","data":{:?}}}]{outputs}}}"#,
        [0; 9]
    );
    assert_refused(&infer(&service, &three), 400, &["predict.explain_rows_max", "not 3"]);
}

#[test]
fn a_binary_answer_has_its_data_behind_its_json() {
    let service = Service::plain();
    let json = r#"{"inputs":[{"name":"input__0","shape":[1,3],"datatype":"FP32","parameters":{"binary_data_size":12}}],"parameters":{"binary_data_output":true}}"#;
    let data: Vec<u8> = ROW.iter().flat_map(|value| value.to_le_bytes()).collect();
    let body = [json.as_bytes(), &data].concat();
    let mut connection = service.connect();
    let head = format!(
        "POST /v2/models/tiny/infer HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\nInference-Header-Content-Length: {}\r\n\r\n",
        body.len(),
        json.len()
    );
    connection.send(head.as_bytes());
    connection.send(&body);
    let answer = connection.read();
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    let length: usize = answer.header("inference-header-content-length").unwrap().parse().unwrap();
    let described: Value = serde_json::from_slice(&answer.body[..length]).unwrap();
    assert_eq!(described["outputs"][0]["parameters"], json!({"binary_data_size": 8}));
    assert_eq!(answer.body[length..], model().predict(&ROW).to_le_bytes());
}

#[test]
fn missing_values_are_said_where_they_are_allowed() {
    let service = Service::with(|config| config.predict.missing = MissingPolicy::Nan);
    let body = r#"{"inputs":[{"name":"alpha","shape":[2],"datatype":"FP32","data":[1,null]},
                             {"name":"beta","shape":[2],"datatype":"FP32","data":[0,0]}]}"#;
    let answer = infer(&service, body).json();
    let missing: Value = serde_json::from_str(answer["parameters"]["missing"].as_str().unwrap()).unwrap();
    let expected = json!([{"row": 0, "features": ["gamma"]}, {"row": 1, "features": ["alpha@1", "gamma"]}]);
    assert_eq!(missing, expected);
    let scores: Vec<f64> =
        [[1.0, 0.0, f32::NAN], [f32::NAN, 0.0, f32::NAN]].iter().map(|row| model().predict(row)).collect();
    assert_eq!(answer["outputs"][0]["data"], json!(scores));
    assert_refused(&infer(&Service::plain(), body), 400, &["gamma is missing"]);
}

#[test]
fn what_is_wrong_has_tritons_status_and_is_named() {
    let service = Service::plain();
    assert_refused(&service.get("/v2/models/no"), 404, &["\"no\"", "tiny@7"]);
    assert_refused(&service.get("/v2/models/no/ready"), 404, &["tiny@7"]);
    assert_refused(&service.get("/v2/models/tiny/versions/8/stats"), 404, &["tiny@8"]);
    for (body, words) in [
        ("", &["Invalid inference request"][..]),
        ("{}", &["missing field `inputs`"]),
        (&tensor(r#","outputs":[{"name":"x"}]"#), &["output \"x\" is unknown", "output__0"]),
        (&tensor(r#","id":7"#), &["expected a string"]),
        (&tensor("").replace("[1,3]", "[3,1]"), &["shape [3, 1]", "[rows, 3]"]),
        (&tensor("").replace("2.5", "\"2.5\""), &["input__0", "a string for a number"]),
    ] {
        assert_refused(&infer(&service, body), 400, words);
    }
    let many = format!(
        r#"{{"inputs":[{{"name":"input__0","shape":[1001,3],"datatype":"INT8","data":{:?}}}]}}"#,
        [0; 3003]
    );
    assert_refused(&infer(&service, &many), 400, &["1001 rows", "predict.rows_max"]);
    let deep = format!(r#"{{"inputs":{}"#, "[".repeat(200_000));
    assert_refused(&infer(&service, &deep), 400, &["Invalid inference request"]);
    let nested = tensor("").replace("[1,2.5,3]", &format!("{}1{}", "[".repeat(100), "]".repeat(100)));
    assert_refused(&infer(&service, &nested), 400, &["deeper than shape"]);
    let none = Service::start(Setup { model: None, ..Setup::default() });
    assert_refused(&infer(&none, &tensor("")), 503, &["Model not loaded"]);
    assert_refused(&none.get("/v2/health/ready"), 503, &["model: Model not loaded"]);
    assert_eq!(none.post("/v2/repository/index", "").json(), json!([]));
    assert_eq!(none.get("/v2/health/live").status, 200);
}

#[test]
fn a_slow_shard_and_a_long_body_are_bounded_here_too() {
    let service = Service::with(|config| {
        config.server.deadline_ms = 50;
        config.server.body_max_bytes = 10_000;
    });
    service.shard.hold.set(true);
    assert_refused(&infer(&service, &tensor("")), 504, &["Deadline passed"]);
    service.shard.hold.set(false);
    assert_refused(&infer(&service, &" ".repeat(10_001)), 413, &["server.body_max_bytes"]);
}

#[test]
fn inferences_are_counted_by_model_and_as_predictions() {
    let service = Service::plain();
    let two = r#"{"inputs":[{"name":"input__0","shape":[2,3],"datatype":"INT8","data":[4,0,0,-4,0,0]}]}"#;
    assert_eq!(infer(&service, two).status, 200);
    assert_eq!(infer(&service, &tensor("")).status, 200);
    assert_eq!(infer(&service, "{}").status, 400);
    let body = service.get("/v2/models/tiny/stats").json();
    let stats = &body["model_stats"][0];
    assert_eq!((&stats["inference_count"], &stats["execution_count"]), (&json!(3), &json!(2)));
    let inference = &stats["inference_stats"];
    assert_eq!((&inference["success"]["count"], &inference["fail"]["count"]), (&json!(2), &json!(1)));
    assert!(inference["compute_infer"]["ns"].as_u64().unwrap() > 0, "{body}");
    assert!(stats["last_inference"].as_u64().unwrap() > 1_600_000_000_000, "{body}");
    let samples = super::metrics::samples(service.get("/metrics").text());
    for (series, expected) in [
        (r#"http_requests_total{method="POST",endpoint="/v2/models/{model}/infer",status="200"}"#, 2.0),
        (r#"http_requests_total{method="POST",endpoint="/v2/models/{model}/infer",status="400"}"#, 1.0),
        (r#"predictions_total{model_version="7",prediction="1"}"#, 1.0),
        (r#"predictions_total{model_version="7",prediction="0"}"#, 2.0),
        ("prediction_latency_seconds_count", 3.0),
    ] {
        assert_eq!(samples[series], expected, "{series}");
    }
}
