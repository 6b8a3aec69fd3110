//! `/quality` and `/events`: their shapes, before anything happened and after.

use serde_json::json;

use crate::support::service::Service;

#[test]
fn quality_without_outcomes_is_empty_and_not_made_up() {
    let body = Service::plain().get("/quality").json();
    assert_eq!((&body["models"], &body["from"], &body["to"]), (&json!([]), &json!(null), &json!(null)));
    let volatility = json!({"rows": 0, "coverage": null, "coverage_promised": 0.9, "mean_width_bp": null,
        "interval_score_bp": null, "qlike": null});
    assert_eq!(body["volatility"], volatility);
}

#[test]
fn metrics_of_quality_are_there_for_the_loaded_model_before_its_first_outcome() {
    let text = Service::plain().get("/metrics").text().to_owned();
    assert!(text.contains("stormglass_quality_rows{model=\"tiny\",model_version=\"7\""), "{text}");
    assert!(!text.contains("stormglass_quality_brier{"), "a mean over no rows: {text}");
    for kind in ["model_swapped", "recalibrated", "fell_back", "recovered", "gap"] {
        assert!(text.contains(&format!("stormglass_events_total{{kind=\"{kind}\"}} 0\n")), "{kind}");
    }
}

#[test]
fn events_are_listed_by_kind_and_an_unknown_kind_is_refused() {
    let service = Service::plain();
    assert_eq!(service.get("/events").json(), json!({"events": []}));
    let change = engine::events::ModelChange { model: Some("a@1 ff".to_owned()), ..Default::default() };
    let swapped = engine::events::Happening::ModelSwapped(change);
    service.app.engine.events.note(None, None, swapped);
    service.app.engine.events.note(None, None, engine::events::Happening::Gap { silence_s: 61.5 });
    let all = service.get("/events").json();
    assert_eq!(all["events"].as_array().unwrap().len(), 2, "{all}");
    let gaps = service.get("/events?kind=gap").json();
    assert_eq!((&gaps["events"][0]["kind"], &gaps["events"][0]["silence_s"]), (&json!("gap"), &json!(61.5)));
    assert!(gaps["events"][0]["noted_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(gaps["events"].as_array().unwrap().len(), 1);
    let refused = service.get("/events?kind=party");
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("model_swapped"), "{}", refused.text());
}

#[test]
fn a_prediction_carries_the_volatility_forecast_in_basis_points() {
    let body = Service::plain().get("/predict/BTC-USD").json();
    let volatility = json!({"forecast_bp": 0.5, "low_bp": 0.25, "high_bp": 1.0, "coverage": 0.9});
    assert_eq!(body["volatility"], volatility);
}
