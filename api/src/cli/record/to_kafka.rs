//! What a source brings, into the topic of ticks: an ingest.

use std::io::Write;

use engine::{
    intake::{RecordEvent, TickSink},
    kafka::TopicSink,
    symbol::Offset,
    tick::{EventTime, Tick},
};

use crate::{
    cli::{Exit, Failure, broker, print_failed},
    config::Config,
};

/// Runs `give` into the topic `kafka.topic_raw`, keyed by symbol.
pub(super) fn run(
    config: &Config,
    give: impl FnOnce(&mut dyn TickSink) -> Result<(), Failure>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let failed = |message: String| Failure::new(Exit::Failed, message);
    let settings = broker::settings(config)?;
    let topic = settings.topic_raw.clone();
    let inner = TopicSink::open(&settings, None).map_err(|error| failed(error.to_string()))?;
    let mut sink = Behind { newest: inner.newest(), inner, skipped: 0 };
    let ended = give(&mut sink);
    let Behind { inner, skipped, .. } = sink;
    let counts = inner.finish();
    writeln!(
        out,
        "{} ticks delivered to {topic}, {} not delivered, {skipped} left out because the topic holds newer ones",
        counts.delivered, counts.failed
    )
    .map_err(print_failed)?;
    ended?;
    counts.failure.map_or(Ok(()), |failure| Err(failed(failure)))
}

/// Leaves out what is older than the topic's newest tick, so that an ingest that is started anew goes on behind it.
struct Behind {
    inner: TopicSink,
    newest: Option<EventTime>,
    skipped: u64,
}

impl TickSink for Behind {
    fn tick(&mut self, venue: &str, product: &str, record_offset: Offset, index: u32, tick: Tick) {
        if self.newest.is_some_and(|newest| tick.event_time <= newest) {
            self.skipped += 1;
            return;
        }
        self.newest = None;
        self.inner.tick(venue, product, record_offset, index, tick);
    }

    fn event(&mut self, record_offset: Offset, event: RecordEvent) {
        self.inner.event(record_offset, event);
    }

    fn flush(&mut self) {
        self.inner.flush();
    }
}
