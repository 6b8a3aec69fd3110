//! Evaluate: numbers that hold on later data, what they beat, and what is refused.

use std::{collections::HashMap, ffi::OsString, fs::File, path::Path, process::ExitCode, sync::Arc};

use api::{
    cli,
    evaluate::{Candidate, Ladder, Rows, Settings, judge},
    export::{RowOrder, TableWriter},
    training,
};
use engine::{
    offline::Offline,
    quality::{QualityReport, QualitySettings},
    shard::{BoundModel, NoOut},
    sim::{SimConfig, Simulator},
    source::TickSink,
    state::StateSettings,
    symbol::Offset,
};
use model::{
    Model,
    learn::{Recipe, TrainOptions, WalkForward, fit_logistic, split_by_time},
};
use parquet::{
    data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type},
    file::{metadata::KeyValue, properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use serde_json::{Value, json};

use crate::feeds::real_data;

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
    let qlike =
        |name: &str| number(&forecasts.iter().find(|forecast| forecast["name"] == name).unwrap()["qlike"]);
    assert!(qlike("as served") < 0.9 * qlike("EWMA 30 s") && qlike("EWMA 30 s") < qlike("persistence"));
    assert!(onset >= 2.5 && ece < 0.03);
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

/// The label's volatility is that of the price behind the quotes: what quotes add is less than one part in twenty.
#[test]
fn realised_volatility_is_that_of_the_efficient_price() {
    let symbols = SimConfig::default().symbols[..1].to_vec();
    let config = SimConfig { seed: 4, symbols, ..SimConfig::default() };
    let (product, end) = (config.symbols[0].product.clone(), config.start.second() + 14 * 3_600);
    let mut collector = training::collector(StateSettings::default(), 64);
    let mut simulator = Simulator::new(config);
    let mut efficient = HashMap::new();
    let mut offset = 0;
    while simulator.simulated_until().second() < end && simulator.step_second() {
        while let Some((_, tick)) = simulator.next_simulated() {
            collector.tick("simulator", &product, Offset(offset), 0, tick);
            offset += 1;
        }
        efficient.insert(simulator.simulated_until().second(), simulator.efficient_log_price(0));
    }
    collector.flush();
    let (mut realised, mut truth) = (0.0, 0.0);
    for outcome in collector.out.rows.iter().map(|row| row.outcome) {
        let from = outcome.pending.second;
        if from % 60 == 0 {
            realised += outcome.realised * outcome.realised * 60.0;
            truth += (from..from + 60).map(|at| (efficient[&(at + 1)] - efficient[&at]).powi(2)).sum::<f64>();
        }
    }
    let bias = (realised / truth).sqrt() - 1.0;
    println!("volatility of the quotes against the efficient price's: {:+.2} %", 100.0 * bias);
    assert!(bias.abs() < 0.05, "{bias}");
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
    let arguments = ["evaluate", "--simulate-hours", "8", "--draws", "20", "--variant", "baseline"];
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

#[test]
fn a_model_that_has_seen_the_rows_is_refused_and_an_earlier_one_judged_on_later_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.sgm");
    let model = path.to_str().unwrap();
    let train = ["train", "--simulate-hours", "6", "--variant", "baseline", "--output", model];
    assert_eq!(run(&train).0, ExitCode::SUCCESS);
    let same = ["evaluate", "--simulate-hours", "6", "--model", model, "--draws", "20"];
    assert_eq!(run(&same).0, ExitCode::from(1), "all rows lie in its training");
    let longer = report(&["--simulate-hours", "10", "--model", model, "--draws", "20"]);
    assert_eq!(longer["judged"], "stormglass-baseline 1");
    let from = longer["folds"][0]["from"].as_str().unwrap();
    assert!(from > "2026-01-01T06:00", "judged from {from}, trained on the first six hours");
    for (end, exit, why) in [
        ("2026-01-01T02:00:00Z", 64, "a flag does not undo what the file says of its training"),
        ("2026-01-01T08:00:00Z", 0, "a later end is the careful one"),
    ] {
        let told = ["--model", model, "--training-end", end, "--draws", "20"];
        let (code, _) = run(&[&["evaluate", "--simulate-hours", "10"], &told[..]].concat());
        assert_eq!(code, ExitCode::from(exit), "{why}");
    }
    let (code, _) = run(&["evaluate", "--simulate-hours", "6", "--model", model, "--horizon-s", "30"]);
    assert_eq!(code, ExitCode::from(64), "another horizon than the model's");
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
        ("average precision", judged.total.average_precision, &rung["average_precision"]),
        ("onset average precision", judged.total.onset_average_precision, &rung["onset_average_precision"]),
        ("Brier score", judged.total.brier, &rung["brier"]),
        ("Brier skill", judged.total.brier_skill, &rung["brier_skill"]),
        ("calibration error", judged.total.calibration_error, &rung["ece"]),
        ("persistence", judged.total.persistence_average_precision, &persistence["average_precision"]),
        ("alerts an hour", judged.total.alerts as f64 / hours, &rung["alerts_per_hour"]),
        (
            "alerts that were right",
            judged.total.alerts_right as f64 / judged.total.alerts as f64,
            &rung["alert_precision"],
        ),
        ("QLIKE", quality.volatility.qlike, &served["qlike"]),
        ("outcomes inside the interval", quality.volatility.coverage, &served["coverage"]),
    ] {
        let theirs = number(theirs);
        assert!((ours - theirs).abs() <= 1e-9, "{what}: live {ours}, evaluated {theirs}");
    }
}

/// A table of scores; `end` goes into its metadata.
fn write_scores(path: &Path, scores: &[(String, i64, f64)], end: Option<&str>) {
    let schema = "message scores { REQUIRED BINARY symbol (STRING); REQUIRED INT64 event_time (TIMESTAMP(MICROS,true)); \
                  REQUIRED DOUBLE score; }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(File::create(path).unwrap(), schema, properties).unwrap();
    if let Some(end) = end {
        writer.append_key_value_metadata(KeyValue::new("stormglass.training_end".to_owned(), end.to_owned()));
    }
    let mut group = writer.next_row_group().unwrap();
    let symbols: Vec<ByteArray> = scores.iter().map(|(symbol, ..)| symbol.as_str().into()).collect();
    let times: Vec<i64> = scores.iter().map(|(_, second, _)| second * 1_000_000).collect();
    let values: Vec<f64> = scores.iter().map(|(.., score)| *score).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&symbols, None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&times, None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<DoubleType>().write_batch(&values, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

/// Labelled rows of eight simulated hours, as `evaluate` collects them.
fn simulated_rows(seed: u64) -> Rows {
    let settings = StateSettings::default();
    let bound = BoundModel::new(Arc::new(api::shipped::model("baseline").unwrap().unwrap())).unwrap();
    let mut collector = training::collector_with(settings, 64, Arc::new(bound));
    training::simulate(SimConfig { seed, ..SimConfig::default() }, 8, &mut collector, |_| ());
    Rows::new(&collector.out, None).unwrap()
}

#[test]
fn anyones_scores_are_judged_after_their_training_and_refused_before() {
    let rows = simulated_rows(1);
    let times = rows.dataset.times_s();
    let cut = times[times.len() / 2];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs.parquet");
    let all: Vec<(String, i64, f64)> = (0..rows.dataset.len())
        .map(|row| {
            let symbol = rows.symbols[rows.dataset.groups()[row] as usize].clone();
            (symbol, times[row], rows.persistence[row])
        })
        .collect();
    let later: Vec<_> = all.iter().filter(|(_, second, _)| *second > cut).cloned().collect();
    let table = path.to_str().unwrap();
    let arguments = ["--simulate-hours", "8", "--scores", table, "--draws", "20"];
    let refused = |why: &str| {
        let all: Vec<&str> = ["evaluate"].into_iter().chain(arguments).collect();
        assert_ne!(run(&all).0, ExitCode::SUCCESS, "{why}");
    };
    let end = jiff::Timestamp::from_second(cut).unwrap().to_string();
    write_scores(&path, &later, None);
    refused("nothing says when the training ended");
    write_scores(&path, &all, Some(&end));
    refused("half of the scores lie in the training");
    write_scores(&path, &later[..1], Some("yesterday"));
    refused("no time");
    std::fs::write(&path, b"PAR1 no more PAR1").unwrap();
    refused("no table");

    write_scores(&path, &later, Some(&end));
    let told = [&["evaluate"], &arguments[..], &["--training-end", "2026-01-01T00:00:00Z"]].concat();
    assert_eq!(run(&told).0, ExitCode::from(64), "the table says a later end");
    let report = report(&arguments);
    // The scores are the persistence rung's own: on the same rows, the same number.
    let (theirs, ours) = (rung(&report, "theirs"), rung(&report, "persistence"));
    assert_eq!(theirs["average_precision"], ours["average_precision"]);
    assert_eq!(paired(&report, "persistence")["difference"], 0.0);
    assert_eq!(theirs["brier"], Value::Null, "a score that is no probability has none");
    assert_eq!(report["rows"].as_u64().unwrap() as usize, later.len());
}

/// Average precision, walking forward, when the features are those of `shift` rows later of the same symbol.
fn shifted_average_precision(rows: &Rows, shift: isize) -> f64 {
    let data = crate::learn::shifted(&rows.dataset, shift);
    let options = TrainOptions::default();
    let (mut labels, mut scores) = (vec![], vec![]);
    for fold in WalkForward::default().folds(data.times_s(), |_| true).unwrap() {
        let draft =
            model::learn::train(&data.rows(fold.train()).unwrap(), &options, Recipe::Logistic).unwrap();
        labels.extend(fold.test().iter().map(|&row| data.labels()[row]));
        scores.extend(fold.test().iter().map(|&row| draft.score_row(data.row(row)).probability));
    }
    model::metrics::average_precision(&labels, &scores)
}

fn hold_aligned(rows: &Rows, what: &str) {
    let [past, now, future] = [-12, 0, 12].map(|shift| shifted_average_precision(rows, shift));
    println!("{what}: features of 60 s earlier {past:.3}, now {now:.3}, 60 s later {future:.3}");
    assert!(future > 1.5 * now && past < now, "{past} {now} {future}");
}

/// Features from a minute later have seen the label: if that did not show, rows and labels would be misaligned.
#[test]
fn real_features_from_the_future_show_at_once_and_from_the_past_know_less() {
    let Some(input) = real_data("bitmex_XBTUSD_trades_20180101_60h.csv.gz") else { return };
    hold_aligned(&real_rows(&input), "sixty real hours");
}

fn real_rows(input: &Path) -> Rows {
    use engine::source::{Run, SourceConfig, StopToken, file::FileConfig, pace::Speed};
    let bound = BoundModel::new(Arc::new(api::shipped::model("baseline").unwrap().unwrap())).unwrap();
    let mut collector = training::collector_with(StateSettings::default(), 64, Arc::new(bound));
    let source = SourceConfig::File(FileConfig {
        globs: vec![input.to_str().unwrap().to_owned()],
        venue: "bitmex".to_owned(),
        csv_symbol: None,
        speed: Speed::Max,
    });
    let now = engine::tick::EventTime::MIN;
    let mut run = Run { now, sink: &mut collector, stop: &StopToken::default(), progress: &mut () };
    source.open().unwrap().run(&mut run).unwrap();
    Rows::new(&collector.out, None).unwrap()
}

/// scikit-learn, given the exported table, finds our metrics and our logistic regression.
#[test]
fn scikit_learn_reproduces_metrics_and_coefficients_from_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("rows.parquet");
    let settings = StateSettings::default();
    let mut writer = TableWriter::create(&table, settings.label, true, 5).unwrap();
    let order = RowOrder::new(Some(60), 5, |row| writer.push(row).expect("it is written"));
    let mut offline = Offline::new(settings, None, 64, order);
    training::simulate(SimConfig { seed: 2, ..SimConfig::default() }, 8, &mut offline, |_| ());
    offline.out.finish();
    writer.finish().unwrap();

    let rows = simulated_rows(2);
    let folds = WalkForward::default().folds(rows.dataset.times_s(), |_| true).unwrap();
    let options = TrainOptions::default();
    let ladder = Ladder::climb(&rows, &folds, &options, &Candidate::Recipe(Recipe::Average), |_| ()).unwrap();
    let judged = judge::judge(
        &rows,
        &ladder,
        &Settings {
            draws: 20,
            seed: 1,
            threshold: 0.25,
            cost_false_alarm: 1.0,
            cost_missed_spike: 3.0,
            horizon_s: 60,
            grid_s: 5,
        },
    );
    let (score, found) = (&ladder.rungs[ladder.judged], &judged.rungs[ladder.judged]);
    let calibrated = found.calibrated.as_ref().unwrap();
    let data = &rows.dataset;
    let scores: Vec<Value> = ladder
        .tested
        .iter()
        .zip(&score.ranking)
        .map(|(&row, score)| json!([rows.symbols[data.groups()[row] as usize], data.times_s()[row], score]))
        .collect();
    let split = split_by_time(data, 0.15, 60, 300).unwrap();
    let linear = fit_logistic(data, &split.fit, options.logistic_l2).unwrap();
    let last = split.fit.iter().map(|&row| data.times_s()[row]).max().unwrap();
    let expected = json!({
        "scores": scores,
        "average_precision": found.average_precision,
        "brier": calibrated.brier,
        "ece": calibrated.ece,
        "features": data.features().iter().map(|feature| &feature.name).collect::<Vec<_>>(),
        "fit_until_s": last,
        "fit_rows": split.fit.iter().map(|&row| json!([rows.symbols[data.groups()[row] as usize], data.times_s()[row]])).collect::<Vec<_>>(),
        "l2": options.logistic_l2,
        "coefficients": linear.terms.iter().map(|term| term.coefficient).collect::<Vec<_>>(),
        "missing": linear.terms.iter().map(|term| term.missing_coefficient).collect::<Vec<_>>(),
        "intercept": linear.intercept,
    });
    let path = folder.path().join("expected.json");
    std::fs::write(&path, expected.to_string()).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let python = std::env::var_os("STORMGLASS_PYTHON")
        .map_or_else(|| root.join("target/venv/bin/python"), std::path::PathBuf::from);
    let said = std::process::Command::new(&python)
        .args([root.join("tests/support/reproduce.py"), table, path])
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}; tests/run.sh learn installs it", python.display()));
    let (out, wrong) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    println!("{out}");
    assert!(said.status.success(), "{out}{wrong}");
}
