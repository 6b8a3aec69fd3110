//! One connection: sends the oldest due request and reads the whole answer. It reconnects after a failure.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{
    backlog::Backlog,
    inputs::{Input, Inputs},
    plan::Plan,
    tally::{Outcome, Tally},
};
use crate::client::Connection;

/// Sends requests from the backlog until no more come, or until `cut` becomes true.
pub(super) async fn run_connection(
    plan: &Plan,
    inputs: &Inputs,
    backlog: &Backlog,
    tally: &RefCell<Tally>,
    mut cut: watch::Receiver<bool>,
) {
    let mut connection = None;
    loop {
        let due = tokio::select! {
            due = backlog.pop() => due,
            () = until_cut(&mut cut) => None,
        };
        let Some(due) = due else { return };
        let sent_at = Instant::now();
        let outcome = tokio::select! {
            outcome = ask(&mut connection, plan, inputs.nth(due.number)) => outcome,
            () = until_cut(&mut cut) => Outcome::CutOff,
        };
        let now = Instant::now();
        tally.borrow_mut().record_outcome(&outcome, due.at, sent_at, now);
    }
}

async fn until_cut(cut: &mut watch::Receiver<bool>) {
    // The sender outlives all connections.
    let _ = cut.wait_for(|cut| *cut).await;
}

async fn ask(connection: &mut Option<Connection>, plan: &Plan, input: &Input) -> Outcome {
    let started = Instant::now();
    if connection.as_ref().is_none_or(Connection::is_closed) {
        match Connection::open(&plan.target, plan.timeout).await {
            Ok(opened) => *connection = Some(opened),
            Err(error) => return Outcome::Failed(error.kind()),
        }
    }
    let open = connection.as_mut().expect("it was made above");
    let left = plan.timeout.saturating_sub(started.elapsed()).max(Duration::from_millis(1));
    match open.ask(input.request(), input.body.clone(), left).await {
        Ok(answer) => {
            Outcome::Answered { status: answer.status, is_right: input.is_answered_by(&answer.body) }
        }
        Err(error) => {
            // A late answer would be taken for that of the next request.
            *connection = None;
            Outcome::Failed(error.kind())
        }
    }
}
