//! `stormglass config show`.

use std::io::Write;

use clap::{Args, Subcommand};

use super::{ConfigArgument, Failure, print_failed};
use crate::config::show::show;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass config show                          what is in force here, and from where
  stormglass config show --config stormglass.toml
  STORMGLASS__LOG__LEVEL=debug stormglass config show")]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the effective configuration as TOML, with the origin of each value.
    Show {
        #[command(flatten)]
        config: ConfigArgument,
    },
}

pub(super) fn run(arguments: Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let Action::Show { config } = arguments.action;
    out.write_all(show(&config.load()?).as_bytes()).map_err(print_failed)
}
