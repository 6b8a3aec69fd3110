//! The freshness of the state, for `/health`, `/readyz?verbose`, `/sources`, the live page and `doctor` alike.
//!
//! The age of a tick is the wall clock minus the tick's own time, as in every answer's `age_ms`. A restored state keeps
//! the times that it had before the restart.

use std::time::{Duration, Instant};

use engine::tick::EventTime;
use schemars::JsonSchema;
use serde::Serialize;

use super::{answer::wall_clock_nanos, app::App, source_report::SourceState};
use crate::config::sections::SourceKind;

/// Milliseconds from the tick's own time to now; 0 for a tick in the future.
pub fn age_ms(tick: EventTime, now_nanos: i64) -> i64 {
    (now_nanos - tick.nanos()).max(0) / 1_000_000
}

/// Whether a state of this age is too old to act on: older than `predict.stale_after_s`.
pub fn is_stale(age_ms: i64, stale_after: Duration) -> bool {
    age_ms as f64 > stale_after.as_secs_f64() * 1_000.0
}

/// The state of the feed of ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedState {
    /// No source is configured: only rows are scored.
    NotConfigured,
    /// No record has been read, and no state restored.
    NoTickYet,
    /// Records were read, and none of them is a tick.
    NoneIsATick,
    /// Records were read, and none of them can be.
    AllUnreadable,
    /// Ticks came, and the partitions of all their symbols have moved to other instances.
    NoSymbolHeld,
    /// Ticks come, and no symbol has had enough of them for a probability.
    Warming,
    /// The newest tick is recent enough to act on.
    Fresh,
    /// Ticks arrive, but their own times are old: recorded ticks, a backlog, or a slow clock.
    Behind,
    /// No tick has arrived for longer than `predict.stale_after_s`.
    Silent,
    /// The source is at its end, and its newest tick has become stale.
    Finished,
}

/// The source and its ticks at one moment.
#[derive(Clone, Debug)]
pub struct Feed {
    kind: SourceKind,
    /// A description of the source.
    source: String,
    source_state: SourceState,
    newest_tick: Option<EventTime>,
    /// Time since a tick was last accepted, whatever its own time.
    arrived_ago: Option<Duration>,
    now_nanos: i64,
    stale_after: Duration,
    /// Whether any symbol has had a probability; restored states count too.
    has_had_probability: bool,
    /// The reason why no symbol can have a probability, unless it is that too few ticks came.
    rows_only: Option<String>,
    /// Whether a tick was accepted, or a state restored, since the start.
    has_held_symbols: bool,
    /// Records, or tickers in one, that cannot be read, by reason; only reasons that were met.
    unreadable: Vec<(&'static str, u64)>,
    records_without_tick: u64,
    /// Records of a log that are not committed.
    lag_records: i64,
}

impl Feed {
    /// Reads the present state.
    pub fn of(app: &App) -> Self {
        use std::sync::atomic::Ordering::Relaxed;
        let (config, metrics) = (&app.config, &app.engine.metrics);
        let newest_nanos = i64::try_from(metrics.newest_tick_nanos()).unwrap_or(i64::MAX);
        let has_had_probability = metrics.has_had_probability();
        Self {
            kind: config.source.kind,
            source: match config.source.kind {
                SourceKind::File => format!("file {}", config.source.files.join(", ")),
                SourceKind::Live => format!("live {}", config.live.venues.join(", ")),
                kind => kind.name().to_owned(),
            },
            source_state: app.source.state(),
            newest_tick: EventTime::from_nanos(newest_nanos).filter(|_| newest_nanos > 0),
            arrived_ago: metrics.newest_arrival_ago(Instant::now()),
            now_nanos: wall_clock_nanos(),
            stale_after: config.predict.stale_after_s.duration(),
            has_had_probability,
            rows_only: if has_had_probability { None } else { app.rows_only() },
            has_held_symbols: metrics.has_held_symbols(),
            unreadable: metrics.ingest.unreadable_by_reason().filter(|&(_, count)| count > 0).collect(),
            records_without_tick: metrics.ingest.without_tick_total(),
            lag_records: metrics.lanes.lag_records.load(Relaxed),
        }
    }

    /// Event time of the newest tick of any symbol.
    pub fn newest_tick(&self) -> Option<EventTime> {
        self.newest_tick
    }

    /// Milliseconds from that time to now.
    pub fn age_ms(&self) -> Option<i64> {
        Some(age_ms(self.newest_tick?, self.now_nanos))
    }

    /// Whether any symbol has had a probability, or none is to be expected because there is no source.
    pub fn is_warm(&self) -> bool {
        self.has_had_probability || self.kind == SourceKind::None
    }

    /// The state of the feed.
    pub fn state(&self) -> FeedState {
        let Some(age_ms) = self.age_ms() else { return self.state_without_tick() };
        if !is_stale(age_ms, self.stale_after) {
            return if self.has_had_probability { FeedState::Fresh } else { FeedState::Warming };
        }
        match self.arrived_ago {
            _ if self.source_state == SourceState::Finished => FeedState::Finished,
            Some(ago) if ago <= self.stale_after => FeedState::Behind,
            _ => FeedState::Silent,
        }
    }

    fn state_without_tick(&self) -> FeedState {
        match self.kind {
            SourceKind::None => FeedState::NotConfigured,
            _ if self.has_held_symbols => FeedState::NoSymbolHeld,
            _ if self.has_had_probability => FeedState::Fresh,
            _ if self.records_without_tick > 0 => FeedState::NoneIsATick,
            _ if self.records() > 0 => FeedState::AllUnreadable,
            _ => FeedState::NoTickYet,
        }
    }

    /// Records that gave no tick.
    fn records(&self) -> u64 {
        self.records_unreadable() + self.records_without_tick
    }

    fn records_unreadable(&self) -> u64 {
        self.unreadable.iter().map(|&(_, count)| count).sum()
    }

    /// The reasons for which records cannot be read, the most frequent first.
    fn reasons_unreadable(&self) -> String {
        let mut by_count = self.unreadable.clone();
        by_count.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        let total = self.records_unreadable();
        by_count
            .iter()
            .map(|(reason, count)| format!("{reason} ({count} of {total})"))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// A sentence on the state.
    pub fn words(&self) -> String {
        let finished = match self.source_state {
            SourceState::Finished => format!("source finished: {} is at its end, ", self.source),
            SourceState::Running | SourceState::Failed(_) => String::new(),
        };
        let age = spoken(Duration::from_millis(self.age_ms().unwrap_or(0).unsigned_abs()));
        let newest = self.newest_tick.map(|tick| tick.to_string()).unwrap_or_default();
        match self.state() {
            FeedState::NotConfigured => "no source is configured: only rows are scored".to_owned(),
            FeedState::NoTickYet => {
                format!("{finished}no tick has ever come from the source {}", self.source)
            }
            FeedState::NoneIsATick => format!(
                "{finished}{} records were read and none is a tick: {} cannot be read (stormglass_unreadable_total \
                 counts why), {} are of a kind that carries none",
                self.records(),
                self.records_unreadable(),
                self.records_without_tick
            ),
            FeedState::AllUnreadable => {
                format!("{finished}all records are unreadable: {}", self.reasons_unreadable())
            }
            FeedState::NoSymbolHeld => {
                "no symbol is held here: the partitions of all that were have moved to other instances"
                    .to_owned()
            }
            FeedState::Warming => self.no_probability(),
            FeedState::Fresh => "ticks are fresh".to_owned(),
            FeedState::Behind => {
                format!(
                    "ticks come, but the newest is of {newest}, {age} ago: every answer is stale{}",
                    self.lag()
                )
            }
            FeedState::Silent => {
                format!("no tick for {age}; the newest is of {newest}: every answer is stale{}", self.lag())
            }
            FeedState::Finished => format!("{finished}the newest tick is of {newest}, {age} ago"),
        }
    }

    fn lag(&self) -> String {
        match self.lag_records {
            1.. => format!("; {} records wait to be read", self.lag_records),
            _ => String::new(),
        }
    }

    fn no_probability(&self) -> String {
        self.rows_only.clone().unwrap_or_else(|| "warming: no symbol has a probability yet".to_owned())
    }

    /// A sentence for everything that is not as it should be. The clock of a simulated market may be behind, because
    /// its speed and history determine it.
    pub fn reasons(&self) -> Vec<String> {
        let is_simulated = self.kind == SourceKind::Simulator;
        match self.state() {
            FeedState::NotConfigured | FeedState::Fresh => Vec::new(),
            FeedState::Behind if is_simulated && self.has_had_probability => Vec::new(),
            FeedState::Behind if is_simulated => vec![self.no_probability()],
            FeedState::Warming => vec![self.no_probability()],
            FeedState::Behind | FeedState::Silent | FeedState::Finished if !self.has_had_probability => {
                vec![self.words(), self.no_probability()]
            }
            FeedState::NoTickYet
            | FeedState::NoneIsATick
            | FeedState::AllUnreadable
            | FeedState::NoSymbolHeld
            | FeedState::Behind
            | FeedState::Silent
            | FeedState::Finished => std::iter::once(self.words()).chain(self.rows_only.clone()).collect(),
        }
    }
}

/// The feed as JSON.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Feed")]
pub(super) struct FeedBody {
    state: FeedState,
    /// Event time of the newest tick of any symbol, restored ones too; `null` while no tick has ever come.
    newest_tick: Option<String>,
    /// The wall clock less that.
    age_ms: Option<i64>,
}

impl From<&Feed> for FeedBody {
    fn from(feed: &Feed) -> Self {
        let newest_tick = feed.newest_tick().map(|tick| tick.to_string());
        Self { state: feed.state(), newest_tick, age_ms: feed.age_ms() }
    }
}

/// A duration in its two largest units: `45s`, `10m 3s`, `2h 5m`, `365d 4h`.
fn spoken(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_S: i64 = 1_800_000_000;
    const NANOS: i64 = 1_000_000_000;

    /// A feed whose newest tick has this age.
    fn feed(age_s: i64) -> Feed {
        Feed {
            kind: SourceKind::Kafka,
            source: "kafka".to_owned(),
            source_state: SourceState::Running,
            newest_tick: EventTime::from_nanos((NOW_S - age_s) * NANOS),
            arrived_ago: Some(Duration::from_secs(age_s.unsigned_abs())),
            now_nanos: NOW_S * NANOS,
            stale_after: Duration::from_secs(60),
            has_had_probability: true,
            rows_only: None,
            has_held_symbols: true,
            unreadable: Vec::new(),
            records_without_tick: 0,
            lag_records: 0,
        }
    }

    /// A feed that has given nothing.
    fn empty() -> Feed {
        let has_had_probability = false;
        Feed { newest_tick: None, arrived_ago: None, has_had_probability, has_held_symbols: false, ..feed(0) }
    }

    fn file(feed: Feed) -> Feed {
        Feed { kind: SourceKind::File, source: "file a/*.gz".to_owned(), ..feed }
    }

    fn finished(feed: Feed) -> Feed {
        Feed { source_state: SourceState::Finished, ..feed }
    }

    fn check(feed: &Feed, state: FeedState, reasons: &[&str]) {
        assert_eq!(feed.state(), state);
        assert_eq!(feed.reasons(), reasons);
    }

    #[test]
    fn no_source_expects_nothing() {
        let feed = Feed { kind: SourceKind::None, ..empty() };
        check(&feed, FeedState::NotConfigured, &[]);
        assert!(feed.is_warm());
        assert_eq!(feed.words(), "no source is configured: only rows are scored");
    }

    #[test]
    fn no_tick_ever_records_without_one_and_warming_have_their_own_words() {
        check(&empty(), FeedState::NoTickYet, &["no tick has ever come from the source kafka"]);
        assert!(!empty().is_warm());
        let unread = Feed { unreadable: vec![("not_json", 90)], records_without_tick: 10, ..empty() };
        let words = "100 records were read and none is a tick: 90 cannot be read (stormglass_unreadable_total counts why), \
                     10 are of a kind that carries none";
        check(&unread, FeedState::NoneIsATick, &[words]);
        let unread = Feed { unreadable: vec![("not_json", 2), ("unknown_shape", 7)], ..empty() };
        let words = "all records are unreadable: unknown_shape (7 of 9), not_json (2 of 9)";
        check(&unread, FeedState::AllUnreadable, &[words]);
        let warming = Feed { has_had_probability: false, ..feed(1) };
        check(&warming, FeedState::Warming, &["warming: no symbol has a probability yet"]);
        let rows_only = Feed { rows_only: Some("it answers rows".to_owned()), ..warming };
        check(&rows_only, FeedState::Warming, &["it answers rows"]);
    }

    #[test]
    fn one_fresh_symbol_is_enough_and_all_stale_is_said_from_the_age_at_which_answers_are_stale() {
        // The newest of all symbols decides: others may be stale.
        check(&feed(0), FeedState::Fresh, &[]);
        check(&feed(60), FeedState::Fresh, &[]);
        let words = "no tick for 10m 3s; the newest is of 2027-01-15T07:49:57Z: every answer is stale";
        check(&feed(603), FeedState::Silent, &[words]);
        let words = "no tick for 1m 1s; the newest is of 2027-01-15T07:58:59Z: every answer is stale; 9 records wait to be read";
        check(&Feed { lag_records: 9, ..feed(61) }, FeedState::Silent, &[words]);
        let cold = Feed { has_had_probability: false, ..feed(603) };
        assert_eq!(cold.reasons()[1], "warming: no symbol has a probability yet");
    }

    #[test]
    fn a_restored_state_keeps_its_times_and_its_probability() {
        let restored = Feed { arrived_ago: None, ..feed(603) };
        assert!(restored.is_warm());
        let words = "no tick for 10m 3s; the newest is of 2027-01-15T07:49:57Z: every answer is stale";
        check(&restored, FeedState::Silent, &[words]);
        check(&Feed { arrived_ago: None, ..feed(5) }, FeedState::Fresh, &[]);
    }

    #[test]
    fn ticks_that_arrive_with_old_times_are_not_called_silence() {
        let words =
            "ticks come, but the newest is of 2026-01-15T08:00:00Z, 365d 0h ago: every answer is stale";
        check(&Feed { arrived_ago: Some(Duration::ZERO), ..feed(365 * 86_400) }, FeedState::Behind, &[words]);
    }

    #[test]
    fn a_simulated_market_may_be_ahead_of_the_clock_or_behind_it_but_not_silent() {
        let at_speed = |lead_s: i64| Feed {
            kind: SourceKind::Simulator,
            source: "simulator".to_owned(),
            arrived_ago: Some(Duration::ZERO),
            ..feed(-lead_s)
        };
        // Ten minutes after the start: at 100 times, 1 time, half of real time.
        check(&at_speed(600 * 99), FeedState::Fresh, &[]);
        check(&at_speed(0), FeedState::Fresh, &[]);
        assert_eq!(at_speed(600 * 99).age_ms(), Some(0));
        check(&at_speed(-300), FeedState::Behind, &[]);
        let words = "ticks come, but the newest is of 2027-01-15T07:55:00Z, 5m 0s ago: every answer is stale";
        assert_eq!(at_speed(-300).words(), words);
        let cold = Feed { has_had_probability: false, ..at_speed(-300) };
        check(&cold, FeedState::Behind, &["warming: no symbol has a probability yet"]);
        let stopped = Feed { arrived_ago: Some(Duration::from_secs(300)), ..at_speed(-300) };
        assert_eq!(stopped.state(), FeedState::Silent);
        assert!(stopped.reasons()[0].starts_with("no tick for 5m 0s; "));
    }

    #[test]
    fn a_finished_file_says_so_once_its_ticks_are_stale() {
        check(&finished(file(feed(5))), FeedState::Fresh, &[]);
        let words = "source finished: file a/*.gz is at its end, the newest tick is of 2027-01-15T05:55:00Z, 2h 5m ago";
        check(&finished(file(feed(7_500))), FeedState::Finished, &[words]);
        let words =
            "source finished: file a/*.gz is at its end, no tick has ever come from the source file a/*.gz";
        check(&finished(file(empty())), FeedState::NoTickYet, &[words]);
        let unread = finished(file(Feed { unreadable: vec![("not_json", 3)], ..empty() }));
        let words =
            "source finished: file a/*.gz is at its end, all records are unreadable: not_json (3 of 3)";
        check(&unread, FeedState::AllUnreadable, &[words]);
    }

    #[test]
    fn an_instance_whose_symbols_moved_away_does_not_say_that_none_ever_came() {
        let moved = Feed { newest_tick: None, ..feed(0) };
        assert_eq!(moved.state(), FeedState::NoSymbolHeld);
        assert!(moved.reasons()[0].contains("moved to other instances"));
    }

    #[test]
    fn durations_are_spoken_by_their_two_largest_units() {
        let spoken = |seconds| spoken(Duration::from_secs(seconds));
        assert_eq!([45, 603, 7_500, 31_550_400].map(spoken), ["45s", "10m 3s", "2h 5m", "365d 4h"]);
    }
}
