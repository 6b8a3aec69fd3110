//! A topic's records with their positions, as a backup that `replay` brings back and `verify` reads.

use std::{io::Write, path::Path, time::Duration};

use engine::{
    kafka::{BackupSettings, back_up},
    recording::SeriesSettings,
    stop::StopToken,
};

use crate::{
    cli::{
        Failure,
        broker::{self, failed},
        print_failed,
        progress::RecordBar,
    },
    config::Config,
};

/// When a file ends, and the recording.
pub(super) struct Limits {
    pub(super) bytes_max: u64,
    pub(super) age_max: Duration,
    pub(super) follow: bool,
    pub(super) at_most: Option<Duration>,
}

pub(super) fn run(
    config: &Config,
    directory: &Path,
    limits: &Limits,
    stop: &StopToken,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let settings = broker::settings(config)?;
    let topic = settings.topic_raw.clone();
    let backup = BackupSettings {
        topic: topic.clone(),
        series: SeriesSettings {
            directory: directory.to_owned(),
            topic: topic.clone(),
            partitions: 0,
            bytes_max: limits.bytes_max,
            age_max: limits.age_max,
        },
        follow: limits.follow,
        at_most: limits.at_most,
    };
    let mut bar = RecordBar::default();
    let counts = back_up(&settings, &backup, stop, &mut bar).map_err(|error| failed(&error))?;
    drop(bar);
    if counts.partitions_with_loss > 0 {
        eprintln!(
            "stormglass: {} partitions had lost records since the last run ({} offsets): retention was faster",
            counts.partitions_with_loss, counts.offsets_lost
        );
    }
    let output = directory.display();
    writeln!(out, "{} records of {topic} in {} files in {output}", counts.records, counts.files)
        .map_err(print_failed)
}
