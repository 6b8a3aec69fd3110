//! `stormglass record`: what a source brings, into files or into a topic.

#[cfg(feature = "kafka")]
mod to_kafka;
#[cfg(feature = "kafka")]
mod topic;

use std::{io::Write, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use engine::{
    intake::{Progress, RecordEvent, ReorderSettings, Tally, TickSink},
    recording::{TickFileSettings, TickFiles},
    source::{Run, SourceEnd},
    stop::StopToken,
    symbol::Offset,
    tick::{EventTime, Tick},
};

use super::{
    ConfigArgument, Exit, Failure, print_failed, progress::bar, signals::stopped_by_signals,
    source::SourceArguments,
};
use crate::{
    config::{Config, Layers, ProcessEnvironment, sections::SourceKind},
    http::answer::wall_clock_nanos,
    tick_sum::TickSum,
    wiring,
};

/// How often the time is looked at at which a recording ends.
const LOOK: Duration = Duration::from_millis(50);
/// Ticks between two moves of the line at a terminal.
const TICKS_PER_REPORT: u64 = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Destination {
    /// Files in --output.
    Files,
    /// The topic kafka.topic_raw of kafka.bootstrap_servers, keyed by symbol.
    Kafka,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Compression {
    /// Plain lines.
    None,
    /// Frames of zstd, one for each flush.
    Zstd,
}

#[derive(Debug, Args)]
#[command(mut_arg("source", |source| source.required(true)), after_help = "Examples:
  stormglass record --source coinbase --products BTC-USD,ETH-USD --output ticks --compress zstd
  stormglass record --source simulator --output ticks --minutes 5
  stormglass record --source 'file:raw/*.csv' --speed max --output ticks --compress zstd    every format to one
  stormglass record --source simulator --output . --name ticks_BTCUSD     ticks_BTCUSD_20251108_151231.ndjson
  stormglass record --source simulator --to kafka --allow-simulated       an ingest: ticks keyed by symbol
  stormglass record --source kafka --output backup                        kafka.topic_raw up to its present end
  stormglass record --source kafka --output backup --topic predictions
  stormglass record --source kafka --output backup --follow               goes on until SIGINT or SIGTERM

Records of JSON are kept as they came, other ticks as our own record, one a line; `serve --source file:…` reads both. A
file ends in .part until it is whole, and loses at most --flush-s of ticks in a crash.

From Kafka, each line holds topic, partition, offset, timestamp_ms, key, headers, and the value as text under raw
(raw_base64 where it is not UTF-8), in TOPIC.pPARTITION.FIRST-LAST.ndjson.gz. Another run goes on behind the last
one's end. Whatever has its final name is whole.")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    #[command(flatten)]
    source: SourceArguments,
    /// Where the records go.
    #[arg(long, value_enum, default_value = "files")]
    to: Destination,
    /// The directory of the files.
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// What the files' names begin with; NAME_YYYYMMDD_HHMMSS.ndjson.
    #[arg(long, value_name = "NAME", default_value = "ticks")]
    name: String,
    /// How the files are packed. Those of the source kafka are packed by gzip.
    #[arg(long, value_enum, default_value = "none")]
    compress: Compression,
    /// The topic, instead of kafka.topic_raw.
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// The brokers, host:port separated by commas; kafka.bootstrap_servers if left out.
    #[arg(long, value_name = "SERVERS")]
    bootstrap_servers: Option<String>,
    /// Let simulated ticks into a topic. Every prediction made of them says so.
    #[arg(long)]
    allow_simulated: bool,
    /// With the source kafka: go on behind the topic's present end, until told to stop.
    #[arg(long)]
    follow: bool,
    /// End after this many minutes.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=525_600))]
    minutes: Option<u64>,
    /// Begin another file after so many megabytes of lines, before packing.
    #[arg(long, value_name = "MB", default_value = "256", value_parser = clap::value_parser!(u64).range(1..=65_536))]
    rotate_mb: u64,
    /// Begin another file after so many minutes; with the source kafka, what a crash costs to read again.
    #[arg(long, value_name = "MINUTES", default_value = "10", value_parser = clap::value_parser!(u64).range(1..=1_440))]
    rotate_minutes: u64,
    /// Have the lines on the disk after so many seconds: what a crash costs.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    flush_s: u64,
}

impl Arguments {
    fn load(&self) -> Result<Config, Failure> {
        let mut layers: Layers = self.config.clone().layers();
        self.source.clone().lay_over(&mut layers);
        let flags = &mut layers.flags;
        flags.extend(self.topic.clone().map(|topic| ("kafka.topic_raw", topic, "--topic")));
        let servers = self.bootstrap_servers.clone();
        flags.extend(servers.map(|servers| ("kafka.bootstrap_servers", servers, "--bootstrap-servers")));
        Ok(layers.load(&ProcessEnvironment)?.config)
    }

    /// What the flags ask for and cannot be done.
    fn refusal(&self, kind: SourceKind) -> Option<&'static str> {
        let to_kafka = self.to == Destination::Kafka;
        match kind {
            SourceKind::None => Some("--source none brings nothing; name a source"),
            SourceKind::Kafka if to_kafka => {
                Some("--source kafka and --to kafka: use `stormglass rekey` to write a topic anew")
            }
            SourceKind::Kafka if self.compress != Compression::None => {
                Some("--compress is not for --source kafka, whose files are packed by gzip")
            }
            SourceKind::Simulator if to_kafka && !self.allow_simulated => Some(
                "simulated ticks do not go into a topic unasked; add --allow-simulated, every prediction made of them \
                 says so",
            ),
            _ if !to_kafka && self.output.is_none() => {
                Some("--output is missing; name the directory of the files")
            }
            _ if to_kafka && !cfg!(feature = "kafka") => {
                Some("this program was built without the feature kafka")
            }
            _ if kind != SourceKind::Kafka && self.follow => Some("--follow is for --source kafka alone"),
            _ => None,
        }
    }
}

pub(super) fn run(arguments: Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let config = arguments.load()?;
    let kind = config.source.kind;
    let refused = |why: String| Failure::new(Exit::Configuration, why);
    if let Some(why) = arguments.refusal(kind) {
        return Err(refused(why.to_owned()));
    }
    let stop = stopped_by_signals()?;
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let at_most = arguments.minutes.map(minutes);
    let directory = arguments.output.clone().unwrap_or_default();
    let (bytes_max, age_max) = (arguments.rotate_mb << 20, minutes(arguments.rotate_minutes));
    #[cfg(feature = "kafka")]
    if kind == SourceKind::Kafka {
        let limits = topic::Limits { bytes_max, age_max, follow: arguments.follow, at_most };
        return topic::run(&config, &directory, &limits, &stop, out);
    }
    if let Some(at_most) = at_most {
        stop_after(at_most, stop.clone());
    }
    match arguments.to {
        Destination::Files => {
            let settings = TickFileSettings {
                directory: directory.clone(),
                name: arguments.name,
                compress: arguments.compress == Compression::Zstd,
                bytes_max,
                age_max,
                flush_every: Duration::from_secs(arguments.flush_s),
            };
            let failed =
                |error: engine::recording::TickFileError| Failure::new(Exit::Failed, error.to_string());
            let mut files = TickFiles::open(settings, stop.clone()).map_err(failed)?;
            let given = give(&config, &stop, &mut files);
            let counts = files.finish().map_err(failed)?;
            let directory = directory.display();
            writeln!(out, "{} records in {} files in {directory}", counts.lines, counts.files)
                .map_err(print_failed)?;
            given
        }
        #[cfg(feature = "kafka")]
        Destination::Kafka => to_kafka::run(&config, |sink| give(&config, &stop, sink), out),
        #[cfg(not(feature = "kafka"))]
        Destination::Kafka => Err(refused("this program was built without the feature kafka".to_owned())),
    }
}

/// Gives what the source brings to the sink, until its end or a stop, and prints what became of the records.
fn give(config: &Config, stop: &StopToken, sink: &mut dyn TickSink) -> Result<(), Failure> {
    let refused = |why: String| Failure::new(Exit::Configuration, why);
    let failed = |why: String| Failure::new(Exit::Failed, why);
    let source = wiring::source_config(config).map_err(refused)?;
    let source = source.open().map_err(|error| refused(error.to_string()))?;
    let reorder = ReorderSettings {
        bound: config.source.reorder(),
        by_wall_time: config.source.kind == SourceKind::Live,
    };
    let now = EventTime::from_nanos(wall_clock_nanos()).unwrap_or(EventTime::MAX);
    let mut heard = Heard::default();
    let keeps_records = config.source.kind == SourceKind::Live || !config.source.says_how_records_are_read();
    let mut shown = Shown { sink, keeps_records, bar: bar(0, "{elapsed} {msg}"), ticks: 0 };
    let ended: Option<Result<SourceEnd, _>> =
        reorder.in_order(&mut shown, |sink| source.run(&mut Run { now, sink, stop, progress: &mut heard }));
    shown.bar.finish_and_clear();
    let Heard(tally) = heard;
    let sum = TickSum::of_records(tally);
    if sum.tally.records > 0 {
        eprintln!("{sum}");
    }
    match ended {
        Some(ended) => ended.map(drop).map_err(|error| failed(error.to_string()))?,
        None => return Err(refused("this source cannot be recorded".to_owned())),
    }
    // A simulator has no records, and a live feed that is stopped early may have had none yet.
    let failure = sum.failure().filter(|_| config.source.kind == SourceKind::File);
    failure.map_or(Ok(()), |failure| Err(failed(failure)))
}

/// Keeps the sum of the records.
#[derive(Default)]
struct Heard(Tally);

impl Progress for Heard {
    fn advanced(&mut self, _: u64, _: u64, _: u64) {}

    fn ended(&mut self, tally: &Tally) {
        self.0 = tally.clone();
    }
}

/// Shows at a terminal how many ticks went by, and passes everything on.
struct Shown<'a> {
    sink: &'a mut dyn TickSink,
    /// Whether records are kept as they came. One that is read by the settings would be read otherwise without them.
    keeps_records: bool,
    bar: indicatif::ProgressBar,
    ticks: u64,
}

impl TickSink for Shown<'_> {
    fn record(&mut self, record_offset: Offset, record: &[u8]) {
        if self.keeps_records {
            self.sink.record(record_offset, record);
        }
    }

    fn tick(&mut self, venue: &str, product: &str, record_offset: Offset, index: u32, tick: Tick) {
        self.sink.tick(venue, product, record_offset, index, tick);
        self.ticks += 1;
        if self.ticks.is_multiple_of(TICKS_PER_REPORT) {
            self.bar.set_message(format!("{} ticks, up to {}", self.ticks, tick.event_time));
        }
    }

    fn event(&mut self, record_offset: Offset, event: RecordEvent) {
        self.sink.event(record_offset, event);
    }

    fn flush(&mut self) {
        self.sink.flush();
        self.bar.tick();
    }
}

/// Tells a source to stop once so much time has passed.
fn stop_after(at_most: Duration, stop: StopToken) {
    let started = std::time::Instant::now();
    std::thread::spawn(move || {
        while !stop.is_stopped() {
            let Some(left) = at_most.checked_sub(started.elapsed()) else { return stop.stop() };
            std::thread::sleep(left.min(LOOK));
        }
    });
}
