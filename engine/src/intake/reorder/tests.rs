use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{source::collect::Collected, tick::Price};

const BOUND: ReorderSettings = ReorderSettings { bound: Duration::from_millis(2_500), by_wall_time: false };

fn tick(nanos: i64, price: i64) -> Tick {
    Tick {
        event_time: EventTime::from_nanos(nanos).unwrap(),
        is_trade: true,
        price: Price::from_units(price).unwrap(),
        quote: None,
        size: None,
        side: None,
        trade_id: None,
    }
}

/// The prices that leave, if ticks of one symbol come at these milliseconds with the prices 1, 2, 3, …
fn left(settings: ReorderSettings, times_ms: &[i64]) -> Vec<i64> {
    let mut sink = Collected::default();
    settings.in_order(&mut sink, |sink| {
        for (price, &ms) in (1..).zip(times_ms) {
            sink.tick("v", "P", Offset(0), 0, tick(ms * 1_000_000, price));
            sink.flush();
        }
    });
    sink.ticks.iter().map(|tick| tick.3.price.units()).collect()
}

#[test]
fn ticks_leave_by_time_and_equal_times_as_they_came() {
    assert_eq!(left(BOUND, &[0, 3_000, 1_000, 3_000, 2_000, 9_000]), [1, 3, 5, 2, 4, 6]);
    let off = ReorderSettings::default();
    assert_eq!(left(off, &[0, 3_000, 1_000]), [1, 2, 3]);
}

#[test]
fn a_tick_leaves_once_its_venue_is_the_bound_ahead_and_an_older_one_then_passes_through() {
    let mut sink = Collected { stop_at: None, ..Collected::default() };
    let mut reorder = Reorder::new(BOUND, &mut sink);
    let mut give = |venue: &str, ms: i64| {
        reorder.tick(venue, "P", Offset(0), 0, tick(ms * 1_000_000, ms + 1));
        reorder.held
    };
    assert_eq!(give("a", 1_000), 1);
    assert_eq!(give("b", 9_000), 2, "another venue has another clock");
    assert_eq!(give("a", 5_999), 3);
    assert_eq!(give("a", 6_000), 3, "the first has left");
    assert_eq!(give("a", 500), 3, "too late: handed on at once");
    reorder.finish();
    let prices: Vec<i64> = sink.ticks.iter().map(|tick| tick.3.price.units()).collect();
    assert_eq!(prices, [1_001, 501, 6_000, 6_001, 9_001]);
}

#[test]
fn one_tick_far_ahead_does_not_end_the_order_of_a_venue() {
    let day = 86_400_000;
    assert_eq!(left(BOUND, &[0, day, 2_000, 1_000, 3_000, 2_500]), [1, 4, 3, 6, 5, 2]);
    // Two of them are the time after a silence.
    let (after, more) = (day + 1_000, day + 6_000);
    assert_eq!(left(BOUND, &[0, day, after, 500, more]), [1, 4, 2, 3, 5]);
}

#[test]
fn a_full_buffer_lets_its_oldest_tick_leave_and_counts_it() {
    let mut sink = Collected::default();
    let mut reorder = Reorder { ticks_max: 3, ..Reorder::new(BOUND, &mut sink) };
    for ms in [40, 30, 20, 10, 5] {
        reorder.tick("v", "P", Offset(ms as u64), 0, tick(ms * 1_000_000, ms));
        assert!(reorder.held <= 3);
    }
    assert_eq!(reorder.early, 1, "the last is older than what left");
    reorder.finish();
    assert_eq!(sink.events, [RecordEvent::LeftEarly]);
    assert_eq!(sink.ticks.iter().map(|tick| tick.1.0).collect::<Vec<_>>(), [10, 5, 20, 30, 40]);
}

#[test]
fn in_a_quiet_market_ticks_leave_by_wall_time() {
    let settings = ReorderSettings { by_wall_time: true, ..BOUND };
    let mut sink = Collected::default();
    let mut reorder = Reorder::new(settings, &mut sink);
    reorder.tick("v", "P", Offset(0), 0, tick(2_000, 2));
    reorder.tick("v", "P", Offset(0), 0, tick(1_000, 1));
    reorder.flush();
    assert_eq!(reorder.held, 2);
    reorder.release_old(Instant::now() + 2 * BOUND.bound);
    assert_eq!(reorder.held, 0);
    drop(reorder);
    assert_eq!(sink.ticks.iter().map(|tick| tick.3.price.units()).collect::<Vec<_>>(), [1, 2]);
}

proptest! {
    /// Ticks that are late by less than twice the bound leave as the sorted ticks do, whatever the order in which they came.
    #[test]
    fn any_order_within_the_bound_gives_the_sorted_ticks(
        steps_and_delays in vec((0_i64..400, 0_i64..5_000, 0_usize..3), 1..400),
    ) {
        let mut time = 0;
        let mut ticks = Vec::new();
        for (price, &(step, delay, symbol)) in (1..).zip(&steps_and_delays) {
            time += step;
            ticks.push((time, time + delay, ["v:A", "v:B", "w:A"][symbol], price));
        }
        let sorted = |sink: &Collected, name: &str| -> Vec<i64> {
            sink.ticks.iter().filter(|tick| tick.0 == name).map(|tick| tick.3.price.units()).collect()
        };
        // They arrive by their times and delays: the order of equal times may then be another, so times are made unique.
        ticks.iter_mut().enumerate().for_each(|(i, tick)| tick.0 = tick.0 * 1_000 + i as i64);
        let mut arriving = ticks.clone();
        arriving.sort_by_key(|tick| tick.1);
        let mut sink = Collected::default();
        BOUND.in_order(&mut sink, |sink| {
            for (time, _, name, price) in arriving {
                let (venue, product) = name.split_once(':').unwrap();
                sink.tick(venue, product, Offset(0), 0, tick(time * 1_000, price));
            }
        });
        prop_assert_eq!(sink.ticks.len(), ticks.len());
        for name in ["v:A", "v:B", "w:A"] {
            let expected: Vec<i64> =
                ticks.iter().filter(|tick| tick.2 == name).map(|tick| tick.3).collect();
            prop_assert_eq!(sorted(&sink, name), expected);
        }
    }
}
