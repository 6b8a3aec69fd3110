//! Pages that are made of the code's own lists. `STORMGLASS_WRITE_DOCS=1 tests/run.sh documents` writes them.

use std::{collections::BTreeSet, fmt::Write, time::Duration};

use super::markdown::root;
use crate::support::process::Process;

/// A key of `config/stormglass.toml`.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) section: String,
    pub(super) key: String,
    default: String,
    /// What the comment beside it says.
    meaning: String,
}

/// All keys, in the file's order. That the file has each key of the configuration, with its default, is tested there.
pub(super) fn settings() -> Vec<Setting> {
    let text = std::fs::read_to_string(root().join("config/stormglass.toml")).unwrap();
    let mut settings: Vec<Setting> = Vec::new();
    let mut section = String::new();
    for line in text.lines() {
        let comment = line.trim_start().strip_prefix("# ");
        if let Some(more) = comment {
            // A comment that goes on below its key; others are the file's own.
            if let Some(setting) = settings.last_mut().filter(|_| line.starts_with(' ')) {
                setting.meaning.push(' ');
                setting.meaning.push_str(more.trim());
            }
        } else if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if let Some((key, rest)) = line.split_once(" = ") {
            let (default, meaning) = rest.split_once(" # ").unwrap_or((rest, ""));
            let [key, default, meaning] = [key, default, meaning].map(|text| text.trim().to_owned());
            settings.push(Setting { section: section.clone(), key, default, meaning });
        }
    }
    settings
}

/// `text` in lines of at most 118 characters; further ones are indented by two.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    // What is in code type stays on one line.
    let mut is_code = false;
    for word in text.split(' ') {
        let line = lines.last_mut().unwrap();
        if !is_code && line.chars().count() + 1 + word.chars().count() > 118 {
            lines.push(format!("  {word}"));
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        is_code ^= word.matches('`').count() % 2 == 1;
    }
    lines.join("\n")
}

const MADE: &str =
    "This page is made by a test; `STORMGLASS_WRITE_DOCS=1 tests/run.sh documents` writes it anew.";

fn configuration_page() -> String {
    let mut page = format!(
        "# Configuration\n\n<!-- {MADE} -->\n\n\
         Made of [config/stormglass.toml](../config/stormglass.toml), which holds every key with its default. Four layers, the\n\
         later one wins: built-in defaults, the file of `--config FILE` (or `STORMGLASS_CONFIG`), the environment, flags. The\n\
         variable of a key is `STORMGLASS__SECTION__KEY`, lists separated by commas; the value `\"\"` means: not set. An unknown\n\
         key is an error that names its nearest neighbour (exit code 64).\n\n\
         ```sh\nstormglass config show                                      # what is in force, and where each value comes from\n\
         STORMGLASS__PREDICT__ROWS_MAX=100 stormglass config show\n```\n\n\
         These variables of the replaced system go on working: `MODEL_PATH`, `MODEL_VARIANT`, `MODEL_VERSION`,\n\
         `KAFKA_BOOTSTRAP_SERVERS`, `KAFKA_TOPIC_RAW`, `KAFKA_TOPIC_PREDICTIONS`, `LOG_LEVEL`.\n"
    );
    let mut section = String::new();
    for setting in settings() {
        if setting.section != section {
            section = setting.section.clone();
            write!(page, "\n## {section}\n\n").unwrap();
        }
        let mut line = format!("- `{section}.{}` = `{}`", setting.key, setting.default);
        if !setting.meaning.is_empty() {
            line.push_str(": ");
            line.push_str(&setting.meaning);
        }
        writeln!(page, "{}", wrapped(&line)).unwrap();
    }
    page
}

struct Family {
    name: String,
    kind: String,
    help: String,
    labels: BTreeSet<String>,
}

/// The metrics of Prometheus text, in its order.
fn families(text: &str) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            let help = help.replace("\\\\", "\\");
            families.push(Family {
                name: name.to_owned(),
                kind: String::new(),
                help,
                labels: BTreeSet::new(),
            });
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            families.last_mut().unwrap().kind = rest.split(' ').nth(1).unwrap().to_owned();
        } else if let Some((_, rest)) = line.split_once('{') {
            let names = rest.split("=\"").filter_map(|part| part.rsplit(['"', ',', '{']).next());
            let names: Vec<&str> = names.collect();
            // What follows the last `="` is a value.
            let names = names[..names.len() - 1].iter().filter(|name| **name != "le");
            families.last_mut().unwrap().labels.extend(names.map(|name| (*name).to_owned()));
        }
    }
    families
}

/// The heading under which a metric stands.
fn chapter(name: &str) -> &'static str {
    match name {
        _ if name.starts_with("stormglass_kafka_") => "Kafka",
        _ if name.starts_with("stormglass_quality_") || name.starts_with("stormglass_volatility_") => {
            "Quality"
        }
        _ if name.starts_with("process_") => "Process",
        _ if name.starts_with("stormglass_") => "Service and engine",
        _ => "Kept from the replaced system",
    }
}

fn metrics_page(families: &[Family]) -> String {
    let mut page = format!(
        "# Metrics\n\n<!-- {MADE} -->\n\n\
         `GET /metrics` is Prometheus text. Each metric is declared once in the code, with this meaning. Probes and scrapes are\n\
         not counted as requests; series that are expected exist at 0. No label holds a symbol, so that their number is bounded.\n\n\
         ```sh\ncurl localhost:8000/metrics\n```\n"
    );
    let mut chapters: Vec<&str> = families.iter().map(|family| chapter(&family.name)).collect();
    chapters.dedup();
    let mut seen = BTreeSet::new();
    for name in chapters.into_iter().filter(|name| seen.insert(*name)) {
        write!(page, "\n## {name}\n\n").unwrap();
        for family in families.iter().filter(|family| chapter(&family.name) == name) {
            let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
            let by = if labels.is_empty() { String::new() } else { format!(", by {}", labels.join(", ")) };
            let line = format!("- `{}` ({}{by}): {}", family.name, family.kind, family.help);
            writeln!(page, "{}", wrapped(&line)).unwrap();
        }
    }
    page
}

/// A formula in code type, and the words behind its commas as they are.
fn with_code(formula: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in formula.split(", ") {
        match parts.last_mut() {
            // A comma between parentheses.
            Some(last) if last.matches('(').count() > last.matches(')').count() => {
                last.push_str(", ");
                last.push_str(part);
            }
            _ => parts.push(part.to_owned()),
        }
    }
    let is_formula = |place: usize, part: &str| place == 0 || part.contains(" = ") || part.contains(" <- ");
    let shown = |(place, part): (usize, &String)| match part.split_once(" over the ") {
        Some((formula, words)) if place > 0 => format!("`{formula}` over the {words}"),
        _ if is_formula(place, part) => format!("`{part}`"),
        _ => part.clone(),
    };
    parts.iter().enumerate().map(shown).collect::<Vec<_>>().join(", ")
}

fn features_page() -> String {
    let specs = engine::features::specs();
    let mut page = format!(
        "# Features: the {} numbers of a row\n\n<!-- {MADE} -->\n\n\
         A row is computed after every tick from the symbol's own ticks alone, and on a grid of 5 seconds for training.\n\
         Values are 32-bit floats; one without a value is NaN (`null` in JSON). `GET /symbols/{{symbol}}/features` shows a\n\
         symbol's row, `stormglass features` writes rows as parquet; both carry what stands here. A feature never changes\n\
         its formula under its version, the number in `lv10_tau@1`.\n\n## Symbols\n\n",
        specs.len()
    );
    for (symbol, meaning) in engine::features::NOTATION {
        writeln!(page, "{}", wrapped(&format!("- `{symbol}`: {meaning}"))).unwrap();
    }
    page += "\n## Features\n";
    for spec in specs {
        let line = |name: &str, text: &str| wrapped(&format!("- {name}: {text}"));
        let unit = format!("{}, {}", spec.unit, spec.range);
        let formula = with_code(spec.formula);
        write!(page, "\n### {}\n\n{}\n\n", spec.name, spec.meaning).unwrap();
        for (name, text) in [
            ("formula", formula.as_str()),
            ("unit", &unit),
            ("window", spec.window),
            ("has a value when", spec.defined_when),
        ] {
            writeln!(page, "{}", line(name, text)).unwrap();
        }
    }
    page
}

/// Holds a page to what the code says, or writes it.
fn hold(name: &str, page: &str) {
    let path = root().join(name);
    if std::env::var_os("STORMGLASS_WRITE_DOCS").is_some() {
        std::fs::write(&path, page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let pairs = written.lines().map(Some).chain([None]).zip(page.lines().map(Some).chain([None]));
    for (number, (written, made)) in (1..).zip(pairs) {
        assert_eq!(
            written, made,
            "{name}:{number} is not what the code says; STORMGLASS_WRITE_DOCS=1 writes it anew"
        );
    }
}

#[test]
fn the_page_of_the_configuration_is_the_file_with_every_key() {
    assert!(settings().len() > 70 && settings().iter().all(|setting| !setting.section.is_empty()));
    hold("docs/configuration.md", &configuration_page());
}

#[test]
fn the_page_of_the_features_is_the_list_of_the_code() {
    hold("docs/features.md", &features_page());
}

#[test]
fn the_page_of_the_metrics_is_the_list_of_the_code() {
    let service = Process::serve(&["--source", "simulator"], |_| ());
    // Those of quality have series once outcomes are known, which the simulated history gives.
    let is_whole = |_, text: &str| {
        ["stormglass_quality_average_precision", "stormglass_volatility_coverage"]
            .iter()
            .all(|name| text.contains(name))
    };
    let (_, text) = service.get_until("/metrics", Duration::from_secs(60), is_whole);
    let families = families(&text);
    let shown: Vec<&str> = families.iter().map(|family| family.name.as_str()).collect();
    assert_eq!(shown, api::metrics::names(), "a service shows each metric that is declared");
    hold("docs/metrics.md", &metrics_page(&families));
}
