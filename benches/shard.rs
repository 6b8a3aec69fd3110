//! How many ticks a second does one core turn into scored predictions?
//!
//! One shard, three symbols, distinct simulated ticks, 36 features, every tick scored: by a forest of 100 trees of depth
//! 6 and by the shipped default ensemble from decoded ticks in batches, then by the forest from JSON bytes.
//! `cargo bench --bench shard`

mod support;

use std::{sync::Arc, time::Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use engine::{
    bound_model::BoundModel,
    decode::{DecodeOptions, Decoded, decode},
    intake::TickSink,
    message::{Batch, Message},
    metrics::ShardMetrics,
    offline::Offline,
    shard::{NoOut, ShardCore},
    state::StateSettings,
    symbol::Offset,
    tick::{Depth, Side, Tick},
};

/// Batches before the measured ones: past these every symbol is warm and every tick scored.
const WARM_UP_BATCHES: usize = 24;

fn core(model: &Arc<BoundModel>, warm_up: &[Batch]) -> (ShardCore, Arc<ShardMetrics>) {
    let metrics = Arc::new(ShardMetrics::default());
    let mut core = ShardCore::new(StateSettings::default(), Some(model.clone()), metrics.clone());
    let mut messages: Vec<Message> = warm_up.iter().map(support::message).collect();
    core.step(Instant::now(), &mut messages, &mut NoOut);
    (core, metrics)
}

fn from_decoded_ticks(criterion: &mut Criterion) {
    let ticks = support::simulated_ticks(WARM_UP_BATCHES * 256 + support::size(200_000, 2_000));
    let batches = support::batches(&ticks);
    let (warm_up, measured) = batches.split_at(WARM_UP_BATCHES);
    let elements: usize = measured.iter().map(|batch| batch.ticks.len()).sum();
    let mut group = criterion.benchmark_group("shard");
    group.throughput(Throughput::Elements(elements as u64)).sample_size(10);
    for (name, model) in [
        ("decoded tick to scored prediction", support::bound_forest(100, 6)),
        ("decoded tick to scored prediction, default ensemble", default_ensemble()),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || {
                    let messages: Vec<Message> = measured.iter().map(support::message).collect();
                    (core(&model, warm_up), messages)
                },
                |((mut core, metrics), mut messages)| {
                    let before = metrics.rows_scored.get();
                    core.step(Instant::now(), &mut messages, &mut NoOut);
                    assert_eq!(metrics.rows_scored.get() - before, elements as u64, "every tick is scored");
                    (core, messages)
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// The model that a service without settings has: a line and boosted trees.
fn default_ensemble() -> Arc<BoundModel> {
    let shipped = api::shipped::model(api::shipped::DEFAULT_VARIANT).expect("a default is shipped");
    let model = Arc::new(shipped.expect("the shipped file is whole"));
    Arc::new(BoundModel::new(model).expect("it names the engine's features"))
}

fn from_json_bytes(criterion: &mut Criterion) {
    let products = support::products();
    let lines: Vec<String> = support::simulated_ticks(support::size(100_000, 2_000))
        .iter()
        .map(|(symbol, tick)| json(&products[*symbol], tick))
        .collect();
    let model = support::bound_forest(100, 6);
    let mut group = criterion.benchmark_group("shard");
    group.throughput(Throughput::Elements(lines.len() as u64)).sample_size(10);
    group.bench_function("JSON bytes to scored prediction", |bencher| {
        bencher.iter(|| {
            let mut offline = Offline::new(StateSettings::default(), Some(model.clone()), 64, NoOut);
            let mut decoded = Decoded::default();
            for (i, line) in lines.iter().enumerate() {
                let read = decode(line.as_bytes(), &DecodeOptions::of_venue("simulator"), &mut decoded);
                assert!(read.is_ok(), "{line}");
                for ticker in decoded.ticks() {
                    offline.tick(ticker.venue, ticker.product, Offset(i as u64), ticker.index, ticker.tick);
                }
            }
            offline.flush();
            assert_eq!(offline.metrics.ticks_accepted.get(), lines.len() as u64, "every line is a tick");
            offline.out
        });
    });
    group.finish();
}

/// A tick as our own record.
fn json(product: &str, tick: &Tick) -> String {
    let decimal = |units: i64| format!("{}.{:08}", units / 100_000_000, units % 100_000_000);
    let quote = tick.quote.expect("a perfect feed quotes on every tick");
    let Depth::Sizes { bid, ask } = quote.depth else { panic!("a perfect feed has quantities") };
    let trade = match (tick.size, tick.trade_id) {
        (Some(size), Some(id)) => {
            let side = if tick.side == Some(Side::Buy) { "buy" } else { "sell" };
            format!(r#""last_size":"{}","side":"{side}","trade_id":{id}"#, decimal(size.units()))
        }
        _ => r#""type":"quote""#.to_owned(),
    };
    format!(
        r#"{{"timestamp":"{}","product_id":"{product}","price":"{}","best_bid":"{}","best_ask":"{}","best_bid_quantity":"{}","best_ask_quantity":"{}",{trade}}}"#,
        tick.event_time,
        decimal(tick.price.units()),
        decimal(quote.bid.units()),
        decimal(quote.ask.units()),
        decimal(bid.units()),
        decimal(ask.units()),
    )
}

criterion_group!(benches, from_decoded_ticks, from_json_bytes);
criterion_main!(benches);
