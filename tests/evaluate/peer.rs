//! Compares the metrics of a judgement with those of scikit-learn.

use api::{
    evaluate::{Candidate, Ladder, judge},
    export::{RowOrder, TableWriter},
    training,
};
use engine::{offline::Offline, sim::SimConfig, state::StateSettings};
use model::learn::{Recipe, TrainOptions, WalkForward, fit_logistic};
use serde_json::{Value, json};

use super::{how_to_judge, simulated_rows};
use crate::support::python;

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
    let ladder = Ladder::build(&rows, &folds, &options, &Candidate::Recipe(Recipe::Average), |_| ()).unwrap();
    let judged = judge::judge(&rows, &ladder, &how_to_judge());
    let (score, found) = (&ladder.rungs[ladder.judged], &judged.rungs[ladder.judged]);
    let calibrated = found.calibrated.as_ref().unwrap();
    let data = &rows.dataset;
    let scores: Vec<Value> = ladder
        .tested
        .iter()
        .zip(&score.ranking)
        .map(|(&row, score)| json!([rows.symbols[data.groups()[row] as usize], data.times_s()[row], score]))
        .collect();
    let last = WalkForward { first_share: 0.85, folds: 1, ..WalkForward::default() };
    let fit = last.folds(data.times_s(), |_| true).unwrap()[0].train().to_vec();
    let linear = fit_logistic(data, &fit, options.logistic_l2).unwrap();
    let last = fit.iter().map(|&row| data.times_s()[row]).max().unwrap();
    let expected = json!({
        "scores": scores,
        "average_precision": found.average_precision,
        "brier": calibrated.brier,
        "ece": calibrated.ece,
        "features": data.features().iter().map(|feature| &feature.name).collect::<Vec<_>>(),
        "fit_until_s": last,
        "fit_rows": fit.iter().map(|&row| json!([rows.symbols[data.groups()[row] as usize], data.times_s()[row]])).collect::<Vec<_>>(),
        "l2": options.logistic_l2,
        "coefficients": linear.terms.iter().map(|term| term.coefficient).collect::<Vec<_>>(),
        "missing": linear.terms.iter().map(|term| term.missing_coefficient).collect::<Vec<_>>(),
        "intercept": linear.intercept,
    });
    let path = folder.path().join("expected.json");
    std::fs::write(&path, expected.to_string()).unwrap();
    python::run("support/reproduce.py", &[table.as_os_str(), path.as_os_str()], "learn");
}
