//! Reads request bodies, bounded in bytes and time, with a bound on the bytes of all bodies together.

use std::{ops::Deref, sync::atomic::Ordering};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::{StatusCode, body::Incoming};

use super::{app::App, problem::Problem};

/// A body with its share of `server.bodies_max_bytes`, which is released when this is dropped.
pub(super) struct ReadBody<'a> {
    bytes: Bytes,
    _share: Share<'a>,
}

impl Deref for ReadBody<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The bytes that a body takes from the bound on all bodies. They are taken as they arrive: an announced length takes
/// no memory, so it must take no room from others.
struct Share<'a> {
    app: &'a App,
    bytes: usize,
}

impl Share<'_> {
    fn take(&mut self, bytes: usize) -> Result<(), Problem> {
        let max_bytes = self.app.config.server.bodies_max_bytes;
        self.bytes += bytes;
        let before = self.app.metrics.bodies_bytes.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes <= max_bytes {
            return Ok(());
        }
        Err(Problem::busy(
            "Too many bodies",
            format!("the bodies of all requests may have {max_bytes} bytes (server.bodies_max_bytes); retry"),
        )
        .closing())
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.app.metrics.bodies_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Reads the whole body.
///
/// # Errors
/// 413 beyond `server.body_max_bytes`, 408 beyond `server.body_timeout_s`, 503 beyond `server.bodies_max_bytes`, 400 if
/// the client broke off. Each closes the connection, because the rest of the body is not read.
pub(super) async fn read(body: Incoming, app: &App) -> Result<ReadBody<'_>, Problem> {
    let limits = &app.config.server;
    let announced = hyper::body::Body::size_hint(&body).lower();
    if announced > limits.body_max_bytes as u64 {
        return Err(too_long(limits.body_max_bytes));
    }
    let timeout = limits.body_timeout_s.duration();
    match tokio::time::timeout(timeout, collect(body, app)).await {
        Ok(read) => read,
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "Request timeout",
            format!("the body did not arrive within {} s (server.body_timeout_s)", timeout.as_secs_f64()),
        )
        .closing()),
    }
}

/// Collects the frames. Most bodies are one frame, which is returned without a copy.
async fn collect(mut body: Incoming, app: &App) -> Result<ReadBody<'_>, Problem> {
    let max_bytes = app.config.server.body_max_bytes;
    let mut share = Share { app, bytes: 0 };
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, "Body cut off", format!("the body ended early: {error}"))
                .closing()
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if share.bytes + data.len() > max_bytes {
            return Err(too_long(max_bytes));
        }
        share.take(data.len())?;
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
    }
    let bytes = if all.is_empty() { first } else { all.freeze() };
    Ok(ReadBody { bytes, _share: share })
}

fn too_long(max_bytes: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "Body too large",
        format!(
            "the body is longer than {max_bytes} bytes (server.body_max_bytes); send fewer rows at a time"
        ),
    )
    .closing()
}
