//! What somebody who is woken by spikes would have lived through.

/// Seconds after an alert in which there is no other.
pub const REFRACTORY_S: i64 = 60;

/// Counts the alerts of one symbol: instants at which the probability reached the threshold while at the grid instant
/// before it had not, and none was given within [`REFRACTORY_S`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Alerts {
    /// Alerts given.
    pub count: u64,
    /// Those after which it spiked.
    pub right: u64,
    /// The newest instant above the threshold.
    above_at: Option<i64>,
    alert_at: Option<i64>,
}

impl Alerts {
    /// Takes the next row of the symbol.
    pub fn take(&mut self, second: i64, reaches_threshold: bool, spike: bool) {
        if !reaches_threshold {
            return;
        }
        let is_rising = self.above_at != Some(second - crate::state::tau::GRID_S);
        self.above_at = Some(second);
        if is_rising && self.alert_at.is_none_or(|alert_at| second - alert_at >= REFRACTORY_S) {
            self.alert_at = Some(second);
            self.count += 1;
            self.right += u64::from(spike);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_rises_and_then_rests() {
        let mut alerts = Alerts::default();
        for (second, above, spike) in [
            (0, true, true),
            (5, true, true),
            (10, false, false),
            (15, true, false),
            (70, false, false),
            (75, true, false),
        ] {
            alerts.take(second, above, spike);
        }
        assert_eq!((alerts.count, alerts.right), (2, 1), "one at 0, none at 15, one at 75");
    }
}
