//! Rows and their labels belong together, and the label is what it says.

use std::collections::HashMap;

use api::{
    evaluate::{Candidate, Ladder, Rows, judge},
    training,
};
use engine::{
    intake::TickSink,
    sim::{SimConfig, SimSymbol, Simulator},
    state::StateSettings,
    symbol::Offset,
    tick::Price,
};
use model::learn::{Dataset, Recipe, TrainOptions, WalkForward};

use super::{how_to_judge, real_rows, simulated_rows};
use crate::support::real_data::real_data;

/// What a symbol's volatility was, as labels see it and in truth.
struct SquaredIncrements {
    /// Mean square of a second's realised volatility, over minutes that do not overlap.
    realised: f64,
    /// Mean squared increment of the efficient log price in the same seconds.
    truth: f64,
}

/// Fourteen hours of one symbol.
fn squared_increments(symbol: SimSymbol) -> SquaredIncrements {
    let product = symbol.product.clone();
    let config = SimConfig { seed: 4, symbols: vec![symbol], ..SimConfig::default() };
    let end = config.start.second() + 14 * 3_600;
    let mut collector = training::collector(StateSettings::default(), 64);
    let mut simulator = Simulator::new(config);
    let mut efficient = HashMap::new();
    let mut offset = 0;
    while simulator.simulated_until().second() < end && simulator.step_second() {
        while let Some((_, tick)) = simulator.next_simulated() {
            collector.tick("simulator", &product, Offset(offset), 0, tick);
            offset += 1;
        }
        efficient.insert(simulator.simulated_until().second(), simulator.efficient_log_price(0));
    }
    collector.flush();
    let (mut realised, mut truth, mut seconds) = (0.0, 0.0, 0.0);
    for outcome in collector.out.rows.iter().map(|row| row.outcome) {
        let from = outcome.pending.second;
        if from % 60 == 0 {
            seconds += 60.0;
            realised += outcome.realised * outcome.realised * 60.0;
            truth += (from..from + 60).map(|at| (efficient[&(at + 1)] - efficient[&at]).powi(2)).sum::<f64>();
        }
    }
    SquaredIncrements { realised: realised / seconds, truth: truth / seconds }
}

/// How far the squares of realised volatility are above those of the efficient price, as a share.
fn bias(seen: &SquaredIncrements) -> f64 {
    seen.realised / seen.truth - 1.0
}

/// The label's volatility is that of the price behind the quotes: what quotes add to its square, or miss of it, is less
/// than one part in twenty.
#[test]
fn realised_volatility_is_that_of_the_efficient_price() {
    for symbol in SimConfig::default().symbols {
        let product = symbol.product.clone();
        let seen = squared_increments(symbol);
        println!(
            "{product}: squared increments of the quotes against the efficient price's {:+.2} %",
            100.0 * bias(&seen)
        );
        assert!(bias(&seen).abs() < 0.05, "{product}: {}", bias(&seen));
    }
}

/// On a market whose price step is as wide as a second's move, the quotes' volatility has the variance of rounding twice
/// in it, `step² / 6` a second (Delattre and Jacod, 1997), and no more: docs/learning.md tells users of it.
#[test]
fn a_wide_price_step_adds_the_variance_of_rounding_twice() {
    let fine = SimSymbol::named("SOL-USD");
    let wide = SimSymbol { tick: Price::from_units(1_000_000).unwrap(), ..fine.clone() };
    let step = wide.tick.units() as f64 / wide.price.units() as f64;
    let [wide, fine] = [wide, fine].map(squared_increments);
    let of_rounding = (wide.realised - fine.realised) / (step * step / 6.0);
    println!(
        "steps of {:.3} bp: squared increments of the quotes against the efficient price's {:+.2} %; the steps add \
         {of_rounding:.2} of two roundings",
        step * 1e4,
        100.0 * bias(&wide)
    );
    assert!((0.9..1.1).contains(&of_rounding), "{of_rounding}");
}

/// Labels without any relation to their rows, learned from and judged by as any others: no rung finds anything.
fn hold_at_the_base_rate(mut rows: Rows, what: &str) {
    let mut labels = rows.dataset.labels().to_vec();
    let mut state = 11_u64;
    for place in (1..labels.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        labels.swap(place, (state >> 33) as usize % (place + 1));
    }
    let data = &rows.dataset;
    let values = (0..data.len()).flat_map(|row| data.row(row).to_vec()).collect();
    let (times, groups) = (data.times_s().to_vec(), data.groups().to_vec());
    rows.dataset = Dataset::new(data.features().to_vec(), values, labels, times, groups).unwrap();

    let folds = WalkForward::default().folds(rows.dataset.times_s(), |_| true).unwrap();
    let candidate = Candidate::Recipe(Recipe::Average);
    let ladder = Ladder::build(&rows, &folds, &TrainOptions::default(), &candidate, |_| ()).unwrap();
    let tested = ladder.tested.iter().filter(|&&row| rows.dataset.labels()[row]).count();
    let base_rate = tested as f64 / ladder.tested.len() as f64;
    let judged = judge::judge(&rows, &ladder, &how_to_judge());
    assert_eq!(judged.rungs.len(), 5);
    for rung in judged.rungs {
        let ratio = rung.average_precision.unwrap() / base_rate;
        println!("{what}, labels shuffled: {} has {ratio:.3} times the base rate {base_rate:.4}", rung.name);
        assert!((0.92..1.08).contains(&ratio), "{what}: {} {ratio}", rung.name);
    }
}

#[test]
fn shuffled_labels_leave_every_rung_at_the_base_rate() {
    hold_at_the_base_rate(simulated_rows(3), "eight simulated hours");
    let Some(input) = real_data("bitmex_XBTUSD_trades_20180101_60h.csv.gz") else { return };
    hold_at_the_base_rate(real_rows(&input), "sixty real hours");
}

/// Average precision, walking forward, when the features are those of `shift` rows later of the same symbol.
fn shifted_average_precision(rows: &Rows, shift: isize) -> f64 {
    let data = crate::learn::shifted(&rows.dataset, shift);
    let options = TrainOptions::default();
    let (mut labels, mut scores) = (vec![], vec![]);
    for fold in WalkForward::default().folds(data.times_s(), |_| true).unwrap() {
        let draft =
            model::learn::train_unmeasured(&data.rows(fold.train()).unwrap(), &options, Recipe::Logistic)
                .unwrap();
        labels.extend(fold.test().iter().map(|&row| data.labels()[row]));
        scores.extend(fold.test().iter().map(|&row| draft.predict(data.row(row))));
    }
    model::evaluation::average_precision(&labels, &scores).unwrap()
}

fn hold_aligned(rows: &Rows, what: &str) {
    let [past, now, future] = [-12, 0, 12].map(|shift| shifted_average_precision(rows, shift));
    println!("{what}: features of 60 s earlier {past:.3}, now {now:.3}, 60 s later {future:.3}");
    assert!(future > 1.5 * now && past < now, "{past} {now} {future}");
}

/// Features from a minute later have seen the label: if that did not show, rows and labels would be misaligned.
#[test]
fn real_features_from_the_future_show_at_once_and_from_the_past_know_less() {
    let Some(input) = real_data("bitmex_XBTUSD_trades_20180101_60h.csv.gz") else { return };
    hold_aligned(&real_rows(&input), "sixty real hours");
}
