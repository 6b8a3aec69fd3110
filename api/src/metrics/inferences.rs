//! Counters of the Open Inference Protocol's `stats`, by model and version.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Most models that are counted; beyond it the least recently used one is dropped.
const MODELS_MAX: usize = 32;

/// A count of operations and the time they took together.
#[derive(Debug, Default)]
pub struct Timed {
    count: AtomicU64,
    nanos: AtomicU64,
}

impl Timed {
    /// Adds one.
    pub fn add(&self, elapsed: Duration) {
        self.count.fetch_add(1, Relaxed);
        self.nanos.fetch_add(elapsed.as_nanos() as u64, Relaxed);
    }

    /// The count, and the time in nanoseconds.
    pub fn read(&self) -> (u64, u64) {
        (self.count.load(Relaxed), self.nanos.load(Relaxed))
    }
}

/// Inferences of one model.
#[derive(Debug, Default)]
pub struct ModelInferences {
    /// The model's name and version.
    pub model: (String, String),
    /// Milliseconds since the epoch; 0 before the first.
    pub last_at_ms: AtomicU64,
    /// Rows of the requests that succeeded.
    pub rows: AtomicU64,
    /// Successful requests, from the end of their body to their answer.
    pub success: Timed,
    /// Failed requests, over the same span.
    pub fail: Timed,
    /// Parsing of rows from the body.
    pub input: Timed,
    /// Scoring: the question to the shard and its answer, including waits, and explanations.
    pub infer: Timed,
    /// Writing the answer.
    pub output: Timed,
}

/// The counters of all models.
#[derive(Debug, Default)]
pub struct Inferences(RwLock<Vec<Arc<ModelInferences>>>);

impl Inferences {
    /// The counters of a model.
    pub fn of(&self, name: &str, version: &str) -> Arc<ModelInferences> {
        let find = |all: &[Arc<ModelInferences>]| {
            all.iter().find(|m| m.model.0 == name && m.model.1 == version).cloned()
        };
        if let Some(found) = find(&self.0.read().unwrap_or_else(PoisonError::into_inner)) {
            return found;
        }
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = find(&all) {
            return found;
        }
        if all.len() == MODELS_MAX
            && let Some(oldest) = (0..all.len()).min_by_key(|&i| all[i].last_at_ms.load(Relaxed))
        {
            all.swap_remove(oldest);
        }
        let model = (name.to_owned(), version.to_owned());
        let new = Arc::new(ModelInferences { model, ..ModelInferences::default() });
        all.push(new.clone());
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_stay_bounded_and_the_newest_is_kept() {
        let inferences = Inferences::default();
        for i in 0..100_u64 {
            let counts = inferences.of("m", &i.to_string());
            counts.last_at_ms.store(i + 1, Relaxed);
            counts.success.add(Duration::from_nanos(5));
        }
        assert_eq!(inferences.0.read().unwrap().len(), MODELS_MAX);
        assert_eq!(inferences.of("m", "99").success.read(), (1, 5));
        assert_eq!(inferences.of("m", "0").success.read(), (0, 0), "it was forgotten");
    }
}
