//! A prediction as HTTP answers it: the contract's `P` with `age_ms`, and marked stale when it is.

use engine::message::Answer;

use crate::config::values::Seconds;

/// Nanoseconds since the epoch, by the wall clock.
pub fn wall_clock_nanos() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_nanos() as i64
}

/// Appends the prediction. The shard's own encoder wrote `P`, the very bytes that Kafka has; the age is added behind, and
/// a state that is too old to act on is named so.
pub fn write_prediction(out: &mut Vec<u8>, answer: &Answer, now_nanos: i64, stale_after: Seconds) {
    const TAIL_BYTES_MAX: usize = 64;
    let start = out.len();
    out.reserve(answer.json.len() + TAIL_BYTES_MAX);
    out.extend_from_slice(&answer.json);
    let age_ms = (now_nanos - answer.prediction.scored.as_of.nanos()).max(0) / 1_000_000;
    if age_ms as f64 > stale_after.get() * 1_000.0 {
        mark_stale(out, start);
    }
    let closing = out.pop();
    debug_assert_eq!(closing, Some(b'}'), "a prediction is an object");
    out.extend_from_slice(b",\"age_ms\":");
    out.extend_from_slice(itoa::Buffer::new().format(age_ms).as_bytes());
    out.push(b'}');
}

/// Inside a JSON string a quote is always escaped, so these bytes can only be the key and its value.
fn mark_stale(out: &mut Vec<u8>, start: usize) {
    const OK: &[u8] = b",\"status\":\"ok\",";
    if let Some(at) = out[start..].windows(OK.len()).position(|window| window == OK) {
        let at = start + at;
        out.splice(at..at + OK.len(), *b",\"status\":\"stale\",");
    }
}
