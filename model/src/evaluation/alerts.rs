//! Counts alerts as a person who receives them would: right ones, missed crossings, lead times.

/// Share of the threshold below which the probability must fall before another alert, so that alerts do not flutter.
const REARM_SHARE: f64 = 0.8;

/// One grid instant of one symbol.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlertRow {
    /// Time of the row, seconds since 1970-01-01.
    pub time_s: i64,
    /// The predicted probability, 0 to 1.
    pub probability: f64,
    /// Whether a spike occurred within the horizon.
    pub spike: bool,
    /// Whether volatility over the past horizon is above the threshold already.
    pub hot: bool,
}

/// Counts of the alerts of one or more symbols.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alerts {
    /// Number of alerts.
    pub given: u64,
    /// Alerts that a spike followed within the horizon.
    pub right: u64,
    /// Times at which volatility rose over the threshold after one horizon below it.
    pub crossings: u64,
    /// Crossings with an alert within the horizon before them.
    pub caught: u64,
    /// Seconds from the first such alert to its crossing, unordered.
    pub leads_s: Vec<i64>,
}

impl Alerts {
    /// Adds a symbol's rows, which must be in order of time. An alert is given when the probability rises to
    /// `threshold`, at most one in `horizon_s`, and only if it has been below 0.8 of the threshold since the last
    /// alert.
    pub fn add(&mut self, rows: &[AlertRow], threshold: f64, horizon_s: i64) {
        let (mut armed, mut alerts) = (true, Vec::<i64>::new());
        // The last time at which volatility was over the threshold, and the start of unbroken rows.
        let (mut hot_at_s, mut since_s) = (i64::MIN, rows.first().map_or(0, |row| row.time_s));
        let mut last_s = since_s;
        for row in rows {
            // A gap between rows longer than the horizon: what happened in it is unknown.
            if row.time_s - last_s > horizon_s {
                since_s = row.time_s;
            }
            last_s = row.time_s;
            if row.hot {
                let calm_since_s = since_s.max(hot_at_s.saturating_add(1));
                if row.time_s - calm_since_s >= horizon_s {
                    self.crossings += 1;
                    let from = alerts.partition_point(|&alert| alert < row.time_s - horizon_s);
                    if let Some(&first) = alerts.get(from) {
                        self.caught += 1;
                        self.leads_s.push(row.time_s - first);
                    }
                }
                hot_at_s = row.time_s;
            }
            armed |= row.probability < REARM_SHARE * threshold;
            let rested = alerts.last().is_none_or(|&alert| row.time_s - alert >= horizon_s);
            if armed && rested && row.probability >= threshold {
                armed = false;
                alerts.push(row.time_s);
                self.given += 1;
                self.right += u64::from(row.spike);
            }
        }
    }

    /// Share of the alerts that were right; 0 without alerts.
    pub fn precision(&self) -> f64 {
        self.right as f64 / self.given.max(1) as f64
    }

    /// Share of the crossings that were preceded by an alert; 0 without crossings.
    pub fn caught_share(&self) -> f64 {
        self.caught as f64 / self.crossings.max(1) as f64
    }

    /// Median lead of the alerts over the caught crossings, seconds; `None` if none was caught.
    pub fn median_lead_s(&self) -> Option<i64> {
        let mut leads = self.leads_s.clone();
        leads.sort_unstable();
        leads.get(leads.len() / 2).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_before_a_crossing_catches_it_once() {
        let row = |step: i64| AlertRow {
            time_s: step * 5,
            // Rises at step 30, stays up, falls at 60, flutters near the threshold at 61..70.
            probability: match step {
                30..=59 => 0.6,
                61..=69 => 0.5 - 0.02 * (step % 2) as f64,
                _ => 0.1,
            },
            spike: (24..40).contains(&step),
            hot: (36..48).contains(&step),
        };
        let rows: Vec<AlertRow> = (0..120).map(row).collect();
        let mut alerts = Alerts::default();
        alerts.add(&rows, 0.5, 60);
        assert_eq!(
            (alerts.given, alerts.right),
            (2, 1),
            "one at the rise, one at the flutter, not one a flutter"
        );
        assert_eq!((alerts.crossings, alerts.caught, alerts.median_lead_s()), (1, 1, Some(30)));
        let mut none = Alerts::default();
        none.add(&rows, 0.9, 60);
        assert_eq!(
            (none.given, none.crossings, none.caught_share(), none.median_lead_s()),
            (0, 1, 0.0, None)
        );
        // Volatility that is high when the rows begin has not been seen to cross.
        let mut late = Alerts::default();
        late.add(&rows[40..], 0.5, 60);
        assert_eq!(late.crossings, 0);
    }
}
