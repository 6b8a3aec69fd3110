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
pub(super) const BACKLOG: i32 = 4_096;

/// A running HTTP front.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    address: SocketAddr,
    threads: Vec<JoinHandle<usize>>,
}

impl Server {
    /// Binds and starts one thread an entry of `cpus`, pinned to that CPU if it is one. The engine plans them
    /// ([`engine::cpu::CpuPlan::front_cpus`]), because fronts and shards share the machine.
    ///
    /// # Errors
    /// If the address cannot be bound or a thread cannot be started.
    ///
    /// # Panics
    /// If `cpus` is empty: nobody would serve.
    pub fn start(app: Arc<App>, cpus: &[Option<usize>]) -> io::Result<Self> {
        let count = cpus.len();
        assert!(count > 0, "a front needs a thread");
        let first = listener(app.config.server.listen, count > 1)?;
        // With port 0 the first listener learns the port that the others share.
        let address = first.local_addr()?;
        // Once: a service has one front.
        let _ = app.address.set(address);
        let mut listeners = vec![first];
        for _ in 1..count {
            listeners.push(listener(address, true)?);
        }
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

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, waits for requests in flight up to what is left of `server.drain_timeout_s`, and ends the
    /// threads.
    /// Returns the number of connections that were cut.
    pub fn stop(self) -> usize {
        self.app.start_draining();
        self.threads.into_iter().map(|thread| thread.join().unwrap_or(1)).sum()
    }
}

/// A front that cannot be pinned serves all the same, wherever the kernel puts it.
fn pin(front: usize, cpu: Option<usize>) {
    if let Some(cpu) = cpu
        && let Err(error) = engine::sys::pin_current_thread(cpu)
    {
        tracing::warn!(front, cpu, %error, "a front thread could not be pinned to its CPU");
    }
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
