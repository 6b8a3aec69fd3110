//! How long it takes from the instant at which a tick should be sent to its committed prediction at a reader.

use std::{
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use rdkafka::consumer::{BaseConsumer, Consumer};
use serde::Serialize;

use crate::{
    Result,
    broker::{self, Progress},
    client::{Client, ClientArguments, cpu_s},
    outputs::source,
    pace::Paced,
    row::RowArguments,
};

/// Paced ticks before the measured ones.
const WARM_UP_S: f64 = 2.0;
/// Nothing new for so long: what is missing does not come.
const SILENCE_MAX: Duration = Duration::from_secs(20);
/// Until a client has worked off what others left in the log.
const READY_TIMEOUT: Duration = Duration::from_secs(300);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    client: ClientArguments,
    #[command(flatten)]
    row: RowArguments,
    /// Ticks a second.
    #[arg(long)]
    rate: f64,
    /// Seconds that are measured.
    #[arg(long)]
    seconds: f64,
    /// The client's commit interval, for the table.
    #[arg(long)]
    commit_interval_ms: u64,
}

#[derive(Serialize)]
struct Row<'a> {
    part: &'static str,
    name: &'a str,
    commit_interval_ms: u64,
    rate: f64,
    measured: u64,
    missing: u64,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    client_cores: f64,
    broker_cores: f64,
    /// How late the latest tick was sent.
    sent_late_ms: f64,
}

/// Waits until a group has committed all of a log.
pub(crate) fn await_ready(client: &mut Client, group: &str, ticks: &str) -> Result<()> {
    let ends = broker::ends(&broker::reader("read_uncommitted")?, ticks)?;
    let progress = Progress::new(group, ticks)?;
    let deadline = Instant::now() + READY_TIMEOUT;
    loop {
        client.check()?;
        let committed = progress.committed()?;
        if committed == ends {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("{group} is at {committed:?} of {ends:?}").into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A reader of what is committed from now on.
pub(crate) fn from_now(topic: &str) -> Result<BaseConsumer> {
    let reader = broker::reader("read_committed")?;
    let ends = broker::ends(&reader, topic)?;
    reader.assign(&broker::positions(topic, &ends)?)?;
    Ok(reader)
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let watched = &arguments.client;
    let group = watched.group.as_deref().ok_or("--group is needed: who is ready is told by its offsets")?;
    let paced = Paced::new(&watched.ticks, arguments.rate, WARM_UP_S + arguments.seconds)?;
    let mut client = Client::start(watched)?;
    await_ready(&mut client, group, &watched.ticks)?;
    let reader = from_now(&watched.output)?;
    let first_measured = (0..paced.len()).find(|&number| paced.due(number).as_secs_f64() >= WARM_UP_S);
    let first_measured = first_measured.ok_or("nothing is to be measured")?;

    let stop = AtomicBool::new(false);
    // The reader's first fetch is under way by then.
    let begin = Instant::now() + Duration::from_millis(500);
    let cpu_before = (cpu_s(client.pid())?, cpu_s(watched.broker_pid)?);
    let (histogram, latest) = std::thread::scope(|scope| {
        let feed = scope.spawn(|| paced.feed(begin, &stop).map_err(|error| error.to_string()));
        let histogram = read(&reader, &paced, begin, first_measured);
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        (histogram, feed.join())
    });
    let seconds = begin.elapsed().as_secs_f64();
    let cores = (
        (cpu_s(client.pid())? - cpu_before.0) / seconds,
        (cpu_s(watched.broker_pid)? - cpu_before.1) / seconds,
    );
    let histogram = histogram?;
    let latest = latest.map_err(|_| "the feed panicked")??;
    client.stop()?;
    let ms = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1e3;
    arguments.row.add(&Row {
        part: "latency",
        name: &watched.name,
        commit_interval_ms: arguments.commit_interval_ms,
        rate: arguments.rate,
        measured: histogram.len(),
        missing: (paced.len() - first_measured) as u64 - histogram.len(),
        p50_ms: ms(0.5),
        p99_ms: ms(0.99),
        max_ms: ms(1.0),
        client_cores: cores.0,
        broker_cores: cores.1,
        sent_late_ms: latest.as_secs_f64() * 1e3,
    })
}

/// Reads until every measured tick has its prediction; microseconds.
fn read(
    reader: &BaseConsumer,
    paced: &Paced,
    begin: Instant,
    first_measured: usize,
) -> Result<Histogram<u64>> {
    let mut histogram = Histogram::new(3)?;
    let mut newest = Instant::now();
    while (histogram.len() as usize) < paced.len() - first_measured && newest.elapsed() < SILENCE_MAX {
        let message = match reader.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => message,
            // The end of a partition is where the next record will be.
            Some(Err(rdkafka::error::KafkaError::PartitionEOF(_))) | None => continue,
            Some(Err(error)) => return Err(error.into()),
        };
        newest = Instant::now();
        let Some(number) = source(&message).and_then(|(partition, offset)| paced.number(partition, offset))
        else {
            continue;
        };
        if number >= first_measured {
            let latency = newest.saturating_duration_since(begin + paced.due(number));
            histogram.record(latency.as_micros() as u64)?;
        }
    }
    Ok(histogram)
}
