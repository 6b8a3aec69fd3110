//! The answers of a running service about itself.

use std::{collections::BTreeMap, time::SystemTime};

use serde_json::Value;

use crate::client::{Answer, BlockingClient, ClientError, Target};

/// The paths that are asked, in the order of RUNBOOK's "Is it well?". A bundle contains each answer.
const PATHS: [&str; 8] =
    ["/version", "/livez", "/readyz?verbose", "/health", "/symbols", "/quality", "/events", "/metrics"];

/// A running service and its answers.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) target: Target,
    /// Seconds that its clock is ahead of this machine's; negative if it is behind. The time of the request itself does
    /// not count. `None` if the answer has no date.
    pub(super) clock_ahead_s: Option<i64>,
    answers: BTreeMap<&'static str, Answer>,
}

fn seconds_now() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_secs() as i64)
}

impl Service {
    /// Asks for all paths.
    ///
    /// # Errors
    /// [`ClientError`] if there is no answer to the first, or not one of this service.
    pub(super) fn query(client: &BlockingClient) -> Result<Self, ClientError> {
        let before = seconds_now();
        let version = client.get(PATHS[0])?;
        let after = seconds_now();
        let clock_ahead_s = version
            .headers
            .get("date")
            .and_then(|date| jiff::fmt::rfc2822::parse(date.to_str().ok()?).ok())
            .map(|date| date.timestamp().as_second())
            .map(|there| there - there.clamp(before, after));
        let is_ours = serde_json::from_slice::<Value>(&version.body)
            .is_ok_and(|body| body["feature_schema"].is_string());
        if !is_ours {
            return Err(ClientError::Broken(
                "something else answers there: /version is not a stormglass's".to_owned(),
            ));
        }
        let mut answers = BTreeMap::from([(PATHS[0], version)]);
        for path in &PATHS[1..] {
            // A missing answer is reported by the check that needs it.
            if let Ok(answer) = client.get(path) {
                answers.insert(path, answer);
            }
        }
        Ok(Self { target: client.target().clone(), clock_ahead_s, answers })
    }

    /// Every answer, by its path.
    pub(super) fn answers(&self) -> impl Iterator<Item = (&'static str, &Answer)> {
        self.answers.iter().map(|(path, answer)| (*path, answer))
    }

    pub(super) fn status(&self, path: &str) -> Option<u16> {
        self.answers.get(path).map(|answer| answer.status.as_u16())
    }

    /// An answer as JSON; null if there is none.
    pub(super) fn json(&self, path: &str) -> Value {
        let answer = self.answers.get(path);
        answer.and_then(|answer| serde_json::from_slice(&answer.body).ok()).unwrap_or_default()
    }

    /// The sum of a metric's series; `None` if it has none.
    pub(super) fn metric(&self, name: &str) -> Option<f64> {
        let text = std::str::from_utf8(&self.answers.get("/metrics")?.body).ok()?;
        let values: Vec<f64> = text
            .lines()
            .filter_map(|line| {
                let rest = line.strip_prefix(name)?;
                (rest.starts_with('{') || rest.starts_with(' ')).then_some(())?;
                rest.rsplit_once(' ')?.1.parse().ok()
            })
            .collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }
}
