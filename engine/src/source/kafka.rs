//! A topic of Kafka as a source: a thread for each lane, and two beside them that all lanes share. The lanes bring ticks to
//! the shards and take the predictions back by themselves; [`crate::kafka`] tells how.

use std::sync::Arc;

use super::{Feeding, SourceEnd, SourceThread};
use crate::kafka::{KafkaSettings, Refusal, check_settings, run_lane, watch_owners, write_events};

/// A topic whose settings were checked, without a word to a broker.
#[derive(Debug)]
pub struct KafkaSource {
    settings: KafkaSettings,
}

impl KafkaSource {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Refusal`] if no client can be made with them.
    pub fn open(settings: &KafkaSettings) -> Result<Self, Refusal> {
        check_settings(settings)?;
        Ok(Self { settings: settings.clone() })
    }

    /// The lanes, the thread that reads who owns which partition, and the thread that writes what happened.
    pub(super) fn threads(self, feeding: &Feeding) -> Vec<SourceThread> {
        let advertised_url = feeding.front_url.clone();
        let settings = Arc::new(KafkaSettings { advertised_url, ..self.settings });
        feeding.engine.owners.expect();
        // One source feeds an engine: nobody has set them before.
        let _ = feeding.engine.metrics.lanes.schemas.set(settings.records.schemas.clone());
        let shared = |name: &str, run: fn(&KafkaSettings, &_, &_)| {
            let (settings, engine) = (settings.clone(), feeding.engine.clone());
            SourceThread::new(format!("kafka-{name}"), move |stop, _| {
                run(&settings, &engine, stop);
                Ok(SourceEnd::Stopped)
            })
        };
        let mut threads = vec![shared("owners", watch_owners), shared("events", write_events)];
        threads.extend((0..settings.lanes).map(|number| {
            let (settings, engine, report) =
                (settings.clone(), feeding.engine.clone(), feeding.lanes.clone());
            SourceThread::new(format!("kafka-{number}"), move |stop, _| {
                let end = run_lane(settings, number, &engine, stop, &report);
                tracing::debug!(lane = number, ?end, "a lane ended");
                Ok(SourceEnd::Stopped)
            })
        }));
        threads
    }
}
