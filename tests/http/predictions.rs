//! Predictions in all the ways they can be asked for.

use std::sync::Arc;

use api::config::sections::{MissingPolicy, UnknownPolicy};
use model::Model;
use serde_json::{Value, json};

use crate::support::service::{BTC_PROBABILITY, Service, Setup, model, model_bytes};

#[test]
fn rows_are_scored_in_order_whatever_the_order_of_their_features() {
    let service = Service::plain();
    let answer = service
        .post("/predict", r#"{"rows":[{"gamma":3,"alpha@1":1,"beta":2.5},{"alpha":-1,"beta":0,"gamma":0}]}"#);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let expected: Vec<f64> =
        [[1.0, 2.5, 3.0], [-1.0, 0.0, 0.0]].iter().map(|row| model().predict(row)).collect();
    let body = answer.json();
    assert_eq!(body["scores"], json!(expected));
    assert_eq!((&body["model_variant"], &body["version"]), (&json!("ml"), &json!("7")));
    assert!(body["ts"].as_str().unwrap().ends_with('Z'), "{body}");
    assert_eq!(body.get("missing"), None);
}

#[test]
fn the_older_form_answers_with_its_older_keys() {
    let service = Service::plain();
    let body = service.post("/predict", r#"{"features":{"alpha":4,"beta":0,"gamma":0}}"#).json();
    let expected = model().predict(&[4.0, 0.0, 0.0]);
    assert_eq!(body["probability"], json!(expected));
    assert_eq!((&body["prediction"], &body["alert"]), (&json!(1), &json!(true)));
    assert!(body["inference_time_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(body["model_version"], "7");
}

#[test]
fn a_legacy_model_answers_the_older_form_alone() {
    let legacy = Arc::new(Model::from_bytes(&model_bytes("old", "1.2")).unwrap());
    let service = Service::start(Setup { legacy_model: Some(legacy), ..Setup::default() });
    let older = service.post("/predict", r#"{"features":{"alpha":1,"beta":0,"gamma":0}}"#).json();
    let rows = service.post("/predict", r#"{"rows":[{"alpha":1,"beta":0,"gamma":0}]}"#).json();
    assert_eq!((&older["model_version"], &rows["version"]), (&json!("1.2"), &json!("7")));
    let asked =
        service.post("/predict", r#"{"features":{"alpha":1,"beta":0,"gamma":0},"model":"tiny"}"#).json();
    assert_eq!(asked["model_version"], "7", "the model that was asked for scored");
}

#[test]
fn a_configured_version_labels_the_services_answers_and_a_prediction_names_the_file() {
    let legacy = Arc::new(Model::from_bytes(&model_bytes("old", "1.2")).unwrap());
    let mut setup = Setup { legacy_model: Some(legacy), ..Setup::default() };
    setup.config.model.version = Some("2024-06".to_owned());
    let service = Service::start(setup);
    let row = r#"{"alpha":1,"beta":0,"gamma":0}"#;
    let post = |body: String| service.post("/predict", &body).json();
    assert_eq!(post(format!("{{\"rows\":[{row}]}}"))["version"], "2024-06");
    assert_eq!(post(format!("{{\"features\":{row},\"model\":\"tiny\"}}"))["model_version"], "2024-06");
    assert_eq!(post(format!("{{\"features\":{row}}}"))["model_version"], "1.2", "the legacy model scored");
    assert_eq!(service.get("/version").json()["model_version"], "2024-06");
    assert_eq!(service.get("/predict/BTC-USD").json()["model"]["version"], "7");
}

#[test]
fn a_missing_feature_is_a_missing_value_only_where_that_is_allowed_and_then_it_is_said() {
    let service = Service::with(|config| {
        config.predict.missing = MissingPolicy::Nan;
        config.predict.unknown = UnknownPolicy::Ignore;
    });
    let body = service
        .post("/predict", r#"{"rows":[{"alpha":1,"other":2},{"alpha":1,"beta":0,"gamma":null}]}"#)
        .json();
    let expected: Vec<f64> =
        [[1.0, f32::NAN, f32::NAN], [1.0, 0.0, f32::NAN]].iter().map(|row| model().predict(row)).collect();
    assert_eq!(body["scores"], json!(expected));
    assert_eq!(
        body["missing"],
        json!([{"row": 0, "features": ["beta@2", "gamma"]}, {"row": 1, "features": ["gamma"]}])
    );
}

#[test]
fn a_symbol_answers_with_the_engines_own_bytes_and_its_age() {
    let service = Service::plain();
    for path in ["/predict/coinbase:BTC-USD", "/predict/BTC-USD", "/predict/coinbase%3ABTC-USD?horizon_s=60"]
    {
        let body = service.get(path).json();
        assert_eq!(body["symbol"], "coinbase:BTC-USD");
        assert_eq!((&body["probability"], &body["spike"]), (&json!(BTC_PROBABILITY), &json!(true)));
        assert_eq!((&body["status"], &body["threshold"]), (&json!("ok"), &json!(0.5)));
        assert_eq!((&body["receipt"]["offset"], &body["receipt"]["index"]), (&json!(41), &json!(1)));
        assert_eq!(body["model"]["sha256"], json!(model().info().sha256));
        assert!(body["age_ms"].as_i64().unwrap() >= 0, "{body}");
        assert_eq!(body.get("simulated"), None);
    }
}

#[test]
fn warming_and_made_up_prices_are_said() {
    let body = Service::plain().get("/predict/SOL-USD").json();
    assert_eq!((&body["status"], &body["simulated"]), (&json!("warming"), &json!(true)));
    assert_eq!((&body["probability"], &body["spike"]), (&Value::Null, &Value::Null));
    assert!(body["reason"].as_str().unwrap().contains("60 seconds"), "{body}");
}

#[test]
fn an_old_state_is_stale() {
    let service = Service::start(Setup { age_ms: 61_000, ..Setup::default() });
    let body = service.get("/predict/BTC-USD").json();
    assert_eq!((&body["status"], &body["probability"]), (&json!("stale"), &json!(BTC_PROBABILITY)));
    assert!(body["age_ms"].as_i64().unwrap() >= 61_000, "{body}");
}

#[test]
fn symbols_fail_one_by_one() {
    let body = Service::plain()
        .post(
            "/predict",
            r#"{"symbols":["SOL-USD","NO-SUCH","coinbase:BTC-USD","ETH-USD","kraken:ETH-USD"]}"#,
        )
        .json();
    let items = body["predictions"].as_array().unwrap();
    assert_eq!(items.len(), 5);
    assert_eq!(items[0]["status"], "warming");
    assert_eq!((&items[1]["status"], &items[1]["error"]), (&json!(404), &json!("Unknown symbol")));
    assert_eq!(items[2]["probability"], json!(BTC_PROBABILITY));
    assert_eq!(items[3]["status"], json!(409));
    assert_eq!(items[4]["probability"], json!(0.125));
}

#[test]
fn symbols_and_their_features_are_listed() {
    let service = Service::plain();
    let body = service.get("/symbols").json();
    let names: Vec<&str> =
        body["symbols"].as_array().unwrap().iter().map(|s| s["symbol"].as_str().unwrap()).collect();
    assert_eq!(names, ["coinbase:BTC-USD", "coinbase:ETH-USD", "kraken:ETH-USD", "simulator:SOL-USD"]);
    assert_eq!(
        (&body["symbols"][0]["price"], &body["symbols"][0]["status"]),
        (&json!(65432.1), &json!("ok"))
    );
    let body = service.get("/symbols/BTC-USD/features").json();
    let specs = engine::features::specs();
    let features = body["features"].as_array().unwrap();
    assert_eq!(features.len(), specs.len());
    assert!(!specs.is_empty());
    for (i, (feature, spec)) in features.iter().zip(specs).enumerate() {
        assert_eq!((&feature["name"], &feature["unit"]), (&json!(spec.name), &json!(spec.unit)));
        assert_eq!(feature["formula"], json!(spec.formula));
        assert_eq!((&feature["window"], &feature["range"]), (&json!(spec.window), &json!(spec.range)));
        assert_eq!(feature["defined_when"], json!(spec.defined_when));
        assert_eq!(feature["value"], json!(i as f64));
    }
    assert_eq!(body["symbol"], "coinbase:BTC-USD");
    assert!(body["features_as_of"].as_str().unwrap().ends_with('Z'), "{body}");
}

#[test]
fn a_connection_is_kept_and_head_has_no_body() {
    let mut connection = Service::plain().connect_kept();
    connection.1.send(b"HEAD /predict/BTC-USD HTTP/1.1\r\nhost: x\r\n\r\n");
    let head = connection.1.read_head();
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-type"), Some("application/json"));
    // What follows on the wire is the next answer, not a body.
    assert_eq!(connection.1.get("/predict/BTC-USD").status, 200);
}

#[test]
fn a_request_id_is_taken_or_made_and_a_trace_is_passed_on() {
    let service = Service::plain();
    let mut connection = service.connect();
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = format!(
        "GET /predict/NO HTTP/1.1\r\nhost: x\r\nx-request-id: mine-1\r\ntraceparent: {trace}\r\n\r\n"
    );
    connection.send(request.as_bytes());
    let answer = connection.read();
    assert_eq!(answer.header("x-request-id"), Some("mine-1"));
    assert_eq!(answer.header("traceparent"), Some(trace));
    assert_eq!(answer.json()["request_id"], "mine-1");
    assert_eq!(connection.get("/version").header("x-request-id").unwrap().len(), 16);
}

impl Service {
    /// A connection together with the service it leads to.
    fn connect_kept(self) -> (Self, crate::support::client::Connection) {
        let connection = self.connect();
        (self, connection)
    }
}

#[test]
fn explanations_add_up_to_the_raw_score_in_every_form() {
    let service = Service::plain();
    let adds_up = |explanation: &Value, score: f64| {
        let parts = explanation["contributions"].as_object().unwrap();
        assert_eq!(parts.keys().collect::<Vec<_>>(), ["alpha", "beta", "gamma"]);
        let sum: f64 = parts.values().map(|part| part.as_f64().unwrap()).sum();
        let (raw, base) =
            (explanation["raw_score"].as_f64().unwrap(), explanation["base_value"].as_f64().unwrap());
        assert!((base + sum - raw).abs() < 1e-9, "{explanation}");
        assert!((model::sigmoid(raw) - score).abs() < 1e-15, "{explanation}, {score}");
        assert_eq!(explanation["method"], "linear_from_imputed");
    };
    let row = r#"{"alpha":1,"beta":2.5,"gamma":3}"#;
    let rows = service.post("/predict", &format!(r#"{{"rows":[{row},{row}],"explain":true}}"#)).json();
    assert_eq!(rows["explanations"].as_array().unwrap().len(), 2, "{rows}");
    for (explanation, score) in
        rows["explanations"].as_array().unwrap().iter().zip(rows["scores"].as_array().unwrap())
    {
        adds_up(explanation, score.as_f64().unwrap());
        // By hand: 1 * 1, -2 * 2.5, 0.5 * 3, from the imputed zeros and the intercept.
        assert_eq!(explanation["contributions"], json!({"alpha": 1.0, "beta": -5.0, "gamma": 1.5}));
        assert_eq!(explanation["base_value"], 0.1);
    }
    let one = service.post("/predict", &format!(r#"{{"features":{row},"explain":true}}"#)).json();
    adds_up(&one["explanation"], one["probability"].as_f64().unwrap());
    let plain = service.post("/predict", &format!(r#"{{"rows":[{row}],"explain":false}}"#)).json();
    assert_eq!(plain.get("explanations"), None);
    // The fixed state's probability is not what this model says of any row: it is not this model's to explain.
    let symbols =
        service.post("/predict", r#"{"symbols":["coinbase:BTC-USD","nowhere"],"explain":true}"#).json();
    let predictions = symbols["predictions"].as_array().unwrap();
    assert_eq!(predictions[0]["explanation"], Value::Null, "{symbols}");
    assert!(predictions[0].as_object().unwrap().contains_key("explanation"), "{symbols}");
    assert_eq!(predictions[0]["explanation_reason"], "the model's features are not the engine's");
    assert_eq!(predictions[1]["status"], 404);
}
