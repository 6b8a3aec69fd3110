//! `/openapi.json` and `/docs`. That answers fit the document is told by `python`.

use serde_json::Value;

use crate::support::service::{Service, Setup};

#[test]
fn the_document_shows_what_is_loaded() {
    let service = Service::plain();
    let answer = service.get("/openapi.json");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    let post = &document["paths"]["/predict"]["post"];
    let rows = &post["requestBody"]["content"]["application/json"]["examples"]["rows"]["value"]["rows"][0];
    assert_eq!(rows.as_object().unwrap().keys().collect::<Vec<_>>(), ["alpha@1", "beta@2", "gamma"]);
    let get = &document["paths"]["/predict/{symbol}"]["get"]["parameters"][0];
    assert_eq!(get["example"], "coinbase:BTC-USD");
}

#[test]
fn without_a_model_there_is_a_document_without_examples_of_rows() {
    let service = Service::start(Setup { model: None, ..Setup::default() });
    let document = service.get("/openapi.json").json();
    let body = &document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"];
    assert_eq!((body.get("examples"), document["openapi"].as_str()), (None, Some("3.1.0")), "{body}");
    assert_ne!(body["schema"], Value::Null);
}

#[test]
fn the_page_of_the_document_loads_nothing_from_outside() {
    let answer = Service::plain().get("/docs");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && policy.contains("connect-src 'self'"), "{policy}");
    for outside in ["http://", "https://", "src=", "@import", "<link"] {
        assert!(!answer.text().contains(outside), "{outside}");
    }
}
