//! Drift by the numbers of those who defined them: Evidently 0.7.23 and scipy, on the columns of `tests/golden/drift`.

#![cfg(feature = "drift")]
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, io::Read, path::Path};

use serde_json::Value;
use stormglass_model::drift::{DRIFT_SHARE, Kind, Method, Numbers, Pair, Verdict, Words, dataset_drifts};

fn golden(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/golden/drift/{name}.gz"));
    let file = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

fn json(name: &str) -> Value {
    serde_json::from_str(&golden(name)).unwrap()
}

/// Cells by column, in the file's order of columns.
fn table(name: &str) -> Vec<(String, Vec<String>)> {
    let text = golden(name);
    let mut lines = text.lines();
    let mut columns: Vec<(String, Vec<String>)> =
        lines.next().unwrap().split(',').map(|name| (name.to_owned(), Vec::new())).collect();
    for line in lines {
        columns.iter_mut().zip(line.split(',')).for_each(|((_, cells), cell)| cells.push(cell.to_owned()));
    }
    columns
}

/// The columns of both files of a size.
fn pairs(reference_rows: u32) -> Vec<(String, Pair)> {
    let (reference, current) =
        (table(&format!("ref_{reference_rows}.csv")), table(&format!("cur_{reference_rows}.csv")));
    let numbers =
        |cells: &[String]| Numbers::new(cells.iter().map(|cell| cell.parse().unwrap_or(f64::NAN)), false);
    let words = |cells: &[String]| Words::new(cells.iter().map(|cell| (cell.clone(), 1)));
    reference
        .into_iter()
        .zip(current)
        .map(|((name, reference), (_, current))| {
            let pair = if name == "side" {
                Pair::Words { reference: words(&reference), current: words(&current) }
            } else {
                Pair::Numbers {
                    kind: Kind::Numerical,
                    reference: numbers(&reference),
                    current: numbers(&current),
                }
            };
            (name, pair)
        })
        .collect()
}

/// Within a share of the expected number. Differences from 1 of p-values carry the digits of 1.
fn near(got: f64, expected: f64, relative: f64) -> bool {
    (got - expected).abs() <= relative * expected.abs() + 1e-12
}

#[test]
fn every_method_gives_evidentlys_score_and_verdict() {
    let answers = json("evidently-golden.json");
    let mut compared = BTreeMap::<&str, (usize, f64)>::new();
    for rows in [800, 5000] {
        for (column, pair) in pairs(rows) {
            for method in stormglass_model::drift::METHODS {
                let Some(answer) = answers.get(format!("{rows}/{column}/{}", method.name)) else { continue };
                let expected = answer[0].as_f64().unwrap();
                if method.name == "es" && pair.distinct(6) < 6 {
                    assert!(method.score(&pair).is_err(), "{rows}/{column}: its matrix has no inverse");
                    continue;
                }
                let verdict = Verdict::of(&pair, Some(method), None).unwrap();
                let what = format!("{rows}/{column}/{}: {} {expected}", method.name, verdict.score);
                // The p-value of Cramer-von Mises is what a sum of a dozen terms lacks of 1.
                let relative = if method.name == "t_test" { 1e-9 } else { 1e-11 };
                assert!(near(verdict.score, expected, relative), "{what}");
                assert_eq!(verdict.drifted, answer[1].as_bool().unwrap(), "{what}");
                assert_eq!(verdict.threshold, answer[2].as_f64().unwrap(), "{what}");
                assert_eq!(method.title, answer[3].as_str().unwrap());
                let (count, worst) = compared.entry(method.name).or_default();
                *count += 1;
                *worst = worst.max((verdict.score - expected).abs() / expected.abs());
            }
        }
    }
    println!("method: columns compared, greatest relative difference: {compared:?}");
    // The Z-test and Anderson-Darling are held elsewhere.
    assert_eq!(compared.len(), 12);
    assert_eq!(compared.values().map(|(count, _)| count).sum::<usize>(), 4 * 14 + 7 * 12 - 4 + 2);
}

#[test]
fn its_default_choice_thresholds_and_verdict_on_the_whole_are_the_same() {
    for (rows, drifted_columns) in [(800, 4), (5000, 2)] {
        let report = json(&format!("rep_{rows}.json"));
        let metrics = report["metrics"].as_array().unwrap();
        let mut drifted = 0;
        let pairs = pairs(rows);
        for (column, pair) in &pairs {
            let metric = metrics.iter().find(|metric| metric["config"]["column"] == **column).unwrap();
            let test = report["tests"]
                .as_array()
                .unwrap()
                .iter()
                .find(|test| test["name"] == format!("Value Drift for column {column}"))
                .unwrap();
            let verdict = Verdict::of(pair, None, None).unwrap();
            assert_eq!(verdict.method.title, metric["config"]["method"], "{rows}/{column}");
            assert_eq!(verdict.threshold, metric["config"]["threshold"].as_f64().unwrap());
            let expected = metric["value"].as_f64().unwrap();
            assert!(near(verdict.score, expected, 1e-11), "{rows}/{column}: {} {expected}", verdict.score);
            assert_eq!(verdict.drifted, test["status"] == "FAIL", "{rows}/{column}");
            drifted += usize::from(verdict.drifted);
        }
        assert_eq!(drifted, drifted_columns);
        assert_eq!(drifted as f64, metrics[0]["value"]["count"].as_f64().unwrap());
        let whole = report["tests"][0]["status"] == "FAIL";
        assert_eq!(dataset_drifts(drifted, pairs.len(), DRIFT_SHARE), whole, "{rows}");
    }
}

/// Uniform numbers by the recurrence that `tests/golden/drift/scipy-ks.json.gz` was made with.
fn uniform(count: u64, seed: u64) -> Vec<f64> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        })
        .collect()
}

/// Every branch of the p-value: exact of equal and unequal sides, and the asymptotic one of few and of many rows.
#[test]
fn kolmogorov_smirnov_is_scipys_in_every_branch() {
    let answers = json("scipy-ks.json");
    let answers = answers.as_array().unwrap();
    assert!(answers.len() > 60);
    let ks = Method::named("ks").unwrap();
    let mut worst: f64 = 0.0;
    for answer in answers {
        let number = |key: &str| answer[key].as_f64().unwrap();
        let (one, other) = (answer["reference"].as_u64().unwrap(), answer["current"].as_u64().unwrap());
        let current = uniform(other, 2).into_iter().map(|value| value * number("scale") + number("shift"));
        let pair = Pair::Numbers {
            kind: Kind::Numerical,
            reference: Numbers::new(uniform(one, 1), false),
            current: Numbers::new(current, false),
        };
        let (got, expected) = (ks.score(&pair).unwrap(), number("p_value"));
        assert!((got - expected).abs() <= 1e-10 * expected + 1e-14, "{answer}: {got}");
        if expected > 1e-300 {
            worst = worst.max((got - expected).abs() / expected);
        }
    }
    println!("{} p-values, greatest relative difference {worst:.1e}", answers.len());
}

#[test]
fn anderson_darling_and_chi_square_are_scipys() {
    let answers = json("scipy-others.json");
    for (name, answer) in answers.as_object().unwrap() {
        let (rows, rest) = name.split_once('/').unwrap();
        let (column, method) = rest.split_once('/').unwrap();
        let (_, pair) = pairs(rows.parse().unwrap()).into_iter().find(|(name, _)| name == column).unwrap();
        let (got, expected) =
            (Method::named(method).unwrap().score(&pair).unwrap(), answer.as_f64().unwrap());
        assert!(near(got, expected, 1e-11), "{name}: {got} {expected}");
    }
    assert!(answers.as_object().unwrap().len() >= 16);
}
