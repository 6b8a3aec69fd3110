//! A sink that keeps what it gets, for tests.

use crate::{
    decode::Unreadable,
    intake::{RecordEvent, TickSink},
    stop::StopToken,
    symbol::Offset,
    tick::Tick,
};

#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) ticks: Vec<(String, Offset, u32, Tick)>,
    pub(crate) unreadable: Vec<(Offset, Unreadable)>,
    pub(crate) events: Vec<RecordEvent>,
    pub(crate) flushes: usize,
    /// Told once this many ticks have come.
    pub(crate) stop_at: Option<(usize, StopToken)>,
}

impl Collected {
    pub(crate) fn ticks_of(&self, symbol: &str) -> usize {
        self.ticks.iter().filter(|(name, ..)| name == symbol).count()
    }

    pub(crate) fn events_of(&self, event: RecordEvent) -> usize {
        self.events.iter().filter(|&&seen| seen == event).count()
    }

    /// Messages missing over all gaps.
    pub(crate) fn missing(&self) -> Vec<u64> {
        let missing = self.events.iter().filter_map(|event| match event {
            RecordEvent::SequenceGap { missing } => Some(*missing),
            _ => None,
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

    fn event(&mut self, record_offset: Offset, event: RecordEvent) {
        match event {
            RecordEvent::Unreadable(reason) => self.unreadable.push((record_offset, reason)),
            _ => self.events.push(event),
        }
    }

    fn flush(&mut self) {
        self.flushes += 1;
    }
}
