//! What a running service waits for.

use std::{io, time::Duration};

use tokio::signal::unix::{SignalKind, signal};

use crate::log;

/// How often the shards are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Waits for SIGTERM, SIGINT, a shard that panicked or a namesake that took our place, and says which; reports repeated log lines meanwhile.
pub(super) async fn until_end(
    shards_panicked: impl Fn() -> Vec<usize>,
    is_fenced: impl Fn() -> bool,
) -> io::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut look = tokio::time::interval(LOOK_EVERY);
    let mut report = tokio::time::interval(log::REPORT_EVERY);
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok("SIGTERM"),
            _ = interrupt.recv() => return Ok("SIGINT"),
            _ = look.tick() => {
                if !shards_panicked().is_empty() {
                    return Ok("a shard panicked");
                }
                if is_fenced() {
                    return Ok("another process has the same kafka.instance");
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
        assert_eq!(runtime.block_on(until_end(panicked, || false)).unwrap(), "a shard panicked");
        assert_eq!(looks.get(), 3);
    }
}
