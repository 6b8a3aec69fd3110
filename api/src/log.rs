//! Logs: one JSON object a line, or text at a terminal. A line that repeats too often is counted instead.

mod json;

use std::{
    collections::HashMap,
    io::IsTerminal,
    sync::{
        LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tracing::{Event, Level, Metadata, Subscriber, callsite::Identifier};
use tracing_subscriber::{
    Layer,
    filter::{FilterExt, LevelFilter},
    layer::{Context, Filter, SubscriberExt},
    util::SubscriberInitExt,
};

use self::json::JsonLine;
use crate::config::sections::{Log, LogFormat, LogLevel};

/// Period over which repeats are counted; [`report_repeats`] must be called this often.
pub(crate) const REPORT_EVERY: Duration = Duration::from_secs(10);
/// Most lines from one place in the code that are written within [`REPORT_EVERY`].
const SHOWN_MAX: u64 = 20;

static SUPPRESSED_TOTAL: AtomicU64 = AtomicU64::new(0);
static REPEATS: LazyLock<Mutex<HashMap<Identifier, Repeats>>> = LazyLock::new(Mutex::default);

struct Repeats {
    since: Instant,
    shown: u64,
    suppressed: u64,
    place: String,
}

/// Starts logging to standard error.
///
/// # Errors
/// If logging has been started before.
pub(crate) fn start(config: &Log) -> Result<(), tracing_subscriber::util::TryInitError> {
    let level = match config.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let text = match config.format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if text {
        lines.with_ansi(std::io::stderr().is_terminal()).with_filter(level.and(RepeatLimit)).boxed()
    } else {
        lines.event_format(JsonLine).with_filter(level.and(RepeatLimit)).boxed()
    };
    tracing_subscriber::registry().with(lines).try_init()
}

/// Number of lines so far that were not written because they repeated too often.
pub(crate) fn suppressed_total() -> u64 {
    SUPPRESSED_TOTAL.load(Ordering::Relaxed)
}

/// Logs the number of suppressed lines for each place in the code, and allows lines from there again.
pub(crate) fn report_repeats() {
    let mut silent = Vec::new();
    repeats().retain(|_, repeats| {
        if repeats.since.elapsed() < REPORT_EVERY {
            return true;
        }
        if repeats.suppressed > 0 {
            silent.push((repeats.place.clone(), repeats.suppressed));
        }
        false
    });
    for (place, suppressed) in silent {
        tracing::warn!(place, suppressed, "lines were repeated too often and not written");
    }
}

fn repeats() -> MutexGuard<'static, HashMap<Identifier, Repeats>> {
    REPEATS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Allows [`SHOWN_MAX`] lines from one place in the code. Lines of the levels debug and trace are not limited.
struct RepeatLimit;

impl<S: Subscriber> Filter<S> for RepeatLimit {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    /// This filter excludes no level. Without this hint, the combination with the level's filter would have no hint
    /// either, and disabled lines of libraries, several for each Kafka record, would be formatted and thrown away.
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        let metadata = event.metadata();
        *metadata.level() > Level::INFO || is_shown(metadata)
    }
}

fn is_shown(metadata: &Metadata<'_>) -> bool {
    let mut all = repeats();
    let repeats = all.entry(metadata.callsite()).or_insert_with(|| Repeats {
        since: Instant::now(),
        shown: 0,
        suppressed: 0,
        place: format!("{}:{}", metadata.file().unwrap_or("?"), metadata.line().unwrap_or(0)),
    });
    if repeats.shown < SHOWN_MAX {
        repeats.shown += 1;
        return true;
    }
    repeats.suppressed += 1;
    SUPPRESSED_TOTAL.fetch_add(1, Ordering::Relaxed);
    false
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn disabled_levels_are_known_before_a_line_is_made() {
        let filter = LevelFilter::INFO.and(RepeatLimit);
        let hint = Filter::<tracing_subscriber::Registry>::max_level_hint(&filter);
        assert_eq!(hint, Some(LevelFilter::INFO));
    }

    #[test]
    fn a_line_is_one_json_object_and_repeats_are_counted() {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(move || writer.clone())
            .event_format(JsonLine)
            .with_filter(LevelFilter::INFO.and(RepeatLimit));
        let before = suppressed_total();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            for number in 0..SHOWN_MAX + 5 {
                tracing::warn!(number, "again");
            }
            tracing::debug!("not asked for");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let parsed: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(parsed.len() as u64, SHOWN_MAX);
        assert_eq!((&parsed[3]["number"], &parsed[3]["message"]), (&3.into(), &"again".into()));
        assert!(suppressed_total() - before >= 5);
    }

    #[test]
    fn a_field_whose_key_is_taken_gets_another_and_none_is_lost() {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer =
            tracing_subscriber::fmt::layer().with_writer(move || writer.clone()).event_format(JsonLine);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let (message, level, target, timestamp) = ("a \"field\"", 7, true, -0.5);
            tracing::warn!(message, level, target, timestamp, error = %io::Error::other("full"), "the text");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1);
        let (at, rest) = text.trim_end().split_once(",\"level\"").unwrap();
        assert!(at.starts_with("{\"timestamp\":\"2") && at.ends_with("Z\""), "{text}");
        assert_eq!(
            rest,
            ":\"WARN\",\"target\":\"api::log::tests\",\"message\":\"the text\",\"message_2\":\"a \\\"field\\\"\",\
             \"level_2\":7,\"target_2\":true,\"timestamp_2\":-0.5,\"error\":\"full\"}"
        );
    }
}
