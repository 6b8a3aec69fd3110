//! `stormglass replay`: recorded ticks to a Kafka topic, to a running service, or to standard output.

mod http;
#[cfg(feature = "kafka")]
mod kafka;
mod stdout;

use std::io::Write;

use clap::{Args, ValueEnum};
use engine::{
    intake::{RecordPlace, RecordRules, ReorderSettings, Tally, TickSink},
    recording::{MergedByTime, PartitionedLog, Recording},
    source::{
        Run,
        file::FileSource,
        pace::{MonotonicClock, Pacer, Speed},
    },
    stop::StopToken,
    tick::EventTime,
};

use super::{
    ConfigArgument, Exit, Failure,
    progress::{ReplayBar, bar},
    records::RecordArguments,
};
use crate::{http::answer::wall_clock_nanos, tick_sum::TickSum, wiring};

/// Records between two moves of the bar.
const RECORDS_PER_REPORT: u64 = 1_024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Destination {
    /// The topic kafka.topic_raw of kafka.bootstrap_servers.
    Kafka,
    /// Standard output, one JSON object a line.
    Stdout,
    /// A service's POST /predict: each tick as the row of features that the engine makes of it.
    Http,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass replay --input 'ticks/*.ndjson.gz' --to kafka --speed max
  stormglass replay --input 'ticks/*.ndjson.gz' --to kafka --speed 10 --shift-to-now
  stormglass replay --input 'backup/ticks.raw.*' --to kafka --speed max       what `record` kept, as it was
  stormglass replay --input coinbase_BTC-USD_trades.csv --to stdout --speed max
  stormglass replay --input 'ticks/*.ndjson.gz' --to http --url http://localhost:8000 --speed max

What `record` kept goes back with its bytes, keys, headers, times and partition numbers, all partitions merged by time;
with --shift-to-now or --assume-tz it is read and written anew, as any other recording is.

No route takes ticks: a service's state comes from its source alone. So --to http makes the features of each tick by the
engine's own core and posts them as rows; features without a value are left out (predict.missing = \"nan\" takes such rows).")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    #[command(flatten)]
    records: RecordArguments,
    /// Take records without a single tick for a success (source.allow_empty).
    #[arg(long)]
    allow_empty: bool,
    /// Globs of recorded ticks, oldest data first.
    #[arg(long, value_name = "GLOB", num_args = 1.., required = true)]
    input: Vec<String>,
    /// Where the ticks go.
    #[arg(long, value_enum)]
    to: Destination,
    /// The topic, instead of kafka.topic_raw.
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// The brokers, host:port separated by commas; kafka.bootstrap_servers if left out.
    #[arg(long, value_name = "SERVERS")]
    bootstrap_servers: Option<String>,
    /// The service, http://HOST:PORT, for --to http.
    #[arg(long, value_name = "URL", required_if_eq("to", "http"))]
    url: Option<String>,
    /// Rows of one request, for --to http.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u64).range(1..=1_000))]
    rows_per_request: u64,
    /// Times recorded speed, or max.
    #[arg(long, value_name = "X|max", default_value = "1")]
    speed: Speed,
    /// Shift all times so that the first tick happens now. Without it, ticks older than what the topic holds are
    /// refused.
    #[arg(long)]
    shift_to_now: bool,
}

/// The input of a replay.
pub(super) enum Input {
    /// Files of recorded ticks, in any format that is read.
    Files(FileSource),
    /// Files that `stormglass record` wrote.
    Recording { recording: Recording, rules: RecordRules },
}

/// The input of a replay, its speed, the venue and zone of records that name none, and the shift of its times.
pub(super) struct Plan {
    pub(super) input: Input,
    speed: Speed,
    /// Whether the settings say how records are read.
    #[cfg(feature = "kafka")]
    is_told: bool,
    /// Whether records without a tick are a success.
    allow_empty: bool,
    now: EventTime,
    /// Event time that the first tick is moved to; `None` if times stay.
    first_at: Option<EventTime>,
    reorder: ReorderSettings,
}

pub(super) fn run(arguments: Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let mut layers = arguments.config.layers();
    arguments.records.lay_over(&mut layers);
    if arguments.allow_empty {
        layers.flags.push(("source.allow_empty", "true".to_owned(), "--allow-empty"));
    }
    let is_topic_named = arguments.topic.is_some();
    layers.flags.extend(arguments.topic.map(|topic| ("kafka.topic_raw", topic, "--topic")));
    let servers = arguments
        .bootstrap_servers
        .map(|servers| ("kafka.bootstrap_servers", servers, "--bootstrap-servers"));
    layers.flags.extend(servers);
    let config = layers.load(&super::ProcessEnvironment)?.config;
    let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, error.to_string());
    let input = if Recording::is_one(&arguments.input) {
        let recording = Recording::open(&arguments.input).map_err(|error| failed(&error))?;
        let rules = wiring::record_rules(&config);
        Input::Recording { recording, rules: rules.map_err(|why| Failure::new(Exit::Configuration, why))? }
    } else {
        let files = FileSource::open(&wiring::files(&config, &arguments.input, arguments.speed));
        Input::Files(files.map_err(|error| failed(&error))?)
    };
    let now = EventTime::from_nanos(wall_clock_nanos()).unwrap_or(EventTime::MAX);
    let plan = Plan {
        input,
        speed: arguments.speed,
        #[cfg(feature = "kafka")]
        is_told: config.source.says_how_records_are_read(),
        allow_empty: config.source.allow_empty,
        now,
        first_at: arguments.shift_to_now.then_some(now),
        reorder: ReorderSettings { bound: config.source.reorder(), by_wall_time: false },
    };
    match arguments.to {
        Destination::Stdout => stdout::run(&plan, out),
        Destination::Http => {
            let url = arguments.url.unwrap_or_default();
            let rows = usize::try_from(arguments.rows_per_request).unwrap_or(1);
            http::run(&plan, &url, rows, wiring::state_settings(&config), out)
        }
        #[cfg(feature = "kafka")]
        Destination::Kafka => kafka::run(&plan, &config, is_topic_named, out),
        #[cfg(not(feature = "kafka"))]
        Destination::Kafka => {
            let _ = is_topic_named;
            Err(Failure::new(Exit::Configuration, "this program was built without the feature kafka"))
        }
    }
}

impl Plan {
    /// Whether records go as they are, because they say the same to every reader, and their times are not to change.
    #[cfg(feature = "kafka")]
    pub(super) fn is_verbatim(&self) -> bool {
        self.first_at.is_none() && !self.is_told
    }

    /// Whether times are moved so that the first tick happens now.
    #[cfg(feature = "kafka")]
    pub(super) fn is_shifted(&self) -> bool {
        self.first_at.is_some()
    }

    /// An error if no tick was found in the records, unless that is allowed.
    pub(super) fn require_ticks(&self, sum: &TickSum) -> Result<(), Failure> {
        match sum.failure() {
            Some(failure) if !self.allow_empty => Err(Failure::new(Exit::Failed, failure)),
            _ => Ok(()),
        }
    }

    /// Hands all ticks to the sink, each when its time has come, and prints what became of the records.
    pub(super) fn replay(&self, sink: &mut dyn TickSink) -> Result<TickSum, Failure> {
        let (tally, ended) = self.reorder.in_order(sink, |sink| self.read(sink));
        let sum = TickSum::of_records(tally);
        eprintln!("{sum}");
        ended.map(|()| sum)
    }

    /// Reads the records, and returns their tally and whether the input could be read to its end.
    fn read(&self, sink: &mut dyn TickSink) -> (Tally, Result<(), Failure>) {
        let stop = StopToken::default();
        match &self.input {
            Input::Files(source) => {
                let mut bar = ReplayBar::default();
                let ended = source.run(&mut Run { now: self.now, sink, stop: &stop, progress: &mut bar });
                let ended = ended.map(|_| ()).map_err(|error| Failure::new(Exit::Failed, error.to_string()));
                (bar.tally(), ended)
            }
            Input::Recording { recording, rules } => {
                let (mut reader, mut format) = (rules.reader(), rules.format.clone());
                let mut pacer = self.pacer();
                let ended = self.for_each_record(recording, |record| {
                    let value = record.value.as_deref().unwrap_or_default();
                    let place = RecordPlace::Log { partition: record.partition, offset: record.offset };
                    if let Some(event_time) = reader.read(value, &mut format) {
                        pacer.wait_for(event_time, sink, &stop);
                    }
                    reader.hand_over(value, place, sink);
                    true
                });
                sink.flush();
                (reader.tally().clone(), ended)
            }
        }
    }

    pub(super) fn pacer(&self) -> Pacer<MonotonicClock> {
        Pacer::new(self.speed, MonotonicClock::default())
    }

    /// Calls `take` with the records of all partitions in the order of time, until it returns false.
    pub(super) fn for_each_record(
        &self,
        recording: &Recording,
        mut take: impl FnMut(&engine::recording::LogRecord) -> bool,
    ) -> Result<(), Failure> {
        let failed = |error: engine::recording::LogError| Failure::new(Exit::Failed, error.to_string());
        let partitions = recording.partitions();
        let total = partitions.iter().map(|&partition| recording.length(partition)).sum();
        let bar = bar(total, "{bar:40} {pos}/{len} records");
        let mut taken = 0_u64;
        for record in MergedByTime::new(recording.read(&partitions).map_err(failed)?) {
            if !take(&record.map_err(failed)?) {
                break;
            }
            taken += 1;
            if taken.is_multiple_of(RECORDS_PER_REPORT) {
                bar.set_position(taken);
            }
        }
        bar.finish_and_clear();
        Ok(())
    }
}
