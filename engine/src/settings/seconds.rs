//! Time spans as a configuration writes them: seconds, possibly with a fraction.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::tick::NANOS_PER_SECOND;

/// A time span in seconds: finite, at least zero, at most a year.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Seconds(f64);

impl Seconds {
    const MAX: f64 = 366.0 * 86_400.0;

    /// `None` unless `0 <= seconds <= one year`.
    pub fn new(seconds: f64) -> Option<Self> {
        (0.0..=Self::MAX).contains(&seconds).then_some(Self(seconds))
    }

    /// A whole number of seconds, up to 4 hours: for defaults.
    pub const fn whole(seconds: u16) -> Self {
        Self(seconds as f64)
    }

    /// The span in seconds.
    pub fn get(self) -> f64 {
        self.0
    }

    /// The span in whole nanoseconds; a year fits.
    pub fn nanos(self) -> i64 {
        (self.0 * 1e9) as i64
    }

    /// The span as the standard library's type.
    pub fn duration(self) -> Duration {
        Duration::from_secs_f64(self.0)
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Self::new(seconds)
            .ok_or_else(|| de::Error::custom(format!("{seconds} is not between 0 and a year of seconds")))
    }
}

/// `#[serde(with = "as_nanos")]`: written as [`Seconds`], held as nanoseconds.
pub mod as_nanos {
    use super::*;

    /// Writes nanoseconds as seconds.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(nanos: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(*nanos as f64 / NANOS_PER_SECOND as f64)
    }

    /// Reads seconds into nanoseconds.
    ///
    /// # Errors
    /// The deserializer's, or a span outside the bounds of [`Seconds`].
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        Seconds::deserialize(deserializer).map(Seconds::nanos)
    }
}

/// `#[serde(with = "as_whole_seconds")]`: written as [`Seconds`], held without the fraction.
pub mod as_whole_seconds {
    use super::*;

    /// Writes the seconds.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(seconds: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(*seconds as f64)
    }

    /// Reads seconds and drops their fraction.
    ///
    /// # Errors
    /// The deserializer's, or a span outside the bounds of [`Seconds`].
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        Seconds::deserialize(deserializer).map(|seconds| seconds.nanos() / NANOS_PER_SECOND)
    }
}
