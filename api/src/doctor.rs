//! Checks whether a service, its machine and its broker are well, by RUNBOOK's questions in RUNBOOK's order.
//!
//! Each check is one file under `checks`; the list there names them. A check returns `finding`s: ok, a warning or a
//! failure with its cause and the way out, or why the check was skipped. What several checks need is gathered once: the
//! `context` has the configuration, the answers of the running `service` and the broker's report. `bundle` packs the
//! findings for somebody else to look at, and `redact` removes the secrets.
//!
//! A doctor only looks: it joins no group, writes no record, and changes no limit. To know whether a directory can be
//! written it puts a file there and removes it.

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
