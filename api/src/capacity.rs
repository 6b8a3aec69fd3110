//! Measures what this machine holds, with every answer checked, and plans from the measured numbers.
//!
//! ```text
//!  machine, noise -> market -> engine: ticks, memory -> model: rows -> front: requests -> plan -> report
//! ```
//!
//! One engine as `serve` starts it, with the same model and settings, gets the ticks of a simulated `market`. `ticks`
//! measures the cost of a tick in a shard, `rows` that of a row in the model, both in processor time, so that other
//! processes matter little; `requests` searches for the rate at which the front misses its p99 while the generator
//! shares the machine. `plan` calculates with these numbers, at a utilisation that leaves room for bursts.

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
