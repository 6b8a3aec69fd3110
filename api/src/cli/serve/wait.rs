//! Waits for the end of a running service: a signal, a shard that panicked, or a lane that ended for good.

use std::{io, time::Duration};

use engine::lanes::Verdict;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{http::App, log};

/// Interval at which the loop checks for a panicked shard or an ended lane.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// The reason why a service ends.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    /// SIGTERM from an orchestrator: clients get time to move elsewhere.
    Terminate,
    /// SIGINT from a terminal: the service ends without that wait.
    Interrupt,
    ShardPanicked,
    Verdict(Verdict),
}

impl End {
    fn text(&self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
            Self::ShardPanicked => "a shard panicked",
            Self::Verdict(Verdict::Fenced) => "another process has the same kafka.instance",
            Self::Verdict(Verdict::Refused(_)) => "a broker refuses a setting",
        }
    }
}

/// The signals that end a service. From its creation on a signal is kept until it is awaited, so one that comes while the
/// service starts ends it as one that comes later does.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Begins to keep SIGTERM and SIGINT; inside a runtime.
    ///
    /// # Errors
    /// The system's, if a handler cannot be installed.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }
}

/// Waits for SIGTERM, SIGINT, a shard that panicked or a lane that ends for good; at SIGTERM then for
/// `server.shutdown_grace_s` or the next of these. From then on the service drains.
pub(super) async fn until_drain(app: &App, mut signals: Signals) {
    let shards_panicked = || app.shards_panicked();
    let verdict = || app.lanes.verdict().cloned();
    let end = until_end(&mut signals, shards_panicked, verdict).await;
    let why = end.text();
    app.start_leaving();
    let grace = app.config.server.shutdown_grace_s.duration();
    if end == End::Terminate && !grace.is_zero() {
        tracing::info!(why, grace_s = grace.as_secs_f64(), "not ready any more, still answering");
        // The drain begins after this time or at the next reason to end.
        let _ = tokio::time::timeout(grace, until_end(&mut signals, shards_panicked, verdict)).await;
    }
    tracing::info!(why, "draining");
    app.start_draining();
}

/// Waits for a reason to end; reports repeated log lines meanwhile.
async fn until_end(
    signals: &mut Signals,
    shards_panicked: impl Fn() -> Vec<usize>,
    verdict: impl Fn() -> Option<Verdict>,
) -> End {
    let mut poll = tokio::time::interval(POLL_INTERVAL);
    let mut report = tokio::time::interval(log::REPORT_EVERY);
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => return End::Terminate,
            _ = signals.interrupt.recv() => return End::Interrupt,
            _ = poll.tick() => {
                if !shards_panicked().is_empty() {
                    return End::ShardPanicked;
                }
                if let Some(verdict) = verdict() {
                    return End::Verdict(verdict);
                }
            }
            _ = report.tick() => log::report_repeats(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_shard_that_panics_ends_the_wait() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let looks = Cell::new(0);
        let panicked = || {
            looks.set(looks.get() + 1);
            if looks.get() < 3 { Vec::new() } else { vec![1] }
        };
        let end = runtime.block_on(async {
            let mut signals = Signals::new().unwrap();
            until_end(&mut signals, panicked, || None).await
        });
        assert_eq!((end, looks.get()), (End::ShardPanicked, 3));
    }
}
