//! A real Prometheus scrapes real services: what rules and dashboard ask for is there, and the questions are answered.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io::Write as _,
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use super::{
    docker::{check, free_address, try_get, wait, words},
    files, promql, rules,
};
use crate::support::process::Process;

/// Prometheus with the shipped configuration, but for its targets and its pace; ended with the test.
struct Prometheus {
    child: Child,
    address: SocketAddr,
    directory: tempfile::TempDir,
}

impl Prometheus {
    fn start(services: &[&Process]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let targets: Vec<String> = services.iter().map(|service| service.address.to_string()).collect();
        let shipped = files::text("deploy/prometheus/prometheus.yml");
        let config = shipped
            .replace("api:8000", &targets.join(", "))
            .replace("scrape_interval: 5s", "scrape_interval: 1s")
            .replace("evaluation_interval: 15s", "evaluation_interval: 1s");
        std::fs::write(directory.path().join("prometheus.yml"), config).unwrap();
        std::fs::create_dir(directory.path().join("rules")).unwrap();
        for file in ["rules/alerts.yml", "rules/records.yml"] {
            std::fs::copy(files::path("deploy/prometheus").join(file), directory.path().join(file)).unwrap();
        }
        let address = free_address();
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", directory.path().join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the container suite needs Prometheus; tests/run.sh container installs it");
        Self { child, address, directory }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    /// The API's answer; null while there is none.
    fn ask(&self, path: &str, name: &str, value: &str) -> Value {
        let mut query = String::new();
        for byte in value.bytes() {
            write!(query, "%{byte:02X}").unwrap();
        }
        let answer = try_get(self.address, &format!("/api/v1/{path}?{name}={query}"));
        let body = answer.and_then(|(_, body)| serde_json::from_str::<Value>(&body).ok()).unwrap_or_default();
        body["data"].clone()
    }

    fn has(&self, selector: &str) -> bool {
        !files::list(&self.ask("series", "match[]", selector)).is_empty()
    }

    /// The values of a query.
    fn query(&self, expression: &str) -> Vec<f64> {
        let result = self.ask("query", "query", expression);
        let value = |series: &Value| series["value"][1].as_str().unwrap().parse().unwrap();
        files::list(&result["result"]).iter().map(value).collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A service with ticks, and one whose broker is away.
fn services() -> [Process; 2] {
    let simulated = Process::serve(&[], |_| {});
    let brokerless = Process::serve(&[], |command| {
        command.env("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1").env("STORMGLASS__READY__WARM_WAIT_S", "0");
    });
    for service in [&simulated, &brokerless] {
        service.get_until("/readyz", Duration::from_secs(60), |status, _| status == 200);
    }
    // A mean over no rows is no number, and no series.
    simulated
        .get_until("/metrics", Duration::from_secs(60), |_, body| body.contains("stormglass_quality_ece"));
    [simulated, brokerless]
}

#[test]
fn what_rules_and_dashboard_ask_for_is_there_and_the_questions_are_answered() {
    let services = services();
    let prometheus = Prometheus::start(&services.each_ref());
    let expressions = rules::expressions();
    let mut missing: BTreeSet<String> =
        expressions.iter().flat_map(|(_, expression)| promql::selectors(expression)).collect();
    let count = missing.len();
    wait("every selector to have a series", || {
        // Recorded series come once there are two scrapes: predictions are asked for meanwhile.
        for _ in 0..5 {
            assert_eq!(services[0].get("/predict/BTC-USD").unwrap().0, 200);
        }
        missing.retain(|selector| !prometheus.has(selector));
        check(missing.is_empty(), || format!("{missing:#?} have none; {}", prometheus.log()))
    });
    println!("{count} selectors of {} expressions have series", expressions.len());

    // No rule fails, and the alerts are those that such services deserve.
    let groups = prometheus.ask("rules", "type", "");
    let all: Vec<Value> = files::list(&groups["groups"])
        .iter()
        .flat_map(|group| files::list(&group["rules"]).to_vec())
        .collect();
    assert_eq!(all.len(), expressions.iter().filter(|(place, _)| !place.starts_with("dashboard")).count());
    let unwell: Vec<&Value> = all.iter().filter(|rule| rule["health"] == "err").collect();
    assert!(unwell.is_empty(), "{unwell:#?}");
    let pending = || -> BTreeSet<String> {
        let alerts = prometheus.ask("alerts", "x", "");
        files::list(&alerts["alerts"])
            .iter()
            .map(|alert| alert["labels"]["alertname"].as_str().unwrap().to_owned())
            .collect()
    };
    let expected =
        ["StormglassFeedStale", "StormglassKafkaDisconnected", "StormglassSimulatedData"].map(str::to_owned);
    let expected = BTreeSet::from(expected);
    wait("the alerts", || {
        let pending = pending();
        check(pending == expected, || format!("{pending:?} are pending or fire"))
    });

    // RUNBOOK's and the dashboard's questions.
    let one = |expression: &str| match prometheus.query(expression)[..] {
        [value] => value,
        ref other => panic!("{expression}: {other:?}"),
    };
    assert_eq!(one(r#"sum(up{job="stormglass"})"#), 2.0);
    assert_eq!(one(r#"sum(model_loaded{job="stormglass"})"#), 2.0);
    assert_eq!(one(r#"sum(stormglass_symbols_simulated{job="stormglass"})"#), 3.0);
    for expression in [
        r#"sum(rate(http_requests_total{job="stormglass", status="200"}[1m]))"#,
        r#"job:stormglass_prediction_latency_seconds:p95_5m{job="stormglass"}"#,
        r#"sum(rate(stormglass_ticks_total{job="stormglass", outcome="accepted"}[1m]))"#,
    ] {
        wait(expression, || {
            services[0].get("/predict/BTC-USD").unwrap();
            let values = prometheus.query(expression);
            check(values.first().is_some_and(|value| *value > 0.0), || format!("{values:?}"))
        });
    }
    assert_eq!(one(r#"job:stormglass_requests_failed:ratio_rate5m{job="stormglass"}"#), 0.0);
    assert_eq!(one(r#"job:stormglass_requests_succeeded:ratio_rate5m{job="stormglass"}"#), 1.0);
    let age_s = one(r#"min(time() - stormglass_newest_tick_timestamp_seconds{job="stormglass"})"#);
    assert!((-5.0..60.0).contains(&age_s), "{age_s}");
}

#[test]
fn prometheus_has_nothing_to_say_against_the_exposition() {
    for service in services() {
        let (status, text) = service.get("/metrics").unwrap();
        assert_eq!(status, 200);
        let mut linter = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        linter.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = linter.wait_with_output().unwrap();
        assert!(output.status.success() && words(&output).is_empty(), "{}", words(&output));
    }
}
