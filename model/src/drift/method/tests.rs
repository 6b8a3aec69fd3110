//! Definitions at their edges. `model/tests/drift.rs` holds the numbers to Evidently's and scipy's.

use super::*;

fn pair(reference: &[f64], current: &[f64]) -> Pair {
    let side = |values: &[f64]| Numbers::new(values.iter().copied(), false);
    Pair::Numbers { kind: Kind::Numerical, reference: side(reference), current: side(current) }
}

fn spread(count: u32, shift: f64) -> Vec<f64> {
    (0..count).map(|at| f64::from(at) + shift).collect()
}

#[test]
fn every_method_is_found_by_its_name_and_no_name_is_twice() {
    for method in METHODS {
        assert_eq!(Method::named(method.name).unwrap().title, method.title);
    }
    assert!(Method::named("TVD").is_none());
}

#[test]
fn the_same_values_on_both_sides_are_no_drift_by_any_method() {
    let values: Vec<f64> = (0..200).map(|at| f64::from(at % 67)).collect();
    let same = pair(&values, &values);
    for method in METHODS {
        let score = method.score(&same).unwrap();
        let named = method.name;
        assert!(!method.drifts(score, method.threshold), "{named}: {score}");
        if !method.is_p_value() {
            assert!(score.abs() < 1e-7, "{named}: {score}");
        }
    }
}

#[test]
fn values_far_apart_are_drift_by_every_method() {
    let apart = pair(&spread(150, 0.0), &spread(170, 400.0));
    for method in METHODS.into_iter().filter(|method| method.kinds.contains(&Kind::Numerical)) {
        let score = method.score(&apart).unwrap();
        assert!(method.drifts(score, method.threshold), "{}: {score}", method.name);
    }
}

#[test]
fn constant_columns_have_an_answer_or_a_reason() {
    let constant = pair(&[2.5; 40], &[2.5; 30]);
    // Its form for no ties at all finds drift in them, and so it does at Evidently's and scipy's.
    let blind_to_ties = CRAMER_VON_MISES.score(&constant).unwrap();
    assert!((blind_to_ties - 0.043_204_443_546_149_8).abs() < 1e-12, "{blind_to_ties}");
    for method in METHODS.into_iter().filter(|method| method.name != CRAMER_VON_MISES.name) {
        match method.score(&constant) {
            Ok(score) => assert!(!method.drifts(score, method.threshold), "{}: {score}", method.name),
            Err(reason) => assert!(!reason.to_string().is_empty()),
        }
    }
    assert_eq!(PROPORTIONS.score(&constant), Ok(1.0));
    assert_eq!(KOLMOGOROV_SMIRNOV.score(&constant), Ok(1.0));
    let other = pair(&[2.5; 40], &[3.5; 30]);
    assert!(PROPORTIONS.score(&other).unwrap() < 1e-12);
}

#[test]
fn words_have_shares_and_no_order() {
    use crate::drift::Words;
    let side =
        |counts: &[(&str, u64)]| Words::new(counts.iter().map(|&(word, count)| (word.to_owned(), count)));
    let words = Pair::Words {
        reference: side(&[("buy", 50), ("sell", 50)]),
        current: side(&[("buy", 30), ("sell", 60), ("new", 10)]),
    };
    assert_eq!(CHI_SQUARE.score(&words), Ok(0.0), "a word that the reference never had");
    assert!(JENSEN_SHANNON.score(&words).unwrap() > 0.1);
    assert_eq!(KOLMOGOROV_SMIRNOV.score(&words), Err(NotApplicable("words have no order")));
    assert_eq!(words.distinct(9), 3);
}
