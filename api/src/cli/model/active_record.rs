//! `stormglass model list` and `stormglass model clear`: lists the models that can be activated and the recorded one,
//! and removes the record. Neither needs a service.

use std::{io::Write, path::PathBuf};

use clap::Args;

use crate::{
    cli::{ConfigArgument, Exit, Failure, print_failed},
    config::Config,
    models::{active_record::ActiveRecordFile, catalog::Catalog},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
}

fn record_of(config: &Config) -> Option<ActiveRecordFile> {
    config
        .model
        .record
        .as_deref()
        .map(|path| ActiveRecordFile::new(PathBuf::from(path), config.model.map_above_bytes))
}

pub(super) fn list(arguments: Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let config = arguments.config.load()?.config;
    let failed = |message: String| Failure::new(Exit::Failed, message);
    let catalog = Catalog::new(&config);
    let (entries, left_out) = catalog.entries().map_err(|error| failed(error.to_string()))?;
    let record = record_of(&config).map_or(Ok(None), |file| file.read()).map_err(failed)?;
    for entry in entries {
        let place = entry.path.as_ref().map_or("built in".to_owned(), |path| path.display().to_string());
        let line = match catalog.look(&entry) {
            Ok(seen) => {
                let (info, rows_only) = (&seen.info, seen.rows_only.as_ref().map_or("", |_| " (rows only)"));
                format!("{}@{} {} {} {place}{rows_only}", entry.name, info.version, info.variant, info.sha256)
            }
            Err(error) => format!("{} refused: {error}", entry.name),
        };
        writeln!(out, "{line}").map_err(print_failed)?;
    }
    if left_out > 0 {
        writeln!(out, "{left_out} more are not listed").map_err(print_failed)?;
    }
    if let Some(record) = record {
        let of = record.active;
        let line = format!("the record says {}@{} {} since {}", of.name, of.version, of.sha256, of.since);
        writeln!(out, "{line}").map_err(print_failed)?;
    }
    Ok(())
}

pub(super) fn clear(arguments: Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let config = arguments.config.load()?.config;
    let Some(file) = record_of(&config) else {
        let message = "model.record is not set: there is no record to clear";
        return Err(Failure::new(Exit::Configuration, message));
    };
    let path = file.path().display();
    let line = match file.clear() {
        Ok(true) => format!("{path} is removed: the next start takes the configured model"),
        Ok(false) => format!("there is no record at {path}"),
        Err(error) => return Err(Failure::new(Exit::Failed, format!("{path}: {error}"))),
    };
    writeln!(out, "{line}").map_err(print_failed)
}
