//! At which rate the front's p99 breaks. The generator shares the machine, and says how late it was itself.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use engine::{
    Engine,
    ingest::Ingest,
    source::{StopToken, TickSink},
};
use serde::Serialize;

use super::{
    market::Market,
    measure::{CapacityError, Settings, Sizes},
    spread::Spread,
};
use crate::{
    client::Target,
    config::{Config, sections::SourceKind},
    http::{App, ModelReport, Server},
    load::{self, Input, Inputs, LoadReport, Plan, Slo},
};

/// How long an answer may take: far beyond any target of this.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The rate of the first step, requests a second.
const FIRST_RATE: f64 = 200.0;
/// Steps that double the rate, at most: the last one asks for 819,200 a second.
const DOUBLINGS_MAX: usize = 13;
/// Steps between the last rate that held and the first that did not.
const BISECTIONS: usize = 2;
/// Runs of the rate that is reported, in all.
const RUNS: usize = 3;
/// Of them, those that must hold.
const RUNS_HELD_MIN: usize = 2;
/// Ticks a second that the symbols get meanwhile, so that answers are made anew.
const TICKS_PER_S: u32 = 1_000;

/// One rate.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Step {
    /// Requests a second that were asked for.
    pub rate_asked_per_s: f64,
    /// Right answers a second.
    pub rate_right_per_s: f64,
    /// Latency from when a request was due, milliseconds.
    pub p50_ms: f64,
    /// The same.
    pub p99_ms: f64,
    /// How late the generator was at p99, milliseconds: part of the latency.
    pub generator_lag_p99_ms: f64,
    /// Right answers of a hundred.
    pub success_percent: f64,
    /// Whether the target held.
    pub held: bool,
}

impl Step {
    fn new(report: &LoadReport, slo: &Slo) -> Self {
        let p99_ms = report.latency_ms.p99;
        Self {
            rate_asked_per_s: report.rate_asked_per_s,
            rate_right_per_s: report.rate_right_per_s,
            p50_ms: report.latency_ms.p50,
            p99_ms,
            generator_lag_p99_ms: report.schedule_lag_ms.p99,
            success_percent: report.success_percent,
            held: slo.p99_ms.is_none_or(|most| p99_ms <= most)
                && report.success_percent >= slo.success_percent,
        }
    }
}

/// What the front holds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RequestsReport {
    /// The target: milliseconds at p99.
    pub p99_ms_max: f64,
    /// The target: right answers of a hundred.
    pub success_percent_min: f64,
    /// Threads of the front, each a core where there is one.
    pub front_threads: usize,
    /// Kept connections.
    pub connections: usize,
    /// Ticks a second that came meanwhile.
    pub ticks_per_s: u32,
    /// Each rate that was tried, in the order tried.
    pub steps: Vec<Step>,
    /// The greatest rate that held in two of three runs; 0 where none did.
    pub held_per_s: f64,
    /// Its p99 over the runs, milliseconds.
    pub held_p99_ms: Option<Spread>,
    /// What the step above broke by, for people.
    pub broke_by: Option<String>,
}

/// The service on loopback, and the feed beside it.
struct Served {
    server: Option<Server>,
    stop: Arc<AtomicBool>,
    feeder: Option<std::thread::JoinHandle<()>>,
}

impl Served {
    fn start(
        engine: &Engine,
        config: &Config,
        mut ingest: Ingest,
        mut market: Market,
    ) -> Result<Self, CapacityError> {
        let mut config = config.clone();
        config.server.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        config.source.kind = SourceKind::Simulator;
        let handle = engine.handle().clone();
        let alive = move || handle.shards_alive();
        let app = App::new(engine.handle().clone(), config, ModelReport::default(), None, Box::new(alive));
        let server = Server::start(app, &engine.plan().front_cpus)
            .map_err(|error| CapacityError::Start(error.to_string()))?;
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let feed = move || {
            while !told.load(Ordering::Relaxed) {
                // Paces the feed; nothing is measured by it.
                std::thread::sleep(Duration::from_secs(1) / TICKS_PER_S * 10);
                (0..10).for_each(|_| market.next(&mut ingest));
                ingest.flush();
            }
        };
        let feeder = std::thread::Builder::new().name("capacity-feed".to_owned()).spawn(feed)?;
        Ok(Self { server: Some(server), stop, feeder: Some(feeder) })
    }

    fn address(&self) -> SocketAddr {
        self.server.as_ref().expect("it is taken at the end only").address()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A panic there was printed by its thread, and what is measured without the feed says so by itself.
        let _ = self.feeder.take().map(std::thread::JoinHandle::join);
        self.server.take().map(Server::stop);
    }
}

/// Who runs the steps.
struct Ladder<'a> {
    target: Target,
    inputs: Arc<Inputs>,
    sizes: &'a Sizes,
    slo: Slo,
    steps: Vec<Step>,
    interrupt: &'a StopToken,
}

impl Ladder<'_> {
    fn run(&mut self, rate_per_s: f64) -> Result<Step, CapacityError> {
        let plan = Plan {
            target: self.target.clone(),
            rate_per_s,
            duration: self.sizes.step,
            requests_max: u64::MAX,
            connections: self.sizes.connections,
            threads: 1,
            outstanding_max: Plan::outstanding_for(rate_per_s, TIMEOUT),
            timeout: TIMEOUT,
        };
        let report = load::run(&plan, &self.inputs, self.interrupt)?;
        if report.was_interrupted {
            return Err(CapacityError::Interrupted);
        }
        if let Some(count) = report.failures.get("wrong_answer") {
            return Err(CapacityError::Wrong(format!("{count} answers were about another symbol")));
        }
        if self.steps.is_empty() && report.right == 0 {
            return Err(CapacityError::Wrong(format!(
                "at {rate_per_s}/s no request of {} has a right answer (answers by status {:?}, failures {:?})",
                report.due, report.answered_by_status, report.failures
            )));
        }
        let step = Step::new(&report, &self.slo);
        self.steps.push(step.clone());
        Ok(step)
    }

    /// The greatest rate that holds once, and the step above it that did not.
    fn climb(&mut self) -> Result<(Option<f64>, Option<Step>), CapacityError> {
        let (mut rate, mut held, mut broken) = (FIRST_RATE, None, None);
        for _ in 0..DOUBLINGS_MAX {
            let step = self.run(rate)?;
            if !step.held {
                broken = Some(step);
                break;
            }
            held = Some(rate);
            rate *= 2.0;
        }
        let (Some(mut low), Some(above)) = (held, &broken) else { return Ok((held, broken)) };
        let mut high = above.rate_asked_per_s;
        for _ in 0..BISECTIONS {
            let between = ((low + high) / 2.0).round();
            let step = self.run(between)?;
            if step.held {
                low = between;
            } else {
                high = between;
                broken = Some(step);
            }
        }
        Ok((Some(low), broken))
    }
}

fn broke_by(step: &Step, slo: &Slo) -> String {
    let at = format!("at {:.0}/s", step.rate_asked_per_s);
    let p99_max = slo.p99_ms.unwrap_or(f64::INFINITY);
    if step.p99_ms > p99_max && step.generator_lag_p99_ms > step.p99_ms / 2.0 {
        return format!(
            "{at} p99 was {:.1} ms, of which the generator's own lateness was {:.1} ms: the service may hold more",
            step.p99_ms, step.generator_lag_p99_ms
        );
    }
    if step.p99_ms > p99_max {
        return format!("{at} p99 was {:.1} ms", step.p99_ms);
    }
    format!("{at} success was {:.2} %", step.success_percent)
}

pub(super) fn measure(
    engine: &Engine,
    settings: &Settings<'_>,
    ingest: Ingest,
    market: Market,
    interrupt: &StopToken,
) -> Result<RequestsReport, CapacityError> {
    let names = engine.handle().symbols.all();
    let inputs = Inputs::new(
        names.iter().map(|symbol| Input::symbol(&symbol.name)).collect(),
        format!("GET /predict/{{symbol}} of {} symbols", names.len()),
    );
    let served = Served::start(engine, settings.config, ingest, market)?;
    let slo =
        Slo { p99_ms: Some(settings.p99_ms), success_percent: settings.success_percent, ..Slo::default() };
    let mut ladder = Ladder {
        target: served.address().into(),
        inputs: Arc::new(inputs),
        sizes: &settings.sizes,
        slo,
        steps: Vec::new(),
        interrupt,
    };
    let (mut rate, broken) = ladder.climb()?;
    let mut held_p99_ms = None;
    while let Some(candidate) = rate {
        let first = ladder.steps.iter().rev().find(|step| step.rate_asked_per_s == candidate && step.held);
        let mut runs: Vec<Step> = first.cloned().into_iter().collect();
        while runs.len() < RUNS {
            runs.push(ladder.run(candidate)?);
        }
        if runs.iter().filter(|step| step.held).count() >= RUNS_HELD_MIN {
            held_p99_ms = Some(Spread::of(runs.iter().map(|step| step.p99_ms).collect()));
            break;
        }
        // It held once, by luck.
        rate = Some(candidate / 2.0).filter(|&rate| rate >= FIRST_RATE / 2.0);
    }
    Ok(RequestsReport {
        p99_ms_max: settings.p99_ms,
        success_percent_min: settings.success_percent,
        front_threads: engine.plan().front_cpus.len(),
        connections: settings.sizes.connections,
        ticks_per_s: TICKS_PER_S,
        steps: ladder.steps,
        held_per_s: rate.unwrap_or(0.0),
        held_p99_ms,
        broke_by: broken.map(|step| broke_by(&step, &slo)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_front_that_answers_nothing_is_no_front_that_holds_nothing() {
        // A port that was free a moment ago.
        let address = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let sizes = Sizes { step: Duration::from_millis(50), ..Sizes::QUICK };
        let interrupt = StopToken::default();
        let mut ladder = Ladder {
            target: address.into(),
            inputs: Arc::new(Inputs::new(vec![Input::symbol("a:b")], "a test".to_owned())),
            sizes: &sizes,
            slo: Slo::default(),
            steps: Vec::new(),
            interrupt: &interrupt,
        };
        let refused = ladder.climb().unwrap_err();
        assert!(matches!(&refused, CapacityError::Wrong(why) if why.contains("refused")), "{refused}");
    }
}
