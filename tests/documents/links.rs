//! Links between documents, and the form of what people read in a terminal.

use std::collections::{BTreeMap, BTreeSet};

use super::markdown::{Document, all, guides, root};

#[test]
fn every_link_leads_somewhere() {
    let mut dead = Vec::new();
    let mut count = 0;
    for document in all() {
        for (line, link) in document.links() {
            count += 1;
            if link.starts_with("https://") || link.starts_with("http://") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let folder = root().join(&document.name);
            let target = if path.is_empty() { folder } else { folder.parent().unwrap().join(path) };
            let place = format!("{}:{line}: {link}", document.name);
            if !target.exists() {
                dead.push(format!("{place}: no such file"));
            } else if !anchor.is_empty() {
                let text = std::fs::read_to_string(&target).unwrap();
                let target = Document { name: link.clone(), text };
                if !target.anchors().iter().any(|known| known == anchor) {
                    dead.push(format!("{place}: no such heading"));
                }
            }
        }
    }
    println!("{count} links");
    assert!(dead.is_empty(), "{}", dead.join("\n"));
    assert!(count > 50, "{count} links");
}

/// The severities that the rules give each alert.
fn alerts() -> BTreeMap<String, BTreeSet<String>> {
    let rules = std::fs::read_to_string(root().join("deploy/prometheus/rules/alerts.yml")).unwrap();
    let mut alerts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut name = "";
    for line in rules.lines().map(str::trim) {
        name = line.strip_prefix("- alert: ").unwrap_or(name);
        if let Some((_, severity)) = line.split_once("labels: {severity: ") {
            let severity = severity.split([',', '}']).next().unwrap();
            alerts.entry(name.to_owned()).or_default().insert(severity.to_owned());
        }
    }
    alerts
}

#[test]
fn every_alert_has_its_heading_in_the_runbook_with_its_severity_and_steps() {
    let runbook = Document::read("RUNBOOK.md");
    let sections: BTreeMap<&str, &str> = runbook
        .text
        .split("\n### ")
        .filter_map(|section| section.split_once('\n'))
        .map(|(title, text)| (title, text.split("\n## ").next().unwrap()))
        .collect();
    let alerts = alerts();
    assert!(alerts.len() > 20, "{alerts:?}");
    for (name, severities) in &alerts {
        let text = sections.get(name.as_str()).unwrap_or_else(|| panic!("RUNBOOK.md has no heading {name}"));
        let first = text.trim_start().split('.').next().unwrap();
        for severity in ["page", "ticket"] {
            assert_eq!(first.contains(severity), severities.contains(severity), "{name}: {first:?}");
        }
        assert!(text.contains("\n1. ") || text.contains("Steps as above"), "{name} has no steps");
    }
    for title in sections.keys().filter(|title| title.starts_with("Stormglass")) {
        assert!(alerts.contains_key(*title), "RUNBOOK.md has a heading for {title}, which no rule raises");
    }
}

#[test]
fn every_page_of_docs_is_linked_from_the_readme() {
    let links: Vec<String> = Document::read("README.md").links().into_iter().map(|(_, link)| link).collect();
    for document in guides().iter().filter(|document| document.name.starts_with("docs/")) {
        assert!(links.contains(&document.name), "README.md has no link to {}", document.name);
    }
}

#[test]
fn the_readme_is_short_and_no_line_is_wider_than_a_terminal() {
    let readme = Document::read("README.md");
    assert!(readme.text.len() < 8_000, "README.md has {} bytes", readme.text.len());
    let mut wide = Vec::new();
    let others = ["CHANGELOG.md", "benches/README.md", "deploy/kubernetes/README.md"].map(Document::read);
    for document in guides().into_iter().chain(others) {
        for (line, text) in (1..).zip(document.text.lines()) {
            if text.chars().count() > 120 {
                wide.push(format!("{}:{line}: {} characters", document.name, text.chars().count()));
            }
        }
    }
    assert!(wide.is_empty(), "{}", wide.join("\n"));
}
