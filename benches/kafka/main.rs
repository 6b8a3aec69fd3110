//! What a prediction costs by way of Kafka, beside peers on the same broker. `benches/kafka/run.sh` runs the parts in
//! their order; the README beside it has the questions, the method and the table last printed.
//!
//! The log of ticks is always a beginning of one simulated market ([`market`]), so any part can go on where another
//! ended. What is measured is a client process ([`client`]) from the log to committed predictions: [`catch_up`] as fast
//! as it can, [`latency`] at a fixed rate, [`restart`] after it was killed. [`outputs`] checks that each tick has its
//! prediction once. [`floor`] is a client that does nothing but move records.

mod broker;
mod catch_up;
mod client;
mod floor;
mod latency;
mod market;
mod outputs;
mod pace;
mod restart;
mod row;

use clap::{Parser, Subcommand};

/// Every error ends the program with its message.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    /// Prints the first ticks of the market, one JSON object a line.
    Ticks { count: usize },
    /// Writes the next ticks of the market to a topic, which is created where absent.
    Load(market::Load),
    /// Measures a client on a backlog.
    CatchUp(catch_up::Arguments),
    /// Measures a client on paced ticks.
    Latency(latency::Arguments),
    /// Measures a client that is killed and started again.
    Restart(restart::Arguments),
    /// Is the client that does no work.
    Floor(floor::Arguments),
}

fn main() -> Result<()> {
    match Arguments::parse().part {
        Part::Ticks { count } => market::print(count),
        Part::Load(arguments) => market::load(&arguments),
        Part::CatchUp(arguments) => catch_up::run(&arguments),
        Part::Latency(arguments) => latency::run(&arguments),
        Part::Restart(arguments) => restart::run(&arguments),
        Part::Floor(arguments) => floor::run(&arguments),
    }
}
