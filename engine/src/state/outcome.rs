//! What became of each grid prediction: the volatility of the 60 seconds after it is the trailing one 60 seconds on.

use rkyv::{Archive, Deserialize, Serialize};

use super::tau::GRID_S;
use crate::predict::TauSource;

/// Seconds ahead that outcomes look.
pub const HORIZON_S: i64 = 60;

const PENDING: usize = (HORIZON_S / GRID_S) as usize;

/// A grid prediction that waits for its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Archive, Serialize, Deserialize)]
pub struct Pending {
    /// The grid instant, seconds since the epoch.
    pub second: i64,
    /// The event's threshold then, per square-root second.
    pub tau: f64,
    /// Whose threshold that was.
    pub tau_source: TauSource,
    /// The probability given; `None` while warming.
    pub probability: Option<f64>,
    /// Trailing 60-second volatility then, per square-root second, if known: tells onsets from what was hot already.
    pub trailing: Option<f64>,
}

/// A grid prediction with what happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The prediction.
    pub pending: Pending,
    /// Volatility of the 60 seconds after it, per square-root second.
    pub realised: f64,
}

impl Outcome {
    /// Whether it was a spike.
    pub fn spike(&self) -> bool {
        self.realised > self.pending.tau
    }
}

/// The predictions of the last 60 seconds.
#[derive(Clone, Debug, Default, PartialEq, Archive, Serialize, Deserialize)]
pub struct Outcomes {
    pending: Vec<Option<Pending>>,
}

impl Outcomes {
    /// Takes the prediction made at `second` out, if there was one.
    pub fn take(&mut self, second: i64) -> Option<Pending> {
        let slot = self.pending.get_mut(index(second))?;
        slot.take_if(|pending| pending.second == second)
    }

    /// Puts a grid prediction in; one waits at most 60 seconds.
    pub fn put(&mut self, pending: Pending) {
        if self.pending.is_empty() {
            self.pending = vec![None; PENDING];
        }
        self.pending[index(pending.second)] = Some(pending);
    }

    /// Drops all that wait: a gap leaves their outcomes undefined.
    pub fn clear(&mut self) {
        self.pending.fill(None);
    }
}

fn index(second: i64) -> usize {
    second.div_euclid(GRID_S).rem_euclid(PENDING as i64) as usize
}
