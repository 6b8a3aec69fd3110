//! Writes a prediction as HTTP returns it: the engine's JSON with `age_ms`, and marked stale if it is old.

use engine::{
    message::Answer,
    prediction::{Status, WarmingReason},
};

use super::{
    app::App,
    feed::{age_ms, is_stale},
};

/// Nanoseconds since the epoch, by the wall clock.
pub fn wall_clock_nanos() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_nanos() as i64
}

/// Appends the prediction. The shard encoded it, with the same bytes as in Kafka; the age is added after them, and a
/// state that is too old to act on is marked as stale.
pub fn write_prediction(out: &mut Vec<u8>, app: &App, answer: &Answer, now_nanos: i64) {
    const TAIL_BYTES_MAX: usize = 64;
    let start = out.len();
    out.reserve(answer.json.len() + TAIL_BYTES_MAX);
    out.extend_from_slice(&answer.json);
    let age_ms = age_ms(answer.prediction.scored.as_of, now_nanos);
    if is_stale(age_ms, app.config.predict.stale_after_s.duration()) {
        mark_stale(out, start);
    }
    if answer.prediction.scored.status == Status::Warming(WarmingReason::NoModel)
        && let Some(why) = app.rows_only()
    {
        say_why(out, start, &why);
    }
    let closing = out.pop();
    debug_assert_eq!(closing, Some(b'}'), "a prediction is an object");
    out.extend_from_slice(b",\"age_ms\":");
    out.extend_from_slice(itoa::Buffer::new().format(age_ms).as_bytes());
    out.push(b'}');
}

/// Replaces the status. In JSON a quote inside a string is always escaped, so these bytes can only be the key and its
/// value.
fn mark_stale(out: &mut Vec<u8>, start: usize) {
    const OK: &[u8] = b",\"status\":\"ok\",";
    if let Some(at) = out[start..].windows(OK.len()).position(|window| window == OK) {
        let at = start + at;
        out.splice(at..at + OK.len(), *b",\"status\":\"stale\",");
    }
}

/// Replaces the reason. A shard knows only that no model drives its stream; the front knows of a loaded model that
/// cannot.
fn say_why(out: &mut Vec<u8>, start: usize, why: &str) {
    let text = |reason: &str| serde_json::to_vec(reason).expect("text is always JSON");
    let no_model = text(&WarmingReason::NoModel.text());
    if let Some(at) = out[start..].windows(no_model.len()).position(|window| window == no_model) {
        let at = start + at;
        out.splice(at..at + no_model.len(), text(why));
    }
}
