//! Open-loop load: requests at a fixed arrival rate, whatever the answers do.
//!
//! ```text
//!  clock -> backlog -> connections -> tally -> report
//! ```
//!
//! The `clock` (one thread) puts each request into the `backlog` when it is due; `connection`s send them from there,
//! the oldest first. A latency counts from the instant that a request was *due*: where the service stands still for a
//! second, the requests of that second wait, and each of them says so. A generator that waits for the answer before it
//! sends the next would have seen one slow request.
//!
//! Nothing grows without bound: the backlog holds [`Plan::outstanding_max`] requests, and a further one is counted as
//! "not sent", which is no success. `inputs` are the distinct requests that are sent in turn, made of the service's
//! symbols or of a `table` of features; `slo` is the service level that must hold.

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
