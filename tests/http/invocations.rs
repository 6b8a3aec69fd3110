//! MLflow's scoring protocol, with the bodies that its own server was sent.

use std::sync::Arc;

use api::config::sections::{MissingPolicy, UnknownPolicy};
use model::{
    Model, ModelInfo,
    draft::{MemberDraft, ModelDraft},
    linear::{LinearDraft, LinearTerm},
    schema::FeatureName,
};
use serde_json::json;

use crate::support::{
    client::Answer,
    service::{Service, Setup},
};

/// A model of the four columns that the recorded bodies have.
fn recorded_model() -> Arc<Model> {
    let features =
        ["ret_mean", "ret_std", "ofi", "spread_bps"].map(|name| FeatureName::new(name, 0)).to_vec();
    let term = |coefficient| LinearTerm {
        coefficient,
        low: -10.0,
        high: 10.0,
        imputed: 0.0,
        missing_coefficient: 0.5,
    };
    let linear = LinearDraft { terms: [0.5, -1.0, 2.0, 0.25].map(term).to_vec(), intercept: 0.1 };
    let info = ModelInfo::new("recorded", "1", "ml", features);
    let draft = ModelDraft::new(info, vec![(1.0, MemberDraft::Linear(linear))]).unwrap();
    Arc::new(Model::from_bytes(&draft.to_bytes().unwrap()).unwrap())
}

fn service() -> Service {
    Service::start(Setup { model: Some(recorded_model()), ..Setup::default() })
}

fn invoke(service: &Service, content_type: &str, body: &str) -> Answer {
    service.connect().post_with("/invocations", &format!("content-type: {content_type}\r\n"), body)
}

const JSON: &str = "application/json";

#[test]
fn each_recorded_form_gives_one_prediction_a_row() {
    let service = service();
    let score = |row: [f32; 4]| recorded_model().predict(&row);
    let (first, zeros) = (score([0.1, 1.5, 2.0, 0.3]), score([0.0; 4]));
    for (body, expected) in [
        (
            r#"{"dataframe_split":{"columns":["ret_mean","ret_std","ofi","spread_bps"],"data":[[0.1,1.5,2.0,0.3],[0,0,0,0]]}}"#,
            vec![first, zeros],
        ),
        (
            r#"{"dataframe_split":{"index":["x"],"columns":["ofi","ret_mean","ret_std","spread_bps"],"data":[[2.0,0.1,1.5,0.3]]},"params":{}}"#,
            vec![first],
        ),
        (r#"{"dataframe_records":[{"ret_mean":0.1,"ret_std":1.5,"ofi":2.0,"spread_bps":0.3}]}"#, vec![first]),
        (r#"{"instances":[{"ret_mean":0.1,"ret_std":1.5,"ofi":2.0,"spread_bps":0.3}]}"#, vec![first]),
        (r#"{"inputs":{"ret_mean":[0.1],"ret_std":[1.5],"ofi":[2.0],"spread_bps":[0.3]}}"#, vec![first]),
    ] {
        for content_type in [JSON, "application/json; charset=utf-8", "application/x-www-form-urlencoded"] {
            let answer = invoke(&service, content_type, body);
            assert_eq!((answer.status, answer.json()), (200, json!({"predictions": expected})), "{body}");
        }
    }
    let csv = invoke(&service, "text/csv", "ret_mean,ret_std,ofi,spread_bps\n0.1,1.5,2.0,0.3\n0,0,0,0\n");
    assert_eq!(csv.json(), json!({"predictions": [first, zeros]}));
    assert_eq!(service.post("/invocations", r#"{"inputs":{}}"#).status, 422, "without a type it is JSON");
}

#[test]
fn what_mlflow_drops_in_silence_is_refused_and_what_it_refuses_is_too() {
    let service = service();
    for (content_type, body, status, words) in [
        (
            JSON,
            r#"{"dataframe_records":[{"ret_mean":1.5,"ret_std":1.5,"ofi":2.0,"spread_bps":0.3,"extra":9}]}"#,
            422,
            &["extra is not a feature"][..],
        ),
        (
            JSON,
            r#"{"dataframe_records":[{"ret_mean":null,"ret_std":1.5,"ofi":2.0,"spread_bps":0.3}]}"#,
            422,
            &["ret_mean is missing"],
        ),
        (
            JSON,
            r#"{"dataframe_split":{"columns":["ret_mean","ret_std","ofi"],"data":[[0.1,1.5,2.0]]}}"#,
            422,
            &["spread_bps is missing"],
        ),
        (
            JSON,
            r#"{"dataframe_records":[{"ret_mean":"x","ret_std":1.5,"ofi":2.0,"spread_bps":0.3}]}"#,
            422,
            &["ret_mean is a string"],
        ),
        (JSON, r#"{"instances":[[0.1,1.5,2.0,0.3]]}"#, 422, &["instances is a list; send an object"]),
        (JSON, r#"{"inputs":[[0.1,1.5,2.0,0.3]]}"#, 422, &["\"inputs\" is a list; send an object"]),
        (
            JSON,
            r#"{"dataframe_split":{"columns":["ret_mean","ret_std","ofi","spread_bps"],"data":[[0.1,1.5,2.0,0.3]]},"params":{"x":1}}"#,
            422,
            &["params"],
        ),
        (JSON, r#"{"foo":1}"#, 422, &["unknown field `foo`", "dataframe_split"]),
        (JSON, r#"{"dataframe_split":{"data":[[1]]}}"#, 422, &["missing field `columns`"]),
        (JSON, r#"{"instances":[],"inputs":{}}"#, 422, &["exactly one"]),
        (JSON, r#"{"instances":[]}"#, 422, &["\"instances\" has no row"]),
        (JSON, "not json", 400, &["not JSON"]),
        // As MLflow's own client writes them.
        (
            JSON,
            r#"{"dataframe_split":{"columns":["ret_mean","ret_std","ofi","spread_bps"],"data":[[NaN,1.5,2.0,0.3]]}}"#,
            422,
            &["row 0: ret_mean is missing", "predict.missing = \"nan\""],
        ),
        (
            JSON,
            r#"{"instances":[{"ret_mean":0.1,"ret_std":-Infinity,"ofi":2.0,"spread_bps":0.3}]}"#,
            422,
            &["row 0: ret_std is not finite"],
        ),
        (JSON, r#"{"instances":[{"ret_mean":nan}]}"#, 400, &["NaN and Infinity are not JSON"]),
        ("text/csv", "", 400, &["is empty"]),
        ("application/x-foo", "x", 415, &["application/x-foo", "text/csv"]),
    ] {
        let answer = invoke(&service, content_type, body);
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        let said = answer.json();
        let code = if status == 422 { "INVALID_PARAMETER_VALUE" } else { "BAD_REQUEST" };
        assert_eq!(said["error_code"], code);
        assert_eq!(said["message"], said["detail"]);
        for word in words {
            assert!(said["message"].as_str().unwrap().contains(word), "{word:?} is not in {said}");
        }
    }
}

#[test]
fn the_rules_for_missing_and_unknown_features_hold_here_too() {
    let mut setup = Setup { model: Some(recorded_model()), ..Setup::default() };
    setup.config.predict.missing = MissingPolicy::Nan;
    setup.config.predict.unknown = UnknownPolicy::Ignore;
    let service = Service::start(setup);
    let expected = json!({
        "predictions": [recorded_model().predict(&[f32::NAN, 1.0, 1.0, f32::NAN])],
        "missing": [{"row": 0, "features": ["ret_mean", "spread_bps"]}],
    });
    for (content_type, body) in [
        (JSON, r#"{"dataframe_split":{"columns":["ret_std","x","ofi","ret_mean"],"data":[[1,"y",1,null]]}}"#),
        (JSON, r#"{"dataframe_records":[{"ret_std":1,"x":"y","ofi":1,"ret_mean":null}]}"#),
        (JSON, r#"{"inputs":{"ret_std":[1],"x":["y"],"ofi":[1],"ret_mean":[null]}}"#),
        (
            JSON,
            r#"{"dataframe_split":{"columns":["ret_std","x","ofi","ret_mean"],"data":[[1,"NaN",1,NaN]]}}"#,
        ),
        (JSON, r#"{"inputs":{"ret_std":[1],"x":[NaN],"ofi":[1],"ret_mean":[NaN]}}"#),
        ("text/csv", "ret_std,x,ofi,ret_mean\n1,y,1,\n"),
    ] {
        assert_eq!(invoke(&service, content_type, body).json(), expected, "{body}");
    }
    let infinite = invoke(&service, JSON, r#"{"inputs":{"ret_std":[Infinity],"ofi":[1]}}"#);
    assert_eq!(infinite.status, 422);
    assert!(infinite.text().contains("ret_std is not finite"), "{}", infinite.text());
}

#[test]
fn the_bounds_hold_here_too() {
    let service = service();
    let rows = |count: usize| format!("ret_mean,ret_std,ofi,spread_bps\n{}", "1,2,3,4\n".repeat(count));
    let answer = invoke(&service, "text/csv", &rows(1_000));
    assert_eq!(answer.json()["predictions"].as_array().unwrap().len(), 1_000);
    let refused = invoke(&service, "text/csv", &rows(1_001));
    assert!(refused.text().contains("predict.rows_max"), "{}", refused.text());
    let long = service.connect().post("/invocations", &vec![b' '; (4 << 20) + 1]);
    assert_eq!((long.status, long.json()["error_code"].as_str()), (413, Some("BAD_REQUEST")));
}

#[test]
fn a_ping_says_whether_rows_can_be_scored() {
    let answer = service().get("/ping");
    assert_eq!((answer.status, answer.text()), (200, "\n"));
    let none = Service::start(Setup { model: None, ..Setup::default() });
    let answer = none.get("/ping");
    assert_eq!((answer.status, answer.json()["error_code"].as_str()), (503, Some("TEMPORARILY_UNAVAILABLE")));
    let refused = none.post("/invocations", r#"{"instances":[{}]}"#);
    assert_eq!((refused.status, refused.json()["error"].as_str()), (503, Some("Model not loaded")));
}
