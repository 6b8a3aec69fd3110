//! The ring of closed seconds and the running sums over its windows.

use rkyv::{Archive, Deserialize, Serialize};

use super::{Bucket, Sums};

/// Lengths of the windows over seconds, ascending.
pub const WINDOWS_S: [usize; 4] = [10, 30, 60, 300];

const RING_S: usize = WINDOWS_S[WINDOWS_S.len() - 1];

/// A window over closed seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// 10 s.
    S10 = 0,
    /// 30 s.
    S30 = 1,
    /// 60 s.
    S60 = 2,
    /// 300 s.
    S300 = 3,
}

impl Window {
    /// Its length in seconds.
    pub fn seconds(self) -> usize {
        WINDOWS_S[self as usize]
    }
}

/// The last 300 closed seconds, with the sums of every window over them.
#[derive(Clone, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Seconds {
    /// The bucket of second `s` is at `s mod 300`.
    ring: Vec<Bucket>,
    sums: [Sums; WINDOWS_S.len()],
}

impl Default for Seconds {
    fn default() -> Self {
        Self { ring: vec![Bucket::default(); RING_S], sums: Default::default() }
    }
}

#[cfg(test)]
thread_local! {
    /// Number of seconds that this thread has closed, to bound the cost of a step in tests.
    pub(crate) static CLOSED: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

impl Seconds {
    /// Closes `second`, which must follow the one closed before. O(1): one bucket enters and one leaves each window.
    pub fn close(&mut self, second: i64, bucket: &Bucket) {
        #[cfg(test)]
        CLOSED.set(CLOSED.get() + 1);
        for (sums, &length_s) in self.sums.iter_mut().zip(&WINDOWS_S) {
            sums.remove(&self.ring[Self::index(second - length_s as i64)]);
            sums.add(bucket);
        }
        self.ring[Self::index(second)] = *bucket;
    }

    /// Forgets everything, as after a silence longer than the longest window.
    pub fn clear(&mut self) {
        self.ring.fill(Bucket::default());
        self.sums = Default::default();
    }

    /// The exact sums over the window's closed seconds.
    pub fn sums(&self, window: Window) -> &Sums {
        &self.sums[window as usize]
    }

    /// The bucket of a closed second, which must be among the last 300.
    pub fn bucket(&self, second: i64) -> &Bucket {
        &self.ring[Self::index(second)]
    }

    /// A ring that holds only these sums, for the recomputing twin.
    #[cfg(test)]
    pub(crate) fn of_sums(sums: [Sums; WINDOWS_S.len()]) -> Self {
        Self { ring: Vec::new(), sums }
    }

    fn index(second: i64) -> usize {
        second.rem_euclid(RING_S as i64) as usize
    }
}
