//! Searches for the greatest rate of requests that the front answers within the target. The load generator shares the
//! machine, so each step also reports how late the generator itself was.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use engine::{Engine, intake::Intake, intake::TickSink, stop::StopToken};
use serde::Serialize;

use super::{
    market::Market,
    settings::{CapacityError, Settings, Sizes},
    spread::Spread,
};
use crate::{
    client::Target,
    config::{Config, sections::SourceKind},
    http::{App, ModelReport, Server},
    load::{self, Input, Inputs, LoadReport, Plan, Slo},
};

/// Longest wait for an answer: far above any p99 that is asked for.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The rate of the first step.
const FIRST_RATE_PER_S: f64 = 200.0;
/// Steps that double the rate, at most: the last one asks for 819,200 a second.
const DOUBLINGS_MAX: usize = 13;
/// Steps that halve the interval between the last rate that held and the first that did not.
const BISECTIONS: usize = 2;
/// Runs of the reported rate, the one during the search included.
const RUNS: usize = 3;
/// Number of these runs that must hold.
const RUNS_HELD_MIN: usize = 2;
/// Ticks a second that are fed during the search, so that predictions change.
const TICKS_PER_S: u32 = 1_000;

/// A tried rate, and how the front answered at it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Step {
    /// Requests a second that were asked for.
    pub rate_asked_per_s: f64,
    /// Right answers a second.
    pub rate_right_per_s: f64,
    /// Median latency from the instant that a request was due, milliseconds.
    pub p50_ms: f64,
    /// 99th percentile of the same latency, milliseconds.
    pub p99_ms: f64,
    /// 99th percentile of the generator's lateness, milliseconds. It is part of the latency.
    pub generator_lag_p99_ms: f64,
    /// Share of requests with a right answer, percent.
    pub success_percent: f64,
    /// Whether latency and success kept the target.
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

/// The greatest rate that the front holds, and the steps of the search for it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RequestsReport {
    /// Target: the greatest p99 latency, milliseconds.
    pub p99_ms_max: f64,
    /// Target: the least share of right answers, percent.
    pub success_percent_min: f64,
    /// Threads of the front.
    pub front_threads: usize,
    /// Kept connections of the generator.
    pub connections: usize,
    /// Ticks a second that were fed at the same time.
    pub ticks_per_s: u32,
    /// Every run, in the order of time; the reported rate is run several times.
    pub steps: Vec<Step>,
    /// The greatest rate that held in two of three runs, requests a second; 0 if none did.
    pub held_per_s: f64,
    /// p99 latency of the runs of that rate, milliseconds.
    pub held_p99_ms: Option<Spread>,
    /// A sentence on how the lowest failing rate of the search missed the target; `None` if every rate held.
    pub broke_by: Option<String>,
}

/// The HTTP front on a loopback port, and a thread that feeds [`TICKS_PER_S`]. Dropping it stops both.
struct LoopbackService {
    server: Option<Server>,
    is_stopped: Arc<AtomicBool>,
    feeder: Option<std::thread::JoinHandle<()>>,
}

impl LoopbackService {
    fn start(
        engine: &Engine,
        config: &Config,
        mut intake: Intake,
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
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stopped = is_stopped.clone();
        let feed = move || {
            while !stopped.load(Ordering::Relaxed) {
                // Sets the rate of the feed. No measured time includes this sleep.
                std::thread::sleep(Duration::from_secs(1) / TICKS_PER_S * 10);
                (0..10).for_each(|_| market.feed_next(&mut intake));
                intake.flush();
            }
        };
        let feeder = std::thread::Builder::new().name("capacity-feed".to_owned()).spawn(feed)?;
        Ok(Self { server: Some(server), is_stopped, feeder: Some(feeder) })
    }

    fn address(&self) -> SocketAddr {
        self.server.as_ref().expect("only dropping takes the server").address()
    }
}

impl Drop for LoopbackService {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        // A panic of the feeder was printed by its thread.
        let _ = self.feeder.take().map(std::thread::JoinHandle::join);
        self.server.take().map(Server::stop);
    }
}

/// Runs the steps of the search.
struct RateSearch<'a> {
    target: Target,
    inputs: Arc<Inputs>,
    sizes: &'a Sizes,
    slo: Slo,
    steps: Vec<Step>,
    interrupt: &'a StopToken,
}

impl RateSearch<'_> {
    fn try_rate(&mut self, rate_per_s: f64) -> Result<Step, CapacityError> {
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
            return Err(CapacityError::Invalid(format!("{count} answers were about another symbol")));
        }
        if self.steps.is_empty() && report.right == 0 {
            return Err(CapacityError::Invalid(format!(
                "at {rate_per_s}/s no request of {} has a right answer (answers by status {:?}, failures {:?})",
                report.due, report.answered_by_status, report.failures
            )));
        }
        let step = Step::new(&report, &self.slo);
        self.steps.push(step.clone());
        Ok(step)
    }

    /// Doubles the rate until it fails, then bisects. Returns the greatest rate that held once, if any, and the lowest
    /// step that failed, if any.
    fn search(&mut self) -> Result<(Option<f64>, Option<Step>), CapacityError> {
        let (mut rate, mut held, mut broken) = (FIRST_RATE_PER_S, None, None);
        for _ in 0..DOUBLINGS_MAX {
            let step = self.try_rate(rate)?;
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
            let step = self.try_rate(between)?;
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

fn describe_breach(step: &Step, slo: &Slo) -> String {
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
    intake: Intake,
    market: Market,
    interrupt: &StopToken,
) -> Result<RequestsReport, CapacityError> {
    let names = engine.handle().symbols.all();
    let inputs = Inputs::new(
        names.iter().map(|symbol| Input::symbol(&symbol.name)).collect(),
        format!("GET /predict/{{symbol}} of {} symbols", names.len()),
    );
    let service = LoopbackService::start(engine, settings.config, intake, market)?;
    let slo =
        Slo { p99_ms: Some(settings.p99_ms), success_percent: settings.success_percent, ..Slo::default() };
    let mut search = RateSearch {
        target: service.address().into(),
        inputs: Arc::new(inputs),
        sizes: &settings.sizes,
        slo,
        steps: Vec::new(),
        interrupt,
    };
    let (mut rate, broken) = search.search()?;
    let mut held_p99_ms = None;
    while let Some(candidate) = rate {
        let first = search.steps.iter().rev().find(|step| step.rate_asked_per_s == candidate && step.held);
        let mut runs: Vec<Step> = first.cloned().into_iter().collect();
        while runs.len() < RUNS {
            runs.push(search.try_rate(candidate)?);
        }
        if runs.iter().filter(|step| step.held).count() >= RUNS_HELD_MIN {
            held_p99_ms = Some(Spread::new(runs.iter().map(|step| step.p99_ms).collect()));
            break;
        }
        // It held once by luck.
        rate = Some(candidate / 2.0).filter(|&rate| rate >= FIRST_RATE_PER_S / 2.0);
    }
    Ok(RequestsReport {
        p99_ms_max: settings.p99_ms,
        success_percent_min: settings.success_percent,
        front_threads: engine.plan().front_cpus.len(),
        connections: settings.sizes.connections,
        ticks_per_s: TICKS_PER_S,
        steps: search.steps,
        held_per_s: rate.unwrap_or(0.0),
        held_p99_ms,
        broke_by: broken.map(|step| describe_breach(&step, &slo)),
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
        let mut search = RateSearch {
            target: address.into(),
            inputs: Arc::new(Inputs::new(vec![Input::symbol("a:b")], "a test".to_owned())),
            sizes: &sizes,
            slo: Slo::default(),
            steps: Vec::new(),
            interrupt: &interrupt,
        };
        let refused = search.search().unwrap_err();
        assert!(matches!(&refused, CapacityError::Invalid(why) if why.contains("refused")), "{refused}");
    }
}
