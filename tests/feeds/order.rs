//! Ticks that come out of the order of their times: in one file, and in several files that overlap.

use std::{path::Path, process::Command};

/// Features of these files; what was printed, and the sum at the end.
fn features(inputs: &[&Path], output: &Path, reorder_ms: u64) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_stormglass"))
        .args(["features", "--output"])
        .arg(output)
        .arg("--input")
        .args(inputs)
        .env("STORMGLASS__SOURCE__REORDER_MS", reorder_ms.to_string())
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// A tick of one of two symbols: a trade, or beside it a quote.
fn record(i: u64) -> (u64, String) {
    let ms = i * 137;
    let time = format!(
        "2026-04-04T{:02}:{:02}:{:02}.{:03}Z",
        3 + ms / 3_600_000,
        ms / 60_000 % 60,
        ms / 1_000 % 60,
        ms % 1_000
    );
    let price = 67_000 + i * 7_919 % 101;
    let product = if i.is_multiple_of(3) { "ETH-USD" } else { "BTC-USD" };
    let rest = if i.is_multiple_of(2) {
        format!(r#""last_size":"0.0{}","side":"buy""#, 1 + i % 9)
    } else {
        format!(r#""best_bid":"{}","best_ask":"{price}","type":"quote""#, price - 1)
    };
    (ms, format!(r#"{{"timestamp":"{time}","product_id":"{product}","price":"{price}",{rest}}}"#) + "\n")
}

const TICKS: u64 = 8_000;

#[test]
fn ticks_within_the_bound_give_the_features_of_the_sorted_ticks() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let sorted: Vec<(u64, String)> = (0..TICKS).map(record).collect();
    let mut disturbed = sorted.clone();
    // Each arrives up to three seconds late.
    disturbed.sort_by_key(|(ms, _)| ms + ms * 7_919 % 3_000);
    assert_ne!(sorted, disturbed);
    let write = |name: &str, records: &[(u64, String)]| {
        std::fs::write(path(name), records.iter().map(|(_, line)| &**line).collect::<String>()).unwrap();
        path(name)
    };
    let (sorted, disturbed) = (write("sorted.ndjson", &sorted), write("disturbed.ndjson", &disturbed));
    let (code, said) = features(&[&sorted], &path("sorted.parquet"), 0);
    assert!(
        code == Some(0) && said.contains("of the ticks 8,000 accepted") && !said.contains("late"),
        "{said}"
    );
    let (code, said) = features(&[&disturbed], &path("dropped.parquet"), 0);
    assert!(code == Some(0) && said.contains(" late"), "{said}");
    let (code, said) = features(&[&disturbed], &path("ordered.parquet"), 3_000);
    assert!(
        code == Some(0) && said.contains("of the ticks 8,000 accepted") && !said.contains("late"),
        "{said}"
    );
    let bytes = |name: &str| std::fs::read(path(name)).unwrap();
    assert!(bytes("sorted.parquet") == bytes("ordered.parquet"), "other features");
    let (code, said) = features(&[&sorted], &path("x.parquet"), 600_001);
    assert!(code == Some(64) && said.contains("source.reorder_ms"), "{said}");
}

#[test]
fn a_log_is_not_put_into_another_order() {
    let output = Command::new(env!("CARGO_BIN_EXE_stormglass"))
        .args(["serve", "--source", "kafka", "--listen", "127.0.0.1:0"])
        .env("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
        .env("STORMGLASS__SOURCE__REORDER_MS", "5000")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(64) && said.contains("the order of the log"), "{said}");
}
