//! Progress bars, which are drawn at a terminal only.

use std::io::IsTerminal;

use engine::intake::{Progress, Tally};
use indicatif::{ProgressBar, ProgressStyle};

/// A bar of `length` in this style; hidden unless standard error is a terminal.
pub(super) fn bar(length: u64, style: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}

/// The bar of a replay of files. It is first drawn when the source reports, and cleared when it is dropped.
pub(super) struct ReplayBar {
    bar: ProgressBar,
    tally: Tally,
}

impl Default for ReplayBar {
    fn default() -> Self {
        Self { bar: bar(0, "{bar:40} {bytes}/{total_bytes} {msg}"), tally: Tally::default() }
    }
}

impl ReplayBar {
    /// The source's counts of records, once it has ended.
    pub(super) fn tally(&self) -> Tally {
        self.tally.clone()
    }
}

impl Progress for ReplayBar {
    fn advanced(&mut self, records: u64, bytes_read: u64, bytes_total: u64) {
        self.bar.set_length(bytes_total);
        self.bar.set_position(bytes_read);
        self.bar.set_message(format!("{records} records"));
    }

    fn ended(&mut self, tally: &Tally) {
        self.tally = tally.clone();
    }
}

impl Drop for ReplayBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The bar of the recording of a topic. Its length is the number of records that were there at the start.
#[cfg(feature = "kafka")]
pub(super) struct RecordBar(ProgressBar);

#[cfg(feature = "kafka")]
impl Default for RecordBar {
    fn default() -> Self {
        Self(bar(0, "{bar:40} {pos}/{len} records {msg}"))
    }
}

#[cfg(feature = "kafka")]
impl Progress for RecordBar {
    fn advanced(&mut self, records: u64, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
        if records > total {
            self.0.set_message(format!("and {} since", records - total));
        }
    }
}

#[cfg(feature = "kafka")]
impl Drop for RecordBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
