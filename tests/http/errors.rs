//! Each documented error names what is wrong and what to do.

use serde_json::json;

use crate::support::{
    client::Answer,
    service::{Service, Setup},
};

/// The answer is a problem of this status whose text has these words.
fn assert_problem(answer: &Answer, status: u16, words: &[&str]) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let body = answer.json();
    assert_eq!(body["status"], json!(status));
    assert_eq!(body["error"], body["title"]);
    assert_eq!(body["request_id"].as_str(), answer.header("x-request-id"));
    for word in words {
        assert!(answer.text().contains(word), "{word:?} is not in {}", answer.text());
    }
}

#[test]
fn a_body_that_is_not_json_is_400() {
    let service = Service::plain();
    let nan = r#"{"rows":[{"alpha":NaN,"beta":1,"gamma":1}]}"#;
    for (body, word) in [
        ("", "empty"),
        ("{", "not JSON"),
        ("hello", "not JSON"),
        (r#"{"rows":[{"alpha":1,}]}"#, "not JSON"),
        (r#"{"rows":[{"alpha":1}]} x"#, "not JSON"),
        (nan, "NaN and Infinity are not JSON"),
        (r#"{"rows":[{"alpha":Infinity}]}"#, "NaN and Infinity are not JSON"),
    ] {
        assert_problem(&service.post("/predict", body), 400, &["Not JSON", word]);
    }
    let deep = "[".repeat(200_000);
    let status = service.post("/predict", &format!("{{\"rows\":{deep}")).status;
    assert_eq!(status, 400, "nesting without an end must not overflow a stack");
}

#[test]
fn wrong_shapes_are_422_and_name_the_shape() {
    let service = Service::plain();
    for (body, words) in [
        ("[1]", &["\\\"rows\\\"", "\\\"symbols\\\""][..]),
        ("{}", &["exactly one"]),
        (r#"{"rows":null}"#, &["exactly one"]),
        (r#"{"rows":[{}],"symbols":["a"]}"#, &["exactly one"]),
        (r#"{"rows":{}}"#, &["is an object; send a list"]),
        (r#"{"rows":[1]}"#, &["is a number; send an object"]),
        (r#"{"features":[1]}"#, &["is a list; send an object"]),
        (r#"{"rows":[]}"#, &["Empty rows"]),
        (r#"{"symbols":[]}"#, &["0 names"]),
        (r#"{"symbols":[3]}"#, &["is a number; send a name"]),
        (r#"{"symbols":"BTC-USD"}"#, &["is a string; send a list"]),
        (r#"{"rows":[{}],"model":5}"#, &["Invalid body"]),
    ] {
        assert_problem(&service.post("/predict", body), 422, words);
    }
}

#[test]
fn every_bad_feature_of_every_row_is_named() {
    let service = Service::plain();
    let body =
        r#"{"rows":[{"alpha":1,"beta":2,"gamma":3},{"alpha":1e999,"beta":"2","delta":4},{"alpha":-1e39}]}"#;
    let answer = service.post("/predict", body);
    assert_problem(&answer, 422, &["Invalid features", "row 1", "not finite", "is a string"]);
    let body = answer.json();
    let named: Vec<(u64, &str)> = body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e["row"].as_u64().unwrap(), e["field"].as_str().unwrap()))
        .collect();
    let expected =
        [(1, "alpha"), (1, "beta"), (1, "delta"), (1, "gamma"), (2, "alpha"), (2, "beta@2"), (2, "gamma")];
    assert_eq!(named, expected);
    assert_eq!(body["errors_total"], json!(expected.len()));
}

#[test]
fn the_older_form_names_its_features_too() {
    let answer = Service::plain().post("/predict", r#"{"features":{}}"#);
    assert_problem(&answer, 422, &["alpha@1 is missing", "2 more"]);
    assert_eq!(answer.json()["errors"][0].get("row"), None);
}

#[test]
fn more_faults_than_fit_are_counted() {
    let rows = vec!["{}"; 1_000].join(",");
    let body = Service::plain().post("/predict", &format!("{{\"rows\":[{rows}]}}")).json();
    assert_eq!((body["errors"].as_array().unwrap().len(), &body["errors_total"]), (100, &json!(3_000)));
}

#[test]
fn unknown_things_are_404_and_an_ambiguous_symbol_is_409_with_its_candidates() {
    let service = Service::plain();
    assert_problem(&service.get("/nothing"), 404, &["GET /predict/{symbol}"]);
    assert_problem(&service.get("/predict/NO-SUCH"), 404, &["NO-SUCH", "/symbols"]);
    assert_problem(&service.get("/symbols/NO-SUCH/features"), 404, &["NO-SUCH"]);
    assert_problem(&service.get("/stream?symbols=NO-SUCH"), 404, &["NO-SUCH"]);
    assert_problem(&service.post("/predict", r#"{"rows":[{}],"model":"x@1"}"#), 404, &["tiny@7 is"]);
    assert_problem(&service.get("/predict/%ff"), 400, &["percent"]);
    assert_problem(&service.get("/predict/BTC-USD?horizon_s=30"), 422, &["horizon_s=60"]);
    let answer = service.get("/predict/ETH-USD");
    assert_problem(&answer, 409, &["Ambiguous symbol"]);
    assert_eq!(answer.json()["candidates"], json!(["coinbase:ETH-USD", "kraken:ETH-USD"]));
}

#[test]
fn a_model_is_asked_for_by_name() {
    let service = Service::plain();
    for name in ["tiny", "tiny@7"] {
        let body = format!(r#"{{"rows":[{{"alpha":1,"beta":1,"gamma":1}}],"model":"{name}"}}"#);
        assert_eq!(service.post("/predict", &body).status, 200);
    }
}

#[test]
fn a_wrong_method_is_405_with_the_right_ones() {
    let service = Service::plain();
    for (request, allow) in [
        ("GET /predict", "POST"),
        ("DELETE /predict/BTC-USD", "GET, HEAD"),
        ("OPTIONS /health", "GET, HEAD"),
        ("PUT /", "GET, HEAD"),
    ] {
        let mut connection = service.connect();
        connection.send(format!("{request} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes());
        let answer = connection.read();
        assert_problem(&answer, 405, &["Method not allowed"]);
        assert_eq!(answer.header("allow"), Some(allow));
    }
}

#[test]
fn without_a_model_predictions_are_503_and_the_service_lives() {
    let service = Service::start(Setup { model: None, ..Setup::default() });
    for body in [r#"{"rows":[{}]}"#, r#"{"features":{}}"#, r#"{"symbols":["BTC-USD"]}"#] {
        assert_problem(&service.post("/predict", body), 503, &["Model not loaded", "model.path"]);
    }
    assert_problem(&service.get("/predict/BTC-USD"), 503, &["Model not loaded"]);
    assert_eq!(service.get("/livez").status, 200);
    assert_eq!(service.get("/health").json()["model_loaded"], json!(false));
}

#[test]
fn more_explanations_than_allowed_are_refused_with_the_limit() {
    let mut setup = Setup::default();
    setup.config.predict.explain_rows_max = 2;
    let service = Service::start(setup);
    let rows = [r#"{"alpha":1,"beta":0,"gamma":0}"#; 3].join(",");
    let answer = service.post("/predict", &format!("{{\"rows\":[{rows}],\"explain\":true}}"));
    assert_problem(&answer, 422, &["predict.explain_rows_max", "at most 2", "not 3"]);
}
