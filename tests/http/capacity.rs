//! `stormglass capacity`: what it prints adds up. The numbers themselves are the machine's.

use std::process::Command;

use serde_json::Value;

fn number(report: &Value, path: &[&str]) -> f64 {
    let found = path.iter().fold(report, |value, key| &value[*key]);
    found.as_f64().unwrap_or_else(|| panic!("{path:?} is no number in {report:#}"))
}

#[test]
fn a_quick_look_measures_and_its_plan_follows_from_what_was_measured() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_stormglass"))
        .args(["capacity", "--quick", "--p99-ms", "500", "--utilisation", "0.5"])
        .args(["--symbols", "100000", "--ticks-per-symbol", "50", "--requests", "0"])
        .args(["--json", file.path().to_str().unwrap()])
        .output()
        .unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}");
    for words in ["a tick ", "a row ", "a symbol ", "plan at 50 % use", "shards (cores) needed", "noise "] {
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
    let report: Value = serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap();
    let per_core = number(&report, &["measured", "ticks_per_core_per_s"]);
    let near = |found: f64, expected: f64| (found - expected).abs() <= 1e-9 * expected.abs();
    assert!(near(per_core, 1e9 / number(&report, &["ticks", "nanos_per_tick", "median"])));
    let shards = number(&report, &["measured", "shards"]);
    assert!(near(number(&report, &["plan", "ticks_per_s"]), per_core * 0.5 * shards));
    let cores = (100_000.0 * 50.0 / (per_core * 0.5)).ceil();
    assert!(near(number(&report, &["needed", "shard_cores"]), cores));
    let bytes = number(&report, &["ticks", "bytes_per_symbol"]);
    assert!(near(number(&report, &["needed", "memory_bytes"]), 100_000.0 * bytes));
    for cost in ["nanos_per_row", "nanos_per_row_in_batch"] {
        let of = |key| number(&report, &["rows", cost, key]);
        assert!(0.0 < of("min") && of("min") <= of("median") && of("median") <= of("max"), "{report:#}");
    }
    assert_eq!(report["ticks"]["is_scored"], true);
    let steps = report["requests"]["steps"].as_array().unwrap();
    assert!(steps[0]["rate_right_per_s"].as_f64().unwrap() > 0.0, "the front served: {steps:#?}");
    let held = number(&report, &["requests", "held_per_s"]);
    let is_held = |step: &&Value| step["held"] == true && step["rate_asked_per_s"].as_f64() == Some(held);
    // None holds twice where neighbours take the processors.
    assert!(held == 0.0 || steps.iter().filter(is_held).count() >= 2, "{steps:#?}");
    println!("capacity --quick: {} rates tried, {held:.0}/s held", steps.len());
}

#[test]
fn bad_flags_and_a_model_that_is_not_there_are_told() {
    for (arguments, exit, words) in [
        (&["--utilisation", "0"][..], 64, "--utilisation"),
        (&["--utilisation", "1e-300"], 64, "--utilisation"),
        (&["--symbols", "0"], 64, "--symbols"),
        (&["--model", "/no/such/model.sgm"], 1, "/no/such/model.sgm"),
    ] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_stormglass")).arg("capacity").args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {said}");
        assert!(said.contains(words), "{said}");
    }
}
