//! How long a client that was killed takes until it is live again, while ticks go on coming.

use std::{
    fs,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rdkafka::error::KafkaError;
use serde::Serialize;

use crate::{
    Result,
    broker::Progress,
    client::{Client, ClientArguments, resident_mib},
    latency::{await_ready, from_now},
    outputs::{self, source},
    pace::Paced,
    row::RowArguments,
};

/// Log line of an engine that is live.
const LIVE: &str = "all assigned partitions are live";
const LIVE_TIMEOUT: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(2);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    client: ClientArguments,
    #[command(flatten)]
    row: RowArguments,
    /// Ticks a second, of all symbols.
    #[arg(long)]
    rate: f64,
    /// Times it is killed.
    #[arg(long)]
    kills: usize,
    /// Seconds of ticks before each kill.
    #[arg(long)]
    seconds: f64,
}

#[derive(Serialize)]
struct Row<'a> {
    part: &'static str,
    name: &'a str,
    rate: f64,
    ticks_before: usize,
    resident_mib: f64,
    restarts: Vec<Restart>,
    outputs: outputs::Outputs,
}

/// Seconds of one restart.
#[derive(Serialize)]
struct Restart {
    kill_to_live_s: f64,
    start_to_live_s: f64,
    assignment_to_live_s: f64,
    /// Until a reader had the first prediction of a tick that was not committed when it was killed.
    kill_to_prediction_s: f64,
}

/// A committed prediction and when it was seen.
type Seen = (Instant, usize, usize);

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let watched = &arguments.client;
    let group = watched.group.as_deref().ok_or("--group is needed: who is ready is told by its offsets")?;
    let seconds = (arguments.kills + 1) as f64 * arguments.seconds + 60.0;
    let paced = Paced::new(&watched.ticks, arguments.rate, seconds)?;
    let (ticks_before, _) = crate::market::written(&watched.ticks)?;
    let mut client = Client::start(watched)?;
    await_ready(&mut client, group, &watched.ticks)?;
    let stop = AtomicBool::new(false);
    let seen: Mutex<Vec<Seen>> = Mutex::default();
    let (restarts, last) = std::thread::scope(|scope| {
        let feed = scope.spawn(|| paced.feed(Instant::now(), &stop).map_err(|error| error.to_string()));
        let reader = scope.spawn(|| read(&watched.output, &seen, &stop).map_err(|error| error.to_string()));
        let restarts = kill_again_and_again(arguments, group, client, &seen);
        stop.store(true, Ordering::Relaxed);
        let others = (feed.join(), reader.join());
        (restarts, others)
    });
    let (restarts, mut client) = restarts?;
    last.0.map_err(|_| "the feed panicked")??;
    last.1.map_err(|_| "the reader panicked")??;
    await_ready(&mut client, group, &watched.ticks)?;
    let resident_mib = resident_mib(client.pid())?;
    client.stop()?;
    let due = Progress::new(group, &watched.ticks)?.committed()?;
    let outputs = outputs::check(&watched.output, Some(&due))?;
    outputs.demand_once()?;
    arguments.row.add(&Row {
        part: "restart",
        name: &watched.name,
        rate: arguments.rate,
        ticks_before,
        resident_mib,
        restarts,
        outputs,
    })
}

fn kill_again_and_again(
    arguments: &Arguments,
    group: &str,
    mut client: Client,
    seen: &Mutex<Vec<Seen>>,
) -> Result<(Vec<Restart>, Client)> {
    let watched = &arguments.client;
    let progress = Progress::new(group, &watched.ticks)?;
    let mut restarts = Vec::new();
    for _ in 0..arguments.kills {
        std::thread::sleep(Duration::from_secs_f64(arguments.seconds));
        client.check()?;
        let log_before = fs::metadata(&watched.log)?.len() as usize;
        let killed = Instant::now();
        client.kill()?;
        client = Client::start(watched)?;
        // The new one needs longer than this question until it commits.
        let committed = progress.committed()?;
        let (live, assignment_to_live_s) = await_live(&mut client, watched, log_before)?;
        let first = first_prediction(seen, killed, &committed)?;
        restarts.push(Restart {
            kill_to_live_s: (live - killed).as_secs_f64(),
            start_to_live_s: (live - client.started).as_secs_f64(),
            assignment_to_live_s,
            kill_to_prediction_s: (first - killed).as_secs_f64(),
        });
    }
    Ok((restarts, client))
}

/// When the log says that all is live, and how long it says that took from the assignment, in seconds.
fn await_live(client: &mut Client, watched: &ClientArguments, log_before: usize) -> Result<(Instant, f64)> {
    let deadline = Instant::now() + LIVE_TIMEOUT;
    while Instant::now() < deadline {
        client.check()?;
        let log = fs::read(&watched.log)?;
        let text = String::from_utf8_lossy(&log[log_before..]);
        // Complete lines only.
        let lines = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
        if let Some(line) = lines.lines().find(|line| line.contains(LIVE)) {
            let line: serde_json::Value = serde_json::from_str(line)?;
            let restore_ms = line["restore_ms"].as_f64().ok_or("the line says restore_ms")?;
            return Ok((Instant::now(), restore_ms / 1e3));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Err(format!("{} is not live after {} s", watched.name, LIVE_TIMEOUT.as_secs()).into())
}

/// When the first prediction was seen of a tick that was not committed when the client was killed.
fn first_prediction(seen: &Mutex<Vec<Seen>>, killed: Instant, committed: &[i64]) -> Result<Instant> {
    let is_new = |&&(at, partition, offset): &&Seen| at > killed && offset as i64 >= committed[partition];
    let deadline = Instant::now() + LIVE_TIMEOUT;
    while Instant::now() < deadline {
        let mut seen = seen.lock().map_err(|_| "the reader panicked")?;
        if let Some(&(at, ..)) = seen.iter().find(is_new) {
            seen.clear();
            return Ok(at);
        }
        drop(seen);
        std::thread::sleep(LOOK_EVERY);
    }
    Err("no prediction came after the restart".into())
}

fn read(topic: &str, seen: &Mutex<Vec<Seen>>, stop: &AtomicBool) -> Result<()> {
    let reader = from_now(topic)?;
    while !stop.load(Ordering::Relaxed) {
        match reader.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                let (partition, offset) = source(&message).ok_or("a prediction has no header src")?;
                seen.lock().map_err(|_| "the list is broken")?.push((Instant::now(), partition, offset));
            }
            Some(Err(KafkaError::PartitionEOF(_))) | None => {}
            Some(Err(error)) => return Err(error.into()),
        }
    }
    Ok(())
}
