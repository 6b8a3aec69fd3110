//! The settings. One type is both a section of the configuration file and what the engine runs with.
//!
//! | section | type |
//! |---|---|
//! | `[engine]` | [`RunSettings`] |
//! | `[state]` | [`GapSettings`](crate::state::GapSettings) |
//! | `[label]` | [`LabelSettings`](crate::state::LabelSettings) |
//! | `[simulator]` | [`SimulatorSettings`](crate::source::simulator::SimulatorSettings) |
//! | `[quality]` | [`QualitySettings`](crate::quality::QualitySettings), [`FeedbackSettings`](crate::feedback::FeedbackSettings) |
//! | `[kafka]` | [`KafkaSettings`]; it exists without the feature `kafka` too, so that every build accepts the same
//! file |
//! | `[live]` | [`LiveSettings`]; likewise |
//!
//! The doc, unit and default of a key are at its field, and its bounds in the type's `check`, whose error starts with
//! the key and ends with what to do. Where a file needs a value for "not set", it is `""` or `0`: see [`unset`].

mod kafka;
mod live;
mod records;
mod run;
mod seconds;
pub mod unset;

pub use kafka::{Delivery, Emit, ForeignSymbols, KafkaSettings, Start};
pub use live::{LIVE_VENUES, LiveSettings};
pub use records::{FormatPin, RecordSettings, TimeUnit};
pub use run::{Pin, RunSettings, RuntimeChoice};
pub use seconds::{Seconds, as_nanos, as_whole_seconds};

/// Refuses a value that is not above 0.
///
/// # Errors
/// A sentence that starts with `key`.
pub fn positive(key: &str, value: f64) -> Result<(), String> {
    if value > 0.0 { Ok(()) } else { Err(format!("{key} is {value}; it must be above 0")) }
}

/// Refuses a value above `most`.
///
/// # Errors
/// A sentence that starts with `key`.
pub fn at_most(key: &str, value: usize, most: usize) -> Result<(), String> {
    if value <= most { Ok(()) } else { Err(format!("{key} is {value}; it is at most {most}")) }
}
