//! The guard decides which ticks enter a state: those in order, each once, and none from more than an hour ahead or with a
//! price far from the newest one on the word of one message. Two wrong messages can still set the clock ahead, by years. So
//! a clock that few ticks have confirmed is given up when as many ticks come from behind it.

use std::cmp::Ordering;

use rkyv::{Archive, Deserialize, Serialize};

use crate::{
    limits::TRADE_IDS_REMEMBERED,
    tick::{NANOS_PER_SECOND, Tick},
};

/// A tick further ahead than this enters only if a second tick confirms it.
pub const JUMP_NS: i64 = 3_600 * NANOS_PER_SECOND;
/// Greatest distance between such a tick and the one that confirms it.
pub const JUMP_CONFIRM_NS: i64 = 60 * NANOS_PER_SECOND;

/// Ticks that confirm a clock which the first tick or a jump has set. As many ticks from more than an hour behind, each
/// later than the one before, refute a clock that is not confirmed.
pub const CLOCK_VOUCHERS: u32 = 64;

/// The guard's decision about a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The tick enters the state.
    Accepted,
    /// The tick is older than the symbol's newest.
    Late,
    /// The tick's trade id is among the last 1,024.
    Repeated,
    /// The tick's time is more than an hour ahead, and no other tick confirms it.
    Jump,
    /// The tick's price is far from the newest one, and no other tick confirms it.
    Outlier,
}

/// The price of a tick beside the newest one, as the guard compares them: twice the mid of the tick's own quote, or twice
/// the price of a trade without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceMove {
    /// Twice the newest mid, above 0.
    pub from: i64,
    /// Twice the tick's.
    pub to: i64,
    /// A price is an outlier if it is more than this many times the other, or less than this part of it, in 1e-3; 0 = never.
    pub factor_thousandths: i64,
}

impl PriceMove {
    /// Whether the two are too far apart for one message to say so.
    pub fn is_far(self) -> bool {
        is_far(self.from, self.to, self.factor_thousandths)
    }
}

fn is_far(a: i64, b: i64, factor_thousandths: i64) -> bool {
    let (less, more) = (i128::from(a.min(b)), i128::from(a.max(b)));
    factor_thousandths > 0 && more * 1_000 > less * i128::from(factor_thousandths)
}

/// What a symbol's state remembers about its ticks for these decisions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Guard {
    trade_ids: Vec<u64>,
    oldest: u32,
    largest_id: u64,
    /// A dropped jump that another record may confirm.
    jump: Option<Held>,
    /// A dropped outlier that another record may confirm.
    outlier: Option<Held>,
    /// Ticks accepted since the first one or the last jump, up to [`CLOCK_VOUCHERS`].
    vouchers: u32,
    /// Ticks from more than an hour behind an unconfirmed clock, each later than the one before.
    refuters: u32,
    /// Time of the newest such tick, ns.
    refuter_ns: i64,
}

/// A tick that is too far away, in time or in price, to enter alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
struct Held {
    time_ns: i64,
    offset: u64,
    trade_id: Option<u64>,
    /// Twice its price or mid; 0 where only its time counts.
    doubled_price: i64,
}

impl Held {
    fn new(tick: &Tick, offset: u64, doubled_price: i64) -> Self {
        Self { time_ns: tick.event_time.nanos(), offset, trade_id: tick.trade_id, doubled_price }
    }

    /// Whether `tick`, found at `offset`, is another message: not a ticker of the same record, not the same trade
    /// delivered twice.
    fn is_other_than(&self, tick: &Tick, offset: u64) -> bool {
        let is_other = match (self.trade_id, tick.trade_id) {
            (Some(a), Some(b)) => a != b,
            _ => tick.event_time.nanos() != self.time_ns,
        };
        is_other && offset != self.offset
    }
}

impl Guard {
    /// Decides about a tick and remembers it. `newest_ns` is the symbol's clock, `offset` that of the tick's record;
    /// `price_move` is `None` if the tick leaves the price as it is.
    pub fn admit(
        &mut self,
        tick: &Tick,
        newest_ns: Option<i64>,
        price_move: Option<PriceMove>,
        offset: u64,
    ) -> Admission {
        let time_ns = tick.event_time.nanos();
        if let Some(newest) = newest_ns {
            if time_ns < newest {
                return Admission::Late;
            }
            let is_near = |jump: Held| (time_ns - jump.time_ns).abs() <= JUMP_CONFIRM_NS;
            let is_confirmed =
                || self.jump.is_some_and(|jump| jump.is_other_than(tick, offset) && is_near(jump));
            if time_ns - newest > JUMP_NS && !is_confirmed() {
                self.jump = Some(Held::new(tick, offset, 0));
                return Admission::Jump;
            }
        }
        if let Some(step) = price_move.filter(|step| step.is_far())
            && !self.is_outlier_confirmed(tick, step, offset)
        {
            self.outlier = Some(Held::new(tick, offset, step.to));
            return Admission::Outlier;
        }
        // A change of the quote may name the last trade: that is no repeat.
        if let Some(id) = tick.trade_id.filter(|_| tick.is_trade) {
            if self.remembers(id) {
                return Admission::Repeated;
            }
            self.remember(id);
        }
        self.jump = None;
        if price_move.is_some() {
            self.outlier = None;
        }
        if newest_ns.is_some_and(|newest| time_ns - newest > JUMP_NS) {
            (self.vouchers, self.refuters) = (0, 0);
        } else {
            self.vouchers = (self.vouchers + 1).min(CLOCK_VOUCHERS);
        }
        Admission::Accepted
    }

    /// Whether a tick with this price was held, and this one agrees with it: the newest price is the one that is wrong, or
    /// the market has moved.
    pub fn is_outlier_confirmed(&self, tick: &Tick, step: PriceMove, offset: u64) -> bool {
        let agrees = |outlier: Held| {
            outlier.is_other_than(tick, offset)
                && !is_far(outlier.doubled_price, step.to, step.factor_thousandths)
        };
        step.is_far() && self.outlier.is_some_and(agrees)
    }

    /// Whether this tick refutes the symbol's clock, so that the state must begin anew. To be called once for each
    /// tick, before [`Guard::admit`].
    pub fn is_clock_refuted(&mut self, tick: &Tick, newest_ns: i64) -> bool {
        let time_ns = tick.event_time.nanos();
        if self.vouchers >= CLOCK_VOUCHERS || newest_ns - time_ns <= JUMP_NS {
            return false;
        }
        match time_ns.cmp(&self.refuter_ns) {
            _ if self.refuters == 0 => self.refuters = 1,
            Ordering::Greater => self.refuters += 1,
            // The same message again, or another of its instant.
            Ordering::Equal => {}
            Ordering::Less => self.refuters = 1,
        }
        self.refuter_ns = time_ns;
        self.refuters >= CLOCK_VOUCHERS
    }

    /// Venues number upwards: an id above all seen is new without a search.
    fn remembers(&self, id: u64) -> bool {
        !self.trade_ids.is_empty() && id <= self.largest_id && self.trade_ids.contains(&id)
    }

    fn remember(&mut self, id: u64) {
        self.largest_id = self.largest_id.max(id);
        if self.trade_ids.len() < TRADE_IDS_REMEMBERED {
            self.trade_ids.push(id);
        } else {
            self.trade_ids[self.oldest as usize] = id;
            self.oldest = (self.oldest + 1) % TRADE_IDS_REMEMBERED as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tick::{EventTime, Price};

    fn tick(time_s: i64, trade_id: Option<u64>) -> Tick {
        Tick {
            event_time: EventTime::from_nanos(time_s * NANOS_PER_SECOND).unwrap(),
            is_trade: true,
            price: Price::from_units(1).unwrap(),
            quote: None,
            size: None,
            side: None,
            trade_id,
        }
    }

    #[test]
    fn a_repeat_is_known_for_1024_trades() {
        let mut guard = Guard::default();
        for id in 0..1_024 {
            assert_eq!(guard.admit(&tick(0, Some(id)), Some(0), None, id), Admission::Accepted);
        }
        assert_eq!(guard.admit(&tick(0, Some(0)), Some(0), None, 9_000), Admission::Repeated);
        assert_eq!(guard.admit(&tick(0, Some(5_000)), Some(0), None, 9_001), Admission::Accepted);
        assert_eq!(
            guard.admit(&tick(0, Some(0)), Some(0), None, 9_000),
            Admission::Accepted,
            "forgotten by now"
        );
        assert_eq!(guard.admit(&tick(0, Some(2)), Some(0), None, 9_002), Admission::Repeated);
    }

    #[test]
    fn a_jump_needs_company() {
        let mut guard = Guard::default();
        let newest = Some(1_000 * NANOS_PER_SECOND);
        assert_eq!(guard.admit(&tick(999, None), newest, None, 1), Admission::Late);
        assert_eq!(guard.admit(&tick(4_600, None), newest, None, 2), Admission::Accepted);
        assert_eq!(guard.admit(&tick(4_601, None), newest, None, 3), Admission::Jump);
        assert_eq!(guard.admit(&tick(4_662, None), newest, None, 4), Admission::Jump, "61 s apart");
        assert_eq!(guard.admit(&tick(4_720, None), newest, None, 5), Admission::Accepted);
        assert_eq!(
            guard.admit(&tick(9_000, None), newest, None, 6),
            Admission::Jump,
            "the wait for company is over"
        );
        assert_eq!(guard.admit(&tick(1_001, None), newest, None, 7), Admission::Accepted);
        assert_eq!(
            guard.admit(&tick(9_001, None), newest, None, 8),
            Admission::Jump,
            "an ordinary tick came between"
        );
    }

    #[test]
    fn a_jump_does_not_confirm_itself() {
        let newest = Some(0);
        let far = |id| tick(10_000, id);
        let mut guard = Guard::default();
        assert_eq!(guard.admit(&far(Some(3)), newest, None, 1), Admission::Jump);
        assert_eq!(
            guard.admit(&far(Some(3)), newest, None, 2),
            Admission::Jump,
            "the same trade, delivered twice"
        );
        assert_eq!(
            guard.admit(&far(Some(4)), newest, None, 2),
            Admission::Jump,
            "a ticker of the same record"
        );
        assert_eq!(guard.admit(&far(Some(5)), newest, None, 3), Admission::Accepted);
        let mut guard = Guard::default();
        assert_eq!(guard.admit(&far(None), newest, None, 1), Admission::Jump);
        assert_eq!(
            guard.admit(&far(None), newest, None, 2),
            Admission::Jump,
            "the same instant, without an id"
        );
        assert_eq!(guard.admit(&tick(10_001, None), newest, None, 3), Admission::Accepted);
    }

    #[test]
    fn a_lone_price_far_away_needs_company() {
        let mut guard = Guard::default();
        let step = |to| Some(PriceMove { from: 1_000, to, factor_thousandths: 2_000 });
        let newest = Some(0);
        let mut admit = |seconds, to, offset| guard.admit(&tick(seconds, None), newest, step(to), offset);
        assert_eq!(admit(1, 2_000, 1), Admission::Accepted, "not more than twice as much");
        assert_eq!(admit(1, 500, 2), Admission::Accepted);
        assert_eq!(admit(2, 100_000, 3), Admission::Outlier);
        assert_eq!(admit(2, 100_000, 4), Admission::Outlier, "the same instant, without an id");
        assert_eq!(admit(3, 100_000, 4), Admission::Outlier, "a ticker of the same record");
        assert_eq!(admit(4, 1_001, 5), Admission::Accepted);
        assert_eq!(admit(5, 100_000, 6), Admission::Outlier, "an ordinary price came between");
        assert_eq!(admit(6, 499, 7), Admission::Outlier, "far away in the other direction");
        assert_eq!(admit(7, 600_000, 8), Admission::Outlier, "far away from the one before, too");
        assert_eq!(admit(8, 500_000, 9), Admission::Accepted);
        let off = Some(PriceMove { from: 1, to: i64::MAX, factor_thousandths: 0 });
        assert_eq!(guard.admit(&tick(9, None), newest, off, 10), Admission::Accepted);
    }
}
