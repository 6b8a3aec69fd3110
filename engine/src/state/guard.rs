//! Which ticks enter: in order, once, and not from an hour ahead on one message's word.

use rkyv::{Archive, Deserialize, Serialize};

use crate::{
    limits::TRADE_IDS_REMEMBERED,
    tick::{NANOS_PER_SECOND, Tick},
};

/// A tick further ahead than this needs a second one beside it.
pub const JUMP_NS: i64 = 3_600 * NANOS_PER_SECOND;
/// How near the second one must be.
pub const JUMP_CONFIRM_NS: i64 = 60 * NANOS_PER_SECOND;

/// What becomes of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It enters the state.
    Accepted,
    /// Older than the symbol's newest.
    Late,
    /// Its trade id is among the last 1,024.
    Repeated,
    /// More than an hour ahead, and alone.
    Jump,
}

/// What the symbol remembers to decide.
#[derive(Clone, Debug, Default, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Guard {
    trade_ids: Vec<u64>,
    oldest: u32,
    largest_id: u64,
    /// Event time of a dropped jump that the next tick may confirm, ns.
    jump_ns: Option<i64>,
}

impl Guard {
    /// Decides, and remembers what an accepted tick leaves to remember. `newest_ns` is the symbol's clock.
    pub fn admit(&mut self, tick: &Tick, newest_ns: Option<i64>) -> Admission {
        let time_ns = tick.event_time.nanos();
        if let Some(newest) = newest_ns {
            if time_ns < newest {
                return Admission::Late;
            }
            if time_ns - newest > JUMP_NS {
                let confirmed = self.jump_ns.is_some_and(|jump| (time_ns - jump).abs() <= JUMP_CONFIRM_NS);
                if !confirmed {
                    self.jump_ns = Some(time_ns);
                    return Admission::Jump;
                }
            }
        }
        if let Some(id) = tick.trade_id {
            if self.remembers(id) {
                return Admission::Repeated;
            }
            self.remember(id);
        }
        self.jump_ns = None;
        Admission::Accepted
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
            assert_eq!(guard.admit(&tick(0, Some(id)), Some(0)), Admission::Accepted);
        }
        assert_eq!(guard.admit(&tick(0, Some(0)), Some(0)), Admission::Repeated);
        assert_eq!(guard.admit(&tick(0, Some(5_000)), Some(0)), Admission::Accepted);
        assert_eq!(guard.admit(&tick(0, Some(0)), Some(0)), Admission::Accepted, "forgotten by now");
        assert_eq!(guard.admit(&tick(0, Some(2)), Some(0)), Admission::Repeated);
    }

    #[test]
    fn a_jump_needs_company() {
        let mut guard = Guard::default();
        let newest = Some(1_000 * NANOS_PER_SECOND);
        assert_eq!(guard.admit(&tick(999, None), newest), Admission::Late);
        assert_eq!(guard.admit(&tick(4_600, None), newest), Admission::Accepted);
        assert_eq!(guard.admit(&tick(4_601, None), newest), Admission::Jump);
        assert_eq!(guard.admit(&tick(4_662, None), newest), Admission::Jump, "61 s apart");
        assert_eq!(guard.admit(&tick(4_720, None), newest), Admission::Accepted);
        assert_eq!(guard.admit(&tick(9_000, None), newest), Admission::Jump, "the wait for company is over");
        assert_eq!(guard.admit(&tick(1_001, None), newest), Admission::Accepted);
        assert_eq!(guard.admit(&tick(9_001, None), newest), Admission::Jump, "an ordinary tick came between");
    }
}
