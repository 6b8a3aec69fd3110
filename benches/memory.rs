//! How much memory does a symbol take, and does it grow with the tick rate?
//!
//! Counts live heap bytes with a counting allocator: fifty symbols after three hours at one and at twenty ticks a
//! second, then many symbols. Prints a table and checks the bounds it states. What live quality keeps is left out: it
//! is a shard's, 72 bytes a grid row, bounded by `quality.rows_max` however many symbols there are.
//! `cargo bench --bench memory`

mod support;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
};

use engine::{
    intake::TickSink,
    offline::Offline,
    quality::QualitySettings,
    shard::NoOut,
    state::StateSettings,
    symbol::Offset,
    tick::{Depth, EventTime, Price, Quantity, Quote, Side, Tick},
};

/// The stated bound on one symbol with the 1,800-second horizon.
const SYMBOL_BYTES_MAX: usize = 256 * 1024;

/// Symbols of the first measurement: enough that a shard's own memory does not count.
const FEW: usize = 50;

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);

#[allow(unsafe_code)]
// SAFETY: passes every call on to the system allocator unchanged and only counts beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    let seconds = support::size(3 * 3600, 1900) as i64;
    println!("| symbols | ticks a second | seconds | bytes a symbol |\n|---:|---:|---:|---:|");
    let slow = bytes_per_symbol(FEW, 1, seconds);
    let fast = bytes_per_symbol(FEW, 20, seconds);
    // Long enough that every ring of a symbol that fills with ticks has filled.
    bytes_per_symbol(support::size(10_000, 20), 1, 1_100);
    assert!(fast < SYMBOL_BYTES_MAX, "a symbol takes {fast} bytes, more than {SYMBOL_BYTES_MAX}");
    assert!(fast <= slow + slow / 50, "memory grows with the tick rate: {slow} at 1/s, {fast} at 20/s");
}

/// Feeds `symbols` symbols and prints what each leaves on the heap, the names' tables included.
fn bytes_per_symbol(symbols: usize, ticks_per_second: i64, seconds: i64) -> usize {
    let before = LIVE.load(Ordering::Relaxed);
    let quality = QualitySettings { rows_max: 1, ..QualitySettings::default() };
    let offline = Offline::new(StateSettings::default(), None, 64, NoOut);
    let mut offline = offline.with_core(|core| core.with_quality(quality));
    let names: Vec<String> = (0..symbols).map(|i| format!("S{i}-USD")).collect();
    let mut id = 0;
    for second in 0..seconds {
        for part in 0..ticks_per_second {
            id += 1;
            let nanos = (1_767_225_600 + second) * 1_000_000_000 + part * 1_000_000_000 / ticks_per_second;
            for name in &names {
                offline.tick("bench", name, Offset(id), 0, tick(nanos, id));
            }
        }
    }
    offline.flush();
    assert_eq!(offline.core().keys().len(), symbols);
    let held = (LIVE.load(Ordering::Relaxed) - before) / symbols;
    println!("| {symbols} | {ticks_per_second} | {seconds} | {held} |");
    held
}

fn tick(nanos: i64, id: u64) -> Tick {
    let price = |cents: u64| Price::from_units(cents as i64 * 1_000_000).expect("a small price");
    let quantity = |n: u64| Quantity::from_units(n as i64 * 1_000_000).expect("a small quantity");
    let wave = 100_000 + id * 7919 % 97;
    Tick {
        event_time: EventTime::from_nanos(nanos).expect("the year is 2026"),
        is_trade: true,
        price: price(wave),
        quote: Some(Quote {
            bid: price(wave - 1),
            ask: price(wave + 1),
            depth: Depth::Sizes { bid: quantity(1 + id % 5), ask: quantity(1 + id % 7) },
        }),
        size: Some(quantity(1 + id % 11)),
        side: Some(if id.is_multiple_of(3) { Side::Buy } else { Side::Sell }),
        trade_id: Some(id),
    }
}
