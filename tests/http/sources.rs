//! `/sources`: what feeds the engine.

use api::{config::sections::SourceKind, http::SourceState};
use serde_json::json;

use crate::support::service::Service;

#[test]
fn a_source_is_shown_with_its_state_and_its_counts() {
    let service = Service::with(|config| config.source.kind = SourceKind::File);
    service.app.engine.metrics.ingest.sequence_missing.store(3, std::sync::atomic::Ordering::Relaxed);
    let body = service.get("/sources").json();
    let source = &body["sources"][0];
    assert_eq!((&source["source"], &source["state"]), (&json!("file"), &json!("running")));
    assert_eq!((&source["connected"], &source["sequence_missing"]), (&json!(true), &json!(3)));
    assert!(source["since"].as_str().unwrap().ends_with('Z'), "{body}");
    assert_eq!(source.get("reason"), None);

    service.app.source.tell(SourceState::Failed("the file is cut off".to_owned()));
    let body = service.get("/sources").json();
    let source = &body["sources"][0];
    assert_eq!((&source["state"], &source["connected"]), (&json!("failed"), &json!(false)));
    assert_eq!(source["reason"], "the file is cut off");

    let none = Service::with(|config| config.source.kind = SourceKind::None);
    assert_eq!(none.get("/sources").json(), json!({"sources": []}));
}
