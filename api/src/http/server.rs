//! The front threads: each has a listener of its own on the shared port and serves its connections alone.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    thread::{Builder, JoinHandle},
};

use socket2::{Domain, Protocol, Socket, Type};

use super::{app::App, front};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4_096;

/// A running HTTP front.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    address: SocketAddr,
    threads: Vec<JoinHandle<usize>>,
}

impl Server {
    /// Binds and starts `server.front_threads` threads.
    ///
    /// # Errors
    /// If the address cannot be bound or a thread cannot be started.
    pub fn start(app: Arc<App>) -> io::Result<Self> {
        let count = match app.config.server.front_threads {
            0 => front_threads_for(std::thread::available_parallelism().map_or(1, usize::from)),
            count => count,
        };
        let first = listener(app.config.server.listen, count > 1)?;
        // With port 0 the first listener learns the port that the others share.
        let address = first.local_addr()?;
        let mut listeners = vec![first];
        for _ in 1..count {
            listeners.push(listener(address, true)?);
        }
        let mut threads = Vec::with_capacity(count);
        for (number, listener) in listeners.into_iter().enumerate() {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let app = app.clone();
            let run = move || runtime.block_on(front::run(app, listener, number == 0));
            threads.push(Builder::new().name(format!("front-{number}")).spawn(run)?);
        }
        tracing::info!(%address, front_threads = count, "serving HTTP");
        Ok(Self { app, address, threads })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, waits for requests in flight up to `server.drain_timeout_s`, and ends the threads.
    /// Returns the number of connections that were cut.
    pub fn stop(self) -> usize {
        self.app.start_draining();
        self.threads.into_iter().map(|thread| thread.join().unwrap_or(1)).sum()
    }
}

/// One front for four CPUs: serving is cheap beside what a shard does with the rest.
pub fn front_threads_for(cpus: usize) -> usize {
    cpus.div_ceil(4).max(1)
}

fn listener(address: SocketAddr, shared: bool) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
