//! `stormglass train`: a model from recorded ticks, by the same core that serves.

use std::path::PathBuf;

use clap::Args;

use super::{ConfigArgument, Exit, Failure};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// Globs of recorded ticks, oldest data first.
    #[arg(long, value_name = "GLOB", required = true, num_args = 1..)]
    input: Vec<String>,
    /// The model file to write.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// The model's name.
    #[arg(long, default_value = "stormglass")]
    name: String,
    /// The model's version.
    #[arg(long, default_value = "1")]
    model_version: String,
    /// Seconds ahead that the model speaks of.
    #[arg(long, default_value_t = 60)]
    horizon_s: u32,
    /// Quantile of trailing volatility that is a spike.
    #[arg(long, default_value_t = 0.9)]
    label_quantile: f64,
    /// Share of the time span, at its end, that the model is judged on.
    #[arg(long, default_value_t = 0.3)]
    test_share: f64,
    /// Seed of the trainer.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    let loaded = arguments.config.load()?;
    let usage = |message: &str| Failure::new(Exit::Configuration, message);
    if !(arguments.label_quantile > 0.0 && arguments.label_quantile < 1.0) {
        return Err(usage("--label-quantile must be between 0 and 1"));
    }
    if !(arguments.test_share > 0.0 && arguments.test_share < 1.0) {
        return Err(usage("--test-share must be between 0 and 1"));
    }
    let _ = (loaded, arguments.input, arguments.output, arguments.name, arguments.model_version);
    let _ = (arguments.horizon_s, arguments.seed);
    Err(Failure::new(Exit::Failed, "this build cannot train"))
}
