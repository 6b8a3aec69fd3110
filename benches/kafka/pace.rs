//! Ticks at a fixed rate, whatever the others do: each has an instant at which it should be sent, and every latency
//! counts from that.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use rdkafka::producer::Producer;

use crate::{
    Result, broker,
    market::{self, Record},
};

/// librdkafka's own default.
const LINGER_MS: &str = "5";

/// The next ticks of a log, ready to be sent.
pub(crate) struct Paced {
    topic: String,
    records: Vec<Record>,
    per_second: f64,
    /// Offset of the first tick in each partition.
    bases: Vec<i64>,
    /// Number of the tick, by partition and by its offset less the base.
    numbers: Vec<Vec<usize>>,
}

impl Paced {
    /// Prepares `seconds` seconds of ticks. Nobody else may write to the topic.
    pub(crate) fn new(topic: &str, per_second: f64, seconds: f64) -> Result<Self> {
        let bases = broker::ends(&broker::reader("read_uncommitted")?, topic)?;
        let (written, partitions) = market::written(topic)?;
        let count = (per_second * seconds) as usize;
        let records: Vec<Record> = market::records(written, partitions).take(count).collect();
        let mut numbers = vec![Vec::new(); partitions];
        for (number, record) in records.iter().enumerate() {
            numbers[record.partition as usize].push(number);
        }
        Ok(Self { topic: topic.to_owned(), records, per_second, bases, numbers })
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// When a tick should be sent, counted from the first one.
    pub(crate) fn due(&self, number: usize) -> Duration {
        Duration::from_secs_f64(number as f64 / self.per_second)
    }

    /// The number of the tick that lies here, if it is one of these.
    pub(crate) fn number(&self, partition: usize, offset: usize) -> Option<usize> {
        let place = usize::try_from(offset as i64 - self.bases.get(partition)?).ok()?;
        self.numbers[partition].get(place).copied()
    }

    /// Sends them all, each when it is due, until told to stop. Gives how late the latest was.
    pub(crate) fn feed(&self, begin: Instant, stop: &AtomicBool) -> Result<Duration> {
        let producer = market::producer(LINGER_MS)?;
        let mut latest = Duration::ZERO;
        for (number, record) in self.records.iter().enumerate() {
            let due = begin + self.due(number);
            let now = Instant::now();
            if now < due {
                producer.poll(Duration::ZERO);
                std::thread::sleep(due - now);
            } else {
                latest = latest.max(now - due);
            }
            if stop.load(Ordering::Relaxed) {
                break;
            }
            market::send(&producer, &self.topic, record)?;
        }
        producer.flush(Duration::from_secs(60))?;
        Ok(latest)
    }
}
