//! Sequence numbers of one connection, over all its channels. They report gaps; no record is dropped by them.

/// How far behind the newest number a late or repeated message may be. Further back, or at 0, a new connection
/// has begun to count.
const LATE_MAX: u64 = 64;

/// The most that one gap may be.
const MISSING_MAX: u64 = 10_000_000;

/// Follows one connection's numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SequenceTracker {
    newest: Option<u64>,
}

impl SequenceTracker {
    /// Takes a message's number and returns how many messages are missing before it.
    ///
    /// A number that was seen, or that lies a little behind, is a repeat or a straggler and says nothing. One that
    /// lies far behind, or is 0, begins a new connection.
    ///
    /// ```
    /// use stormglass_engine::intake::SequenceTracker;
    /// let mut tracker = SequenceTracker::default();
    /// assert_eq!([0, 2, 3, 3, 0, 1].map(|number| tracker.missing_before(number)), [0, 1, 0, 0, 0, 0]);
    /// ```
    pub fn missing_before(&mut self, number: u64) -> u64 {
        let Some(newest) = self.newest.replace(number) else { return 0 };
        if number > newest {
            let missing = number - newest - 1;
            // A number that far ahead is garbage or another connection's, not a gap.
            return if missing <= MISSING_MAX { missing } else { 0 };
        }
        let is_straggler = newest - number <= LATE_MAX && (number != 0 || newest == 0);
        if is_straggler {
            self.newest = Some(newest);
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(numbers: &[u64]) -> Vec<u64> {
        let mut tracker = SequenceTracker::default();
        numbers.iter().map(|&number| tracker.missing_before(number)).collect()
    }

    #[test]
    fn only_what_is_missing_is_a_gap() {
        assert_eq!(missing(&[5, 6, 7]), [0, 0, 0], "a recording may begin anywhere");
        assert_eq!(missing(&[0, 2, 3, 9]), [0, 1, 0, 5]);
        assert_eq!(missing(&[7, 7, 7, 8]), [0, 0, 0, 0], "repeats");
        assert_eq!(missing(&[5, 7, 6, 8]), [0, 1, 0, 0], "a straggler does not set the count back");
        assert_eq!(missing(&[5970, 0, 1, 2]), [0, 0, 0, 0], "a new connection");
        assert_eq!(missing(&[5, 0, 1, 2]), [0, 0, 0, 0], "a new connection soon after");
        assert_eq!(missing(&[5970, 3, 4, 6]), [0, 0, 0, 1], "a new connection whose start was lost");
        assert_eq!(missing(&[0, u64::MAX, 0, 1]), [0, 0, 0, 0]);
    }
}
