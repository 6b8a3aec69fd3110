//! The 1,800-second horizon in slots of 10 seconds, of which the last 30 also carry the flow for VPIN.

use rkyv::{Archive, Deserialize, Serialize};

use super::Bucket;

/// Seconds in a slot.
pub const SLOT_S: i64 = 10;
/// Closed slots held: 1,800 s.
pub const SLOTS: usize = 180;
/// Closed slots of the 300-second flow window.
pub const SLOTS_VPIN: usize = 30;

/// Ten aligned seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Slot {
    /// Seconds with a valid return, 0..=10.
    pub valid_seconds: i64,
    /// Sum of squared log returns, 1e-18.
    pub squared_return: i128,
    /// Trades.
    pub trades: i64,
    /// Traded quantity, 1e-8.
    pub volume: i128,
    /// Bought minus sold, 1e-8.
    pub signed_volume: i128,
}

impl Slot {
    /// Adds a second to the slot.
    pub fn add(&mut self, bucket: &Bucket) {
        if bucket.return_valid {
            self.valid_seconds += 1;
            self.squared_return += i128::from(bucket.log_return) * i128::from(bucket.log_return);
        }
        self.trades += i64::from(bucket.trades);
        self.volume += i128::from(bucket.volume);
        self.signed_volume += i128::from(bucket.signed_volume);
    }
}

/// The last 180 closed slots, the open one, and the running sums.
#[derive(Clone, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct Slots {
    ring: Vec<Slot>,
    /// The slot being filled; it holds closed seconds only.
    pub open: Slot,
    /// Valid seconds in the closed slots.
    pub valid_seconds: i64,
    /// Squared log returns in the closed slots, 1e-18.
    pub squared_return: i128,
    /// Trades in the closed slots.
    pub trades: i64,
    /// Absolute signed volume, slot by slot, of the last 30 closed slots, 1e-8.
    pub absolute_flow_300: i128,
    /// Volume of the last 30 closed slots, 1e-8.
    pub volume_300: i128,
}

impl Default for Slots {
    fn default() -> Self {
        Self {
            ring: vec![Slot::default(); SLOTS],
            open: Slot::default(),
            valid_seconds: 0,
            squared_return: 0,
            trades: 0,
            absolute_flow_300: 0,
            volume_300: 0,
        }
    }
}

impl Slots {
    /// Takes a closed second; closes the slot when `second` is its last.
    pub fn close_second(&mut self, second: i64, bucket: &Bucket) {
        self.open.add(bucket);
        if (second + 1).rem_euclid(SLOT_S) == 0 {
            self.close_slot(second.div_euclid(SLOT_S));
        }
    }

    fn close_slot(&mut self, slot: i64) {
        let index = |s: i64| s.rem_euclid(SLOTS as i64) as usize;
        let old = self.ring[index(slot)];
        let old_flow = self.ring[index(slot - SLOTS_VPIN as i64)];
        let new = std::mem::take(&mut self.open);
        self.valid_seconds += new.valid_seconds - old.valid_seconds;
        self.squared_return += new.squared_return - old.squared_return;
        self.trades += new.trades - old.trades;
        self.absolute_flow_300 += new.signed_volume.abs() - old_flow.signed_volume.abs();
        self.volume_300 += new.volume - old_flow.volume;
        self.ring[index(slot)] = new;
    }

    /// Only the sums of these closed slots, oldest first, and the open one, for the recomputing twin.
    #[cfg(test)]
    pub(crate) fn of_slots(closed: &[Slot], open: Slot) -> Self {
        let recent = &closed[closed.len() - SLOTS_VPIN..];
        Self {
            ring: Vec::new(),
            open,
            valid_seconds: closed.iter().map(|s| s.valid_seconds).sum(),
            squared_return: closed.iter().map(|s| s.squared_return).sum(),
            trades: closed.iter().map(|s| s.trades).sum(),
            absolute_flow_300: recent.iter().map(|s| s.signed_volume.abs()).sum(),
            volume_300: recent.iter().map(|s| s.volume).sum(),
        }
    }

    /// Every running sum and the open slot, to compare with the twin.
    #[cfg(test)]
    pub(crate) fn totals(&self) -> (Slot, [i128; 5]) {
        let [valid, trades] = [self.valid_seconds, self.trades].map(i128::from);
        (self.open, [valid, self.squared_return, trades, self.absolute_flow_300, self.volume_300])
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
