//! `stormglass rekey --from T --to T2`: copies a topic with the symbol as the key of each record.

use std::io::Write;

use clap::Args;
use engine::kafka::{RekeySettings, rekey};

use super::{
    Exit, Failure,
    broker::{BrokerArguments, failed},
    print_failed,
    progress::bar,
};

/// Records between two moves of the bar.
const RECORDS_PER_REPORT: u64 = 1_024;

#[derive(Debug, Args)]
#[command(after_help = "Example:
  stormglass rekey --from ticks.raw --to ticks.keyed --partitions 12
  KAFKA_TOPIC_RAW=ticks.keyed stormglass serve

The key is venue:product and the partition Java's murmur2 of it. A record of one symbol keeps its bytes; one with tickers
of several is split into one record a ticker. Partitions are merged by message time. Stop the producers of the old topic
first, and point them, keyed, at the new one.")]
pub(super) struct Arguments {
    #[command(flatten)]
    broker: BrokerArguments,
    /// The topic to read, up to its present end.
    #[arg(long, value_name = "TOPIC")]
    from: String,
    /// The topic to write; created if absent.
    #[arg(long, value_name = "TOPIC")]
    to: String,
    /// Partitions of a topic that is created, instead of kafka.partitions.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4_096))]
    partitions: Option<u32>,
    /// Append to a target that holds records. Without it, a target must be empty.
    #[arg(long)]
    append: bool,
    /// Copy unreadable records to kafka.topic_dlq, with the reason. Without it, they are counted and left out.
    #[arg(long)]
    dlq: bool,
}

pub(super) fn run(arguments: Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let (_, settings) = arguments.broker.load()?;
    let asked = RekeySettings {
        from: arguments.from,
        to: arguments.to,
        partitions: arguments.partitions.unwrap_or(settings.partitions),
        append: arguments.append,
        keep_unreadable: arguments.dlq,
    };
    let bar = bar(0, "{bar:40} {pos}/{len} records");
    let mut advanced = |read: u64, total: u64| {
        if read.is_multiple_of(RECORDS_PER_REPORT) {
            bar.set_length(total);
            bar.set_position(read);
        }
    };
    let counts = rekey(&settings, &asked, &mut advanced).map_err(|error| failed(&error))?;
    bar.finish_and_clear();
    let unreadable = counts.unreadable.count();
    let reasons = counts.unreadable.to_string();
    let letters = if asked.keep_unreadable { "copied to the dead letters" } else { "left out" };
    writeln!(
        out,
        "{} records read from {}: {} kept whole, {} split into {}, {} without a tick, {unreadable} unreadable ({letters}){}; \
         {} records delivered, {} of them to {}",
        counts.read,
        asked.from,
        counts.kept,
        counts.split,
        counts.split_into,
        counts.without_tick,
        if reasons.is_empty() { reasons } else { format!(": {reasons}") },
        counts.delivered.delivered,
        counts.delivered.delivered.saturating_sub(counts.dead_letters),
        asked.to,
    )
    .map_err(print_failed)?;
    match counts.delivered.failure {
        Some(failure) => Err(Failure::new(
            Exit::Failed,
            format!(
                "{} records were not delivered: {failure}; delete {} and begin again",
                counts.delivered.failed, asked.to
            ),
        )),
        None => Ok(()),
    }
}
