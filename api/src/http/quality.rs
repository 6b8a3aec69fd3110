//! The newest report of live quality, made at most once a second however many ask.

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

/// A report is given again until it is this old: making one sorts every row of the window.
const REPORT_AGE_MAX: Duration = Duration::from_secs(1);

/// The report, and when it was made.
#[derive(Debug, Default)]
pub struct LiveQuality {
    made_at: Mutex<Option<Instant>>,
    newest: ArcSwapOption<QualityReport>,
}

impl LiveQuality {
    /// The report, made anew if it is old.
    ///
    /// # Errors
    /// [`AskError`] if a shard refuses or is late.
    pub async fn report(
        &self,
        engine: &EngineHandle,
        deadline: Instant,
    ) -> Result<Arc<QualityReport>, AskError> {
        // Who waits here finds the report that the one before made.
        let mut made_at = self.made_at.lock().await;
        if made_at.is_some_and(|made_at| made_at.elapsed() < REPORT_AGE_MAX)
            && let Some(newest) = self.newest.load_full()
        {
            return Ok(newest);
        }
        // Noted before the rows are taken: what comes later belongs to the next report.
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
