//! One front thread: accepts and serves connections, refuses those beyond the limit, drains.

use std::{
    convert::Infallible,
    error::Error,
    io::{self, ErrorKind},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use hyper::{Method, Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::OwnedSemaphorePermit,
};

use super::{
    app::{App, draining},
    endpoint::{ENDPOINTS, Observed},
    live,
    problem::Problem,
    route,
    server::BACKLOG,
    service,
};

/// Most bytes buffered for a connection; hyper's default is six times that.
const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// Most clients that are refused with an answer at a time; further connections are closed.
pub const REFUSALS_MAX: usize = 512;
/// Time that a refused client has to read the answer.
const REFUSAL_LINGER: Duration = Duration::from_secs(1);
/// The part of it in which its request must begin; only a probe's request matters.
const PROBE_WAIT: Duration = Duration::from_millis(100);
/// Bytes that suffice for the request line of a probe.
const PROBE_BYTES: usize = 64;
const TOO_MANY: &str = "server.connections_max connections are open; retry after a second";
/// Time in which clients of just accepted connections can send their request when the drain begins. hyper closes a
/// connection on which it has read nothing, and unread bytes would then cause a reset.
const LAST_REQUESTS_WAIT: Duration = Duration::from_millis(25);
/// Wait after the process ran out of file descriptors.
const OUT_OF_FILES_WAIT: Duration = Duration::from_millis(50);

/// Serves until the drain is over; returns the number of connections that were cut.
pub(super) async fn run(app: Arc<App>, listener: std::net::TcpListener, is_first: bool) -> usize {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "a listener could not be used");
            return 0;
        }
    };
    if is_first {
        tokio::spawn(live::fan_out(app.clone()));
    }
    let graceful = GracefulShutdown::new();
    let mut drain = app.drain_signal();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => admit(&app, &graceful, stream),
                Err(error) => accept_failed(&error).await,
            },
            () = draining(&mut drain) => break,
        }
    }
    admit_those_waiting(&app, &graceful, listener);
    tokio::time::sleep(LAST_REQUESTS_WAIT).await;
    finish(&app, graceful).await
}

/// Accepts the connections that wait, then closes the listener; otherwise the kernel would reset them.
fn admit_those_waiting(app: &Arc<App>, graceful: &GracefulShutdown, listener: TcpListener) {
    let Ok(listener) = listener.into_std() else { return };
    for _ in 0..BACKLOG {
        match listener.accept() {
            Ok((stream, _)) => {
                let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
                if let Ok(stream) = stream {
                    admit(app, graceful, stream);
                }
            }
            // A failure of one client; continue with the next one.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
            Err(_) => return,
        }
    }
}

async fn finish(app: &App, graceful: GracefulShutdown) -> usize {
    let open = graceful.count();
    let Err(_) = tokio::time::timeout(app.drain_time_left(), graceful.shutdown()).await else { return 0 };
    let cut = app.connections_open().min(open);
    tracing::warn!(cut, "connections were cut at the end of server.drain_timeout_s");
    cut
}

/// Handles a failed accept, caused by the client (it went away) or here (no file descriptors): the loop continues,
/// slower.
async fn accept_failed(error: &io::Error) {
    match error.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => {
            tracing::warn!(%error, "cannot accept: raise the limit of open files or lower server.connections_max");
            tokio::time::sleep(OUT_OF_FILES_WAIT).await;
        }
        _ => tracing::debug!(%error, "a connection failed before it was accepted"),
    }
}

fn admit(app: &Arc<App>, graceful: &GracefulShutdown, stream: TcpStream) {
    match app.connections.clone().try_acquire_owned() {
        Ok(permit) => serve(app, graceful, stream, permit),
        Err(_) => {
            app.metrics.connections_refused.fetch_add(1, Ordering::Relaxed);
            if app.refusals.fetch_add(1, Ordering::Relaxed) < REFUSALS_MAX {
                let app = app.clone();
                tokio::spawn(async move {
                    let _ = tokio::time::timeout(REFUSAL_LINGER, turn_away(&app, stream)).await;
                    app.refusals.fetch_sub(1, Ordering::Relaxed);
                });
            } else {
                app.refusals.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
}

fn serve(app: &Arc<App>, graceful: &GracefulShutdown, stream: TcpStream, permit: OwnedSemaphorePermit) {
    // hyper does not set it, and a small answer must not wait for the client's acknowledgement.
    let _ = stream.set_nodelay(true);
    let timeout = app.config.server.header_read_timeout_s.duration();
    let answer = service_fn({
        let app = app.clone();
        move |request| {
            let app = app.clone();
            async move { Ok::<_, Infallible>(service::answer(app, request).await) }
        }
    });
    let connection = graceful.watch(builder(timeout).serve_connection(TokioIo::new(stream), answer));
    let stalled = app.clone();
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            if took_nothing(&error) {
                stalled.metrics.connections_stalled.fetch_add(1, Ordering::Relaxed);
            }
            tracing::debug!(%error, "a connection ended early");
        }
        drop(permit);
    });
}

/// Whether the kernel ended the connection after `server.write_timeout_s`.
fn took_nothing(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == ErrorKind::TimedOut)
}

fn builder(header_read_timeout: Duration) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        // Without a timer hyper's header timeout does nothing.
        .timer(TokioTimer::new())
        .header_read_timeout(header_read_timeout)
        // A client that has shut down its sending side waits for the answer all the same. Whether it has gone shows when
        // the answer is written.
        .half_close(true)
        .max_buf_size(BUFFER_BYTES_MAX);
    builder
}

/// Refuses a connection beyond the limit, except a probe's: a supervisor whose probe is refused restarts a service that
/// is only busy.
async fn turn_away(app: &Arc<App>, stream: TcpStream) {
    let mut begin = [0; PROBE_BYTES];
    let looked = tokio::time::timeout(PROBE_WAIT, stream.peek(&mut begin)).await;
    if !matches!(looked, Ok(Ok(length)) if is_probe(&begin[..length])) {
        let _ = refuse(stream).await;
        return;
    }
    let answer = service_fn(|request: Request<Incoming>| async {
        if is_probe_of(request.method(), request.uri().path()) {
            return Ok::<_, Infallible>(service::answer(app.clone(), request).await);
        }
        Ok(Problem::busy("Too many connections", TOO_MANY).into_response(""))
    });
    let _ = builder(REFUSAL_LINGER).keep_alive(false).serve_connection(TokioIo::new(stream), answer).await;
}

/// Whether a request with this beginning is answered even beyond the limit of connections.
fn is_probe(begin: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(begin) else { return false };
    let mut words = text.split(' ');
    let (Some(method), Some(target), Some(_)) = (words.next(), words.next(), words.next()) else {
        return false;
    };
    let path = target.split('?').next().unwrap_or_default();
    Method::from_bytes(method.as_bytes()).is_ok_and(|method| is_probe_of(&method, path))
}

fn is_probe_of(method: &Method, path: &str) -> bool {
    route::find(method, path).endpoint.is_some_and(|index| ENDPOINTS[index].observed == Observed::Probe)
}

/// Answers that there are too many connections, then waits for the client to close: closing first, with its request
/// unread, would reset the connection and discard the answer.
async fn refuse(mut stream: TcpStream) -> io::Result<()> {
    let body = format!(
        r#"{{"type":"about:blank","title":"Too many connections","status":503,"detail":"{TOO_MANY}","error":"Too many connections"}}"#
    );
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 1\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    let mut rest = [0u8; 1024];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}
