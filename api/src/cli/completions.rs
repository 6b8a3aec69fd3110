//! `stormglass completions`: what a shell needs to complete the command line.

use std::io::Write;

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::{CommandLine, Failure, print_failed};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass completions bash > /etc/bash_completion.d/stormglass
  stormglass completions zsh > \"${fpath[1]}/_stormglass\"
  stormglass completions fish > ~/.config/fish/completions/stormglass.fish")]
pub(super) struct Arguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(arguments.shell, &mut CommandLine::command(), "stormglass", &mut script);
    out.write_all(&script).map_err(print_failed)
}
