//! Diagnoses a service, its machine and its broker by RUNBOOK's questions, in RUNBOOK's order.
//!
//! Each check is one file under `checks`; the list there names them. A check returns `finding`s: ok, a warning or a
//! failure with its cause and the remedy, or the reason why it was skipped. Inputs of several checks are gathered once:
//! the `context` holds the configuration, the answers of the running `service` and the broker's report. `bundle` packs
//! the findings for somebody else, and `redact` removes the secrets.
//!
//! A doctor changes nothing: it joins no group, writes no record, and changes no limit. Only to test whether a
//! directory can be written, it writes a file there and removes it.

pub(crate) mod bundle;
mod checks;
mod context;
mod finding;
mod redact;
mod service;
mod writable;

pub(crate) use checks::examine;
pub(crate) use context::Context;
pub(crate) use finding::{Outcome, print};
