//! `stormglass capacity`: measures what this machine holds.

use std::{io::Write, path::PathBuf};

use clap::Args;

use super::{
    ConfigArgument, Exit, Failure,
    load_test::{milliseconds, percent},
    progress::bar,
    serve,
    signals::stopped_by_signals,
};
use crate::{
    capacity::{CapacityError, Load, Settings, Sizes, measure},
    config::ProcessEnvironment,
    models,
};

/// With a smaller share, a plan would be made of idle machines and its counts would overflow.
const UTILISATION_MIN: f64 = 0.01;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass capacity
  stormglass capacity --symbols 2000 --ticks-per-symbol 5 --requests 1000
  stormglass capacity --model mine.sgm --p99-ms 10 --utilisation 0.5 --json capacity.json

Takes about half a minute and most of the machine. Made-up ticks go through the engine as `serve` would run it, with the
same model; then a service on a free loopback port is asked at rates that rise until p99 or success break the target. Every
answer is checked. Load and service share the machine, so a front of its own holds more. Run it alone.")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// The model file, instead of the configured model.
    #[arg(long, value_name = "FILE")]
    model: Option<String>,
    /// Also print the requirements of a load of this many symbols.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    symbols: Option<u64>,
    /// Ticks a second of each symbol of that load.
    #[arg(long, value_name = "R", default_value = "5", value_parser = rate)]
    ticks_per_symbol: f64,
    /// Requests a second of that load.
    #[arg(long, value_name = "R", default_value = "0", value_parser = rate_or_none)]
    requests: f64,
    /// Share of the measured capacity to plan with, so that bursts have room.
    #[arg(long, value_name = "SHARE", default_value = "0.6", value_parser = share)]
    utilisation: f64,
    /// Greatest p99 latency of requests, milliseconds.
    #[arg(long, value_name = "X", default_value = "50", value_parser = milliseconds)]
    p99_ms: f64,
    /// Least share of requests with a right answer, percent.
    #[arg(long, value_name = "PERCENT", default_value = "99", value_parser = percent)]
    success: f64,
    /// Measure briefly and roughly, to see that the command works.
    #[arg(long)]
    quick: bool,
    /// Write the report as JSON as well; without a file, or to -, it is printed instead of the tables.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
}

pub(super) fn run(arguments: Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let mut layers = arguments.config.layers();
    if let Some(model) = arguments.model {
        // A recorded model would outrank the flag.
        layers.flags.extend([("model.path", model, "--model"), ("model.record", String::new(), "--model")]);
    }
    let loaded = layers.load(&ProcessEnvironment)?;
    let (model, report) = models::start::load(&loaded);
    let Some(model) = model else {
        let why = report.refused.unwrap_or_default();
        return Err(Failure::new(Exit::Failed, format!("no model to measure with: {why}")));
    };
    let (symbols, ticks_per_symbol_per_s) = (arguments.symbols, arguments.ticks_per_symbol);
    let load =
        symbols.map(|symbols| Load { symbols, ticks_per_symbol_per_s, requests_per_s: arguments.requests });
    let settings = Settings {
        config: &loaded.config,
        model,
        baseline: serve::baseline(&loaded.config)?,
        sizes: if arguments.quick { Sizes::QUICK } else { Sizes::FULL },
        p99_ms: arguments.p99_ms,
        success_percent: arguments.success,
        utilisation: arguments.utilisation,
        load,
    };
    let stop = stopped_by_signals()?;
    let progress = bar(0, "{spinner} measuring {msg}");
    let measured = measure(&settings, &stop, |what| {
        progress.set_message(what.to_owned());
        progress.tick();
    });
    progress.finish_and_clear();
    let report = measured.map_err(|error| {
        let exit = match error {
            CapacityError::Start(_) => Exit::Configuration,
            _ => Exit::Failed,
        };
        Failure::new(exit, error.to_string())
    })?;
    super::print_report(&report, arguments.json.as_deref(), out, |out| report.print(out))
}

fn rate(text: &str) -> Result<f64, String> {
    match rate_or_none(text) {
        Ok(rate) if rate > 0.0 => Ok(rate),
        _ => Err("give a number a second, above 0".to_owned()),
    }
}

fn rate_or_none(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.0..=1e12).contains(&rate) => Ok(rate),
        _ => Err("give a number a second, 0 or above".to_owned()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (UTILISATION_MIN..=1.0).contains(&share) => Ok(share),
        _ => Err(format!("give a share, {UTILISATION_MIN} to 1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_at_least_a_hundredth() {
        assert_eq!((share("0.01"), share("1")), (Ok(0.01), Ok(1.0)));
        for text in ["1e-300", "0", "0.009", "1.1", "NaN"] {
            assert!(share(text).is_err(), "{text}");
        }
    }
}
