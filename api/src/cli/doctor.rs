//! `stormglass doctor`: the runbook's checks, with cause and fix.

use std::{io::Write, path::PathBuf};

use clap::Args;

use super::{ConfigArgument, Exit, Failure};
use crate::{
    client::Target,
    config::ProcessEnvironment,
    doctor::{Context, Outcome, bundle, examine, print},
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass doctor                                      this machine, this configuration, the service at its port
  stormglass doctor --url http://10.0.0.5:8000
  stormglass doctor --bundle bundle.zip --log /var/log/stormglass.log

It only looks: it joins no group, writes no record and changes no limit; a directory that the service writes to is tried
by a file that is removed at once. Give it the service's own environment (in a
container: run it there). Exit 0: all is well, or there are warnings; 1: something failed.")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// The service; by default the one at the configured address.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Write the findings, the configuration and the service's answers to this zip file, without secrets.
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// A log whose end is added to the bundle.
    #[arg(long, value_name = "FILE", requires = "bundle")]
    log: Option<PathBuf>,
    /// Write the findings as JSON as well; without a file, or to -, it is printed instead of the text.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
}

pub(super) fn run(arguments: Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let url = arguments.url.as_deref().map(Target::parse).transpose();
    let url = url.map_err(|what| Failure::new(Exit::Configuration, format!("--url {what}")))?;
    // A configuration that does not load is a finding.
    let loaded = arguments.config.layers().load(&ProcessEnvironment);
    let context = Context::gather(loaded, url);
    let findings = examine(&context);
    super::print_report(&findings, arguments.json.as_deref(), out, |out| print(&findings, out))?;
    if let Some(path) = &arguments.bundle {
        bundle::write(path, &context, &findings, arguments.log.as_deref()).map_err(|error| {
            Failure::new(Exit::Failed, format!("cannot write the bundle {}: {error}", path.display()))
        })?;
        eprintln!("stormglass: {} is written; passwords and tokens are left out", path.display());
    }
    let failed = findings.iter().filter(|finding| finding.outcome == Outcome::Failed).count();
    match failed {
        0 => Ok(()),
        failed => Err(Failure::new(Exit::Failed, format!("{failed} checks failed"))),
    }
}
