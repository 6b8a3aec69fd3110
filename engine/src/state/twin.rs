//! The slow twin: each window recomputed from all ticks, each recurrence rerun from the first tick. The fast state
//! must agree with it to the last bit of every sum and every feature. Both compute the features by the same functions;
//! the [oracle](crate::features::oracle) holds each formula to its documentation over the same inputs.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{tau::tests::naive as naive_tau, *};
use crate::{
    features::oracle::Past,
    symbol::{Offset, Partition},
    tick::{Depth, Price, Quantity, Quote},
    window::{BINS, Extremes, RunningMax, SLOTS, Slot, Sums, WINDOWS_S, Window, to_f64},
};

const SECOND: i64 = NANOS_PER_SECOND;

/// What the ticks say of one second, recomputed.
#[derive(Clone, Copy, Default)]
struct Second {
    bucket: Bucket,
    high: Option<i64>,
    low: Option<i64>,
    spread_max: Option<i64>,
}

/// All accepted ticks so far and the naive admission.
#[derive(Default)]
struct Twin {
    ticks: Vec<Tick>,
    ids: Vec<u64>,
    /// Time, record and id of a dropped jump.
    jump: Option<(i64, u64, Option<u64>)>,
    /// How many of the ticks came before the last jump.
    before_jump: usize,
    /// Times of dropped ticks from far behind, since the last jump.
    behind: Vec<i64>,
}

impl Twin {
    fn admit(&mut self, tick: &Tick, record: u64) -> bool {
        let now = tick.event_time.nanos();
        if self.ticks.len() == 1 && now < self.ticks[0].event_time.nanos() - 3_600 * SECOND {
            *self = Self::default();
        }
        if self.is_refuted_by(now) {
            *self = Self::default();
        }
        let newest = self.ticks.last().map(|t| t.event_time.nanos());
        if let Some(newest) = newest {
            if now < newest {
                return false;
            }
            let confirmed = self.jump.is_some_and(|(time, of, id)| {
                let same =
                    if id.is_some() && tick.trade_id.is_some() { id == tick.trade_id } else { time == now };
                !same && of != record && (now - time).abs() <= 60 * SECOND
            });
            if now - newest > 3_600 * SECOND && !confirmed {
                self.jump = Some((now, record, tick.trade_id));
                return false;
            }
        }
        if let Some(id) = tick.trade_id.filter(|_| tick.is_trade) {
            if self.ids.iter().rev().take(1_024).any(|&seen| seen == id) {
                return false;
            }
            self.ids.push(id);
        }
        self.jump = None;
        self.ticks.push(*tick);
        if newest.is_some_and(|newest| now - newest > 3_600 * SECOND) {
            self.before_jump = self.ticks.len();
            self.behind.clear();
        }
        true
    }

    /// Fewer than 64 ticks have followed the jump or the birth, and the last of those dropped from more than an hour
    /// behind end in 64 that rise.
    fn is_refuted_by(&mut self, now: i64) -> bool {
        let Some(newest) = self.ticks.last() else { return false };
        if self.ticks.len() - self.before_jump >= 64 || newest.event_time.nanos() - now <= 3_600 * SECOND {
            return false;
        }
        self.behind.push(now);
        self.behind.dedup();
        self.behind.len() >= 64 && self.behind[self.behind.len() - 64..].is_sorted()
    }

    /// Whether the silence after tick `i` is a gap, given the book after it.
    fn is_gap(&self, i: usize, book: &Book, settings: &StateSettings) -> bool {
        let limit = if book.quote.is_some() { settings.gaps.quoted_ns } else { settings.gaps.trades_ns };
        self.ticks[i + 1].event_time.nanos() - self.ticks[i].event_time.nanos() > limit
    }

    /// The row at `now_ns`, which lies before the tick after `count` ticks, from nothing but those ticks.
    fn row(&self, count: usize, now_ns: i64, settings: &StateSettings) -> (Row, Totals) {
        let ticks = &self.ticks[..count];
        let mut seconds: BTreeMap<i64, Second> = BTreeMap::new();
        let mut book = Book::default();
        let mut arrivals = Arrivals::default();
        let mut sizes = TradeSizes::default();
        let mut samples: Vec<Option<f64>> = Vec::new();
        let mut closed_mid: Option<i64> = None;
        let mut order = Vec::new();
        sizes.advance(ticks[0].event_time.second());
        for (i, tick) in ticks.iter().enumerate() {
            let time = tick.event_time.nanos();
            let side = if tick.is_trade { book.side_of(tick).0 } else { Side::Buy };
            let change = book.apply(tick, side, settings.gaps.quoted_ns);
            let entry = seconds.entry(time.div_euclid(SECOND)).or_default();
            entry.bucket.order_flow += change.order_flow;
            entry.bucket.quote_changes += u32::from(change.changed);
            entry.bucket.trades += u32::from(tick.is_trade);
            let size = tick.size.filter(|_| tick.is_trade).map_or(0, Quantity::units);
            let signed = if side == Side::Buy { size } else { -size };
            entry.bucket.volume = entry.bucket.volume.saturating_add(size);
            entry.bucket.signed_volume = entry.bucket.signed_volume.saturating_add(signed);
            if tick.is_trade && tick.size.is_some() {
                if sizes.threshold.is_some_and(|least| size >= least) {
                    entry.bucket.big_volume = entry.bucket.big_volume.saturating_add(size);
                }
                sizes.push(size);
            }
            if tick.is_trade {
                arrivals.push(time, side);
            }
            stretch(entry, &book);
            let last = i + 1 == ticks.len();
            let until = if last { now_ns } else { ticks[i + 1].event_time.nanos() };
            let second = time.div_euclid(SECOND);
            let target = until.div_euclid(SECOND);
            if !last && self.is_gap(i, &book, settings) {
                close(&mut seconds, second, &mut closed_mid, &book, &mut order);
                closed_mid = None;
                for _ in second.div_euclid(5)..target.div_euclid(5) {
                    samples.push(None);
                }
                book.invalidate();
            } else {
                stand(&mut seconds, &book, time, until);
                for closing in second..target {
                    close(&mut seconds, closing, &mut closed_mid, &book, &mut order);
                    if (closing + 1) % 5 == 0 {
                        samples.push(completed(&seconds, closing + 1));
                    }
                    sizes.advance(closing + 1);
                    stretch(seconds.entry(closing + 1).or_default(), &book);
                }
            }
            sizes.advance(target);
        }
        let mut variance = DecayingVariance::default();
        for second in order {
            let bucket = seconds[&second].bucket;
            if bucket.return_valid {
                variance.push(bucket.log_return);
            }
        }
        let newest_trade = ticks.iter().rev().find(|tick| tick.is_trade);
        let since_ns = newest_trade.map(|tick| now_ns - tick.event_time.nanos());
        let parts = Parts { book, variance, arrivals, sizes, samples, closed_mid, since_ns };
        parts.row(&seconds, now_ns, settings)
    }
}

/// Every exact sum, recomputed.
#[derive(Debug, PartialEq)]
struct Totals {
    sums: [Sums; 4],
    slots: (Slot, [i128; 5]),
    bins: [i128; 5],
}

impl Totals {
    fn of(state: &SymbolState) -> Self {
        let windows = [Window::S10, Window::S30, Window::S60, Window::S300];
        Self {
            sums: windows.map(|window| *state.seconds.sums(window)),
            slots: state.slots.totals(),
            bins: state.bins.totals(),
        }
    }
}

/// The recurrences and the table, ready to be read.
struct Parts {
    book: Book,
    variance: DecayingVariance,
    arrivals: Arrivals,
    sizes: TradeSizes,
    samples: Vec<Option<f64>>,
    closed_mid: Option<i64>,
    since_ns: Option<i64>,
}

impl Parts {
    fn row(&self, table: &BTreeMap<i64, Second>, now_ns: i64, settings: &StateSettings) -> (Row, Totals) {
        let now = now_ns.div_euclid(SECOND);
        let at = |second: i64| table.get(&second).copied().unwrap_or_default();
        let sums: [Sums; 4] = std::array::from_fn(|w| {
            let mut sums = Sums::default();
            (now - WINDOWS_S[w] as i64..now).for_each(|s| sums.add(&at(s).bucket));
            sums
        });
        let slot = |index: i64, end: i64| {
            let mut slot = Slot::default();
            (index * 10..end).for_each(|s| slot.add(&at(s).bucket));
            slot
        };
        let open_slot = now.div_euclid(10);
        let closed: Vec<Slot> = (open_slot - SLOTS as i64..open_slot).map(|i| slot(i, i * 10 + 10)).collect();
        let slots = Slots::of_slots(&closed, slot(open_slot, now));
        let open_bin = now.div_euclid(5);
        let bins: Vec<Option<i64>> = (open_bin - BINS as i64..open_bin)
            .map(|bin| {
                let returns: Vec<Bucket> = (bin * 5..bin * 5 + 5).map(|s| at(s).bucket).collect();
                returns.iter().all(|b| b.return_valid).then(|| returns.iter().map(|b| b.log_return).sum())
            })
            .collect();
        let last_60: Vec<Second> = (now - 60..now).map(at).collect();
        let valid: Vec<&Second> = last_60.iter().filter(|s| s.bucket.return_valid).collect();
        let extremes = Extremes {
            high: RunningMax::of_max(valid.iter().filter_map(|s| s.high).max()),
            low_negated: RunningMax::of_max(valid.iter().filter_map(|s| s.low).min().map(|l| -l)),
            absolute_return: RunningMax::of_max(valid.iter().map(|s| s.bucket.log_return.abs()).max()),
            spread: RunningMax::of_max(last_60.iter().filter_map(|s| s.spread_max).max()),
        };
        let open = at(now);
        let log_return = self.closed_mid.map(|mid| self.book.log_mid - mid);
        let open = OpenPart {
            bucket: Bucket {
                return_valid: log_return.is_some(),
                log_return: log_return.unwrap_or(0),
                ..open.bucket
            },
            elapsed_ns: now_ns - now * SECOND,
            high: open.high.unwrap_or(i64::MIN),
            low: open.low.unwrap_or(i64::MAX),
            spread_max: open.spread_max,
        };
        let seconds = Seconds::of_sums(sums);
        let bins = Bins::of_returns(&bins);
        let view = View::new(
            &seconds,
            &slots,
            &bins,
            &extremes,
            open,
            self.book.quote,
            self.variance.per_second,
            self.arrivals.at(now_ns),
            self.since_ns.map_or(f64::NAN, |ns| ns as f64 / SECOND as f64),
            naive_tau(&self.samples, settings.label.quantile).map(|(tau, _)| tau),
            self.sizes.threshold.is_some(),
        );
        let mut row = EMPTY_ROW;
        features::compute(&view, &mut row);
        (row, Totals { sums, slots: slots.totals(), bins: bins.totals() })
    }
}

/// The mid and spread that stand in a second stretch its extremes.
fn stretch(second: &mut Second, book: &Book) {
    second.high = second.high.max(Some(book.log_mid));
    second.low = Some(second.low.map_or(book.log_mid, |low| low.min(book.log_mid)));
    second.spread_max = second.spread_max.max(book.quote.and_then(|q| q.spread_ppb()));
}

/// Adds what stands from `from` to `until` to every second it touches.
fn stand(seconds: &mut BTreeMap<i64, Second>, book: &Book, from: i64, until: i64) {
    let Some(quote) = book.quote else { return };
    let mut start = from;
    while start < until {
        let second = start.div_euclid(SECOND);
        let end = until.min((second + 1) * SECOND);
        let elapsed = end - start;
        let bucket = &mut seconds.entry(second).or_default().bucket;
        if let Some(ppb) = quote.spread_ppb() {
            bucket.spread_ns += ppb * elapsed;
            bucket.quoted_ns += elapsed;
        }
        if let Some(ppb) = quote.imbalance_ppb {
            bucket.imbalance_ns += ppb.abs() * elapsed;
            bucket.imbalance_known_ns += elapsed;
        }
        if let Some(depth) = quote.depth() {
            bucket.depth_ns += i128::from(depth) * i128::from(elapsed);
            bucket.depth_known_ns += elapsed;
        }
        start = end;
    }
}

fn close(
    seconds: &mut BTreeMap<i64, Second>,
    second: i64,
    closed_mid: &mut Option<i64>,
    book: &Book,
    order: &mut Vec<i64>,
) {
    let entry = seconds.entry(second).or_default();
    if let Some(mid) = *closed_mid {
        entry.bucket.return_valid = true;
        entry.bucket.log_return = book.log_mid - mid;
    }
    *closed_mid = Some(book.log_mid);
    order.push(second);
}

fn completed(seconds: &BTreeMap<i64, Second>, now: i64) -> Option<f64> {
    let valid: Vec<Bucket> = (now - 60..now)
        .filter_map(|s| seconds.get(&s))
        .map(|s| s.bucket)
        .filter(|b| b.return_valid)
        .collect();
    (valid.len() >= 57).then(|| {
        let sum: i128 = valid.iter().map(|b| i128::from(b.log_return) * i128::from(b.log_return)).sum();
        libm::sqrt(to_f64(sum) / valid.len() as f64) * 1e-9
    })
}

fn bits(row: &Row) -> Vec<u32> {
    row.iter().map(|v| v.to_bits()).collect()
}

/// Rows that were found equal.
pub(crate) type Compared = Vec<Row>;

/// Runs both over the ticks and compares at every `stride`-th accepted tick, at grid instants next to them, and at
/// the end. Returns the rows.
pub(crate) fn check(ticks: &[Tick], stride: usize) -> Result<Compared, TestCaseError> {
    let settings = StateSettings::default();
    let mut state = SymbolState::new(0, StateFrom::Origin, &settings);
    let mut twin = Twin::default();
    let mut compared = Compared::new();
    let mut effects = Vec::new();
    for (i, tick) in ticks.iter().enumerate() {
        effects.clear();
        let position = Position { partition: Partition(0), offset: Offset(i as u64), index: 0 };
        let admission = state.accept(tick, position, &settings, &Scoring::default(), &mut effects);
        prop_assert_eq!(
            admission == Admission::Accepted,
            twin.admit(tick, i as u64),
            "admission of tick {}",
            i
        );
        if admission != Admission::Accepted || (i % stride != 0 && i + 1 != ticks.len()) {
            continue;
        }
        let grid_rows = effects.iter().rev().filter_map(|effect| match effect {
            Effect::GridRow(GridRow { row, pending }) => Some((pending.second, row)),
            _ => None,
        });
        for (second, row) in grid_rows.take(2) {
            let before = twin.ticks.len() - 1;
            let expected = twin.row(before, second * SECOND, &settings).0;
            prop_assert_eq!(bits(row), bits(&expected), "grid row at {} before tick {}", second, i);
            let past = Past::of(&twin.ticks[..before], second * SECOND, &settings);
            prop_assert_eq!(past.difference(row), None, "grid row at {} before tick {}", second, i);
            compared.push(*row);
        }
        let (expected, totals) = twin.row(twin.ticks.len(), tick.event_time.nanos(), &settings);
        prop_assert_eq!(Totals::of(&state), totals, "sums at tick {}", i);
        prop_assert_eq!(bits(state.row()), bits(&expected), "row at tick {}", i);
        let past = Past::of(&twin.ticks, tick.event_time.nanos(), &settings);
        prop_assert_eq!(past.difference(state.row()), None, "row at tick {}", i);
        compared.push(*state.row());
    }
    Ok(compared)
}

/// Calm steps of about 2.3 hours: every ring wraps, tau is ready, big trades are known.
pub(crate) const PAST_EVERY_WRAP: std::ops::Range<usize> = 3_000..3_200;

/// A step of the generator: how far the clock moves and what the tick carries.
pub(crate) fn steps(
    length: std::ops::Range<usize>,
    calm: bool,
) -> impl Strategy<Value = Vec<(i64, i64, u64)>> {
    let wait = if calm {
        // A repeated trade is dropped: two waits in a row must not make a gap, or tau would never be ready.
        prop_oneof![4 => 0..3_000_i64, 4 => 3_000..4_900_i64, 1 => Just(5_000_i64), 1 => Just(0_i64)].boxed()
    } else {
        prop_oneof![
            8 => 0..1_500_i64,
            3 => Just(0_i64),
            2 => Just(1_000_i64),
            3 => 1_500..10_001_i64,
            1 => Just(10_000_i64),
            1 => 10_001..70_000_i64,
            1 => 70_000..2_500_000_i64,
            1 => -5_000..0_i64,
            1 => 3_600_001..4_000_000_i64,
            1 => Just(90_000_000_i64),
        ]
        .boxed()
    };
    proptest::collection::vec((wait, -40..41_i64, any::<u64>()), length)
}

/// Turns steps into ticks: a price walk with quotes of every kind, sizes, sides and trade ids as the bits say.
pub(crate) fn ticks_of(steps: &[(i64, i64, u64)], quoted: bool) -> Vec<Tick> {
    let mut time_ms = 1_775_272_758_000_i64;
    let mut price = 6_000_000_000_000_i64;
    let mut next_id = 10_u64;
    let mut ticks = Vec::new();
    for &(wait_ms, step, dice) in steps {
        time_ms += wait_ms;
        price += step * 100_000_000;
        let bit = |n: u32| (dice >> n) & 1 == 1;
        let size = |n: u32| Quantity::from_units(((dice >> n) & 0xffff) as i64 * 1_000 + 1).unwrap();
        let half = ((dice >> 40) & 7) as i64 * 50_000_000 - if bit(50) && bit(51) { 60_000_000 } else { 0 };
        let depth = match (dice >> 44) & 3 {
            0 => Depth::Unknown,
            1 => Depth::ImbalancePpb((dice >> 20) as i32 % 1_000_000_001),
            _ => Depth::Sizes { bid: size(3), ask: size(17) },
        };
        let of = |units: i64| Price::from_units(units).unwrap();
        let quote = (quoted && (dice >> 33) & 7 != 0).then(|| Quote {
            bid: of(price - half),
            ask: of(price + half),
            depth,
        });
        next_id += dice >> 62;
        ticks.push(Tick {
            event_time: EventTime::from_nanos(time_ms * 1_000_000 + (dice >> 54) as i64).unwrap(),
            is_trade: (dice >> 47) & 3 != 0,
            price: of(price + ((dice >> 30) & 1) as i64 * half.max(0)),
            quote,
            size: (bit(1) || bit(8)).then(|| size(5)),
            side: if bit(2) { Some(if bit(0) { Side::Buy } else { Side::Sell }) } else { None },
            trade_id: bit(4).then_some(next_id - u64::from(bit(6) && bit(7)) * 3),
        });
        // A late tick must not drag the clock back.
        time_ms -= wait_ms.min(0);
    }
    ticks
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]
    #[test]
    fn windows_equal_their_recomputation_over_wild_feeds(steps in steps(1..220, false), quoted in any::<bool>()) {
        check(&ticks_of(&steps, quoted), 7)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    #[test]
    fn windows_equal_their_recomputation_past_every_wrap(steps in steps(PAST_EVERY_WRAP, true)) {
        let compared = check(&ticks_of(&steps, true), 120)?;
        prop_assert!(compared.len() >= 10);
    }
}
