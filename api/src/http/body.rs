//! A request's body: bounded in bytes and in time.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::{StatusCode, body::Incoming};

use super::problem::Problem;
use crate::config::sections::Server;

/// All of the body.
///
/// # Errors
/// 413 beyond `server.body_max_bytes`, 408 beyond `server.body_timeout_s`, 400 if the client broke off. Each ends
/// the connection, because the rest of the body is not read.
pub(super) async fn read(body: Incoming, limits: &Server) -> Result<Bytes, Problem> {
    let announced = hyper::body::Body::size_hint(&body).lower();
    if announced > limits.body_max_bytes as u64 {
        return Err(too_long(limits.body_max_bytes));
    }
    let timeout = limits.body_timeout_s.duration();
    match tokio::time::timeout(timeout, collect(body, limits.body_max_bytes)).await {
        Ok(read) => read,
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "Request timeout",
            format!("the body did not arrive within {} s (server.body_timeout_s)", timeout.as_secs_f64()),
        )
        .closing()),
    }
}

/// Most bodies are one frame, which is handed on without a copy.
async fn collect(mut body: Incoming, max_bytes: usize) -> Result<Bytes, Problem> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, "Body cut off", format!("the body ended early: {error}"))
                .closing()
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + all.len() + data.len() > max_bytes {
            return Err(too_long(max_bytes));
        }
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
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
