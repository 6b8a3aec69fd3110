//! What became of each grid prediction: the volatility of the horizon after it is the trailing one a horizon on.

use rkyv::{Archive, Deserialize, Serialize};

use crate::{feedback::Lesson, prediction::TauSource, volatility::Forecast, window::GRID_S};

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
    /// Trailing volatility of one horizon then, per square-root second, if known: tells onsets from what was hot already.
    pub trailing: Option<f64>,
    /// First eight bytes of the SHA-256 of the model that gave the probability; 0 without one.
    pub model_hash: u64,
    /// Forecast of the volatility of the horizon after it, if there was one.
    pub forecast: Option<Forecast>,
    /// What the outcome will teach, where feedback is on.
    pub lesson: Option<Lesson>,
}

impl Pending {
    /// What persistence scores: trailing volatility of one horizon over the threshold; 0 where it is not known.
    pub fn persistence(&self) -> f64 {
        self.trailing.map_or(0.0, |trailing| trailing / self.tau)
    }

    /// Whether volatility is over the threshold already: such a row tells nothing of onsets.
    pub fn is_hot(&self) -> bool {
        self.trailing.is_some_and(|trailing| trailing > self.tau)
    }
}

/// A grid prediction with what happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The prediction.
    pub pending: Pending,
    /// Volatility of the horizon after it, per square-root second.
    pub realised: f64,
}

impl Outcome {
    /// Whether it was a spike.
    pub fn spike(&self) -> bool {
        self.realised > self.pending.tau
    }
}

/// The predictions of the last horizon.
#[derive(Clone, Debug, Default, PartialEq, Archive, Serialize, Deserialize)]
pub struct Outcomes {
    pending: Vec<Option<Pending>>,
}

impl Outcomes {
    /// Takes the prediction made at `second` out, if there was one.
    pub fn take(&mut self, second: i64) -> Option<Pending> {
        let slot = self.index(second);
        let slot = self.pending.get_mut(slot)?;
        slot.take_if(|pending| pending.second == second)
    }

    /// Puts a grid prediction in; one waits at most `steps` instants.
    pub fn put(&mut self, pending: Pending, steps: usize) {
        if self.pending.len() != steps {
            self.pending = vec![None; steps];
        }
        let slot = self.index(pending.second);
        self.pending[slot] = Some(pending);
    }

    /// Drops all that wait: a gap leaves their outcomes undefined.
    pub fn clear(&mut self) {
        self.pending.fill(None);
    }

    /// Where the prediction of `second` waits.
    fn index(&self, second: i64) -> usize {
        second.div_euclid(GRID_S).rem_euclid(self.pending.len().max(1) as i64) as usize
    }
}
