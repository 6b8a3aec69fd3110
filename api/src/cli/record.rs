//! `stormglass record`: a topic to files, as a backup that `replay` brings back and `verify` reads.

use std::{io::Write, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use engine::{
    kafka::{BackupSettings, back_up},
    recording::SeriesSettings,
};

use super::{
    Failure,
    broker::{BrokerArguments, failed},
    print_failed,
    progress::RecordBar,
    signals::stopped_by_signals,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RecordSource {
    /// A topic, committed records only.
    Kafka,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass record --source kafka --output backup                        kafka.topic_raw up to its present end
  stormglass record --source kafka --output backup --topic predictions
  stormglass record --source kafka --output backup --follow               goes on until SIGINT or SIGTERM

One JSON object a record: topic, partition, offset, timestamp_ms, key, headers, and the value as text under raw
(raw_base64 where it is not UTF-8), in TOPIC.pPARTITION.FIRST-LAST.ndjson.gz. Another run goes on behind the last
one's end. Whatever has its final name is whole.")]
pub(super) struct Arguments {
    #[command(flatten)]
    broker: BrokerArguments,
    /// Where the records come from.
    #[arg(long, value_enum)]
    source: RecordSource,
    /// Where the files go.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    /// The topic, instead of kafka.topic_raw.
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Go on behind the topic's present end, until told to stop.
    #[arg(long)]
    follow: bool,
    /// End after this many minutes.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=525_600))]
    minutes: Option<u64>,
    /// Begin another file after so many megabytes of lines, before packing.
    #[arg(long, value_name = "MB", default_value = "256", value_parser = clap::value_parser!(u64).range(1..=65_536))]
    rotate_mb: u64,
    /// Begin another file after so many minutes: what a crash costs to read again.
    #[arg(long, value_name = "MINUTES", default_value = "10", value_parser = clap::value_parser!(u64).range(1..=1_440))]
    rotate_minutes: u64,
}

pub(super) fn run(arguments: Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let RecordSource::Kafka = arguments.source;
    let (_, settings) = arguments.broker.load()?;
    let topic = arguments.topic.unwrap_or_else(|| settings.topic_raw.clone());
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let backup = BackupSettings {
        topic: topic.clone(),
        series: SeriesSettings {
            directory: arguments.output.clone(),
            topic: topic.clone(),
            partitions: 0,
            bytes_max: arguments.rotate_mb << 20,
            age_max: minutes(arguments.rotate_minutes),
        },
        follow: arguments.follow,
        at_most: arguments.minutes.map(minutes),
    };
    let stop = stopped_by_signals()?;
    let mut bar = RecordBar::default();
    let counts = back_up(&settings, &backup, &stop, &mut bar).map_err(|error| failed(&error))?;
    drop(bar);
    if counts.partitions_with_loss > 0 {
        eprintln!(
            "stormglass: {} partitions had lost records since the last run ({} offsets): retention was faster",
            counts.partitions_with_loss, counts.offsets_lost
        );
    }
    let output = arguments.output.display();
    writeln!(out, "{} records of {topic} in {} files in {output}", counts.records, counts.files)
        .map_err(print_failed)
}
