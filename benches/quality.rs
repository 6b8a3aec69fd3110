//! What does live quality add to the cost of a tick?
//!
//! The same simulated ticks through two shards: one with a model of the label's horizon, whose outcomes become rows of
//! quality, and one with the same trees for another horizon, whose outcomes do not. They take turns, in alternating
//! order; the median of the rounds' ratios is the answer. `cargo bench --bench quality`

mod support;

use std::{sync::Arc, time::Instant};

use engine::{
    bound_model::BoundModel,
    message::{Batch, Message},
    metrics::ShardMetrics,
    shard::{NoOut, ShardCore},
    state::StateSettings,
};

fn bound(horizon_s: u32) -> Arc<BoundModel> {
    let model = support::forest_model_of_horizon(100, 6, horizon_s);
    Arc::new(BoundModel::new(model).expect("it names the engine's features"))
}

/// Nanoseconds a tick, and the rows that quality has then.
fn round(model: &Arc<BoundModel>, batches: &[Batch], ticks: usize) -> (f64, usize) {
    let metrics = Arc::new(ShardMetrics::default());
    let mut core = ShardCore::new(StateSettings::default(), Some(model.clone()), metrics.clone());
    let mut messages: Vec<Message> = batches.iter().map(support::message).collect();
    let begun = Instant::now();
    core.step(begun, &mut messages, &mut NoOut);
    let elapsed = begun.elapsed();
    assert_eq!(metrics.ticks_accepted.get(), ticks as u64, "every tick of a perfect feed enters");
    let rows = core.quality().read().chunks.iter().map(|chunk| chunk.len()).sum();
    (elapsed.as_nanos() as f64 / ticks as f64, rows)
}

fn main() {
    // Two hours before the first row: a symbol's own threshold takes that long.
    let ticks = support::simulated_ticks(support::size(300_000, 80_000));
    let batches = support::batches(&ticks);
    let (with, without) = (bound(60), bound(300));
    let mut ratios = Vec::new();
    for number in 0..support::size(15, 1) {
        let (with, without) = if number % 2 == 0 {
            let with = round(&with, &batches, ticks.len());
            (with, round(&without, &batches, ticks.len()))
        } else {
            let without = round(&without, &batches, ticks.len());
            (round(&with, &batches, ticks.len()), without)
        };
        assert!(with.1 > 0 && without.1 == 0, "{} rows with quality, {} without", with.1, without.1);
        println!("with {:.0} ns a tick ({} rows), without {:.0} ns", with.0, with.1, without.0);
        ratios.push(with.0 / without.0);
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "live quality adds {:.2} % (median of {})",
        100.0 * (ratios[ratios.len() / 2] - 1.0),
        ratios.len()
    );
}
