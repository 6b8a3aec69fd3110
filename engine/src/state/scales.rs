//! Prices and quantities of any scale: the same path of prices gives the same features, and a lone wrong price none.

use proptest::prelude::*;

use super::{Effect, StateSettings, SymbolState, guard::Admission};
use crate::{
    decode::{DecodeOptions, Decoded, decode},
    features::{Row, column},
    prediction::StateFrom,
    scoring::Scoring,
    symbol::{Offset, Partition, Position},
    tick::Tick,
};

/// A tick whose numbers are written in this way.
fn written(second: f64, price: &str, bid_and_ask: Option<(&str, &str)>, size: &str) -> Tick {
    let time = jiff::Timestamp::from_nanosecond((1.775e9 * 1e9 + second * 1e9) as i128).unwrap();
    let quote = bid_and_ask.map_or_else(String::new, |(bid, ask)| {
        format!(r#","best_bid":"{bid}","best_ask":"{ask}","best_bid_quantity":"{size}","best_ask_quantity":"{size}""#)
    });
    let record =
        format!(r#"{{"timestamp":"{time}","product_id":"P","price":"{price}","last_size":"{size}"{quote}}}"#);
    let mut decoded = Decoded::default();
    decode(record.as_bytes(), &DecodeOptions::of_venue("v"), &mut decoded).unwrap();
    decoded.ticks().next().unwrap().tick
}

struct Run {
    state: SymbolState,
    effects: Vec<Effect>,
    offset: u64,
}

impl Run {
    fn new() -> Self {
        let state = SymbolState::new(0, StateFrom::Origin, &StateSettings::default());
        Self { state, effects: Vec::new(), offset: 0 }
    }

    fn take(&mut self, tick: &Tick) -> Admission {
        self.offset += 1;
        let position = Position { partition: Partition(0), offset: Offset(self.offset), index: 0 };
        self.state.accept(tick, position, &StateSettings::default(), &Scoring::default(), &mut self.effects)
    }

    fn rounded(&self) -> usize {
        let is_rounded = |effect: &&Effect| matches!(effect, Effect::DigitsDropped | Effect::QuantityClipped);
        self.effects.iter().filter(is_rounded).count()
    }
}

/// `mantissa x 10^exponent` in plain digits.
fn plain(mantissa: i64, exponent: i32) -> String {
    let digits = mantissa.to_string();
    match usize::try_from(-exponent) {
        Err(_) | Ok(0) => digits + &"0".repeat(exponent.unsigned_abs() as usize),
        Ok(decimals) => {
            let padded = format!("{digits:0>width$}", width = decimals + 1);
            let (whole, rest) = padded.split_at(padded.len() - decimals);
            format!("{whole}.{rest}")
        }
    }
}

/// The features after ten minutes of this walk of mantissas, at four ticks a second.
fn features(walk: &[i64], exponent: i32, size_exponent: i32, quoted: bool) -> (Row, usize) {
    let mut run = Run::new();
    let mut mantissa = 871_200;
    for i in 0..2_400 {
        mantissa += walk[i % walk.len()];
        let [price, bid, ask] = [0, -10, 10].map(|away| plain(mantissa + away, exponent));
        let size = plain(1 + (i as i64 * 7) % 90, size_exponent);
        let tick = written(i as f64 / 4.0, &price, quoted.then_some((&*bid, &*ask)), &size);
        assert_eq!(run.take(&tick), Admission::Accepted, "{price}");
    }
    (*run.state.row(), run.rounded())
}

fn assert_close(a: &Row, b: &Row, what: &str) {
    for (place, (a, b)) in a.iter().zip(b).enumerate() {
        if place == column("big60") {
            // The least size of a big trade is the floor of one of eight bins an octave, and bins are of units.
            continue;
        }
        // Log prices are whole 1e-9, and their logarithms of the mid round by themselves in each scale.
        let is_close = (a.is_nan() && b.is_nan()) || (a - b).abs() <= 2e-3 * (1.0 + a.abs());
        assert!(is_close, "{what}: feature {place} is {a} and {b}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn prices_and_quantities_of_any_scale_give_the_same_features(
        walk in proptest::collection::vec(-60..61_i64, 40..80),
        quoted in any::<bool>(),
    ) {
        // 871,200 with these exponents: 8.7e-7 (MOG), 8.7e-6 (PEPE), 8.7e-5, 0.87, 8.7, 871,200 and 8.7e8.
        let (expected, rounded) = features(&walk, -4, -2, quoted);
        prop_assert_eq!(rounded, 0);
        for (exponent, size_exponent) in
            [(-12, 0), (-11, 0), (-10, 3), (-9, 6), (-6, 0), (-5, -8), (0, 0), (3, 4), (-15, 14)]
        {
            let (row, rounded) = features(&walk, exponent, size_exponent, quoted);
            prop_assert_eq!(rounded, 0);
            assert_close(&row, &expected, &format!("1e{exponent}, sizes 1e{size_exponent}"));
        }
    }
}

#[test]
fn a_price_with_eight_decimals_gives_the_same_log_in_either_scale() {
    use crate::tick::{Price, Scale};
    // A symbol that began below 1 counts in 1e-15, one that began above it in 1e-8: what follows is the same.
    let below = [written(0.0, "0.99999999", None, "1"), written(1.5, "1.00000001", None, "1")];
    let above = [written(0.0, "1.00000001", None, "1"), written(1.5, "1.00000001", None, "1")];
    assert_ne!(Scale::of_price(below[0].price), Scale::of_price(above[0].price));
    let mids = [below, above].map(|ticks| {
        let mut run = Run::new();
        ticks.iter().for_each(|tick| assert_eq!(run.take(tick), Admission::Accepted));
        (run.state.book.log_mid, run.state.newest_price())
    });
    assert_eq!(mids[0], mids[1]);
    assert_eq!(mids[0].1, Some(Price::from_units(100_000_001).unwrap().value()));
}

#[test]
fn digits_that_no_scale_has_are_counted_and_a_huge_quantity_keeps_its_price() {
    let mut run = Run::new();
    run.take(&written(0.0, "0.0000000000000012", None, "5"));
    assert_eq!(run.rounded(), 1, "sixteen decimals");
    let mut run = Run::new();
    for (second, size) in [(0.0, "1000000000000"), (1.0, "1000000000000000000"), (2.0, "1e30")] {
        assert_eq!(run.take(&written(second, "0.00000002", None, size)), Admission::Accepted);
    }
    assert_eq!((run.rounded(), run.state.newest_price()), (1, Some(2e-8)), "only the last is clipped");
    // A dear symbol has no room for so many.
    let mut run = Run::new();
    run.take(&written(0.0, "67000.5", None, "1000000000000"));
    assert_eq!((run.rounded(), run.state.newest_price()), (1, Some(67_000.5)));
}

#[test]
fn a_lone_trade_at_a_hundredfold_price_does_not_enter() {
    let mut run = Run::new();
    for i in 0..40 {
        assert_eq!(run.take(&written(f64::from(i), "67000.5", None, "1")), Admission::Accepted);
    }
    assert_eq!(run.take(&written(40.0, "6700050", None, "1")), Admission::Outlier);
    assert_eq!(run.take(&written(41.0, "67000.5", None, "1")), Admission::Accepted);
    assert_eq!(run.state.newest_price(), Some(67_000.5));
    assert_eq!(run.take(&written(42.0, "6700050", None, "1")), Admission::Outlier);
    assert_eq!(run.take(&written(43.0, "6700000", None, "1")), Admission::Accepted, "the market has moved");
    // The quote beside it says what the price is.
    let quoted = written(44.0, "67000.5", Some(("6700000", "6700100")), "1");
    assert_eq!(run.take(&quoted), Admission::Accepted);
}

#[test]
fn a_first_price_that_two_ticks_refute_is_forgotten() {
    let mut run = Run::new();
    run.take(&written(0.0, "6700050", None, "1"));
    assert_eq!(run.take(&written(1.0, "67000.5", None, "1")), Admission::Outlier);
    assert_eq!(run.take(&written(2.0, "67000.5", None, "1")), Admission::Accepted);
    assert_eq!((run.state.ticks_accepted, run.state.origin), (1, 3));
}

#[test]
fn a_price_that_outgrows_the_scale_begins_a_new_state_once_two_ticks_say_so() {
    let mut run = Run::new();
    for i in 0..5 {
        run.take(&written(f64::from(i), "0.5", None, "1"));
    }
    assert_eq!(run.take(&written(6.0, "5000", None, "1")), Admission::Outlier);
    assert_eq!(run.take(&written(7.0, "5000", None, "1")), Admission::Accepted);
    assert_eq!((run.state.ticks_accepted, run.state.newest_price()), (1, Some(5_000.0)));
}
