//! The command line: one file a subcommand, the list of them, and the exit codes.

use std::{
    ffi::OsString,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};

use crate::{
    build_info,
    config::{ConfigError, Layers, Loaded, ProcessEnvironment},
};

#[cfg(feature = "kafka")]
mod broker;
mod capacity;
mod completions;
mod config;
#[cfg(feature = "kafka")]
mod dlq;
mod doctor;
#[cfg(feature = "drift")]
mod drift;
#[cfg(feature = "learn")]
mod evaluate;
#[cfg(feature = "parquet")]
mod features;
mod healthcheck;
#[cfg(any(feature = "learn", feature = "parquet"))]
mod label;
mod load_test;
mod man;
mod model;
mod predict;
mod progress;
mod record;
mod records;
#[cfg(feature = "kafka")]
mod rekey;
mod replay;
mod serve;
mod signals;
mod source;
#[cfg(feature = "learn")]
mod ticks;
mod top;
#[cfg(feature = "learn")]
mod train;
#[cfg(feature = "learn")]
mod variant;
mod verify;

/// Exit codes of the process, besides 0 for success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// The command failed, or its answer is negative.
    Failed = 1,
    /// The command line or the configuration is wrong: nothing was started (EX_USAGE).
    Configuration = 64,
    /// The engine broke: restart it (EX_SOFTWARE).
    Broken = 70,
    /// Another process has the same `kafka.instance`: do not restart this one as it is (EX_TEMPFAIL).
    Fenced = 75,
}

/// The reason why a subcommand ended without success.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    pub exit: Exit,
    /// The message for standard error.
    pub message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(Exit::Configuration, error.to_string())
    }
}

const EXAMPLES: &str = "Examples:
  stormglass serve                                        made-up prices, page and API on port 8000
  stormglass serve --source 'file:data/*.ndjson.gz' --speed max
  stormglass serve --source kafka                         from KAFKA_BOOTSTRAP_SERVERS, predictions back to it
  stormglass serve --config /etc/stormglass.toml --listen 127.0.0.1:8000
  stormglass config show                                  what is in force, and from where
  stormglass model inspect model.sgm
  stormglass model import booster.json -o mine.sgm        XGBoost, LightGBM, CatBoost or scikit-learn
  stormglass predict --model mine.sgm --input rows.csv    offline scores, 17 significant digits
  stormglass evaluate --input 'ticks/*.gz'                how good predictions are on later data, and against what
  stormglass drift --reference then.parquet --current now.parquet --output drift.html
  stormglass record --source simulator --output ticks     a live feed to rotated files, or --to kafka
  stormglass record --source kafka --output backup        a topic to files; replay brings it back
  stormglass verify --models /models                      every written prediction computed once more
  stormglass load-test --rate 500 --duration 30s          exit 1 past the service level
  stormglass capacity                                     what this machine holds
  stormglass doctor                                       what is not well here, why, and what to do
  stormglass top                                          the symbols of a running service, drawn anew each second
  stormglass healthcheck                                  exit 0 when /readyz answers 200

Exit codes: 0 done, 1 failed, 64 bad command line or configuration, 70 the engine broke: restart it,\n75 another process has the same kafka.instance.";

/// Width at which help is wrapped, or the terminal's if that is less.
const HELP_COLUMNS_MAX: usize = 100;

/// Predicts crypto volatility spikes from ticks, per symbol.
#[derive(Debug, Parser)]
#[command(name = "stormglass", version = build_info::LONG_VERSION, after_help = EXAMPLES, arg_required_else_help = true,
    max_term_width = HELP_COLUMNS_MAX)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

/// The list of subcommands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run the engine and the HTTP front.
    Serve(serve::Arguments),
    /// Write the engine's features of recorded ticks as a table (parquet).
    #[cfg(feature = "parquet")]
    Features(features::Arguments),
    /// Train a model from recorded ticks.
    #[cfg(feature = "learn")]
    Train(train::Arguments),
    /// Evaluate a recipe, a model or given scores on later data.
    #[cfg(feature = "learn")]
    Evaluate(evaluate::Arguments),
    /// Compare the columns of two tables, or of one with a model's training.
    #[cfg(feature = "drift")]
    Drift(drift::Arguments),
    /// Import, inspect or verify a model file; list or clear what was activated.
    Model(model::Arguments),
    /// Score the rows of a file.
    Predict(predict::Arguments),
    /// Send recorded ticks to a Kafka topic, a running service or standard output.
    Replay(replay::Arguments),
    /// Record what a source brings into files or a topic.
    Record(record::Arguments),
    /// Copy a Kafka topic of ticks into another, keyed by symbol.
    #[cfg(feature = "kafka")]
    Rekey(rekey::Arguments),
    /// List the records that could not be read, and replay those that can be read now.
    #[cfg(feature = "kafka")]
    Dlq(dlq::Arguments),
    /// Recompute every written prediction and compare the bytes.
    Verify(verify::Arguments),
    /// Send requests to a running service at a fixed rate, and check its service level.
    LoadTest(load_test::Arguments),
    /// Measure what this machine holds: symbols, ticks and requests a second.
    Capacity(capacity::Arguments),
    /// Run the runbook's checks: what is wrong, why, and what to do.
    Doctor(doctor::Arguments),
    /// Show the symbols of a running service as a table that is drawn anew.
    Top(top::Arguments),
    /// Print the configuration.
    Config(config::Arguments),
    /// Ask a running service whether it is ready.
    Healthcheck(healthcheck::Arguments),
    /// Print what a shell needs to complete the command line.
    Completions(completions::Arguments),
    /// Print the manual page, or write all of them.
    Man(man::Arguments),
}

/// `--config`, which most subcommands take.
#[derive(Clone, Debug, Default, Args)]
struct ConfigArgument {
    /// Configuration file (TOML); the environment and flags win over it.
    #[arg(long, value_name = "FILE", env = "STORMGLASS_CONFIG")]
    config: Option<PathBuf>,
}

impl ConfigArgument {
    fn layers(self) -> Layers {
        Layers { file: self.config, flags: Vec::new() }
    }

    fn load(self) -> Result<Loaded, Failure> {
        Ok(self.layers().load(&ProcessEnvironment)?)
    }
}

/// Runs the process's command line.
pub fn main() -> ExitCode {
    run(std::env::args_os(), &mut std::io::stdout())
}

/// Runs a command line. Its output goes to `out`, errors to standard error.
pub fn run(arguments: impl IntoIterator<Item = OsString>, out: &mut dyn Write) -> ExitCode {
    let parsed = match CommandLine::try_parse_from(arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            let _ = error.print();
            let code = if error.use_stderr() { Exit::Configuration as u8 } else { 0 };
            return ExitCode::from(code);
        }
    };
    let outcome = match parsed.command {
        Command::Serve(arguments) => serve::run(arguments),
        #[cfg(feature = "parquet")]
        Command::Features(arguments) => features::run(arguments, out),
        #[cfg(feature = "learn")]
        Command::Train(arguments) => train::run(arguments),
        #[cfg(feature = "learn")]
        Command::Evaluate(arguments) => evaluate::run(arguments, out),
        #[cfg(feature = "drift")]
        Command::Drift(arguments) => drift::run(arguments, out),
        Command::Model(arguments) => model::run(arguments, out),
        Command::Predict(arguments) => predict::run(&arguments, out),
        Command::Replay(arguments) => replay::run(arguments, out),
        Command::Record(arguments) => record::run(arguments, out),
        #[cfg(feature = "kafka")]
        Command::Rekey(arguments) => rekey::run(arguments, out),
        #[cfg(feature = "kafka")]
        Command::Dlq(arguments) => dlq::run(arguments, out),
        Command::Verify(arguments) => verify::run(arguments, out),
        Command::LoadTest(arguments) => load_test::run(&arguments, out),
        Command::Capacity(arguments) => capacity::run(arguments, out),
        Command::Doctor(arguments) => doctor::run(arguments, out),
        Command::Top(arguments) => top::run(arguments, out),
        Command::Config(arguments) => config::run(arguments, out),
        Command::Healthcheck(arguments) => healthcheck::run(arguments),
        Command::Completions(arguments) => completions::run(&arguments, out),
        Command::Man(arguments) => man::run(arguments, out),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("stormglass: {failure}");
            ExitCode::from(failure.exit as u8)
        }
    }
}

/// The failure of writing to standard output, as when its reader has gone.
fn print_failed(error: std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("cannot write the output: {error}"))
}

/// Prints a report: as JSON if `--json` is given without a file (or with `-`), otherwise as `text`, with the JSON
/// written to the file if one is given.
fn print_report(
    json: &impl serde::Serialize,
    file: Option<&Path>,
    out: &mut dyn Write,
    text: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let Some(file) = file else { return text(out).map_err(print_failed) };
    let printed = serde_json::to_string_pretty(json).map_err(|error| print_failed(error.into()))? + "\n";
    if file == Path::new("-") {
        return out.write_all(printed.as_bytes()).map_err(print_failed);
    }
    std::fs::write(file, printed)
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot write {}: {error}", file.display())))?;
    text(out).map_err(print_failed)
}
