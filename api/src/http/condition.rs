//! The state of the service for `/health` and `/readyz`.

use std::sync::atomic::Ordering;

use super::{app::App, feed::Feed, source_report::SourceState};
use crate::config::sections::SourceKind;

/// The state of the service at one moment.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Whether a model is loaded.
    pub model_loaded: bool,
    /// Number of running shards.
    pub shards_alive: usize,
    /// Number of shards that should run.
    pub shards: usize,
    /// Whether the service was told to end but still answers as before.
    pub leaving: bool,
    /// Whether no new request is accepted.
    pub draining: bool,
    /// The source and the freshness of its ticks.
    pub feed: Feed,
    /// Whether `ready.warm_wait_s` has passed.
    pub waited: bool,
    /// Whether a broker is connected; `None` if Kafka is not the source.
    pub kafka_connected: Option<bool>,
}

impl Condition {
    /// Reads the present state.
    pub fn of(app: &App) -> Self {
        Self {
            model_loaded: app.engine.model.load().is_some(),
            shards_alive: app.shards_alive(),
            shards: app.engine.mailboxes.len(),
            leaving: app.is_leaving(),
            draining: app.is_draining(),
            feed: Feed::of(app),
            waited: app.uptime() >= app.config.ready.warm_wait_s.duration(),
            kafka_connected: (app.config.source.kind == SourceKind::Kafka)
                .then(|| app.engine.metrics.lanes.is_connected()),
        }
    }

    /// Whether anything can be scored.
    pub fn can_score(&self) -> bool {
        self.model_loaded && self.shards_alive > 0 && !self.draining
    }

    /// The checks of readiness: name, whether it passes, and details.
    pub fn checks(&self) -> [(&'static str, bool, String); 4] {
        let warm = self.feed.is_warm();
        let mut warmth = self.feed.words();
        if self.waited && !warm {
            warmth.push_str(", but ready.warm_wait_s passed");
        }
        [
            (
                "model",
                self.model_loaded,
                if self.model_loaded { "loaded" } else { "Model not loaded" }.to_owned(),
            ),
            ("shards", self.shards > 0 && self.shards_alive == self.shards, self.shards_text()),
            ("draining", !self.leaving, self.leaving_text().unwrap_or("not draining").to_owned()),
            ("warm", warm || self.waited, warmth),
        ]
    }

    /// Whether the service is ready for traffic.
    pub fn is_ready(&self) -> bool {
        self.checks().iter().all(|(_, holds, _)| *holds)
    }

    /// A sentence for everything that is not as it should be.
    pub fn reasons(&self, app: &App) -> Vec<String> {
        let mut reasons = Vec::new();
        if !self.model_loaded {
            reasons.push(match &app.models.held().report.refused {
                Some(why) => format!("Model not loaded: {why}"),
                None => "Model not loaded".to_owned(),
            });
        }
        reasons.extend(app.models.held().report.other_event.clone());
        if self.shards_alive < self.shards || self.shards == 0 {
            reasons.push(self.shards_text());
        }
        reasons.extend(self.leaving_text().map(str::to_owned));
        reasons.extend(self.feed.reasons());
        if let SourceState::Failed(why) = app.source.state() {
            reasons.push(format!("the source {} failed: {why}", app.config.source.kind.name()));
        }
        reasons.extend(app.engine.metrics.live.troubles());
        if self.kafka_connected == Some(false) {
            let servers = &app.config.kafka.bootstrap_servers;
            reasons.push(format!("Kafka: no broker of {servers} answers"));
        }
        if let Some(trouble) = app.lanes.trouble() {
            reasons.push(format!("Kafka: {trouble}"));
        }
        let paused = app.engine.metrics.lanes.partitions_paused.load(Ordering::Relaxed);
        if paused > 0 {
            reasons.push(format!(
                "Kafka: {paused} partitions are paused, because too many of their records cannot be read"
            ));
        }
        for (key, writes) in app.kept_files() {
            reasons.extend(writes.failure().map(|why| format!("{key} cannot be written: {why}")));
        }
        if app.connections.available_permits() == 0 {
            reasons.push(format!("all {} connections are in use", app.config.server.connections_max));
        }
        reasons
    }

    fn leaving_text(&self) -> Option<&'static str> {
        match (self.leaving, self.draining) {
            (_, true) => Some("draining"),
            (true, false) => Some("told to end: still answering for server.shutdown_grace_s"),
            (false, false) => None,
        }
    }

    fn shards_text(&self) -> String {
        format!("{} of {} shards run", self.shards_alive, self.shards)
    }
}
