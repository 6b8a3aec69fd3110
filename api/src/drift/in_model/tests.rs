//! Tests of values in bins, and of answers that are computed in parts.

use std::{fmt::Write, sync::Arc};

use super::*;
use crate::{drift::Table, shipped};

/// Uniform numbers, the same every time.
fn noise() -> impl Iterator<Item = f64> {
    let mut state = 1_u64;
    std::iter::from_fn(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some((state >> 11) as f64 / (1_u64 << 53) as f64)
    })
}

fn side(folder: &tempfile::TempDir, header: &str, rows: impl Iterator<Item = String>) -> Side {
    let path = folder.path().join("t.csv");
    let lines: Vec<String> = std::iter::once(header.to_owned()).chain(rows).collect();
    std::fs::write(&path, lines.join("\n")).unwrap();
    Side::all(Arc::new(Table::open(&path).unwrap())).unwrap()
}

fn options() -> Options {
    Options { columns: vec![], method: None, threshold: None, drift_share: 0.5, false_discoveries: 0.05 }
}

/// Most of the values are the greatest one, so that none is above the median.
#[test]
fn values_that_are_mostly_at_their_greatest_count_as_others_do() {
    let values: Vec<f64> = noise().take(4_000).map(|value| (value * 4.0).min(1.0)).collect();
    let folder = tempfile::tempdir().unwrap();
    let side = side(&folder, "a", values.iter().map(f64::to_string));
    let bins = Bins::by_quantiles(noise().take(2_000).map(|value| value * 4.0));
    let column = column("a", &bins, &values, &side, &method::PSI, &options());
    let opinion = column.second_opinion.unwrap();
    assert!(opinion.current_effective_rows > 1_000.0, "{opinion:?}");
    assert!(opinion.p_value < 1e-6, "{opinion:?}");
}

/// They stand in the outer bins, as in training, and tell nothing of how neighbours depend on each other.
#[test]
fn infinite_values_are_in_the_outer_bins_and_are_no_rows_that_count() {
    let values: Vec<f64> = noise().take(1_000).chain([f64::INFINITY; 1_000]).collect();
    let folder = tempfile::tempdir().unwrap();
    let side = side(&folder, "a", values.iter().map(f64::to_string));
    let bins = Bins::by_quantiles(noise().take(2_000));
    let column = column("a", &bins, &values, &side, &method::PSI, &options());
    assert_eq!((column.current.infinite, column.current.missing), (1_000, 0));
    assert!(column.score.unwrap() > 0.2, "they are seen: {column:?}");
    let opinion = column.second_opinion.unwrap();
    let share = opinion.current_effective_rows / 1_000.0;
    assert!((0.5..=1.0).contains(&share), "{opinion:?}");
    assert!((opinion.reference_effective_rows - 2_000.0 * share).abs() < 1e-9, "{opinion:?}");
}

#[test]
fn answers_are_the_same_in_parts_of_any_size() {
    let model = shipped::model(shipped::RUNBOOK).unwrap().unwrap();
    let names: Vec<String> = model.info().features.iter().map(|feature| feature.name.clone()).collect();
    let mut values = noise();
    let row = |_| {
        names.iter().fold(String::new(), |mut line, _| {
            let comma = if line.is_empty() { "" } else { "," };
            write!(line, "{comma}{}", values.next().unwrap()).unwrap();
            line
        })
    };
    let folder = tempfile::tempdir().unwrap();
    let side = side(&folder, &names.join(","), (0..100).map(row));
    let all = answers(&model, &names, &side, CELLS_MAX).unwrap();
    assert_eq!(all.len(), 100);
    assert!(all.windows(2).any(|pair| pair[0] != pair[1]), "{all:?}");
    for cells_max in [1, names.len() * 7, names.len() * 100] {
        assert_eq!(answers(&model, &names, &side, cells_max).unwrap(), all, "{cells_max} cells");
    }
}
