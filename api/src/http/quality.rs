//! Caches the newest report of live quality, which is computed at most once a second.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use engine::{
    handle::{AskError, EngineHandle},
    quality::QualityReport,
};
use tokio::sync::Mutex;

/// A report is reused until it has this age, because making one sorts every row of the window.
const REPORT_AGE_MAX: Duration = Duration::from_secs(1);

/// The newest report and its time.
#[derive(Debug, Default)]
pub struct LiveQuality {
    made_at: Mutex<Option<Instant>>,
    newest: ArcSwapOption<QualityReport>,
}

impl LiveQuality {
    /// The report, computed anew if it is old.
    ///
    /// # Errors
    /// [`AskError`] if a shard refuses or is late.
    pub async fn report(
        &self,
        engine: &EngineHandle,
        deadline: Instant,
    ) -> Result<Arc<QualityReport>, AskError> {
        // A caller that waited here finds the report that the one before made.
        let mut made_at = self.made_at.lock().await;
        if made_at.is_some_and(|made_at| made_at.elapsed() < REPORT_AGE_MAX)
            && let Some(newest) = self.newest.load_full()
        {
            return Ok(newest);
        }
        // Noted before the rows are read: later rows belong to the next report.
        let now = Instant::now();
        let report = Arc::new(engine.quality(deadline).await?);
        *made_at = Some(now);
        self.newest.store(Some(report.clone()));
        Ok(report)
    }

    /// The newest report, however old; `None` before the first.
    pub fn newest(&self) -> Option<Arc<QualityReport>> {
        self.newest.load_full()
    }
}
