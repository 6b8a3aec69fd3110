//! `stormglass man`: the manual pages, one for the program and one for each subcommand.

use std::{io::Write, path::PathBuf};

use clap::{Args, CommandFactory};
use clap_mangen::{Man, generate_to};

use super::{CommandLine, Exit, Failure, print_failed};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass man | man -l -
  stormglass man --output /usr/local/share/man/man1")]
pub(super) struct Arguments {
    /// The directory of all pages, stormglass.1, stormglass-serve.1, …; without it the first is printed.
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    // Without what the program adds by itself, which has no page: `help`.
    let command = CommandLine::command().disable_help_subcommand(true);
    let Some(directory) = arguments.output else {
        return Man::new(command).render(out).map_err(print_failed);
    };
    let written = std::fs::create_dir_all(&directory).and_then(|()| generate_to(command, &directory));
    written.map_err(|error| {
        Failure::new(Exit::Failed, format!("cannot write pages to {}: {error}", directory.display()))
    })
}
