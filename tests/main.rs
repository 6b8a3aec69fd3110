//! Stories: what users and their tools can rely on. One binary; a module for each suite of `tests/run.sh`.

#![allow(clippy::unwrap_used)]

mod http;
mod support;
