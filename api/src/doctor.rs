//! Is it well, and what if not: RUNBOOK's questions, asked in its order.
//!
//! A `check` is one file under `checks`; the list there names them. Each says what it found as `finding`s: ok, a warning, a
//! failure, with the cause and the way out, or why it could not be asked. What checks share is looked up once: the
//! `context` has the configuration, the running `service` and the broker. `bundle` packs what was found for somebody else
//! to look at, and `redact` takes out of it what is nobody else's business.
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
