//! `stormglass replay`: recorded ticks to a Kafka topic, or to standard output as records of our own shape.

use std::io::Write;

use clap::{Args, ValueEnum};
use engine::{
    decode::Unreadable,
    encode::encode,
    source::{Run, SourceConfig, SourceEvent, StopToken, TickSink},
    symbol::Offset,
    tick::{EventTime, Tick},
};

use super::{ConfigArgument, Exit, Failure, progress::ReplayBar};
use crate::{config::values::Speed, http::answer::wall_clock_nanos, wiring};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Destination {
    /// The topic kafka.topic_raw of kafka.bootstrap_servers.
    Kafka,
    /// Standard output, one JSON object a line.
    Stdout,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass replay --input 'ticks/*.ndjson.gz' --to kafka --speed max
  stormglass replay --input 'ticks/*.ndjson.gz' --to kafka --speed 10 --shift-to-now
  stormglass replay --input coinbase_BTC-USD_trades.csv --to stdout --speed max")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// Globs of recorded ticks, oldest data first.
    #[arg(long, value_name = "GLOB", num_args = 1.., required = true)]
    input: Vec<String>,
    /// Where the ticks go.
    #[arg(long, value_enum)]
    to: Destination,
    /// The topic, instead of kafka.topic_raw.
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Times recorded speed, or max.
    #[arg(long, value_name = "X|max", default_value = "1")]
    speed: Speed,
    /// Shift all times so that the first tick happens now. Without it, ticks older than what the topic holds are refused.
    #[arg(long)]
    shift_to_now: bool,
}

pub(super) fn run(arguments: Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let mut layers = arguments.config.layers();
    layers.flags.extend(arguments.topic.map(|topic| ("kafka.topic_raw", topic, "--topic")));
    let config = layers.load(&super::ProcessEnvironment)?.config;
    let source = SourceConfig::File(wiring::files(&config, &arguments.input, arguments.speed))
        .open()
        .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    let now = EventTime::from_nanos(wall_clock_nanos()).unwrap_or(EventTime::MAX);
    let first_at = arguments.shift_to_now.then_some(now);
    let replay = |sink: &mut dyn TickSink| {
        let (stop, mut bar) = (StopToken::default(), ReplayBar::default());
        let mut run = Run { now, sink, stop: &stop, progress: &mut bar };
        source.run(&mut run).map_err(|error| Failure::new(Exit::Failed, error.to_string()))
    };
    match arguments.to {
        Destination::Stdout => {
            let mut sink = Lines { out, shift_ns: None, first_at, text: String::new(), broken: None };
            replay(&mut sink)?;
            sink.broken.map_or(Ok(()), |error| Err(super::print_failed(error)))
        }
        #[cfg(feature = "kafka")]
        Destination::Kafka => to_kafka(&config, first_at, replay, out),
        #[cfg(not(feature = "kafka"))]
        Destination::Kafka => {
            Err(Failure::new(Exit::Configuration, "this program was built without the feature kafka"))
        }
    }
}

#[cfg(feature = "kafka")]
fn to_kafka<T>(
    config: &crate::config::Config,
    first_at: Option<EventTime>,
    replay: impl FnOnce(&mut dyn TickSink) -> Result<T, Failure>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    use engine::kafka::TopicSink;
    if config.kafka.bootstrap_servers.get().is_none() {
        let message = "kafka.bootstrap_servers (KAFKA_BOOTSTRAP_SERVERS) is empty; name a broker";
        return Err(Failure::new(Exit::Configuration, message));
    }
    let settings =
        wiring::kafka_settings(config).map_err(|message| Failure::new(Exit::Configuration, message))?;
    let topic = settings.topic_raw.clone();
    let failed = |message: String| Failure::new(Exit::Failed, message);
    let mut sink = TopicSink::open(&settings, first_at).map_err(|error| failed(error.to_string()))?;
    let newest = sink.newest();
    replay(&mut sink)?;
    let refused = sink.refused();
    let counts = sink.finish();
    writeln!(
        out,
        "{} ticks delivered to {topic}, {} not delivered, {} unreadable",
        counts.delivered, counts.failed, counts.unreadable
    )
    .map_err(super::print_failed)?;
    if let (Some(refused), Some(newest)) = (refused, newest) {
        return Err(failed(format!(
            "{topic} holds ticks up to {newest}, and the recording begins at {refused}: its ticks would be late; \
             use --shift-to-now, or another --topic"
        )));
    }
    match counts.failure {
        Some(failure) => Err(failed(failure)),
        None => Ok(()),
    }
}

/// One record a line.
struct Lines<'a> {
    out: &'a mut dyn Write,
    shift_ns: Option<i64>,
    first_at: Option<EventTime>,
    text: String,
    broken: Option<std::io::Error>,
}

impl TickSink for Lines<'_> {
    fn tick(&mut self, venue: &str, product: &str, _: Offset, _: u32, tick: Tick) {
        let first_at = self.first_at.unwrap_or(tick.event_time);
        let shift_ns = *self.shift_ns.get_or_insert(first_at.nanos() - tick.event_time.nanos());
        let Some(event_time) = EventTime::from_nanos(tick.event_time.nanos() + shift_ns) else { return };
        encode(venue, product, &Tick { event_time, ..tick }, &mut self.text);
        if let Err(error) = writeln!(self.out, "{}", self.text) {
            self.broken.get_or_insert(error);
        }
    }
    fn unreadable(&mut self, _: Offset, reason: Unreadable, _: &[u8]) {
        eprintln!("stormglass: a record was left out: {reason}");
    }
    fn event(&mut self, _: SourceEvent) {}
    fn flush(&mut self) {}
}
