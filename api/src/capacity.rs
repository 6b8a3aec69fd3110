//! What this machine holds: measured, with every answer checked, then calculated.
//!
//! ```text
//!  machine, noise -> market -> engine: ticks, memory -> model: rows -> front: requests -> plan -> report
//! ```
//!
//! One engine as `serve` starts it, with the same model and settings, gets the ticks of a made-up `market`. `ticks` is what
//! one costs a shard, `rows` what one costs the model, both in processor time, so that neighbours count little; `requests`
//! is the rate at which the front's p99 breaks while the generator shares the machine. `plan` is arithmetic on these, at a
//! utilisation that leaves room for bursts.

mod machine;
mod market;
mod measure;
mod noise;
mod plan;
mod report;
mod requests;
mod rows;
mod settings;
mod spread;
mod ticks;

pub(crate) use machine::{Machine, memory_available};
pub(crate) use measure::measure;
pub(crate) use plan::Load;
pub(crate) use settings::{CapacityError, Settings, Sizes};
