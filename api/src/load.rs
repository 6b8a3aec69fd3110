//! Open-loop load: requests at a fixed arrival rate, whatever the answers do.
//!
//! ```text
//!  clock -> backlog -> connections -> tally -> report
//! ```
//!
//! The `clock` (one thread) puts each request into the `backlog` when it is due; `connection`s take from there, the oldest
//! first, and send. A latency counts from the instant that a request was *due*: where the service stands still for a
//! second, the requests of that second wait, and each of them says so. A generator that waits for the answer before it
//! sends the next would have seen one slow request.
//!
//! Nothing grows without bound: the backlog holds [`Plan::outstanding_max`] requests, and a further one is counted as "not
//! sent", which is no success. `inputs` are what is asked, distinct, in turn, by a `table` of
//! features where one is given; `slo` is what must hold.

mod backlog;
mod clock;
mod connection;
mod inputs;
mod report;
mod run;
mod slo;
mod table;
mod tally;

pub(crate) use inputs::{Input, Inputs};
pub(crate) use report::LoadReport;
pub(crate) use run::{Plan, run};
pub(crate) use slo::Slo;
