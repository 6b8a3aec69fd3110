//! Training end to end, on a small market whose truth is known.
#![allow(clippy::unwrap_used)]
#![cfg(feature = "learn")]

#[path = "support/forests.rs"]
#[allow(dead_code)]
mod forests;

use forests::Random;
use stormglass_model::{
    Model, ModelDraft, evaluation,
    learn::{
        BASELINE_FEATURES, BoostOptions, Dataset, LearnError, TrainOptions, card, train_baseline,
        train_default,
    },
    schema::FeatureName,
    sigmoid,
};

/// `count` rows of three symbols, 5 s apart: the baseline's features, one that only trees can use (a threshold), noise,
/// and values that are missing at the start. About one row in ten is a spike.
fn market(seed: u64, count: usize) -> Dataset {
    let mut random = Random(seed);
    let names = BASELINE_FEATURES.into_iter().chain(["obi", "noise"]);
    let features: Vec<FeatureName> = names.map(|name| FeatureName::new(name, 1)).collect();
    let (mut rows, mut labels, mut times_s, mut groups) = (vec![], vec![], vec![], vec![]);
    for place in 0..count {
        let mut values: Vec<f64> = (0..6).map(|_| random.unit() * 2.0 - 1.0).collect();
        values[1] = 0.7 * values[0] + 0.3 * values[1];
        let step = if values[4].abs() > 0.8 { 2.5 } else { 0.0 };
        let log_odds = -3.2 + 1.2 * values[0] + 1.0 * values[1] + 0.8 * values[2] + step;
        labels.push(random.unit() < sigmoid(log_odds));
        let warming = place < count / 20;
        rows.extend(
            values.iter().enumerate().map(
                |(feature, &value)| {
                    if warming && feature == 3 { f32::NAN } else { value as f32 }
                },
            ),
        );
        times_s.push((place / 3) as i64 * 5 + 1_700_000_000);
        groups.push((place % 3) as u32);
    }
    Dataset::new(features, rows, labels, times_s, groups).unwrap()
}

fn options() -> TrainOptions {
    let boost =
        BoostOptions { trees: 120, learning_rate: 0.1, feature_share: 0.6, ..BoostOptions::default() };
    TrainOptions { boost, ..TrainOptions::default() }
}

/// Average precision and Brier skill on data the training never saw.
fn quality(draft: &ModelDraft, seed: u64) -> (f64, f64) {
    let model = Model::from_bytes(&draft.to_bytes().unwrap()).unwrap();
    let fresh = market(seed, 30_000);
    let positions: Vec<usize> =
        model.info().features.iter().map(|feature| fresh.position(&feature.name).unwrap()).collect();
    let probabilities: Vec<f64> = (0..fresh.len())
        .map(|row| {
            let values: Vec<f32> = positions.iter().map(|&place| fresh.row(row)[place]).collect();
            model.predict(&values)
        })
        .collect();
    (
        evaluation::average_precision(fresh.labels(), &probabilities).unwrap(),
        evaluation::brier_skill(fresh.labels(), &probabilities),
    )
}

#[test]
fn the_default_beats_the_baseline_and_both_beat_the_base_rate() {
    let data = market(1, 30_000);
    let (default, baseline) =
        (train_default(&data, &options()).unwrap(), train_baseline(&data, &options()).unwrap());
    let ((default_precision, default_skill), (baseline_precision, baseline_skill)) =
        (quality(&default, 2), quality(&baseline, 2));
    let rate = evaluation::base_rate(data.labels());
    assert!(baseline_precision > 1.3 * rate, "{baseline_precision} against {rate}");
    assert!(default_precision > 1.2 * baseline_precision, "{default_precision} against {baseline_precision}");
    assert!(default_skill > baseline_skill && baseline_skill > 0.0, "{default_skill}, {baseline_skill}");

    assert_eq!(default.info().variant, "ml");
    assert_eq!(baseline.info().variant, "baseline");
    assert_eq!(baseline.info().features.len(), 4);
    assert_eq!(default.info().tree_count, 120);
    assert_eq!(default.info().threshold, 0.25);
    let told = |name: &str| default.info().metrics.iter().find(|(metric, _)| metric == name).unwrap().1;
    assert!(
        (told("average_precision") - default_precision).abs() < 0.08,
        "what the file says is what is seen later"
    );
    assert!(told("ece") < 0.02, "ece {}", told("ece"));
}

#[test]
fn equal_input_gives_equal_bytes_and_another_seed_others() {
    let data = market(3, 6000);
    let bytes = |options: &TrainOptions| train_default(&data, options).unwrap().to_bytes().unwrap();
    let first = bytes(&options());
    assert!(first == bytes(&options()), "the same data and options gave other bytes");
    assert!(first != bytes(&TrainOptions { seed: 8, ..options() }));
}

#[test]
fn shuffled_labels_teach_nothing() {
    let honest = market(4, 20_000);
    let mut random = Random(5);
    let mut labels = honest.labels().to_vec();
    for place in (1..labels.len()).rev() {
        labels.swap(place, random.below(place + 1));
    }
    let rows = (0..honest.len()).flat_map(|row| honest.row(row).to_vec()).collect();
    let data = Dataset::new(
        honest.features().to_vec(),
        rows,
        labels,
        honest.times_s().to_vec(),
        honest.groups().to_vec(),
    )
    .unwrap();
    let draft = train_default(&data, &options()).unwrap();
    let told = |name: &str| draft.info().metrics.iter().find(|(metric, _)| metric == name).unwrap().1;
    assert!(told("average_precision") < 1.25 * told("base_rate"), "{:?}", draft.info().metrics);
}

#[test]
fn the_file_verifies_scores_as_its_draft_and_has_a_card() {
    let data = market(6, 6000);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.sgm");
    let given = TrainOptions { provenance: vec![("data".to_owned(), "a test".to_owned())], ..options() };
    let draft = train_default(&data, &given).unwrap();
    draft.write(&path).unwrap();
    let model = Model::open(&path).unwrap();
    assert_eq!(model.verify().unwrap(), 32);
    for row in 0..data.len() {
        let mut fast = [0.0];
        model.predict_raw(data.row(row), &mut fast);
        assert_eq!(fast[0].to_bits(), draft.predict_raw(data.row(row))[0].to_bits(), "row {row}");
    }
    assert_eq!(model.info().provenance[0], ("data".to_owned(), "a test".to_owned()));
    let card = card(model.info());
    assert!(card.contains("average_precision") && card.contains(&model.info().sha256), "{card}");
}

#[test]
fn what_cannot_be_learned_from_is_refused_by_name() {
    let features = vec![FeatureName::new("x", 1)];
    let dataset = |rows: Vec<f32>, labels: Vec<bool>| {
        let count = labels.len();
        Dataset::new(
            features.clone(),
            rows,
            labels,
            (0..count as i64).map(|row| row * 5).collect(),
            vec![0; count],
        )
    };
    assert!(matches!(dataset(vec![], vec![]), Err(LearnError::Dataset(_))));
    assert!(matches!(dataset(vec![1.0], vec![true, false]), Err(LearnError::Dataset(_))));
    let infinite = dataset(vec![1.0, f32::INFINITY], vec![true, false]).map(|_| ()).unwrap_err();
    assert_eq!(infinite.to_string(), "dataset: row 1: x@1 is infinite");
    let calm = dataset(vec![0.5; 5000], vec![false; 5000]).unwrap();
    let refused = train_default(&calm, &options()).map(|_| ()).unwrap_err();
    assert!(matches!(refused, LearnError::TooLittle { part: "training rows", spikes: 0, .. }), "{refused}");
    let refused = train_baseline(&calm, &options()).map(|_| ()).unwrap_err();
    assert!(matches!(&refused, LearnError::FeatureAbsent(name) if name == "lv10_tau"), "{refused}");
    let constant = dataset(vec![0.5; 5000], (0..5000).map(|row| row % 9 == 0).collect()).unwrap();
    let refused = train_default(&constant, &options()).map(|_| ()).unwrap_err();
    assert_eq!(refused.to_string(), "forust-ml 0.8.0: no feature varies");
    let options = TrainOptions { cost_missed_spike: 0.0, ..options() };
    assert!(matches!(
        train_default(&constant, &options),
        Err(LearnError::Option { option: "cost_missed_spike", .. })
    ));
}
