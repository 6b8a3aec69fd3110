//! `stormglass healthcheck`: for containers without curl.

use std::{net::SocketAddr, time::Duration};

use clap::Args;

use super::{ConfigArgument, Exit, Failure};
use crate::client::{BlockingClient, reachable};

/// Longest wait for an answer: more than a ready service needs.
const TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass healthcheck                              exit 0 when the service on this machine is ready
  stormglass healthcheck --address 10.0.0.7:8000")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// The service's address; the configured one if left out.
    #[arg(long, value_name = "ADDRESS:PORT")]
    address: Option<SocketAddr>,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    let address = match arguments.address {
        Some(address) => address,
        None => reachable(arguments.config.load()?.config.server.listen),
    };
    let failed = |what: String| Failure::new(Exit::Failed, format!("{address} {what}"));
    let client = BlockingClient::new(address.into(), TIMEOUT)
        .map_err(|error| failed(format!("cannot be asked: {error}")))?;
    match client.get("/readyz") {
        Ok(answer) if answer.status == 200 => Ok(()),
        // Container engines keep this text.
        Ok(answer) => Err(failed(format!(
            "is not ready: {} {}",
            answer.status.as_u16(),
            String::from_utf8_lossy(&answer.body).trim()
        ))),
        Err(error) => Err(failed(format!("does not answer: {error}"))),
    }
}
