//! Evaluate: numbers that hold on later data, what they beat, and what is refused.

use std::{collections::HashMap, ffi::OsString, path::Path, process::ExitCode, sync::Arc};

use api::{
    cli,
    evaluate::{Rows, Settings},
    training,
};
use engine::{
    bound_model::BoundModel,
    intake::TickSink,
    offline::Offline,
    quality::{QualityReport, QualitySettings},
    shard::NoOut,
    sim::SimConfig,
    state::StateSettings,
};
use model::Model;
use serde_json::{Value, json};

use crate::support::real_data::real_data;

mod aligned;
mod finished;
mod peer;
mod refused;

fn run(arguments: &[&str]) -> (ExitCode, String) {
    let mut out = Vec::new();
    let command = std::iter::once("stormglass").chain(arguments.iter().copied()).map(OsString::from);
    (cli::run(command, &mut out), String::from_utf8(out).unwrap())
}

fn report(arguments: &[&str]) -> Value {
    let all: Vec<&str> = ["evaluate", "--json"].into_iter().chain(arguments.iter().copied()).collect();
    let (code, printed) = run(&all);
    assert_eq!(code, ExitCode::SUCCESS, "{printed}");
    serde_json::from_str(&printed).unwrap()
}

fn rung<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["models"]
        .as_array()
        .unwrap()
        .iter()
        .find(|rung| rung["name"] == name)
        .unwrap_or_else(|| panic!("no {name}"))
}

/// The judged rung against this one.
fn paired<'a>(report: &'a Value, against: &str) -> &'a Value {
    let paired = report["paired"].as_array().unwrap();
    paired
        .iter()
        .find(|pair| pair["against"] == against)
        .unwrap_or_else(|| panic!("nothing against {against}"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn how_to_judge() -> Settings {
    Settings {
        draws: 20,
        seed: 1,
        threshold: 0.25,
        cost_false_alarm: 1.0,
        cost_missed_spike: 3.0,
        horizon_s: 60,
        grid_s: 5,
    }
}

/// Labelled rows of eight simulated hours, as `evaluate` collects them.
fn simulated_rows(seed: u64) -> Rows {
    let settings = StateSettings::default();
    let bound = BoundModel::new(Arc::new(api::shipped::model("baseline").unwrap().unwrap())).unwrap();
    let mut collector = training::collector_with(settings, 64, Arc::new(bound));
    training::simulate(SimConfig { seed, ..SimConfig::default() }, 8, &mut collector, |_| ());
    Rows::new(&collector.out, None).unwrap()
}

fn real_rows(input: &Path) -> Rows {
    use engine::{
        source::{
            Run,
            file::{FileConfig, FileSource},
            pace::Speed,
        },
        stop::StopToken,
    };
    let bound = BoundModel::new(Arc::new(api::shipped::model("baseline").unwrap().unwrap())).unwrap();
    let mut collector = training::collector_with(StateSettings::default(), 64, Arc::new(bound));
    let source = FileSource::open(&FileConfig {
        globs: vec![input.to_str().unwrap().to_owned()],
        venue: "bitmex".to_owned(),
        csv_symbol: None,
        records: Default::default(),
        speed: Speed::Max,
    });
    let now = engine::tick::EventTime::MIN;
    let mut run = Run { now, sink: &mut collector, stop: &StopToken::default(), progress: &mut () };
    source.unwrap().run(&mut run).unwrap();
    Rows::new(&collector.out, None).unwrap()
}

/// The bounds that the default recipe is held to on sixty real hours of trades.
#[test]
fn sixty_real_hours_the_default_beats_every_rung_and_is_calibrated() {
    let Some(input) = real_data("bitmex_XBTUSD_trades_20180101_60h.csv.gz") else { return };
    let folder = tempfile::tempdir().unwrap();
    let html = folder.path().join("report.html");
    let report = report(&["--input", input.to_str().unwrap(), "--html", html.to_str().unwrap()]);
    let judged = rung(&report, report["judged"].as_str().unwrap());
    for (name, least) in [("persistence", 1.3), ("HAR-logit", 1.12)] {
        let paired = paired(&report, name);
        println!("against {name}: {paired}");
        assert!(number(&paired["ratio"]) >= least, "against {name}: {paired}");
        assert!(number(&paired["difference_low"]) > 0.0, "against {name}: {paired}");
    }
    let onset = number(&judged["onset_average_precision"]) / number(&report["onset_base_rate"]);
    let ece = number(&judged["ece"]);
    println!("onset {onset:.2} times its base rate, ECE {ece:.4}");
    let forecasts = report["volatility"].as_array().unwrap();
    println!("forecasts of volatility: {forecasts:?}");
    let served = forecasts.iter().find(|forecast| forecast["name"] == "as served").unwrap();
    assert_eq!(served["rows"], report["rows"], "every judged row was answered with a forecast");
    assert!((0.88..=0.92).contains(&number(&served["coverage"])), "{served}");
    let (width, score) = (number(&served["mean_width_bp"]), number(&served["interval_score_bp"]));
    assert!(width < 3.5 && width < score && score < 5.0, "{served}");
    let qlike =
        |name: &str| number(&forecasts.iter().find(|forecast| forecast["name"] == name).unwrap()["qlike"]);
    assert!(qlike("as served") < 0.9 * qlike("EWMA 30 s") && qlike("EWMA 30 s") < qlike("persistence"));
    assert!(onset >= 2.5 && ece < 0.03);
    assert!(number(&judged["ece_equal_mass"]) < 0.03, "{judged}");
    hold_document("### Sixty hours of XBTUSD", &report, &QUALITY_COLUMNS);
    hold_document("As alerts", &report, &ALERT_COLUMNS);
    let page = std::fs::read_to_string(&html).unwrap();
    assert_eq!(page.matches("<svg").count(), 3);
    assert!(
        page.contains("forecast served and the ends of its interval"),
        "the timeline is of what is served"
    );
    assert!(!page.contains("http"), "the page needs nothing from elsewhere");
}

/// Calibrated or not, what a simulator knows of its present volatility is the most that can be had of the past.
#[test]
fn simulated_hours_a_large_share_of_what_the_oracle_has() {
    let report = report(&["--simulate-hours", "16", "--draws", "100"]);
    let judged = number(&rung(&report, report["judged"].as_str().unwrap())["average_precision"]);
    let oracle = number(&rung(&report, "oracle of the present volatility")["average_precision"]);
    println!("{judged:.3} of the oracle's {oracle:.3}: {:.3}", judged / oracle);
    assert!(judged / oracle > 0.7 && judged < oracle);
}

#[test]
fn the_same_input_and_seed_give_the_same_report() {
    let arguments = ["evaluate", "--simulate-hours", "8", "--draws", "50", "--variant", "baseline"];
    assert_eq!(run(&arguments).1, run(&arguments).1);
}

/// What tools read: names at the top, flat numbers per model, comparisons of their own; printed or in a file.
#[test]
fn the_json_has_the_names_that_tools_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    // Six hours are judged: blocks enough for intervals.
    let arguments = ["evaluate", "--simulate-hours", "12", "--draws", "20", "--variant", "baseline"];
    let with = |json: &[&str]| run(&[&arguments[..], json].concat());
    let (code, text) = with(&["--json", file.to_str().unwrap()]);
    assert_eq!(code, ExitCode::SUCCESS);
    assert_eq!(text, with(&[]).1, "the tables are printed beside a file");
    let written = std::fs::read_to_string(&file).unwrap();
    assert_eq!(with(&["--json", "-"]).1, written);
    assert_eq!(with(&["--json"]).1, written);

    let report: Value = serde_json::from_str(&written).unwrap();
    number(&report["base_rate"]);
    number(&report["onset_base_rate"]);
    let models = report["models"].as_array().unwrap();
    let keys = |model: &Value| model.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    for model in models {
        assert!(model["name"].is_string());
        assert_eq!(keys(model), keys(&models[0]), "every model has the same keys");
        for name in ["average_precision", "onset_average_precision"] {
            number(&model[name]);
        }
        // The simulator's oracle gives no probability.
        for name in ["brier_skill", "ece", "alerts_per_hour", "cost_per_hour"] {
            assert!(model[name].is_f64() || model["name"] == "oracle of the present volatility", "{model}");
        }
    }
    let pairs = report["paired"].as_array().unwrap();
    assert!(pairs.len() >= 3 && pairs.iter().all(|pair| pair["model"] == report["judged"]));
    number(&paired(&report, "persistence")["difference_low"]);
    assert_eq!((number(&report["block_s"]), &report["scored"]), (1_800.0, &Value::Null));
    assert!(number(&report["blocks"]) >= 12.0, "{}", report["blocks"]);
}

/// Drawing from three half hours says nothing about other hours: there is no interval, and the number of blocks says why.
#[test]
fn fewer_than_ten_blocks_give_no_interval() {
    let arguments = ["--simulate-hours", "4", "--draws", "20", "--variant", "baseline"];
    let report = report(&arguments);
    let blocks = number(&report["blocks"]) as usize;
    assert!((1..10).contains(&blocks), "{blocks}");
    for rung in report["models"].as_array().unwrap() {
        number(&rung["average_precision"]);
        for end in ["average_precision_low", "average_precision_high"] {
            assert_eq!(rung[end], Value::Null, "{rung}");
        }
    }
    for pair in report["paired"].as_array().unwrap() {
        number(&pair["ratio"]);
        for end in ["difference_low", "difference_high", "ratio_low", "ratio_high"] {
            assert_eq!(pair[end], Value::Null, "{pair}");
        }
    }
    let text = run(&[&["evaluate"], &arguments[..]].concat()).1;
    assert!(text.contains(&format!("n/a ({blocks} blocks)")), "{text}");
    assert!(!["[0.", "[+", "[-"].iter().any(|end| text.contains(end)), "an interval: {text}");
    assert!(text.contains("too few even for intervals"), "{text}");
}

#[test]
fn a_random_split_claims_more_than_later_data_give() {
    let report = report(&[
        "--simulate-hours",
        "10",
        "--draws",
        "20",
        "--variant",
        "baseline",
        "--demonstrate-leakage",
    ]);
    let (random, honest) =
        (number(&report["leakage"]["random_split"]), number(&report["leakage"]["walk_forward"]));
    println!("random split {random:.3}, walk forward {honest:.3}");
    assert!(random > 1.15 * honest, "{random} {honest}");
}

/// The rows of the table in docs/learning.md below the line that begins so, by their first cell.
fn documented_table(from: &str) -> HashMap<String, Vec<f64>> {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/learning.md");
    let document = std::fs::read_to_string(document).unwrap();
    let below = document.split_once(from).unwrap_or_else(|| panic!("no {from:?} in docs/learning.md")).1;
    let table = below.lines().skip_while(|line| !line.starts_with('|')).skip(2);
    let cells = |line: &str| {
        let cells: Vec<String> =
            line.trim_matches('|').split('|').map(|cell| cell.trim().replace("**", "")).collect();
        let numbers = cells[1..].iter().map(|cell| cell.trim_end_matches(" s").parse().unwrap_or(f64::NAN));
        (cells[0].clone(), numbers.collect())
    };
    table.take_while(|line| line.starts_with('|')).map(cells).collect()
}

/// Holds a table to the report's numbers; `-` stands for none. Another machine's trainer may differ in the last digits.
fn hold_document(from: &str, report: &Value, names: &[&str]) {
    let table = documented_table(from);
    assert_eq!(table.len(), 5, "{table:?}");
    for (name, printed) in table {
        let model = rung(report, &name);
        assert_eq!(printed.len(), names.len(), "{name}: {printed:?}");
        for (column, printed) in names.iter().zip(printed) {
            let Some(found) = model[column].as_f64() else {
                assert!(printed.is_nan() && model[column].is_null(), "{name} {column}: {printed}");
                continue;
            };
            let apart = (printed - found).abs();
            assert!(
                apart <= 0.001 + 0.01 * found.abs(),
                "{name} {column}: documented {printed}, found {found}"
            );
        }
    }
}

const QUALITY_COLUMNS: [&str; 3] = ["average_precision", "onset_average_precision", "brier_skill"];
const ALERT_COLUMNS: [&str; 5] =
    ["alerts_per_hour", "alert_precision", "crossings_caught", "median_lead_s", "cost_per_hour"];

#[test]
fn two_real_hours_with_quotes_give_what_the_document_says() {
    let Some(input) = real_data("coinbase_BTC_ETH_20260404_2h.ndjson.gz") else { return };
    let report = report(&["--input", input.to_str().unwrap(), "--warm-up-s", "1800"]);
    hold_document("--warm-up-s 1800", &report, &[&QUALITY_COLUMNS[..], &ALERT_COLUMNS[..]].concat());
    // Fewer than ten half hours: no interval is given, so none is to be read.
    assert!(
        report["notes"].to_string().contains("are few: too few even for intervals"),
        "{}",
        report["notes"]
    );
    assert_eq!(paired(&report, "persistence")["difference_low"], Value::Null);
}

/// The live service measures itself by the formulas of the evaluation: the same model, the same rows, the same numbers.
#[test]
fn live_quality_is_what_the_evaluation_says_of_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.sgm");
    let path = path.to_str().unwrap();
    let train = ["train", "--simulate-hours", "6", "--variant", "baseline", "--output", path];
    assert_eq!(run(&train).0, ExitCode::SUCCESS);
    let evaluated = report(&["--simulate-hours", "10", "--model", path, "--draws", "20", "--seed", "1"]);
    let second = |text: &Value| text.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second();
    let folds = evaluated["folds"].as_array().unwrap();
    let (from, until) = (second(&folds[0]["from"]), second(&folds[folds.len() - 1]["until"]));

    let model = BoundModel::new(Arc::new(Model::open(Path::new(path)).unwrap())).unwrap();
    let window = QualitySettings { window_s: until - from + 1, ..QualitySettings::default() };
    let mut live = Offline::new(StateSettings::default(), Some(Arc::new(model)), 64, NoOut)
        .with_core(|core| core.with_quality(window));
    training::simulate(SimConfig { seed: 1, ..SimConfig::default() }, 10, &mut live, |_| ());
    live.flush();
    let read = live.core().quality().read();
    let quality =
        QualityReport::new(&[read], |id| live.symbols().by_id(id).map(|symbol| symbol.name.clone()));
    assert_eq!(quality.span, Some((from, until)));
    let [judged] = &quality.models[..] else { panic!("one model, {quality:?}") };
    let rung = rung(&evaluated, evaluated["judged"].as_str().unwrap());
    assert_eq!(json!(judged.total.rows), evaluated["rows"]);
    assert!(judged.total.rows > 1_000 && judged.total.alerts > 10, "{:?}", judged.total);
    let (hours, persistence) = (number(&evaluated["symbol_hours"]), self::rung(&evaluated, "persistence"));
    let served = evaluated["volatility"].as_array().unwrap().last().unwrap();
    assert_eq!((&served["name"], &served["rows"]), (&json!("as served"), &evaluated["rows"]));
    for (what, ours, theirs) in [
        ("base rate", judged.total.base_rate, &evaluated["base_rate"]),
        ("onset base rate", judged.total.onset_base_rate, &evaluated["onset_base_rate"]),
        ("average precision", judged.total.average_precision.unwrap(), &rung["average_precision"]),
        (
            "onset average precision",
            judged.total.onset_average_precision.unwrap(),
            &rung["onset_average_precision"],
        ),
        ("Brier score", judged.total.brier, &rung["brier"]),
        ("Brier skill", judged.total.brier_skill, &rung["brier_skill"]),
        ("calibration error", judged.total.calibration_error, &rung["ece"]),
        (
            "persistence",
            judged.total.persistence_average_precision.unwrap(),
            &persistence["average_precision"],
        ),
        ("alerts an hour", judged.total.alerts as f64 / hours, &rung["alerts_per_hour"]),
        (
            "alerts that were right",
            judged.total.alerts_right as f64 / judged.total.alerts as f64,
            &rung["alert_precision"],
        ),
        ("QLIKE", quality.volatility.qlike, &served["qlike"]),
        ("outcomes inside the interval", quality.volatility.coverage, &served["coverage"]),
        ("mean width", quality.volatility.mean_width * 1e4, &served["mean_width_bp"]),
        ("interval score", quality.volatility.interval_score * 1e4, &served["interval_score_bp"]),
    ] {
        let theirs = number(theirs);
        assert!((ours - theirs).abs() <= 1e-9, "{what}: live {ours}, evaluated {theirs}");
    }
}
