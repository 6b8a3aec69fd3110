//! A sink that keeps what it gets, for tests.

use super::{SourceEvent, StopToken, TickSink};
use crate::{decode::Unreadable, symbol::Offset, tick::Tick};

#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) ticks: Vec<(String, Offset, u32, Tick)>,
    pub(crate) unreadable: Vec<(Offset, Unreadable, usize)>,
    pub(crate) events: Vec<SourceEvent>,
    pub(crate) flushes: usize,
    /// Told once this many ticks have come.
    pub(crate) stop_at: Option<(usize, StopToken)>,
}

impl Collected {
    pub(crate) fn ticks_of(&self, symbol: &str) -> usize {
        self.ticks.iter().filter(|(name, ..)| name == symbol).count()
    }

    pub(crate) fn events_of(&self, event: SourceEvent) -> usize {
        self.events.iter().filter(|&&seen| seen == event).count()
    }

    /// Messages missing over all gaps.
    pub(crate) fn missing(&self) -> Vec<u64> {
        let missing = self.events.iter().filter_map(|event| match event {
            SourceEvent::SequenceGap { missing } => Some(*missing),
            SourceEvent::ZonelessTime | SourceEvent::NoTick(_) => None,
        });
        missing.collect()
    }
}

impl TickSink for Collected {
    fn tick(&mut self, venue: &str, product: &str, record_offset: Offset, index: u32, tick: Tick) {
        self.ticks.push((format!("{venue}:{product}"), record_offset, index, tick));
        if let Some((count, stop)) = &self.stop_at
            && self.ticks.len() >= *count
        {
            stop.stop();
        }
    }

    fn unreadable(&mut self, record_offset: Offset, reason: Unreadable, record: &[u8]) {
        self.unreadable.push((record_offset, reason, record.len()));
    }

    fn event(&mut self, event: SourceEvent) {
        self.events.push(event);
    }

    fn flush(&mut self) {
        self.flushes += 1;
    }
}
