//! `stormglass verify`: recomputes every prediction from the ticks and the models, and compares the bytes.

mod model_files;

use std::{collections::BTreeMap, io::Write, path::PathBuf};

use clap::Args;
use engine::{
    recording::{LogError, PartitionedLog, Recording},
    settings::Delivery,
    verify::{Committed, Difference, KeptState, Report, Verifier, VerifySettings},
};

use self::model_files::ModelFiles;
use super::{ConfigArgument, Exit, Failure, print_failed, progress::bar, records::RecordArguments};
use crate::{config::Config, wiring};

/// Records between two moves of the bar.
const RECORDS_PER_REPORT: u64 = 1_024;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass verify --models /models                                          the topics of kafka.bootstrap_servers
  stormglass verify --models /models --predictions 'backup/predictions.*' --ticks 'backup/ticks.raw.*'

  stormglass verify --models /models --snapshot /state                        where the first ticks are gone

A state is computed from the offset that its receipts name as origin. Where the ticks from there on are gone, it is taken from
--snapshot: what it was before that cannot be judged. Models are found by the sha256 that predictions name:
among the files of --models, and those that came with this program. Settings that shape predictions ([state], [label],
[quality], kafka.emit) must be those of then: give the same --config.

Exit codes: 0 all that is there is as it should be, but for what retention has taken the ticks of; 1 something differs, is
missing, repeated or too much, or could not be judged for want of a model or settings; 64 bad command line.")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    #[command(flatten)]
    records: RecordArguments,
    /// The brokers, host:port separated by commas; kafka.bootstrap_servers if left out.
    #[arg(long, value_name = "SERVERS", conflicts_with_all = ["predictions", "ticks"])]
    bootstrap_servers: Option<String>,
    /// Recorded predictions, instead of the topic.
    #[arg(long, value_name = "GLOB", num_args = 1.., requires = "ticks")]
    predictions: Vec<String>,
    /// Recorded ticks, instead of the topic.
    #[arg(long, value_name = "GLOB", num_args = 1.., requires = "predictions")]
    ticks: Vec<String>,
    /// A directory of model files.
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// A state file from kafka.state_directory, or that directory: for symbols whose first ticks are gone.
    #[arg(long, value_name = "FILE|DIR", num_args = 1..)]
    snapshot: Vec<PathBuf>,
    /// The emit mode of the predictions: every_tick, 1s or spikes; kafka.emit if left out.
    #[arg(long, value_name = "MODE")]
    emit: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let mut layers = arguments.config.layers();
    arguments.records.lay_over(&mut layers);
    let servers = arguments
        .bootstrap_servers
        .map(|servers| ("kafka.bootstrap_servers", servers, "--bootstrap-servers"));
    layers.flags.extend(servers);
    layers.flags.extend(arguments.emit.map(|emit| ("kafka.emit", emit, "--emit")));
    let config = layers.load(&super::ProcessEnvironment)?.config;
    let mut models = ModelFiles::open(arguments.models.as_deref(), config.model.map_above_bytes)?;
    let settings = settings(&config)?;
    let states = read_snapshots(&arguments.snapshot)?;
    let report = if arguments.ticks.is_empty() {
        verify_topics(&config, &settings, &mut models, states)?
    } else {
        let predictions = Recording::open(&arguments.predictions).map_err(|error| failed(&error))?;
        let ticks = Recording::open(&arguments.ticks).map_err(|error| failed(&error))?;
        verify(&settings, &mut models, states, (&ticks, &predictions), &BTreeMap::new())?
    };
    if arguments.json {
        serde_json::to_writer(&mut *out, &report).map_err(|error| print_failed(error.into()))?;
        writeln!(out).map_err(print_failed)?;
    } else {
        print(&report, out).map_err(print_failed)?;
    }
    judge(&report)
}

fn failed(error: &LogError) -> Failure {
    Failure::new(Exit::Failed, error.to_string())
}

fn settings(config: &Config) -> Result<VerifySettings, Failure> {
    let baseline = super::serve::baseline(config)?;
    Ok(VerifySettings {
        state: wiring::state_settings(config),
        emit: config.kafka.emit,
        at_least_once: config.kafka.delivery == Delivery::AtLeastOnce,
        baseline,
        records: wiring::record_rules(config).map_err(|why| Failure::new(Exit::Configuration, why))?,
    })
}

#[cfg(feature = "kafka")]
fn read_snapshots(paths: &[PathBuf]) -> Result<Vec<KeptState>, Failure> {
    let mut states = Vec::new();
    for path in paths {
        let read = engine::kafka::kept_states(path)
            .map_err(|error| Failure::new(Exit::Failed, format!("--snapshot {}: {error}", path.display())))?;
        states.extend(read);
    }
    if states.is_empty() && !paths.is_empty() {
        let message = "--snapshot names no state; give a file or a directory of kafka.state_directory";
        return Err(Failure::new(Exit::Failed, message));
    }
    Ok(states)
}

#[cfg(not(feature = "kafka"))]
fn read_snapshots(paths: &[PathBuf]) -> Result<Vec<KeptState>, Failure> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let message = "this program was built without the feature kafka, which --snapshot needs";
    Err(Failure::new(Exit::Configuration, message))
}

#[cfg(feature = "kafka")]
fn verify_topics(
    config: &Config,
    settings: &VerifySettings,
    models: &mut ModelFiles,
    states: Vec<KeptState>,
) -> Result<Report, Failure> {
    use engine::kafka::{TopicLog, committed_offsets};
    let kafka = super::broker::settings(config)?;
    // The order matters: for every offset committed by now, the predictions and ticks are in the topics already.
    let committed = committed_offsets(&kafka).map_err(|error| failed(&error))?;
    let predictions = TopicLog::open(&kafka, &kafka.topic_predictions).map_err(|error| failed(&error))?;
    let ticks = TopicLog::open(&kafka, &kafka.topic_raw).map_err(|error| failed(&error))?;
    verify(settings, models, states, (&ticks, &predictions), &committed)
}

#[cfg(not(feature = "kafka"))]
fn verify_topics(
    _: &Config,
    _: &VerifySettings,
    _: &mut ModelFiles,
    _: Vec<KeptState>,
) -> Result<Report, Failure> {
    let message = "this program was built without the feature kafka; give --predictions and --ticks";
    Err(Failure::new(Exit::Configuration, message))
}

fn verify(
    settings: &VerifySettings,
    models: &mut ModelFiles,
    mut states: Vec<KeptState>,
    (ticks, predictions): (&dyn PartitionedLog, &dyn PartitionedLog),
    committed: &BTreeMap<u32, Committed>,
) -> Result<Report, Failure> {
    let given = states.first().map(|state| state.topic.clone());
    states.retain(|state| state.topic == ticks.topic());
    if let (Some(given), true) = (given, states.is_empty()) {
        let message = format!("--snapshot has states of topic {given:?} and none of {:?}", ticks.topic());
        return Err(Failure::new(Exit::Failed, message));
    }
    let total = ticks.partitions().into_iter().map(|partition| ticks.length(partition)).sum();
    let bar = bar(total, "{bar:40} {pos}/{len} tick records");
    let mut records = 0_u64;
    let mut advanced = || {
        records += 1;
        if records.is_multiple_of(RECORDS_PER_REPORT) {
            bar.set_position(records);
        }
    };
    let committed = |partition: u32| committed.get(&partition).copied();
    let verifier = Verifier::new(settings, models).with_states(states);
    let report = verifier.verify(ticks, predictions, &committed, &mut advanced);
    bar.finish_and_clear();
    report.map_err(|error| failed(&error))
}

fn print(report: &Report, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "{} predictions of {} tick records", report.predictions, report.tick_records)?;
    for (name, count) in [
        ("verified", report.verified),
        ("differing", report.differing),
        ("missing", report.missing),
        ("repeated", report.repeated),
        ("surplus", report.surplus),
        ("not verifiable", report.not_verifiable.values().map(|unjudged| unjudged.count).sum()),
    ] {
        writeln!(out, "  {name:<16} {count}")?;
    }
    for (reason, unjudged) in &report.not_verifiable {
        let first = unjudged.first;
        writeln!(
            out,
            "{} not verifiable, first partition {}, offset {}, index {}: {}",
            unjudged.count,
            first.partition,
            first.offset,
            first.index,
            reason.text()
        )?;
    }
    for sha256 in &report.missing_models {
        writeln!(out, "  no model file has the sha256 {sha256}")?;
    }
    if report.unreadable.count() > 0 {
        writeln!(out, "tick records without predictions: {}", report.unreadable)?;
    }
    if report.repeated_as_promised > 0 {
        writeln!(
            out,
            "{} repeats with the same bytes, as kafka.delivery allows",
            report.repeated_as_promised
        )?;
    }
    if report.tick_records_behind > 0 {
        let count = report.tick_records_behind;
        writeln!(
            out,
            "{count} tick records lie behind the last prediction: waiting, or their predictions are lost"
        )?;
    }
    Ok(())
}

fn judge(report: &Report) -> Result<(), Failure> {
    if let Some(difference) = &report.first_difference {
        return Err(Failure::new(Exit::Failed, format!("first: {}", place(difference))));
    }
    if !report.is_sound() {
        return Err(Failure::new(Exit::Failed, "not everything could be judged; see above"));
    }
    if report.verified == 0 {
        return Err(Failure::new(Exit::Failed, "nothing could be verified"));
    }
    Ok(())
}

fn place(difference: &Difference) -> String {
    let Difference { kind, place, field, found, due } = difference;
    let kind = format!("{kind:?}").to_lowercase();
    let field = if field.is_empty() { String::new() } else { format!("field {field}, ") };
    format!(
        "{kind} at partition {}, offset {}, index {}: {field}found {found}, due {due}",
        place.partition, place.offset, place.index
    )
}
