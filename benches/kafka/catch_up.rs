//! How fast a client gets through a backlog, and what it costs.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::{
    Result,
    broker::{self, Progress},
    client::{Client, ClientArguments, cpu_s, resident_mib},
    outputs::{self, Outputs},
    row::RowArguments,
};

const SAMPLE_EVERY: Duration = Duration::from_millis(50);
/// Nothing new for so long is a hang.
const HANG: Duration = Duration::from_secs(90);
/// The part of the backlog that is measured: behind start-up, caches and just-in-time compilers, before the end.
const FROM: f64 = 0.2;
/// See [`FROM`].
const TO: f64 = 0.95;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    client: ClientArguments,
    #[command(flatten)]
    row: RowArguments,
    /// Ticks after which a slow client has shown enough.
    #[arg(long)]
    ticks_max: Option<usize>,
    /// Its delivery allows repeats.
    #[arg(long)]
    at_least_once: bool,
}

#[derive(Serialize)]
struct Row<'a> {
    part: &'static str,
    name: &'a str,
    ticks: usize,
    ticks_per_s: f64,
    client_us_per_tick: f64,
    broker_us_per_tick: f64,
    client_cores: f64,
    broker_cores: f64,
    resident_mib: f64,
    /// From its start until its first commit was seen.
    first_commit_s: f64,
    whole_s: f64,
    outputs: Outputs,
}

#[derive(Clone, Copy)]
struct Sample {
    at: Instant,
    done: f64,
    client_s: f64,
    broker_s: f64,
}

/// How far a client is, in ticks.
enum Watch {
    Group(Progress),
    Output(rdkafka::consumer::BaseConsumer, String),
}

impl Watch {
    fn new(client: &ClientArguments) -> Result<Self> {
        Ok(match &client.group {
            Some(group) => Self::Group(Progress::new(group, &client.ticks)?),
            None => Self::Output(broker::reader("read_uncommitted")?, client.output.clone()),
        })
    }

    fn done(&self) -> Result<i64> {
        let offsets = match self {
            Self::Group(progress) => progress.committed()?,
            Self::Output(reader, topic) => broker::ends(reader, topic)?,
        };
        Ok(offsets.iter().sum())
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let watched = &arguments.client;
    let ends = broker::ends(&broker::reader("read_uncommitted")?, &watched.ticks)?;
    let total = ends.iter().sum::<i64>() as usize;
    let goal = arguments.ticks_max.unwrap_or(total).min(total) as f64;
    broker::create(&watched.output, ends.len() as i32)?;
    let watch = Watch::new(watched)?;
    let mut client = Client::start(watched)?;
    let mut samples: Vec<Sample> = Vec::new();
    let mut moved = Instant::now();
    loop {
        client.check()?;
        let done = watch.done()? as f64;
        let sample = Sample {
            at: Instant::now(),
            done,
            client_s: cpu_s(client.pid())?,
            broker_s: cpu_s(watched.broker_pid)?,
        };
        if samples.last().is_none_or(|last| last.done < done) {
            moved = Instant::now();
        }
        samples.push(sample);
        if done >= goal {
            break;
        }
        if moved.elapsed() > HANG {
            return Err(format!("{} stays at {done} of {goal} ticks", watched.name).into());
        }
        std::thread::sleep(SAMPLE_EVERY);
    }
    let whole_s = client.started.elapsed().as_secs_f64();
    let resident_mib = resident_mib(client.pid())?;
    let first = samples.iter().find(|sample| sample.done > 0.0).ok_or("nothing was committed")?;
    let first_commit_s = (first.at - client.started).as_secs_f64();
    client.stop()?;

    let due = match &watch {
        Watch::Group(progress) => Some(progress.committed()?),
        Watch::Output(..) => None,
    };
    let outputs = outputs::check(&watched.output, due.as_deref())?;
    if !arguments.at_least_once {
        outputs.demand_once()?;
    }
    let past =
        |share: f64| samples.iter().find(|sample| sample.done >= share * goal).ok_or("too few samples");
    // The first of few commits of a small backlog may lie beyond the measured part: then all of it is measured.
    let (mut from, mut to) = (*past(FROM)?, *past(TO)?);
    if from.done >= to.done {
        (from, to) = (samples[0], samples[samples.len() - 1]);
    }
    let (ticks, seconds) = (to.done - from.done, (to.at - from.at).as_secs_f64());
    let (client_s, broker_s) = (to.client_s - from.client_s, to.broker_s - from.broker_s);
    arguments.row.add(&Row {
        part: "catch-up",
        name: &watched.name,
        ticks: ticks as usize,
        ticks_per_s: ticks / seconds,
        client_us_per_tick: client_s / ticks * 1e6,
        broker_us_per_tick: broker_s / ticks * 1e6,
        client_cores: client_s / seconds,
        broker_cores: broker_s / seconds,
        resident_mib,
        first_commit_s,
        whole_s,
        outputs,
    })
}
