//! Which rows may judge a finished model or given scores, and which tables and flags are refused.

use std::{path::Path, process::ExitCode};

use model::{LabelRule, Model};
use serde_json::Value;

use super::{
    finished::{scores_of, write_scores},
    number, paired, report, run, rung, simulated_rows,
};

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

/// A fixed threshold is another event than a quantile: the model says so, and is judged by its own event only.
#[test]
fn a_model_of_a_fixed_threshold_and_other_costs_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fixed.sgm");
    let file = path.to_str().unwrap();
    let train = ["train", "--simulate-hours", "6", "--variant", "baseline", "--output", file];
    let told =
        ["--threshold-bp", "1.5", "--warm-up-s", "1800", "--cost-false-alarm", "2", "--cost-missed-spike"];
    assert_eq!(run(&[&train[..], &told[..], &["0"]].concat()).0, ExitCode::from(64), "spikes cost nothing");
    assert_eq!(run(&[&train[..], &told[..], &["18"]].concat()).0, ExitCode::SUCCESS);
    let model = Model::open(&path).unwrap();
    let info = model.info();
    assert_eq!((info.label_rule(), info.threshold), (Some(LabelRule::FixedBp(1.5)), 0.1));
    let card = std::fs::read_to_string(path.with_extension("md")).unwrap();
    for line in [
        "that it exceeds 1.5 bp per square-root second. A spike is called at 0.1 and above",
        "| label.horizon_s | 60 |",
        "| label.threshold_bp | 1.5 |",
        "| label.warm_up_s | 1800 |",
        "| state.gap_quoted_s | 10 |",
        "| state.gap_trades_s | 60 |",
        "| cost_missed_spike | 18 |",
        "| calibration | none |",
        "| calibration | none: members fitted on all rows",
    ] {
        assert!(card.contains(line), "no {line:?} in {card}");
    }
    assert!(!card.contains("quantile"), "{card}");
    let judge = ["evaluate", "--simulate-hours", "10", "--model", file, "--draws", "20"];
    assert_eq!(run(&judge).0, ExitCode::from(64), "the label is a quantile, the model's a threshold");
    assert_eq!(run(&[&judge[..], &["--threshold-bp", "1.5"]].concat()).0, ExitCode::SUCCESS);
    assert_eq!(run(&[&judge[..], &["--cost-missed-spike", "0"]].concat()).0, ExitCode::from(64));
}

#[test]
fn the_forest_on_the_originals_features_is_judged_as_a_recipe_and_refused_as_a_file() {
    let report = report(&["--simulate-hours", "8", "--variant", "runbook-rf", "--draws", "20"]);
    let (judged, base_rate) = (rung(&report, "runbook-rf"), number(&report["base_rate"]));
    let average_precision = number(&judged["average_precision"]);
    println!("runbook-rf {average_precision:.3}, base rate {base_rate:.3}");
    assert_eq!(report["judged"], "runbook-rf");
    assert!(average_precision > 1.3 * base_rate, "{judged}");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/shipped/runbook-rf.sgm");
    let (code, _) = run(&["evaluate", "--simulate-hours", "8", "--model", file.to_str().unwrap()]);
    assert_eq!(code, ExitCode::from(64), "the engine has no such rows");
}

#[test]
fn anyones_scores_are_judged_after_their_training_and_refused_before() {
    let rows = simulated_rows(1);
    let times = rows.dataset.times_s();
    let cut = times[times.len() / 2];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs.parquet");
    let all = scores_of(&rows, |row| rows.persistence[row]);
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
