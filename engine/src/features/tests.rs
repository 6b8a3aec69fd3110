//! Each family's example, worked by hand, through the real state.

use super::specs;
use crate::{
    prediction::StateFrom,
    scoring::Scoring,
    state::{GapSettings, StateSettings, SymbolState},
    symbol::{Offset, Partition, Position},
    tick::{Depth, EventTime, Price, Quantity, Quote, Side, Tick},
    window::CLOSED,
};

/// What the examples vary from tick to tick; prices in dollars.
#[derive(Clone, Copy)]
struct Example {
    mid: f64,
    width: f64,
    sizes: (i64, i64),
    traded: i64,
    side: Side,
}

const STILL: Example = Example { mid: 100.01, width: 0.02, sizes: (2, 2), traded: 1, side: Side::Buy };

/// A symbol fed by hand.
struct Fed {
    state: SymbolState,
    settings: StateSettings,
    count: u64,
}

impl Fed {
    fn new() -> Self {
        let settings = StateSettings::default();
        Self { state: SymbolState::new(0, StateFrom::Origin, &settings), settings, count: 0 }
    }

    /// Takes a tick at `at_s` seconds after the first.
    fn tick(&mut self, at_s: f64, example: Example) {
        let price = |dollars: f64| Price::from_units((dollars * 1e8).round() as i64).unwrap();
        let quantity = |n: i64| Quantity::from_units(n * 100_000_000).unwrap();
        let (bid, ask) = (price(example.mid - example.width / 2.0), price(example.mid + example.width / 2.0));
        let depth = Depth::Sizes { bid: quantity(example.sizes.0), ask: quantity(example.sizes.1) };
        let tick = Tick {
            event_time: EventTime::from_nanos(1_767_225_600_000_000_000 + (at_s * 1e9) as i64).unwrap(),
            is_trade: true,
            price: if example.side == Side::Buy { ask } else { bid },
            quote: Some(Quote { bid, ask, depth }),
            size: Some(quantity(example.traded)),
            side: Some(example.side),
            trade_id: None,
        };
        let position = Position { partition: Partition(0), offset: Offset(self.count), index: 0 };
        self.state.accept(&tick, position, &self.settings, &Scoring::default(), &mut Vec::new());
        self.count += 1;
    }

    fn value(&self, name: &str) -> f64 {
        let place = specs().iter().position(|spec| spec.name == name).unwrap();
        f64::from(self.state.row()[place])
    }

    fn assert_near(&self, name: &str, expected: f64, tolerance: f64) {
        let value = self.value(name);
        assert!((value - expected).abs() <= tolerance, "{name} is {value}, worked out {expected}");
    }
}

/// A tick each second at the second, `mid` given per second.
fn each_second(seconds: i64, mid: impl Fn(i64) -> f64) -> Fed {
    let mut fed = Fed::new();
    for second in 0..=seconds {
        fed.tick(second as f64, Example { mid: mid(second), ..STILL });
    }
    fed
}

#[test]
fn steady_returns_make_every_window_equal_and_half_the_returns_half_the_volatility() {
    // A tick at second s sets the mid of second s; it moves 2 bp up and down in turns.
    let steady = each_second(2_000, |s| 100.0 * (1.0 + 2e-4 * (s % 2) as f64));
    // The newest tick opens its second: its return counts, the second has no length yet. So a window of n seconds
    // holds n + 1 returns, which is the whole difference between windows.
    let excess = |n: f64| 0.5 * ((n + 1.0) / n).ln();
    steady.assert_near("lv10_60", excess(10.0) - excess(60.0), 1e-3);
    steady.assert_near("lv60_300", excess(60.0) - excess(300.0), 1e-3);
    steady.assert_near("lv300_1800", excess(300.0) - excess(1800.0), 1e-3);
    let calmer = each_second(2_000, |s| 100.0 * (1.0 + if s > 1_940 { 1e-4 } else { 2e-4 } * (s % 2) as f64));
    // In bp^2: the window of 60 s holds the last return of 2 bp, 59 of 1 bp and the open one; that of 300 s 241, 59
    // and the open one.
    let (minute, five_minutes) = ((4.0 + 59.0 + 1.0) / 60.0, (241.0 * 4.0 + 59.0 + 1.0) / 300.0);
    calmer.assert_near("lv60_300", 0.5 * f64::ln(minute / five_minutes), 1e-3);
    // Of 2,000 s, 1,940 end a minute of 2 bp: that is the provisional tau.
    calmer.assert_near("lv60_tau", 0.5 * f64::ln(minute / 4.0), 0.006);
    let early = each_second(560, |s| 100.0 * (1.0 + 2e-4 * (s % 2) as f64));
    assert!(early.value("lv60_tau").is_nan(), "no tau before nine minutes of completed minutes");
}

#[test]
fn tau_is_the_quantile_of_past_volatility() {
    // Every completed window has the same volatility, so it is its own 0.9 quantile.
    let steady = each_second(2 * 3600 + 400, |s| 100.0 * (1.0 + 2e-4 * (s % 2) as f64));
    for (name, excess) in
        [("lv10_tau", 0.1), ("lv60_tau", 1.0 / 60.0), ("lv300_tau", 1.0 / 300.0), ("lew30_tau", 0.0)]
    {
        // tau is known to half a percent.
        steady.assert_near(name, 0.5 * (1.0_f64 + excess).ln(), 0.006);
    }
}

#[test]
fn one_fall_in_a_still_minute_is_all_burst_and_all_fall() {
    let fed = each_second(400, |s| if s < 370 { 100.0 } else { 99.70 });
    fed.assert_near("burst60", 1.0, 1e-6);
    fed.assert_near("semi60", 1.0, 1e-6);
    // High minus low is the one return, and sigma_60 sqrt(60) is its size too.
    fed.assert_near("park60", 0.0, 1e-3);
    assert_eq!(fed.value("z60").signum(), -1.0);
    assert!(fed.value("jump300").is_nan(), "fewer than 20 bins moved");
}

#[test]
fn a_jump_among_small_moves_is_most_of_the_variance() {
    let small = |s: i64| 100.0 * (1.0 + 1e-5 * (s / 5 % 2) as f64);
    each_second(700, small).assert_near("jump300", 0.0, 0.05);
    let jumped = each_second(700, |s| small(s) + if s > 600 { 1.0 } else { 0.0 });
    assert!(jumped.value("jump300") > 0.9, "{}", jumped.value("jump300"));
}

#[test]
fn a_return_counts_in_standard_deviations() {
    // 1 bp up and down each second, and 10 bp more over the last minute: sigma_300 is about 1 bp.
    let fed = each_second(600, |s| {
        100.0 * (1.0 + 1e-4 * (s % 2) as f64 + 1e-3 * (s - 540).clamp(0, 60) as f64 / 60.0)
    });
    // From the end of second 539, which was up by 1 bp, to the tick of second 600, which is not; sigma_300 holds the
    // drift's share too.
    let sigma = (1.0_f64 + 0.2 / 36.0).sqrt();
    fed.assert_near("z60", (10.0 - 1.0) / sigma / 60_f64.sqrt(), 0.01);
    fed.assert_near("az10", (11.0 / 6.0 - 1.0) / sigma / 10_f64.sqrt(), 0.01);
}

#[test]
fn spread_and_book_are_what_stands() {
    let mut fed = Fed::new();
    for second in 0..400 {
        fed.tick(f64::from(second), STILL);
    }
    fed.assert_near("spr_bp60", 0.02 / 100.01 * 1e4, 1e-4);
    fed.assert_near("spr_ratio", 1.0, 1e-6);
    fed.assert_near("spr_max_ratio", 1.0, 1e-6);
    fed.assert_near("obi", 0.0, 0.0);
    fed.assert_near("depth_ratio", 0.0, 1e-6);
    fed.tick(400.0, Example { sizes: (3, 1), width: 0.04, ..STILL });
    fed.assert_near("obi", 0.5, 1e-9);
    fed.assert_near("micro_bp", 0.25, 1e-9);
    fed.assert_near("spr_ratio", 2.0, 1e-3);
    fed.assert_near("spr_max_ratio", 2.0, 1e-3);
    // The bid fell: -2. The ask rose: +2. Their sum is nothing.
    fed.assert_near("ofi10n", 0.0, 1e-9);
    fed.tick(400.5, Example { sizes: (7, 1), width: 0.04, ..STILL });
    // The bid gained 4 of a mean depth of 4.
    fed.assert_near("ofi10n", 1.0, 1e-2);
    fed.assert_near("aofi60n", 1.0, 1e-2);
    fed.assert_near("depth_ratio", 2_f64.ln(), 1e-2);
}

#[test]
fn a_burst_of_trades_shows_in_the_rates() {
    let mut fed = Fed::new();
    for second in 0..600 {
        fed.tick(f64::from(second), STILL);
    }
    fed.assert_near("ntr10_300", 0.0, 0.11);
    fed.assert_near("hk2_200", 0.0, 0.5);
    for tenth in 0..100 {
        fed.tick(600.0 + f64::from(tenth) / 10.0, Example { traded: 2, ..STILL });
    }
    let elapsed = 10.0;
    let slow = (290.0 + 100.0) / (300.0 - 0.1 + elapsed - 10.0);
    fed.assert_near("ntr10_300", (10.1_f64 / (slow + 0.01)).ln(), 0.12);
    fed.assert_near("ntr60", (1.0 + 50.0 + 100.0_f64).ln(), 0.02);
    fed.assert_near("vol10_300", (20.0_f64 / ((290.0 + 200.0) / 300.0)).ln(), 0.13);
    assert!(fed.value("hk2_200") > 1.0 && fed.value("hk20_200") > 0.5);
    fed.assert_near("since", 0.0, 0.0);
}

#[test]
fn flow_is_bought_against_sold() {
    let mut fed = Fed::new();
    for second in 0..400 {
        let (side, traded) = if second % 4 == 3 { (Side::Sell, 1) } else { (Side::Buy, 1) };
        fed.tick(f64::from(second), Example { side, traded, ..STILL });
    }
    // Of the last 11 trades (10 closed seconds and the open one) 8 or 9 bought.
    let (bought, sold) =
        ((389..400).filter(|s| s % 4 != 3).count() as f64, (389..400).filter(|s| s % 4 == 3).count() as f64);
    fed.assert_near("tfi10", (bought - sold) / (bought + sold), 1e-6);
    fed.assert_near("atfi60", 0.5, 0.03);
    fed.assert_near("vpin300", 0.5, 0.05);
    assert!(fed.value("kyle300n").is_nan(), "the price stood still: no correlation");
    assert!(fed.value("big60").is_nan(), "fewer than a thousand sizes are known");
}

/// How many seconds a tick closes that comes so long after the others: its cost.
fn closed_by_a_tick_after(silence_s: i64, settings: &StateSettings) -> u64 {
    let mut fed = each_second(400, |_| 100.0);
    fed.settings = *settings;
    // A jump of more than an hour needs company.
    let lone = 400 + silence_s - 1;
    CLOSED.set(0);
    fed.tick(lone as f64, STILL);
    fed.tick((lone + 1) as f64, STILL);
    assert_eq!(fed.state.clock().unwrap().second(), 1_767_225_600 + lone + 1, "the tick was taken");
    CLOSED.get()
}

#[test]
fn a_silence_of_years_costs_no_more_than_one_of_the_longest_window() {
    const YEAR_S: i64 = 366 * 86_400;
    let settings = StateSettings::default();
    for silence_s in [3_600, 86_400, 7 * 86_400, YEAR_S, 10 * YEAR_S] {
        let closed = closed_by_a_tick_after(silence_s, &settings);
        assert!(closed <= 2, "{closed} seconds were closed after {silence_s} s");
    }
    // The longest walk there is: a silence that is barely no gap where the limit is as high as it can be.
    let limit_s = 1_800;
    let patient = StateSettings {
        gaps: GapSettings { quoted_ns: limit_s * 1_000_000_000, ..settings.gaps },
        ..settings
    };
    let closed = closed_by_a_tick_after(limit_s, &patient);
    assert!((1_790..=1_801).contains(&closed), "{closed}");
    assert!(closed_by_a_tick_after(1_809, &patient) <= 1_811);
}

#[test]
fn price_that_follows_flow_correlates_with_it() {
    let mut fed = Fed::new();
    let mut mid = 100.0;
    for second in 0..600_u32 {
        let side = if second.wrapping_mul(2_654_435_761) >> 31 == 0 { Side::Buy } else { Side::Sell };
        mid += if side == Side::Buy { 0.01 } else { -0.01 };
        fed.tick(f64::from(second), Example { mid, side, ..STILL });
    }
    fed.assert_near("kyle300n", 1.0, 1e-3);
}
