//! The rows of one shard, over a window of event time.
//!
//! Rows are kept in chunks. A full chunk is shared, so that a reader takes it without a copy and without holding up the
//! shard. A chunk is dropped when all of it is older than the window, or when the bound on rows is reached.

use std::{collections::VecDeque, sync::Arc};

use model::ModelInfo;
use serde::{Deserialize, Serialize};

use super::QualityRow;
use crate::settings::{as_whole_seconds, at_most, positive};

/// Rows in a full chunk.
const CHUNK_ROWS: usize = 2_048;

/// Largest allowed bound for a process: ten million rows are 720 MB.
const ROWS_MAX: usize = 10_000_000;

/// Most models that are distinguished; the oldest is dropped first.
const MODELS_MAX: usize = 8;

/// Keys of `[quality]` that bound the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct QualitySettings {
    /// Length of the window in event time, seconds; above 0.
    #[serde(with = "as_whole_seconds")]
    pub window_s: i64,
    /// Rows of one shard at most (72 bytes each); beyond them the oldest are dropped.
    pub rows_max: usize,
}

impl Default for QualitySettings {
    fn default() -> Self {
        Self { window_s: 24 * 3600, rows_max: 400_000 }
    }
}

impl QualitySettings {
    /// Checks the bounds.
    ///
    /// # Errors
    /// The first key that is outside, and what to do.
    pub fn check(&self) -> Result<(), String> {
        positive("quality.window_s", self.window_s as f64)?;
        at_most("quality.rows_max", self.rows_max, ROWS_MAX)
    }
}

/// A full chunk of rows, which is shared with readers.
#[derive(Clone, Debug)]
struct Chunk {
    newest: i64,
    rows: Arc<Vec<QualityRow>>,
}

/// The rows of one shard.
#[derive(Debug)]
pub struct QualityWindow {
    settings: QualitySettings,
    /// Seconds that the label looks ahead.
    horizon_s: u32,
    sealed: VecDeque<Chunk>,
    open: Vec<QualityRow>,
    /// The newest grid instant, seconds since the epoch.
    newest: i64,
    /// Rows that were dropped before they were older than the window.
    dropped: u64,
    models: VecDeque<(u64, Arc<ModelInfo>)>,
}

impl QualityWindow {
    /// An empty window for predictions `horizon_s` seconds ahead.
    pub fn new(settings: QualitySettings, horizon_s: u32) -> Self {
        Self {
            settings,
            horizon_s,
            sealed: VecDeque::new(),
            open: Vec::new(),
            newest: i64::MIN,
            dropped: 0,
            models: VecDeque::new(),
        }
    }

    /// Sets the model of the rows with this hash.
    pub fn name_model(&mut self, hash: u64, info: &Arc<ModelInfo>) {
        // Moves the model to the end, so that it is dropped last: models in use are named at every change.
        self.models.retain(|(known, _)| *known != hash);
        if self.models.len() == MODELS_MAX {
            self.models.pop_front();
        }
        self.models.push_back((hash, info.clone()));
    }

    /// Adds a row.
    pub fn push(&mut self, row: QualityRow) {
        self.newest = self.newest.max(row.second);
        if self.open.len() == CHUNK_ROWS {
            let rows = std::mem::replace(&mut self.open, Vec::with_capacity(CHUNK_ROWS));
            let newest = rows.iter().map(|row| row.second).max().expect("a full chunk has rows");
            self.sealed.push_back(Chunk { newest, rows: Arc::new(rows) });
            self.evict();
        }
        self.open.push(row);
    }

    fn evict(&mut self) {
        let from = self.newest.saturating_sub(self.settings.window_s);
        while let Some(chunk) = self.sealed.front() {
            let is_past = chunk.newest <= from;
            if !is_past && (self.sealed.len() + 1) * CHUNK_ROWS <= self.settings.rows_max.max(2 * CHUNK_ROWS)
            {
                break;
            }
            if !is_past {
                self.dropped += chunk.rows.iter().filter(|row| row.second > from).count() as u64;
            }
            self.sealed.pop_front();
        }
    }

    /// The present rows; full chunks are shared, not copied.
    pub fn read(&self) -> ShardQuality {
        let sealed = self.sealed.iter().map(|chunk| chunk.rows.clone());
        ShardQuality {
            window_s: self.settings.window_s,
            horizon_s: self.horizon_s,
            chunks: sealed.chain([Arc::new(self.open.clone())]).collect(),
            dropped: self.dropped,
            models: self.models.iter().cloned().collect(),
        }
    }
}

/// One shard's rows at one moment.
#[derive(Clone, Debug, Default)]
pub struct ShardQuality {
    /// Length of the window in event time, seconds.
    pub window_s: i64,
    /// Seconds that the label looks ahead.
    pub horizon_s: u32,
    /// The rows; some may be older than the window.
    pub chunks: Vec<Arc<Vec<QualityRow>>>,
    /// Rows that were dropped before they were older than the window, because there were too many.
    pub dropped: u64,
    /// Info of the models by the hash of their rows.
    pub models: Vec<(u64, Arc<ModelInfo>)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbol::SymbolId;

    fn row(second: i64) -> QualityRow {
        QualityRow {
            second,
            model_hash: 1,
            probability: 0.5,
            persistence: 0.0,
            qlike: f64::NAN,
            symbol: SymbolId(0),
            spike: false,
            hot: false,
            interval: None,
        }
    }

    fn seconds(window: &QualityWindow) -> Vec<i64> {
        window.read().chunks.iter().flat_map(|chunk| chunk.iter().map(|row| row.second)).collect()
    }

    #[test]
    fn rows_leave_by_time_and_never_before() {
        let settings = QualitySettings { window_s: 50_000, rows_max: 1_000_000 };
        let mut window = QualityWindow::new(settings, 60);
        for step in 0..40_000_i64 {
            window.push(row(step * 5));
        }
        let kept = seconds(&window);
        let inside = 40_000 * 5 - 5 - 50_000;
        assert_eq!(kept.iter().filter(|second| **second > inside).count(), 10_000);
        assert!(kept.len() <= 10_000 + 2 * CHUNK_ROWS, "{} rows", kept.len());
        assert_eq!(window.read().dropped, 0);
    }

    #[test]
    fn too_many_rows_push_the_oldest_out_and_are_counted() {
        let settings = QualitySettings { window_s: 1_000_000, rows_max: 3 * CHUNK_ROWS };
        let mut window = QualityWindow::new(settings, 60);
        for step in 0..10 * CHUNK_ROWS as i64 {
            window.push(row(step));
        }
        let kept = seconds(&window);
        assert!(kept.len() <= settings.rows_max, "{} rows", kept.len());
        assert_eq!(window.read().dropped as usize + kept.len(), 10 * CHUNK_ROWS);
        assert_eq!(kept.last(), Some(&(10 * CHUNK_ROWS as i64 - 1)));
    }
}
