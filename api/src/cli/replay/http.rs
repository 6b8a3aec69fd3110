//! Replays to a running service: each accepted tick becomes the row of features that the engine's core makes of it, and
//! rows are posted to `/predict`. One connection, one request at a time.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::Write,
    sync::Arc,
    time::{Duration, Instant},
};

use engine::{
    features,
    intake::{RecordEvent, TickSink},
    message::{Batch, Control, Epoch, Message, RoutedTick},
    metrics::ShardMetrics,
    shard::{NoOut, ShardCore},
    state::StateSettings,
    symbol::{Offset, Partition, Position, SymbolKey, SymbolTable},
    tick::{EventTime, Tick},
};
use tokio::sync::oneshot;

use super::Plan;
use crate::{
    cli::{Exit, Failure, print_failed},
    client::{BlockingClient, ClientError, Target},
};

pub(super) fn run(
    plan: &Plan,
    url: &str,
    rows_per_request: usize,
    settings: StateSettings,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let service = Service::find(url)?;
    let mut sink = Rows {
        core: ShardCore::new(settings, None, Arc::new(ShardMetrics::default())),
        names: SymbolTable::default(),
        features: features::schema().into_iter().map(|feature| feature.name).collect(),
        offset: 0,
        first_at: plan.first_at,
        shift_ns: None,
        body: String::new(),
        rows: 0,
        rows_per_request,
        service: &service,
        counts: Counts::default(),
        broken: None,
    };
    let sum = plan.replay(&mut sink)?;
    sink.post();
    let Rows { counts, broken, .. } = sink;
    let statuses: Vec<String> =
        counts.by_status.iter().map(|(status, count)| format!("{count} answered {status}")).collect();
    let requests: u64 = counts.by_status.values().sum();
    writeln!(
        out,
        "{} ticks, {} rows in {requests} requests: {}; {} unreadable",
        counts.ticks,
        counts.rows,
        if statuses.is_empty() { "none".to_owned() } else { statuses.join(", ") },
        counts.unreadable
    )
    .map_err(print_failed)?;
    if let Some(broken) = broken {
        return Err(broken);
    }
    match counts.first_refusal {
        Some(refusal) => Err(Failure::new(Exit::Failed, format!("first refusal: {refusal}"))),
        None => plan.require_ticks(&sum),
    }
}

#[derive(Default)]
struct Counts {
    ticks: u64,
    rows: u64,
    unreadable: u64,
    by_status: BTreeMap<u16, u64>,
    /// Body of the first answer whose status is not 200.
    first_refusal: Option<String>,
}

/// Turns each tick into a row of features, and posts rows to the service.
struct Rows<'a> {
    core: ShardCore,
    names: SymbolTable,
    features: Vec<String>,
    /// Number of ticks so far. As the offset of a tick, it shows whether the core's newest prediction is of that tick.
    offset: u64,
    first_at: Option<EventTime>,
    shift_ns: Option<i64>,
    body: String,
    rows: usize,
    rows_per_request: usize,
    service: &'a Service,
    counts: Counts,
    broken: Option<Failure>,
}

impl Rows<'_> {
    /// The features at a tick; `None` if the core dropped the tick.
    fn row(&mut self, venue: &str, product: &str, tick: Tick) -> Option<Vec<f32>> {
        let symbol = self.names.intern(venue, product).ok()?;
        let key = SymbolKey { partition: Partition(0), symbol: symbol.id };
        let position = Position { partition: key.partition, offset: Offset(self.offset), index: 0 };
        self.offset += 1;
        let ticks = vec![RoutedTick { key, position, epoch: Epoch::NONE, tick }];
        let (reply, mut answer) = oneshot::channel();
        let mut messages = vec![
            Message::Ticks(Batch { new_symbols: vec![symbol], ticks, reply: None }),
            Message::Control(Control::Features { symbol: key, model: None, reply }),
        ];
        self.core.step(Instant::now(), &mut messages, &mut NoOut);
        let answer = answer.try_recv().ok()??;
        (answer.prediction.position() == position).then_some(answer.row)
    }

    fn add(&mut self, row: &[f32]) {
        self.body.push_str(if self.rows == 0 { "{\"rows\":[{" } else { ",{" });
        let mut comma = "";
        for (name, value) in self.features.iter().zip(row).filter(|(_, value)| value.is_finite()) {
            write!(self.body, "{comma}\"{name}\":{value}").expect("a string takes every character");
            comma = ",";
        }
        self.body.push('}');
        self.rows += 1;
        self.counts.rows += 1;
    }

    fn post(&mut self) {
        if self.rows == 0 || self.broken.is_some() {
            return;
        }
        self.body.push_str("]}");
        self.rows = 0;
        match self.service.post(std::mem::take(&mut self.body)) {
            Ok((status, body)) => {
                *self.counts.by_status.entry(status).or_default() += 1;
                if status != 200 {
                    self.counts.first_refusal.get_or_insert(body);
                }
            }
            Err(failure) => self.broken = Some(failure),
        }
    }
}

impl TickSink for Rows<'_> {
    fn tick(&mut self, venue: &str, product: &str, _: Offset, _: u32, tick: Tick) {
        if self.broken.is_some() {
            return;
        }
        let first_at = self.first_at.unwrap_or(tick.event_time);
        let shift_ns = *self.shift_ns.get_or_insert(first_at.nanos() - tick.event_time.nanos());
        let Some(event_time) = EventTime::from_nanos(tick.event_time.nanos() + shift_ns) else { return };
        self.counts.ticks += 1;
        let Some(row) = self.row(venue, product, Tick { event_time, ..tick }) else { return };
        // A row without any value is useless.
        if row.iter().any(|value| value.is_finite()) {
            self.add(&row);
        }
        if self.rows >= self.rows_per_request {
            self.post();
        }
    }

    fn event(&mut self, _: Offset, event: RecordEvent) {
        self.counts.unreadable += u64::from(matches!(event, RecordEvent::Unreadable(_)));
    }

    /// Sends the pending rows before a wait.
    fn flush(&mut self) {
        self.post();
    }
}

/// The service that the rows are posted to.
struct Service(BlockingClient);

/// Longest wait for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

impl Service {
    /// Connects to the service at `url` and checks that it answers.
    fn find(url: &str) -> Result<Self, Failure> {
        let target =
            Target::parse(url).map_err(|why| Failure::new(Exit::Configuration, format!("--url {why}")))?;
        let client = BlockingClient::new(target, ANSWER_TIMEOUT)
            .map_err(|error| Failure::new(Exit::Failed, format!("cannot start a runtime: {error}")))?;
        let service = Self(client);
        service.0.get("/livez").map_err(|error| service.failed(&error))?;
        Ok(service)
    }

    fn failed(&self, error: &ClientError) -> Failure {
        Failure::new(Exit::Failed, format!("{} does not answer: {error}", self.0.target()))
    }

    /// Posts a body; returns the status and body of the answer.
    fn post(&self, body: String) -> Result<(u16, String), Failure> {
        let answer = self.0.post("/predict", body.into()).map_err(|error| self.failed(&error))?;
        Ok((answer.status.as_u16(), String::from_utf8_lossy(&answer.body).into_owned()))
    }
}
