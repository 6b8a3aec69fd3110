//! Log lines about unreadable records: the first of each reason at once, and then at most one a minute, with the number of
//! those in between.

use std::time::{Duration, Instant};

use crate::decode::{Unreadable, explain};

/// Between two lines of one reason.
const QUIET: Duration = Duration::from_secs(60);

/// When each reason was last told.
#[derive(Debug, Default)]
pub(crate) struct UnreadableWarnings([Option<Told>; Unreadable::REASONS.len()]);

#[derive(Clone, Copy, Debug)]
struct Told {
    at: Instant,
    /// Records since.
    since: u64,
}

impl UnreadableWarnings {
    /// Takes an unreadable record, and writes a line if one is due. `place` says where the record is.
    pub(crate) fn note(&mut self, reason: Unreadable, record: &[u8], place: impl FnOnce() -> String) {
        let number = Unreadable::REASONS.iter().position(|&known| known == reason.reason());
        let Some(told) = number.and_then(|number| self.0.get_mut(number)) else { return };
        let since = match told {
            Some(told) if told.at.elapsed() < QUIET => {
                told.since += 1;
                let shown = String::from_utf8_lossy(&record[..record.len().min(200)]);
                tracing::debug!(place = place(), ?reason, record = %shown, "unreadable record");
                return;
            }
            Some(told) => told.since,
            None => 0,
        };
        *told = Some(Told { at: Instant::now(), since: 0 });
        let (place, error) = (place(), explain(reason, record));
        tracing::warn!(
            place,
            reason = reason.reason(),
            error,
            unreadable_since_the_last_line = since,
            "a record cannot be read; further ones for this reason are counted, and told once a minute"
        );
    }
}
