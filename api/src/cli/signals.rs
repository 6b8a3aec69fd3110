//! Signals that end a command before its time.

use engine::stop::StopToken;

use super::{Exit, Failure};

/// Returns a token that SIGINT and SIGTERM stop, so that a command can finish what it began.
pub(super) fn stopped_by_signals() -> Result<StopToken, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed =
        |error: std::io::Error| Failure::new(Exit::Failed, format!("cannot wait for signals: {error}"));
    let stop = StopToken::default();
    let told = stop.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let (mut terminate, mut interrupt) = {
        let _within = runtime.enter();
        (signal(SignalKind::terminate()).map_err(failed)?, signal(SignalKind::interrupt()).map_err(failed)?)
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        told.stop();
    });
    Ok(stop)
}
