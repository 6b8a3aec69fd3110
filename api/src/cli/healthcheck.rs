//! `stormglass healthcheck`: for containers without curl.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use clap::Args;

use super::{ConfigArgument, Exit, Failure};
use crate::client::reachable;

/// Longer than a ready service ever takes.
const TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
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
    match ask(address) {
        Ok(line) if line.split_whitespace().nth(1) == Some("200") => Ok(()),
        Ok(line) => Err(Failure::new(Exit::Failed, format!("{address} is not ready: {}", line.trim()))),
        Err(error) => Err(Failure::new(Exit::Failed, format!("{address} does not answer: {error}"))),
    }
}

fn ask(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line)
}
