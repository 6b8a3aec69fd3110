//! Rules, routes and dashboard by themselves: Prometheus's and Alertmanager's own tools, and what a person finds.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

use super::{
    docker::{said, words},
    files::{self, list},
    promql,
};

const ALERTS: &str = "deploy/prometheus/rules/alerts.yml";
const RECORDS: &str = "deploy/prometheus/rules/records.yml";
const DASHBOARD: &str = "deploy/grafana/dashboards/stormglass.json";

fn rules(file: &str) -> Vec<Value> {
    let file = files::document(file);
    list(&file["groups"]).iter().flat_map(|group| list(&group["rules"]).to_vec()).collect()
}

/// A tool of Debian's packages prometheus and prometheus-alertmanager.
fn tool(name: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(name);
    said(command.current_dir(files::path("deploy")).args(arguments))
}

/// Panels that show something.
fn panels() -> Vec<Value> {
    let dashboard = files::document(DASHBOARD);
    list(&dashboard["panels"]).iter().filter(|panel| panel["type"] != "row").cloned().collect()
}

/// Every expression of rules and dashboard, with where it stands; the dashboard's variables filled in.
pub(super) fn expressions() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for file in [RECORDS, ALERTS] {
        for rule in rules(file) {
            let name = rule["alert"].as_str().or(rule["record"].as_str()).unwrap();
            all.push((name.to_owned(), rule["expr"].as_str().unwrap().to_owned()));
        }
    }
    let dashboard = files::document(DASHBOARD);
    let mut shown = list(&dashboard["annotations"]["list"]).to_vec();
    for panel in panels() {
        for target in list(&panel["targets"]) {
            let mut target = target.clone();
            target["name"] = panel["title"].clone();
            shown.push(target);
        }
    }
    for target in shown {
        let expression = target["expr"].as_str().unwrap();
        let filled = expression.replace("$instance", ".*").replace("$__rate_interval", "1m");
        assert!(!filled.contains('$'), "a variable that nothing fills: {filled}");
        all.push((format!("dashboard: {}", target["name"].as_str().unwrap()), filled));
    }
    all
}

#[test]
fn prometheus_takes_configuration_and_rules_and_the_rules_do_what_their_cases_say() {
    println!("{}", tool("promtool", &["check", "config", "prometheus/prometheus.yml"]));
    println!(
        "{}",
        tool("promtool", &["check", "rules", "prometheus/rules/alerts.yml", "prometheus/rules/records.yml"])
    );
    println!("{}", tool("promtool", &["test", "rules", "prometheus/rules_test.yml"]));
}

#[test]
fn alertmanager_takes_its_configuration_and_sends_each_severity_its_way() {
    let file = "alertmanager/alertmanager.yml";
    tool("amtool", &["check-config", file]);
    let receiver =
        |severity: &str| tool("amtool", &["config", "routes", "test", "--config.file", file, severity]);
    assert_eq!(
        (receiver("severity=page"), receiver("severity=ticket")),
        ("page".to_owned(), "ticket".to_owned())
    );
}

#[test]
fn an_instance_without_a_model_mutes_no_alert_of_another() {
    let file = files::document("deploy/alertmanager/alertmanager.yml");
    let rules: Vec<_> = list(&file["inhibit_rules"])
        .iter()
        .map(|rule| {
            let of = |key: &str| list(&rule[key]).iter().map(|v| v.as_str().unwrap()).collect::<Vec<_>>();
            (of("source_matchers").join(","), of("target_matchers").join(","), of("equal"))
        })
        .collect();
    let equal = |source: &str, target: &str| {
        let found: Vec<_> =
            rules.iter().filter(|(s, t, _)| s.contains(source) && t.contains(target)).collect();
        assert_eq!(found.len(), 1, "{source} mutes {target}: {found:?}");
        found[0].2.clone()
    };
    // What an instance's own series raise carries its name.
    assert_eq!(equal("StormglassDown", "job="), ["job", "instance"]);
    assert_eq!(equal("StormglassModelNotLoaded", "StormglassNotReady"), ["job", "instance"]);
    for target in ["StormglassErrorRateHigh", "StormglassSuccessLow", "StormglassErrorBudgetBurn"] {
        assert_eq!(equal("StormglassModelNotLoaded", target), ["job"], "{target} is the whole job's");
    }
    assert_eq!(equal("StormglassConsumerLag", "StormglassPredictionsLate"), ["job", "instance"]);
    assert_eq!(equal("StormglassConsumerLag", "StormglassFeedStale"), ["job"]);
}

#[test]
fn every_alert_tells_what_and_why_and_where_its_steps_are() {
    for rule in rules(ALERTS) {
        let name = rule["alert"].as_str().unwrap();
        let severity = rule["labels"]["severity"].as_str().unwrap();
        assert!(["page", "ticket"].contains(&severity), "{name}: {severity}");
        for annotation in ["summary", "description"] {
            assert!(
                rule["annotations"][annotation].as_str().is_some_and(|text| text.len() > 10),
                "{name} has no {annotation}"
            );
        }
        // That RUNBOOK.md has this heading is a story of the documents.
        let url = format!("{{{{ $externalLabels.runbook }}}}RUNBOOK.md#{}", name.to_lowercase());
        assert_eq!(rule["annotations"]["runbook_url"], url, "{name}");
    }
}

#[test]
fn every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() {
    let tests = files::document("deploy/prometheus/rules_test.yml");
    let mut cases: BTreeMap<&str, [bool; 2]> = BTreeMap::new();
    for check in list(&tests["tests"]).iter().flat_map(|test| list(&test["alert_rule_test"])) {
        let fires = !list(&check["exp_alerts"]).is_empty();
        cases.entry(check["alertname"].as_str().unwrap()).or_default()[usize::from(fires)] = true;
    }
    for rule in rules(ALERTS) {
        let name = rule["alert"].as_str().unwrap();
        assert_eq!(cases.get(name), Some(&[true, true]), "{name}: does not fire, fires");
    }
}

#[test]
fn every_panel_says_what_it_shows_and_its_queries_are_queries() {
    let dashboard = files::document(DASHBOARD);
    let source = files::document("deploy/grafana/provisioning/datasources/prometheus.yaml");
    assert_eq!(dashboard["uid"], "stormglass");
    let mut ids = BTreeSet::new();
    for panel in list(&dashboard["panels"]) {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{} has another's id", panel["title"]);
    }
    for panel in panels() {
        let title = panel["title"].as_str().unwrap();
        assert!(
            panel["description"].as_str().is_some_and(|text| text.len() > 10),
            "{title} has no description"
        );
        assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title} has no unit");
        assert!(!list(&panel["targets"]).is_empty(), "{title} shows nothing");
        for target in list(&panel["targets"]) {
            assert_eq!(target["datasource"]["uid"], source["datasources"][0]["uid"], "{title}");
        }
    }
    // Prometheus's own parser judges the queries, as recording rules.
    let rules: Vec<Value> = expressions()
        .into_iter()
        .enumerate()
        .map(|(i, (_, expression))| serde_json::json!({"record": format!("story:query:number{i}"), "expr": expression}))
        .collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    let count = rules.len();
    serde_json::to_writer(&file, &serde_json::json!({"groups": [{"name": "queries", "rules": rules}]}))
        .unwrap();
    let output = Command::new("promtool").args(["check", "rules"]).arg(file.path()).output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    println!("{} panels, {count} expressions with those of the rules", panels().len());
}

#[test]
fn the_rules_ask_for_this_jobs_series_only() {
    // Names without a prefix are others', too.
    for (place, expression) in expressions() {
        for selector in promql::selectors(&expression) {
            assert!(selector.contains(r#"job="stormglass""#), "{place}: {selector} takes any job's");
        }
    }
}
