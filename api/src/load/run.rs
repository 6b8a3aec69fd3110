//! Runs a plan: the clock on the calling thread, the connections on other threads.

use std::{
    cell::RefCell,
    io,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use engine::stop::StopToken;
use hdrhistogram::Histogram;
use tokio::{sync::watch, task::LocalSet};

use super::{
    backlog::Backlog,
    clock::{ScheduleReport, run_schedule},
    connection::run_connection,
    inputs::Inputs,
    plan::Plan,
    tally::Tally,
};

/// Interval at which the loop checks whether all connections have ended.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// The counts and times of a run.
#[derive(Clone, Debug)]
pub(super) struct RunResult {
    pub(super) due: u64,
    pub(super) tally: Tally,
    /// Lateness of the clock for each request, microseconds.
    pub(super) lag: Histogram<u64>,
    /// Duration of the schedule.
    pub(super) schedule: Duration,
    /// Time from the start to the last answer, at least the schedule's.
    pub(super) elapsed: Duration,
    pub(super) was_stopped: bool,
}

/// Sends the load and waits for the answers; [`StopToken::stop`] ends the run early.
///
/// # Errors
/// If the operating system refuses a thread or an event queue.
pub(crate) fn run(plan: &Plan, inputs: &Arc<Inputs>, stop: &StopToken) -> io::Result<super::LoadReport> {
    Ok(super::LoadReport::new(plan, inputs, &run_plan(plan, inputs, stop)?))
}

fn run_plan(plan: &Plan, inputs: &Arc<Inputs>, stop: &StopToken) -> io::Result<RunResult> {
    let backlog = Arc::new(Backlog::new(plan.outstanding_max));
    let cut = watch::Sender::new(false);
    let threads = plan.threads.clamp(1, plan.connections);
    let mut workers = Vec::with_capacity(threads);
    for thread in 0..threads {
        let connections = plan.connections / threads + usize::from(thread < plan.connections % threads);
        let (plan, inputs, backlog, cut) = (plan.clone(), inputs.clone(), backlog.clone(), cut.subscribe());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let body = move || {
            let tally = Rc::new(RefCell::new(Tally::default()));
            let local = LocalSet::new();
            for _ in 0..connections {
                let (plan, inputs, backlog) = (plan.clone(), inputs.clone(), backlog.clone());
                let (tally, cut) = (tally.clone(), cut.clone());
                local.spawn_local(async move { run_connection(&plan, &inputs, &backlog, &tally, cut).await });
            }
            runtime.block_on(local);
            Rc::try_unwrap(tally).expect("all connections have ended").into_inner()
        };
        workers.push(std::thread::Builder::new().name(format!("load-{thread}")).spawn(body)?);
    }
    let started = Instant::now();
    let ScheduleReport { due, refused, lag, elapsed: schedule } = run_schedule(plan, &backlog, stop);
    backlog.finish(plan.connections);
    let mut not_sent = refused;
    let deadline = Instant::now() + plan.timeout;
    while workers.iter().any(|worker| !worker.is_finished()) {
        if stop.is_stopped() {
            not_sent += backlog.clear();
            cut.send_replace(true);
        } else if Instant::now() >= deadline {
            not_sent += backlog.clear();
        }
        std::thread::sleep(POLL_INTERVAL);
    }
    let mut tally = Tally::default();
    for worker in workers {
        tally.add(&worker.join().map_err(|_| io::Error::other("a load thread panicked"))?);
    }
    // After a cut, no connection sends the waiting requests.
    tally.count_not_sent(not_sent + backlog.clear());
    let elapsed = tally.last_at.map_or(schedule, |last| last - started).max(schedule);
    Ok(RunResult { due, tally, lag, schedule, elapsed, was_stopped: stop.is_stopped() })
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::{SocketAddr, TcpListener, TcpStream},
        sync::{Condvar, Mutex},
        thread::JoinHandle,
    };

    use super::{super::inputs::Input, *};

    /// A service that answers every request at once, except that it stalls for a while at one of them.
    struct Stalling {
        address: SocketAddr,
        accept: JoinHandle<()>,
        stall: Arc<Stall>,
    }

    #[derive(Default)]
    struct Stall {
        seen: Mutex<u64>,
        over: Condvar,
    }

    fn serve(mut stream: TcpStream, stall: &Stall, from: u64, span: Duration) {
        let mut buffer = [0; 4_096];
        while let Ok(1..) = stream.read(&mut buffer) {
            let mut seen = stall.seen.lock().unwrap();
            *seen += 1;
            if *seen == from {
                // Under the lock: all others wait, too.
                let (held, _) = stall.over.wait_timeout_while(seen, span, |_| true).unwrap();
                seen = held;
            }
            drop(seen);
            let body = r#"{"symbol":"a:b"}"#;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            if stream.write_all(format!("{head}{body}").as_bytes()).is_err() {
                return;
            }
        }
    }

    impl Stalling {
        fn start(connections: usize, from: u64, span: Duration) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let stall = Arc::new(Stall::default());
            let shared = stall.clone();
            let accept = std::thread::spawn(move || {
                let serving: Vec<_> = (0..connections)
                    .map(|_| {
                        let (stream, stall) = (listener.accept().unwrap().0, shared.clone());
                        std::thread::spawn(move || serve(stream, &stall, from, span))
                    })
                    .collect();
                serving.into_iter().for_each(|thread| thread.join().unwrap());
            });
            Self { address, accept, stall }
        }
    }

    fn plan(address: SocketAddr, rate_per_s: f64, requests: u64, connections: usize) -> Plan {
        Plan {
            target: address.into(),
            rate_per_s,
            duration: Duration::from_secs(3_600),
            requests_max: requests,
            connections,
            threads: 1,
            outstanding_max: 10_000,
            timeout: Duration::from_secs(20),
        }
    }

    fn inputs() -> Arc<Inputs> {
        Arc::new(Inputs::new(vec![Input::symbol("a:b")], "a test".to_owned()))
    }

    /// The wait under a condition variable releases the lock, so only one connection stands still; with one connection
    /// that is the whole service.
    #[test]
    fn a_service_that_stops_for_a_moment_delays_all_that_fell_due_meanwhile() {
        let stall = Duration::from_secs(1);
        let server = Stalling::start(1, 20, stall);
        let ran = run_plan(&plan(server.address, 200.0, 400, 1), &inputs(), &StopToken::default()).unwrap();
        server.accept.join().unwrap();
        assert_eq!((ran.due, ran.tally.sent, ran.tally.right), (400, 400, 400));
        // Two hundred fell due in that second; those of its first half waited half a second or more.
        let waited = |histogram: &Histogram<u64>| histogram.count_between(500_000, u64::MAX);
        assert!(waited(&ran.tally.latency) >= 90, "{} waited", waited(&ran.tally.latency));
        // A generator that counts from the sending has seen one, or few more on a machine that is held up itself.
        assert!((1..10).contains(&waited(&ran.tally.from_send)), "{}", waited(&ran.tally.from_send));
    }

    #[test]
    fn what_finds_the_backlog_full_is_not_sent_and_said() {
        let server = Stalling::start(1, 1, Duration::from_secs(2));
        let plan = Plan { outstanding_max: 10, ..plan(server.address, 2_000.0, 400, 1) };
        let ran = run_plan(&plan, &inputs(), &StopToken::default()).unwrap();
        server.accept.join().unwrap();
        let not_sent = ran.tally.failures["not_sent"];
        assert_eq!(ran.tally.sent + not_sent, 400, "{:?}", ran.tally.failures);
        assert!(not_sent >= 100, "{not_sent}");
    }

    #[test]
    fn a_stop_ends_a_run_at_once_with_what_it_has() {
        let server = Stalling::start(2, 5, Duration::from_secs(3_600));
        let stop = StopToken::default();
        let runner = std::thread::spawn({
            let (plan, stop) = (plan(server.address, 100.0, u64::MAX, 2), stop.clone());
            move || run_plan(&plan, &inputs(), &stop).unwrap()
        });
        let begun = Instant::now();
        while *server.stall.seen.lock().unwrap() < 5 {
            assert!(begun.elapsed() < Duration::from_secs(20), "nothing hangs");
            // Polls until one request hangs.
            std::thread::sleep(Duration::from_millis(5));
        }
        let begun = Instant::now();
        stop.stop();
        let ran = runner.join().unwrap();
        assert!(ran.was_stopped && begun.elapsed() < Duration::from_secs(10));
        // The other connection may have been under way, too.
        assert!(ran.tally.failures["cut_off"] >= 1, "{:?}", ran.tally.failures);
        assert!(ran.tally.right > 0);
    }

    #[test]
    fn a_service_that_is_gone_is_a_failure_each_time() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let ran = run_plan(&plan(address, 1_000.0, 20, 4), &inputs(), &StopToken::default()).unwrap();
        assert_eq!(ran.tally.failures["refused"], 20);
        assert_eq!(ran.tally.latency.len(), 0, "no latency where nobody answered");
    }
}
