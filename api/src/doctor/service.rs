//! What a running service says of itself.

use std::{collections::BTreeMap, time::SystemTime};

use serde_json::Value;

use crate::client::{Answer, BlockingClient, ClientError, Target};

/// What is asked of it, in the order of RUNBOOK's table; a bundle has each answer.
const PATHS: [&str; 8] =
    ["/version", "/livez", "/readyz?verbose", "/health", "/symbols", "/quality", "/events", "/metrics"];

/// Its answers.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) target: Target,
    /// Seconds that its clock is ahead of ours; below 0, behind. What the question itself took is not counted.
    pub(super) ahead_s: Option<i64>,
    answers: BTreeMap<&'static str, Answer>,
}

fn seconds_now() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_secs() as i64)
}

impl Service {
    /// Asks everything.
    ///
    /// # Errors
    /// [`ClientError`] when there is no service, or what is there answers as something else.
    pub(super) fn look(client: &BlockingClient) -> Result<Self, ClientError> {
        let before = seconds_now();
        let version = client.get(PATHS[0])?;
        let after = seconds_now();
        let ahead_s = version
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
            // One that is missing is noticed by its check.
            if let Ok(answer) = client.get(path) {
                answers.insert(path, answer);
            }
        }
        Ok(Self { target: client.target().clone(), ahead_s, answers })
    }

    /// Every answer, by its path.
    pub(super) fn answers(&self) -> impl Iterator<Item = (&'static str, &Answer)> {
        self.answers.iter().map(|(path, answer)| (*path, answer))
    }

    pub(super) fn status(&self, path: &str) -> Option<u16> {
        self.answers.get(path).map(|answer| answer.status.as_u16())
    }

    /// A JSON answer; null where there is none.
    pub(super) fn json(&self, path: &str) -> Value {
        let answer = self.answers.get(path);
        answer.and_then(|answer| serde_json::from_slice(&answer.body).ok()).unwrap_or_default()
    }

    /// The sum of a metric's series, `None` where it has none.
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
