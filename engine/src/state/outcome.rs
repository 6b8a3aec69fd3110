//! The outcome of each grid prediction: the volatility that trails one horizon later.

use rkyv::{Archive, Deserialize, Serialize};

use crate::{feedback::Lesson, prediction::TauSource, volatility::Forecast, window::GRID_S};

/// A grid prediction that waits for its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Archive, Serialize, Deserialize)]
pub struct Pending {
    /// The grid instant, seconds since the epoch.
    pub second: i64,
    /// The event's threshold at the instant, per square-root second.
    pub tau: f64,
    /// The origin of that threshold.
    pub tau_source: TauSource,
    /// The predicted probability; `None` while the symbol warms up.
    pub probability: Option<f64>,
    /// Volatility of the horizon before the instant, per square-root second, if known: it tells onsets from spikes that
    /// were under way.
    pub trailing: Option<f64>,
    /// First eight bytes of the SHA-256 of the model that gave the probability; 0 without one.
    pub model_hash: u64,
    /// Forecast of the volatility of the horizon after the instant, if there was one.
    pub forecast: Option<Forecast>,
    /// What the outcome will teach, if feedback is switched on.
    pub lesson: Option<Lesson>,
}

impl Pending {
    /// The score of persistence: trailing volatility over the threshold; 0 if it is not known.
    pub fn persistence(&self) -> f64 {
        self.trailing.map_or(0.0, |trailing| trailing / self.tau)
    }

    /// Whether volatility is above the threshold already, so that the row tells nothing about onsets.
    pub fn is_hot(&self) -> bool {
        self.trailing.is_some_and(|trailing| trailing > self.tau)
    }
}

/// A grid prediction with its outcome.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The prediction.
    pub pending: Pending,
    /// Volatility of the horizon after the instant, per square-root second.
    pub realised: f64,
}

impl Outcome {
    /// Whether the volatility exceeded the threshold.
    pub fn spike(&self) -> bool {
        self.realised > self.pending.tau
    }
}

/// The grid predictions of the last horizon, which wait for their outcomes.
#[derive(Clone, Debug, Default, PartialEq, Archive, Serialize, Deserialize)]
pub struct Outcomes {
    pending: Vec<Option<Pending>>,
}

impl Outcomes {
    /// Removes and returns the prediction made at `second`, if there was one.
    pub fn take(&mut self, second: i64) -> Option<Pending> {
        let slot = self.index(second);
        let slot = self.pending.get_mut(slot)?;
        slot.take_if(|pending| pending.second == second)
    }

    /// Adds a grid prediction, which waits `steps` grid instants at most.
    pub fn put(&mut self, pending: Pending, steps: usize) {
        if self.pending.len() != steps {
            self.pending = vec![None; steps];
        }
        let slot = self.index(pending.second);
        self.pending[slot] = Some(pending);
    }

    /// Drops all predictions that wait: a gap leaves their outcomes undefined.
    pub fn clear(&mut self) {
        self.pending.fill(None);
    }

    /// Index of the prediction of `second`.
    fn index(&self, second: i64) -> usize {
        second.div_euclid(GRID_S).rem_euclid(self.pending.len().max(1) as i64) as usize
    }
}
