//! Evaluates predictions on later data, and compares them with simple forecasts.
//!
//! ```text
//! ticks -> training::collector -> rows (labels, features) -> walk-forward folds -> ladder -> judge -> report
//!                                                                                  (scores)  (metrics)  (text, JSON, HTML)
//! ```
//!
//! - `rows`: labelled rows, with the scores that the live service would have given
//! - `ladder`: persistence, EWMA, z-score composite, HAR-logit, and the judged model, on the same rows
//! - [`judge`]: the metrics of each rung, with intervals on the difference from the model
//! - `forecast`: the same for forecasts of volatility itself
//! - `leakage`: the result that a random split would claim
//! - `scores`: scores that are given in a table
//! - `report`: text, JSON and HTML
//!
//! Everything that is fitted uses only rows before those it is judged by, less a gap: [`model::learn::Fold`].

pub(crate) mod forecast;
pub mod judge;
mod ladder;
pub(crate) mod leakage;
pub(crate) mod report;
mod rows;
#[cfg(feature = "parquet")]
pub(crate) mod scores;

pub use judge::Settings;
pub use ladder::{Candidate, Ladder};
pub(crate) use report::{Report, Scored};
pub use rows::Rows;

/// Seconds since 1970 of an RFC 3339 time.
///
/// # Errors
/// A message that says why `text` is no such time.
pub(crate) fn parse_time_s(text: &str) -> Result<i64, String> {
    let time: Result<jiff::Timestamp, _> = text.parse();
    time.map(jiff::Timestamp::as_second)
        .map_err(|error| format!("{text:?} is no time as 2026-04-04T05:00:00Z: {error}"))
}

/// Writes seconds since 1970 as an RFC 3339 time; as the number itself if it is beyond the calendar.
pub(crate) fn time_text(second: i64) -> String {
    jiff::Timestamp::from_second(second).map_or_else(|_| second.to_string(), |time| time.to_string())
}
