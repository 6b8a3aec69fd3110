//! Open-loop load: requests at a fixed arrival rate, independent of the answers.
//!
//! ```text
//!  clock -> backlog -> connections -> tally -> report
//! ```
//!
//! The `clock` (one thread) puts each request into the `backlog` when it is due; `connection`s send them from there,
//! the oldest first. A latency counts from the instant at which a request was *due*: if the service stands still for a
//! second, the requests of that second wait, and the wait is part of their latency. A generator that waits for each
//! answer before it sends the next request would have seen one slow request.
//!
//! Memory is bounded: the backlog holds [`Plan::outstanding_max`] requests, and a further one is counted as "not sent",
//! which is a failure. `inputs` are the distinct requests that are sent in turn, made from the service's symbols or
//! from a `table` of features; `slo` is the service level that must hold.

mod backlog;
mod clock;
mod connection;
mod inputs;
mod plan;
mod report;
mod run;
mod slo;
mod table;
mod tally;

pub(crate) use inputs::{Input, Inputs};
pub(crate) use plan::Plan;
pub(crate) use report::LoadReport;
pub(crate) use run::run;
pub(crate) use slo::Slo;
