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
use crate::client::{ANSWER_BYTES_MAX, Client};

/// Sends requests from the backlog until no more come, or until `cut` becomes true.
pub(super) async fn run_connection(
    plan: &Plan,
    inputs: &Inputs,
    backlog: &Backlog,
    tally: &RefCell<Tally>,
    mut cut: watch::Receiver<bool>,
) {
    let client = Client::new(1, ANSWER_BYTES_MAX);
    loop {
        let due = tokio::select! {
            due = backlog.pop() => due,
            () = until_cut(&mut cut) => None,
        };
        let Some(due) = due else { return };
        let sent_at = Instant::now();
        let outcome = tokio::select! {
            outcome = ask(&client, plan, inputs.nth(due.number)) => outcome,
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

async fn ask(client: &Client, plan: &Plan, input: &Input) -> Outcome {
    let timeout = plan.timeout.max(Duration::from_millis(1));
    match client.ask(input.request(&plan.target), timeout).await {
        Ok(answer) => {
            Outcome::Answered { status: answer.status.as_u16(), is_right: input.is_answered_by(&answer.body) }
        }
        Err(error) => Outcome::Failed(error.kind()),
    }
}
