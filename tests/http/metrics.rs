//! `/metrics`: what Prometheus scrapes.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::service::{Service, Setup};

/// Every sample by its name with labels, after checking the text line by line.
pub(super) fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut typed = BTreeSet::new();
    let mut samples = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            assert!(typed.insert(rest.split(' ').next().unwrap().to_owned()), "{line} twice");
        } else if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let value = value.parse().unwrap_or_else(|e| panic!("{line}: {e}"));
            let bare = name.split('{').next().unwrap();
            let family =
                ["_bucket", "_sum", "_count"].iter().find_map(|s| bare.strip_suffix(s)).unwrap_or(bare);
            assert!(typed.contains(bare) || typed.contains(family), "{line} has no type");
            assert!(samples.insert(name.to_owned(), value).is_none(), "{line} twice");
        }
    }
    samples
}

#[test]
fn expected_series_are_there_at_zero() {
    let samples = samples(Service::plain().get("/metrics").text());
    for series in [
        r#"http_requests_total{method="POST",endpoint="/predict",status="200"}"#,
        r#"http_requests_total{method="GET",endpoint="/predict/{symbol}",status="200"}"#,
        // A rate does not see the first failure of a series that was not there before.
        r#"http_requests_total{method="POST",endpoint="/predict",status="500"}"#,
        r#"http_requests_total{method="GET",endpoint="/predict/{symbol}",status="503"}"#,
        r#"http_requests_total{method="GET",endpoint="/predict/{symbol}",status="504"}"#,
        r#"predictions_total{model_version="7",prediction="0"}"#,
        r#"predictions_total{model_version="7",prediction="1"}"#,
        "prediction_latency_seconds_count",
        r#"prediction_latency_seconds_bucket{le="0.8"}"#,
        r#"prediction_latency_seconds_bucket{le="1"}"#,
        r#"stormglass_ticks_total{outcome="late"}"#,
        "stormglass_http_connections_refused_total",
        // An operator's first change of the model.
        r#"http_requests_total{method="DELETE",endpoint="/models/active",status="200"}"#,
        r#"stormglass_file_writes_failing{files="kafka.state_directory"}"#,
        r#"stormglass_file_writes_failing{files="model.record"}"#,
        r#"stormglass_file_writes_failed_total{files="model.record"}"#,
        "stormglass_symbols_simulated",
        "stormglass_newest_tick_timestamp_seconds",
        r#"model_variant_active{model_variant="baseline"}"#,
    ] {
        assert_eq!(samples.get(series), Some(&0.0), "{series} in {samples:#?}");
    }
    assert_eq!(samples.get(r#"model_loaded{model_version="7"}"#), Some(&1.0));
    assert_eq!(samples.get(r#"model_variant_active{model_variant="ml"}"#), Some(&1.0));
    assert_eq!(samples.get(r#"stormglass_runtime_info{runtime="thread",reason="a test"}"#), Some(&1.0));
    assert!(samples["process_resident_memory_bytes"] > 1e5);
}

#[test]
fn requests_are_counted_by_route_and_probes_stay_out() {
    let service = Service::plain();
    let mut connection = service.connect();
    connection.get("/predict/BTC-USD");
    connection.get("/predict/coinbase:ETH-USD");
    connection.get("/predict/NO-SUCH");
    connection.get("/no/such/route");
    connection.post("/predict", br#"{"symbols":["BTC-USD","kraken:ETH-USD","SOL-USD"]}"#);
    connection.post("/predict", b"{");
    for probe in ["/livez", "/readyz", "/health", "/metrics"] {
        connection.get(probe);
    }
    let samples = samples(connection.get("/metrics").text());
    let requests: Vec<(&str, f64)> = samples
        .iter()
        .filter(|(name, value)| name.starts_with("http_requests_total") && **value > 0.0)
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    assert_eq!(
        requests,
        [
            (r#"http_requests_total{method="GET",endpoint="/predict/{symbol}",status="200"}"#, 2.0),
            (r#"http_requests_total{method="GET",endpoint="/predict/{symbol}",status="404"}"#, 1.0),
            (r#"http_requests_total{method="GET",endpoint="other",status="404"}"#, 1.0),
            (r#"http_requests_total{method="POST",endpoint="/predict",status="200"}"#, 1.0),
            (r#"http_requests_total{method="POST",endpoint="/predict",status="400"}"#, 1.0),
        ]
    );
    assert_eq!(samples["prediction_latency_seconds_count"], 5.0);
    assert!(samples["prediction_latency_seconds_sum"] > 0.0);
    assert_eq!(samples[r#"predictions_total{model_version="7",prediction="1"}"#], 2.0);
    assert_eq!(samples[r#"predictions_total{model_version="7",prediction="0"}"#], 2.0);
}

#[test]
fn without_a_model_the_gauge_is_zero() {
    let service = Service::start(Setup { model: None, ..Setup::default() });
    let samples = samples(service.get("/metrics").text());
    let loaded: Vec<_> = samples.iter().filter(|(name, _)| name.starts_with("model_loaded")).collect();
    assert_eq!(loaded, [(&r#"model_loaded{model_version="none"}"#.to_owned(), &0.0)]);
}

#[test]
fn every_metric_has_one_name() {
    let names = api::metrics::names();
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(unique.len(), names.len());
}
