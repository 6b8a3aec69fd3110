//! A finished model, and given scores, beside a ladder that learned from the same time.

use std::{fs::File, io::Read, path::Path, process::ExitCode, sync::Arc};

use api::evaluate::{Candidate, Ladder, Rows};
use model::learn::{Recipe, TrainOptions, WalkForward};
use parquet::{
    data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type},
    file::{metadata::KeyValue, properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use serde_json::{Value, json};

use super::{number, paired, report, run, rung, simulated_rows};
use crate::support::real_data::real_data;

/// A score for each row: symbol, second, score.
pub(super) fn scores_of(rows: &Rows, score: impl Fn(usize) -> f64) -> Vec<(String, i64, f64)> {
    let data = &rows.dataset;
    let symbol = |row: usize| rows.symbols[data.groups()[row] as usize].clone();
    (0..data.len()).map(|row| (symbol(row), data.times_s()[row], score(row))).collect()
}

/// A table of scores; `end` goes into its metadata.
pub(super) fn write_scores(path: &Path, scores: &[(String, i64, f64)], end: Option<&str>) {
    write_table(path, "DOUBLE", scores, end);
}

/// Writes a table of scores whose column has this physical type, `DOUBLE` or `INT32`.
fn write_table(path: &Path, score_type: &str, scores: &[(String, i64, f64)], end: Option<&str>) {
    let schema = format!(
        "message scores {{ REQUIRED BINARY symbol (STRING); REQUIRED INT64 event_time (TIMESTAMP(MICROS,true)); \
         REQUIRED {score_type} score; }}"
    );
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(File::create(path).unwrap(), schema, properties).unwrap();
    if let Some(end) = end {
        writer.append_key_value_metadata(KeyValue::new("stormglass.training_end".to_owned(), end.to_owned()));
    }
    let mut group = writer.next_row_group().unwrap();
    let symbols: Vec<ByteArray> = scores.iter().map(|(symbol, ..)| symbol.as_str().into()).collect();
    let times: Vec<i64> = scores.iter().map(|(_, second, _)| second * 1_000_000).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&symbols, None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&times, None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    if score_type == "DOUBLE" {
        let values: Vec<f64> = scores.iter().map(|(.., score)| *score).collect();
        column.typed::<DoubleType>().write_batch(&values, None, None).unwrap();
    } else {
        let values: Vec<i32> = scores.iter().map(|(.., score)| *score as i32).collect();
        column.typed::<Int32Type>().write_batch(&values, None, None).unwrap();
    }
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

fn train(hours: &str, path: &str) {
    let train = ["train", "--simulate-hours", hours, "--variant", "baseline", "--output", path];
    assert_eq!(run(&train).0, ExitCode::SUCCESS);
}

/// The judged model is HAR-logit itself, so a HAR-logit that is fitted fairly beside it is all but equal to it. Learned
/// anew before each part, it would be another.
#[test]
fn the_ladder_below_a_finished_model_learns_once_from_its_training() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("early.sgm");
    let model = path.to_str().unwrap();
    train("5", model);
    let arguments = ["--simulate-hours", "12", "--model", model, "--draws", "20"];
    let report = report(&arguments);
    let paired = paired(&report, "HAR-logit");
    assert!((number(&paired["ratio"]) - 1.0).abs() < 0.005, "{paired}");
    let rungs =
        ["HAR-logit", "stormglass-baseline 1"].map(|name| number(&rung(&report, name)["brier_skill"]));
    assert!((rungs[0] - rungs[1]).abs() < 0.002, "{rungs:?}");

    // Three hours of three symbols taught it, less the six minutes before the first judged row.
    let folds = report["folds"].as_array().unwrap();
    let taught: Vec<f64> = folds.iter().map(|fold| number(&fold["train_rows"])).collect();
    assert_eq!(folds.len(), 5);
    assert!(taught.iter().all(|rows| *rows == taught[0] && (5_000.0..6_480.0).contains(rows)), "{taught:?}");
    // Every row after the training judges: seven hours, less the last minute, whose outcome is not known.
    assert_eq!(report["scored"]["rows"], report["rows"]);
    assert_eq!(report["scored"]["of_rows"], report["rows"]);
    assert!((20.5..21.0).contains(&number(&report["symbol_hours"])), "{}", report["symbol_hours"]);
    let notes = report["notes"].to_string();
    assert!(notes.contains("rows of the input that lie in its training"), "{notes}");
    let text = run(&[&["evaluate"], &arguments[..]].concat()).1;
    assert!(text.contains("ladder learned from") && text.contains("rows have a score"), "{text}");
}

/// Without rows of the training there is nothing fair to learn from: the ladder walks forward, and that is said.
#[test]
fn without_rows_of_the_training_the_ladder_learns_from_the_first_part() {
    let rows = simulated_rows(1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs.parquet");
    write_scores(&path, &scores_of(&rows, |row| rows.persistence[row]), Some("2025-12-31T23:00:00Z"));
    let report = report(&["--simulate-hours", "8", "--scores", path.to_str().unwrap(), "--draws", "20"]);
    let notes = report["notes"].to_string();
    assert!(notes.contains("the input holds 0 rows of the training"), "{notes}");
    assert!(notes.contains("lie outside 0 to 1: they rank rows"), "{notes}");
    let folds = report["folds"].as_array().unwrap();
    assert!(number(&folds[4]["train_rows"]) > number(&folds[0]["train_rows"]));
    assert_eq!(report["scored"], json!({"rows": rows.dataset.len(), "of_rows": rows.dataset.len()}));
    assert!(number(&report["rows"]) < 0.61 * rows.dataset.len() as f64, "{}", report["rows"]);
}

/// Scores of the easy rows only look better than scores of all rows. So they are refused, unless a lower `--share-min`
/// is given.
#[test]
fn scores_of_some_rows_only_are_refused_unless_asked_for() {
    let rows = simulated_rows(1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.parquet");
    let spikes = rows.dataset.labels();
    let all = scores_of(&rows, |row| f64::from(u8::from(rows.persistence[row] > 1.0)));
    let some: Vec<_> =
        (0..all.len()).filter(|row| spikes[*row] || row % 5 == 0).map(|row| all[row].clone()).collect();
    write_scores(&path, &some, Some("2025-12-31T23:00:00Z"));
    let arguments = ["--simulate-hours", "8", "--scores", path.to_str().unwrap(), "--draws", "20"];
    assert_eq!(run(&[&["evaluate"], &arguments[..]].concat()).0, ExitCode::from(1));
    for no_share in ["1.5", "-0.1", "most"] {
        let asked = [&["evaluate"], &arguments[..], &["--share-min", no_share]].concat();
        assert_eq!(run(&asked).0, ExitCode::from(64), "{no_share}");
    }
    let report = report(&[&arguments[..], &["--share-min", "0.1"]].concat());
    assert_eq!(report["scored"], json!({"rows": some.len(), "of_rows": all.len()}));
    // All but a tenth is enough.
    write_scores(&path, &all[all.len() / 20..], Some("2025-12-31T23:00:00Z"));
    assert_eq!(run(&[&["evaluate"], &arguments[..]].concat()).0, ExitCode::SUCCESS);
}

/// Alarms of 0 and 1 are often written as whole numbers.
#[test]
fn whole_numbers_are_scores() {
    let rows = simulated_rows(1);
    let folder = tempfile::tempdir().unwrap();
    let (whole, real) = (folder.path().join("alarms.parquet"), folder.path().join("alarms64.parquet"));
    let scores = scores_of(&rows, |row| f64::from(u8::from(rows.persistence[row] > 1.0)));
    let end = Some("2025-12-31T23:00:00Z");
    write_table(&whole, "INT32", &scores, end);
    write_scores(&real, &scores, end);
    let judged = |path: &Path| {
        let report = report(&["--simulate-hours", "8", "--scores", path.to_str().unwrap(), "--draws", "20"]);
        let mut found = rung(&report, report["judged"].as_str().unwrap()).clone();
        found["name"] = Value::Null;
        found
    };
    assert_eq!(judged(&whole), judged(&real));
    number(&judged(&whole)["brier"]);
}

/// A part without a spike has no average precision: null, not a zero with a sign.
#[test]
fn without_a_spike_there_is_no_average_precision() {
    let arguments = ["--simulate-hours", "6", "--threshold-bp", "900", "--draws", "20"];
    let rows = simulated_rows(1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs.parquet");
    write_scores(&path, &scores_of(&rows, |_| 0.25), Some("2025-12-31T23:00:00Z"));
    let arguments = [&arguments[..], &["--scores", path.to_str().unwrap(), "--share-min", "0"]].concat();
    let report = report(&arguments);
    assert_eq!((number(&report["base_rate"]), number(&report["onset_base_rate"])), (0.0, 0.0));
    for rung in report["models"].as_array().unwrap() {
        for name in ["average_precision", "average_precision_low", "onset_average_precision"] {
            assert_eq!(rung[name], Value::Null, "{rung}");
        }
    }
    let persistence = paired(&report, "persistence");
    assert_eq!((&persistence["difference"], &persistence["ratio"]), (&Value::Null, &Value::Null));
    assert!(report["folds"].as_array().unwrap().iter().all(|fold| fold["average_precision"].is_null()));
    assert!(!report.to_string().contains("-0.0,") && !report.to_string().contains("-0.0}"));
    let text = run(&[&["evaluate"], &arguments[..]].concat()).1;
    assert!(text.contains("n/a") && !text.contains("-0.0000"), "{text}");
}

/// The ladder's own HAR-logit, where nothing is finished, learns from all that lies before each part.
#[test]
fn below_a_recipe_every_rung_learns_from_all_earlier_rows() {
    let rows = simulated_rows(2);
    let data = &rows.dataset;
    let folds = WalkForward::default().folds(data.times_s(), |_| true).unwrap();
    let options = TrainOptions::default();
    let candidate = Candidate::Recipe(Recipe::HarLogit);
    let ladder = Ladder::build(&rows, &folds, &options, &candidate, |_| ()).unwrap();
    let har = data.select(&model::learn::BASELINE_FEATURES).unwrap();
    let mut expected = Vec::new();
    for fold in &folds {
        let line = model::learn::fit_logistic(&har, fold.train(), options.logistic_l2).unwrap();
        expected.extend(fold.test().iter().map(|&row| model::sigmoid(line.score(har.row(row)))));
    }
    let found = &ladder.rungs[ladder.judged].ranking;
    assert!(found.iter().zip(&expected).all(|(one, other)| (one - other).abs() < 1e-12));
}

/// The first hours of the recorded trades, as a file of their own in the folder.
fn first_hours(folder: &Path, input: &Path, hours: i64) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(File::open(input).unwrap()).read_to_string(&mut text).unwrap();
    let time_ms = |line: &str| line.split(',').next().and_then(|cell| cell.parse::<i64>().ok());
    let from_ms = text.lines().find_map(time_ms).unwrap();
    let is_early = |line: &&str| time_ms(line).is_none_or(|ms| ms < from_ms + hours * 3_600_000);
    let early: Vec<&str> = text.lines().take_while(is_early).collect();
    let path = folder.join("bitmex_XBTUSD_first.csv");
    std::fs::write(&path, early.join("\n") + "\n").unwrap();
    path.to_str().unwrap().to_owned()
}

/// Training on one symbol that went on for longer does not keep another from being judged after its own; and the ladder
/// stands on the symbol's own training.
#[test]
fn a_symbol_is_judged_from_the_end_of_its_own_training() {
    let Some(trades) = real_data("bitmex_XBTUSD_trades_20180101_60h.csv.gz") else { return };
    let Some(later) = real_data("coinbase_BTC_ETH_20260404_2h.ndjson.gz") else { return };
    let folder = tempfile::tempdir().unwrap();
    let early = first_hours(folder.path(), &trades, 36);
    let path = folder.path().join("two.sgm");
    let (model, trades, later) = (path.to_str().unwrap(), trades.to_str().unwrap(), later.to_str().unwrap());
    let train = ["train", "--variant", "baseline", "--warm-up-s", "1800", "--output", model];
    assert_eq!(run(&[&train[..], &["--input", &early, later]].concat()).0, ExitCode::SUCCESS);
    let judge = ["--model", model, "--draws", "50", "--input"];
    let report = report(&[&judge[..], &[trades]].concat());
    let from = report["folds"][0]["from"].as_str().unwrap();
    assert!(("2018-01-02T11:59:00Z".."2018-01-02T12:01:00Z").contains(&from), "judged from {from}");
    let train_rows = number(&report["folds"][0]["train_rows"]);
    assert!(
        (23_000.0..25_000.0).contains(&train_rows),
        "34 hours of one symbol taught the ladder: {train_rows}"
    );
    let notes = report["notes"].to_string();
    assert!(notes.contains("earlier than what was learned of others"), "{notes}");
    // The same recipe learned from the same trades, and from two hours of others that make it a little worse.
    let paired = paired(&report, "HAR-logit");
    assert!((0.95..=1.0).contains(&number(&paired["ratio"])), "{paired}");
    for refused in [later, &early] {
        let (code, _) = run(&[&["evaluate"], &judge[..], &[refused, "--warm-up-s", "1800"]].concat());
        assert_eq!(code, ExitCode::from(1), "{refused}: all of its rows were learned from");
    }
}
