//! What LightGBM says by more than a threshold: splits that ask whether a value is missing.
#![allow(clippy::unwrap_used)]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/golden_files.rs"]
mod golden_files;
#[path = "support/tally.rs"]
mod tally;

use golden::imported;
use golden_files::bytes;
use model::import::Imported;
use tally::tally;

/// Holds a file to its library's answers on the rows near its thresholds.
fn hold(file: &str, raw: &str) -> Imported {
    let (name, _) = file.rsplit_once('.').unwrap();
    let imported = imported(file);
    let found = tally(name, &imported.draft, raw, "out", true, |_, _, _| false).unwrap();
    println!("{file}: {found:?}");
    assert!(found.rows >= 120 && found.answer_ulps <= 2, "{file}: {found:?}");
    imported
}

#[test]
fn lightgbms_splits_of_missing_values_from_all_others_send_rows_where_lightgbm_does() {
    for name in ["missing_1", "missing_2", "missing_3", "missing_infinite", "missing_zero"] {
        let file = format!("lgb_{name}.txt");
        let text = String::from_utf8(bytes(&format!("models/{file}"))).unwrap();
        let infinite = text.lines().filter_map(|line| line.strip_prefix("threshold="));
        let infinite = infinite.flat_map(|line| line.split(' ')).filter(|&word| word == "inf").count();
        assert!(infinite > 0, "{file} has no threshold of infinity");
        hold(&file, "raw");
    }
}
