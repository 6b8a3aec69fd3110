//! The front threads: each has its own listener on the shared port and serves its own connections.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    thread::{Builder, JoinHandle},
};

use socket2::{Domain, Protocol, Socket, Type};

use super::{
    app::App,
    front::{self, REFUSALS_MAX},
};
use crate::config::sections as config;

/// Most connections that may wait to be accepted.
pub(super) const BACKLOG: i32 = 4_096;

/// Descriptors beside the connections: listeners, files, event queues, and clients that are being refused.
const OTHER_FILES: u64 = 256 + REFUSALS_MAX as u64;

/// Open files that a service with this many connections needs.
pub fn open_files_wanted(connections_max: u64) -> u64 {
    connections_max.saturating_add(OTHER_FILES)
}

/// The reason why no front was started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process listens at the address.
    #[error("{0} is in use by another process: end it, or set server.listen (--listen) to another port")]
    InUse(SocketAddr),
    /// The address cannot be bound.
    #[error("cannot listen on {address} (server.listen): {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        error: io::Error,
    },
    /// The system gave no thread.
    #[error("cannot start a front thread: {0}")]
    Thread(#[from] io::Error),
}

/// A running HTTP front.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    address: SocketAddr,
    threads: Vec<JoinHandle<usize>>,
}

impl Server {
    /// Binds and starts one thread for each entry of `cpus`, pinned to that CPU if there is one. The engine plans them
    /// ([`engine::cpu::CpuPlan::front_cpus`]), because fronts and shards share the machine.
    ///
    /// # Errors
    /// [`StartError`] if the address cannot be bound or a thread cannot be started.
    ///
    /// # Panics
    /// If `cpus` is empty.
    pub fn start(app: Arc<App>, cpus: &[Option<usize>]) -> Result<Self, StartError> {
        let count = cpus.len();
        assert!(count > 0, "a front needs a thread");
        let (address, listeners) = listeners(&app.config.server, count)?;
        // Set once, because a service has one front.
        let _ = app.address.set(address);
        let mut threads = Vec::with_capacity(count);
        for (number, (listener, cpu)) in listeners.into_iter().zip(cpus.iter().copied()).enumerate() {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let app = app.clone();
            let run = move || {
                pin(number, cpu);
                runtime.block_on(front::run(app, listener, number == 0))
            };
            threads.push(Builder::new().name(format!("front-{number}")).spawn(run)?);
        }
        tracing::info!(%address, front_threads = count, "serving HTTP");
        Ok(Self { app, address, threads })
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, waits for open requests up to what is left of `server.drain_timeout_s`, and ends the threads.
    /// Returns the number of connections that were cut.
    pub fn stop(self) -> usize {
        self.app.start_draining();
        self.threads.into_iter().map(|thread| thread.join().unwrap_or(1)).sum()
    }
}

/// Pins a front thread. One that cannot be pinned still serves.
fn pin(front: usize, cpu: Option<usize>) {
    if let Some(cpu) = cpu
        && let Err(error) = engine::sys::pin_current_thread(cpu)
    {
        tracing::warn!(front, cpu, %error, "a front thread could not be pinned to its CPU");
    }
}

/// One listener for each front thread, and their address.
fn listeners(
    config: &config::Server,
    count: usize,
) -> Result<(SocketAddr, Vec<std::net::TcpListener>), StartError> {
    let address = config.listen;
    let refused = |error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => StartError::InUse(address),
        _ => StartError::Listen { address, error },
    };
    let shared = count > 1;
    if shared {
        // A shared port can also be shared with other processes of the user, which would take some of the requests. A
        // socket that does not share detects them. (Port 0 is given to one process only.)
        bound(address, false).map_err(refused)?;
    }
    let listener = |address| {
        let socket = bound(address, shared)?;
        // Connections inherit this. The kernel ends a connection whose client acknowledges nothing, and one whose
        // client acknowledges but reads nothing: either would keep its place forever.
        socket.set_tcp_user_timeout(Some(config.write_timeout_s.duration()))?;
        socket.listen(BACKLOG)?;
        Ok(std::net::TcpListener::from(socket))
    };
    let first = listener(address).map_err(refused)?;
    // With port 0 the first listener gets the port that the others share.
    let address = first.local_addr().map_err(refused)?;
    let mut listeners = vec![first];
    for _ in 1..count {
        listeners.push(listener(address).map_err(refused)?);
    }
    Ok((address, listeners))
}

fn bound(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}
