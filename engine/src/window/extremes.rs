//! Largest values over the last 60 closed seconds: monotonic queues, amortised O(1).

use rkyv::{Archive, Deserialize, Serialize};

/// Length of the window in seconds.
pub const EXTREMES_WINDOW_S: i64 = 60;

const CAPACITY: usize = EXTREMES_WINDOW_S as usize;

/// The largest of the values of the last 60 seconds. A value is forgotten at once when a later one is as large.
#[derive(Clone, Debug, Default, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct RunningMax {
    /// `(second, value)`, values falling from front to back, as a ring.
    ring: Vec<(i64, i64)>,
    front: usize,
    len: usize,
}

impl RunningMax {
    /// Adds the value of `second`, later than any before.
    pub fn push(&mut self, second: i64, value: i64) {
        if self.ring.is_empty() {
            self.ring = vec![(0, 0); CAPACITY];
        }
        while self.len > 0 && self.at(self.len - 1).1 <= value {
            self.len -= 1;
        }
        let back = (self.front + self.len) % CAPACITY;
        self.ring[back] = (second, value);
        self.len += 1;
    }

    /// Drops values older than 60 seconds before the end of `newest`; call it for every closed second, before `push`.
    pub fn expire(&mut self, newest: i64) {
        while self.len > 0 && self.at(0).0 <= newest - EXTREMES_WINDOW_S {
            self.front = (self.front + 1) % CAPACITY;
            self.len -= 1;
        }
    }

    /// The largest value, if there is any.
    pub fn max(&self) -> Option<i64> {
        (self.len > 0).then(|| self.at(0).1)
    }

    /// A window whose largest value is this, for the recomputing twin.
    #[cfg(test)]
    pub(crate) fn of_max(max: Option<i64>) -> Self {
        let mut running = Self::default();
        if let Some(max) = max {
            running.push(0, max);
        }
        running
    }

    fn at(&self, i: usize) -> (i64, i64) {
        self.ring[(self.front + i) % CAPACITY]
    }
}

/// The extremes that features read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Extremes {
    /// Highest log mid, 1e-9.
    pub high: RunningMax,
    /// Lowest log mid with its sign turned, 1e-9.
    pub low_negated: RunningMax,
    /// Largest absolute one-second log return, 1e-9.
    pub absolute_return: RunningMax,
    /// Widest relative spread, 1e-9.
    pub spread: RunningMax,
}

impl Extremes {
    /// Drops the values that left the window ending with `newest`.
    pub fn expire(&mut self, newest: i64) {
        self.high.expire(newest);
        self.low_negated.expire(newest);
        self.absolute_return.expire(newest);
        self.spread.expire(newest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_maximum_is_that_of_the_last_sixty_seconds() {
        let values: Vec<i64> = (0..500).map(|i| (i * 7919) % 101).collect();
        let mut max = RunningMax::default();
        for (second, &value) in values.iter().enumerate() {
            max.expire(second as i64);
            max.push(second as i64, value);
            let from = second.saturating_sub(59);
            assert_eq!(max.max(), values[from..=second].iter().copied().max(), "at {second}");
        }
        max.expire(10_000);
        assert_eq!(max.max(), None);
    }
}
