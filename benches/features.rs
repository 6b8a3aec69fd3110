//! What do windows and features cost a tick, without a model?
//!
//! One symbol's state takes distinct simulated ticks in order: admission, closing of seconds, grid instants, the 36
//! features and their hash. `cargo bench --bench features`

mod support;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::{
    prediction::StateFrom,
    scoring::Scoring,
    state::{StateSettings, SymbolState},
    symbol::{Offset, Partition, Position},
};

fn ticks_into_state(criterion: &mut Criterion) {
    let count = support::size(200_000, 2_000);
    let ticks: Vec<_> = support::simulated_ticks(count * 4)
        .into_iter()
        .filter(|(symbol, _)| *symbol == 0)
        .map(|(_, tick)| tick)
        .take(count)
        .collect();
    let settings = StateSettings::default();
    let mut group = criterion.benchmark_group("windows and features");
    group.throughput(Throughput::Elements(ticks.len() as u64)).sample_size(10);
    group.bench_function("one symbol, a tick", |bencher| {
        bencher.iter(|| {
            let mut state = SymbolState::new(0, StateFrom::Origin, &settings);
            let (scoring, mut effects) = (Scoring::default(), Vec::new());
            for (i, tick) in ticks.iter().enumerate() {
                let position = Position { partition: Partition(0), offset: Offset(i as u64), index: 0 };
                state.accept(tick, position, &settings, &scoring, &mut effects);
                black_box(&effects);
                effects.clear();
            }
            assert_eq!(state.ticks_accepted, ticks.len() as u64, "every tick of a perfect feed enters");
            state
        });
    });
    group.finish();
}

criterion_group!(benches, ticks_into_state);
criterion_main!(benches);
