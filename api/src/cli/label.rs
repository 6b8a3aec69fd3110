//! The flags of the subcommands that work on recorded ticks: how records are read, and what the event is.

use clap::Args;

use super::{ConfigArgument, records::RecordArguments};
use crate::config::{Config, ProcessEnvironment};

/// `--config`, the keys of records and those of the label.
#[derive(Debug, Default, Args)]
pub(super) struct LabelArguments {
    #[command(flatten)]
    config: ConfigArgument,
    #[command(flatten)]
    records: RecordArguments,
    /// Take records without a single tick for a success (source.allow_empty).
    #[arg(long)]
    allow_empty: bool,
    /// Seconds ahead that the event looks: 15, 30, 60 or 300 (label.horizon_s).
    #[arg(long, value_name = "SECONDS")]
    horizon_s: Option<String>,
    /// Quantile of the symbol's own trailing volatility that the event exceeds (label.quantile).
    #[arg(long, value_name = "Q")]
    quantile: Option<String>,
    /// A fixed threshold instead of the quantile, basis points per square-root second (label.threshold_bp).
    #[arg(long, value_name = "BP")]
    threshold_bp: Option<String>,
    /// Seconds of a symbol's volatilities before their quantile is used (label.warm_up_s).
    #[arg(long, value_name = "SECONDS")]
    warm_up_s: Option<String>,
}

impl LabelArguments {
    /// Loads the configuration with these flags over it.
    pub(super) fn load(self) -> Result<Config, super::Failure> {
        let mut layers = self.config.layers();
        self.records.lay_over(&mut layers);
        if self.allow_empty {
            layers.flags.push(("source.allow_empty", "true".to_owned(), "--allow-empty"));
        }
        let flags = [
            ("label.horizon_s", self.horizon_s, "--horizon-s"),
            ("label.quantile", self.quantile, "--quantile"),
            ("label.threshold_bp", self.threshold_bp, "--threshold-bp"),
            ("label.warm_up_s", self.warm_up_s, "--warm-up-s"),
        ];
        layers.flags.extend(flags.into_iter().filter_map(|(key, text, flag)| Some((key, text?, flag))));
        Ok(layers.load(&ProcessEnvironment)?.config)
    }
}
