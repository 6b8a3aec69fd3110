//! The documents: every command in them runs or at least exists, every link leads somewhere, every list is the code's.
//!
//! A block of commands is fenced as `sh`. It is run, block by block in a document's order, beside a service on simulated
//! prices ([`session`]). A block that needs what is not here (a broker, a container engine, minutes) says `sh no_run`; its
//! commands are checked against what there is ([`commands`]), as those that run are, too.

mod architecture;
mod commands;
mod generated;
mod links;
mod markdown;
mod session;
mod shell;
mod words;
