//! One story's topics and group, its engines, its producer, and the comparison at the end.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use model::Model;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    producer::{BaseProducer, BaseRecord, Producer},
    types::RDKafkaErrorCode,
};
use tempfile::TempDir;

use super::{
    broker,
    market::{PARTITIONS, Record},
    oracle::{self, Expected, Logged, Source},
    reader::{self, Read},
};
use crate::support::{
    fixtures::{small_model, small_model_bytes},
    process::Process,
};

/// As much as the long form asks for, or what is enough to see that it works.
pub(super) fn size<T>(short: T, long: T) -> T {
    if std::env::var_os("STORMGLASS_LONG").is_some_and(|value| !value.is_empty()) { long } else { short }
}

/// Nothing new for so long is a hang.
const HANG: Duration = Duration::from_secs(60);
pub(super) const SESSION_TIMEOUT_S: &str = "4";

/// The topics, group and model of one story. Topics and group carry its name.
pub(super) struct World {
    name: String,
    model: Arc<Model>,
    model_path: PathBuf,
    _directory: TempDir,
}

impl World {
    pub(super) fn new(name: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let model_path = directory.path().join("small.sgm");
        std::fs::write(&model_path, small_model_bytes("small", -1.5)).unwrap();
        // A broker that outlives a run of the suite keeps the topics of the run before.
        let name = format!("{name}-{}", std::process::id());
        let world = Self { name, model: small_model(), model_path, _directory: directory };
        world.create(&world.topic("ticks"), PARTITIONS as i32);
        world
    }

    pub(super) fn topic(&self, kind: &str) -> String {
        format!("{}.{kind}", self.name)
    }

    /// The hash of the engines' model.
    pub(super) fn model_sha256(&self) -> &str {
        &self.model.info().sha256
    }

    pub(super) fn group(&self) -> &str {
        &self.name
    }

    pub(super) fn admin(&self) -> AdminClient<DefaultClientContext> {
        ClientConfig::new().set("bootstrap.servers", broker::servers()).create().unwrap()
    }

    pub(super) fn create(&self, topic: &str, partitions: i32) {
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(broker::count() as i32));
        // A broker that a story has just revived, or that the machine holds up, is none yet for its controller.
        let began = Instant::now();
        loop {
            let created = block_on(self.admin().create_topics([&new], &AdminOptions::new())).unwrap();
            match &created[0] {
                Err((_, RDKafkaErrorCode::InvalidReplicationFactor)) if began.elapsed() < HANG => {
                    std::thread::sleep(Duration::from_millis(200));
                }
                other => {
                    other.as_ref().unwrap();
                    break;
                }
            }
        }
    }

    /// An engine that feeds from the story's topics. `instance` names it in the group.
    pub(super) fn engine(&self, instance: &str, settings: &[(&str, &str)]) -> Process {
        self.engine_with(&[], instance, |command| {
            command.env("KAFKA_BOOTSTRAP_SERVERS", broker::servers());
            for (key, value) in settings {
                command.env(format!("STORMGLASS__{key}"), value);
            }
        })
    }

    /// Starts an engine with further arguments and changes to the command, which names no broker by itself.
    pub(super) fn engine_with(
        &self,
        arguments: &[&str],
        instance: &str,
        change: impl FnOnce(&mut Command),
    ) -> Process {
        let model = self.model_path.to_str().unwrap();
        let arguments = [&["--source", "kafka", "--model", model], arguments].concat();
        Process::serve(&arguments, |command| {
            command.envs(self.topics());
            for (key, value) in [
                ("INSTANCE", instance),
                ("SESSION_TIMEOUT_S", SESSION_TIMEOUT_S),
                ("TRANSACTION_TIMEOUT_S", "5"),
                ("COMMIT_INTERVAL_MS", "50"),
                ("SNAPSHOT_INTERVAL_S", "1"),
            ] {
                command.env(format!("STORMGLASS__KAFKA__{key}"), value);
            }
            change(command);
        })
    }

    /// The variables that name the story's topics and group.
    pub(super) fn topics(&self) -> Vec<(String, String)> {
        let named = |key: &str, value: String| (format!("STORMGLASS__KAFKA__{key}"), value);
        vec![
            named("TOPIC_RAW", self.topic("ticks")),
            named("TOPIC_PREDICTIONS", self.topic("predictions")),
            named("TOPIC_DLQ", self.topic("dlq")),
            named("TOPIC_SNAPSHOTS", self.topic("snapshots")),
            named("TOPIC_OWNERS", self.topic("owners")),
            named("TOPIC_MODELS", self.topic("models")),
            named("TOPIC_EVENTS", self.topic("events")),
            named("GROUP", self.group().to_owned()),
        ]
    }

    /// The predictions that the log must give.
    pub(super) fn expected(&self) -> Expected {
        oracle::score(&self.log(), &self.model)
    }

    /// The committed predictions, each partition in order: source, key and payload.
    pub(super) fn predictions(&self) -> Vec<(Source, String, String)> {
        let parts = |read: Read| {
            (source(&read), read.key, String::from_utf8(read.payload.unwrap_or_default()).unwrap())
        };
        reader::read_all(&self.topic("predictions")).into_iter().map(parts).collect()
    }

    /// Writes the records at a pace, from a thread of its own; every delivery is confirmed.
    pub(super) fn feed(&self, records: Vec<Record>, per_second: f64) -> Feed {
        self.feed_by(Partitioning::Given, records, per_second)
    }

    /// Feeds records whose partitions are chosen by `by`.
    pub(super) fn feed_by(&self, by: Partitioning, records: Vec<Record>, per_second: f64) -> Feed {
        let topic = self.topic("ticks");
        let sent = Arc::new(AtomicUsize::new(0));
        let counter = sent.clone();
        let thread = std::thread::spawn(move || {
            let producer: BaseProducer = ClientConfig::new()
                .set("bootstrap.servers", broker::servers())
                .set("enable.idempotence", "true")
                .set("linger.ms", "2")
                .set("message.timeout.ms", "120000")
                // As much as the broker takes.
                .set("message.max.bytes", "1048576")
                .set("partitioner", if let Partitioning::Key(name) = by { name } else { "consistent_random" })
                .create()
                .unwrap();
            let started = Instant::now();
            for (i, record) in records.iter().enumerate() {
                let due = Duration::from_secs_f64(i as f64 / per_second);
                // Paces the producer; nothing waits for it.
                std::thread::sleep(due.saturating_sub(started.elapsed()));
                let mut new = BaseRecord::<[u8], [u8]>::to(&topic);
                match by {
                    Partitioning::Given => {
                        new = new.partition(record.partition as i32).key(record.key.as_bytes());
                    }
                    Partitioning::Key(_) => new = new.key(record.key.as_bytes()),
                    // Each to a partition of its own choice, as Python's client sends them. librdkafka keeps to one for
                    // milliseconds, which are seconds of this market and would leave gaps in all others.
                    Partitioning::Nothing => {
                        let mixed = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
                        new = new.partition((mixed % PARTITIONS as u64) as i32);
                    }
                }
                new.payload = record.payload.as_deref().map(str::as_bytes);
                while let Err((error, back)) = producer.send(new) {
                    assert_eq!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::QueueFull), "{error}");
                    producer.poll(Duration::from_millis(10));
                    new = back;
                }
                producer.poll(Duration::ZERO);
                counter.store(i + 1, Ordering::Relaxed);
            }
            producer.flush(Duration::from_secs(120)).unwrap();
        });
        Feed { thread, sent }
    }

    /// Writes records to the topic of ticks as they are: the partition, the key and the payload of each.
    pub(super) fn send(&self, records: impl Iterator<Item = (usize, String, Vec<u8>)>) {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", broker::servers())
            .set("enable.idempotence", "true")
            .create()
            .unwrap();
        let topic = self.topic("ticks");
        for (partition, key, payload) in records {
            let record = BaseRecord::to(&topic).partition(partition as i32).key(&key).payload(&payload);
            producer.send(record).map_err(|(error, _)| error).unwrap();
            producer.poll(Duration::ZERO);
        }
        producer.flush(Duration::from_secs(60)).unwrap();
    }

    /// Waits until the group has committed all ticks.
    pub(super) fn await_all(&self, watched: &[&Process]) {
        let topic = self.topic("ticks");
        let (mut last, mut newest) = (Vec::new(), Instant::now());
        loop {
            let (committed, ends) = (reader::committed(self.group(), &topic), reader::ends(&topic));
            if committed == ends {
                return;
            }
            if committed != last {
                (last, newest) = (committed.clone(), Instant::now());
            }
            if newest.elapsed() > HANG {
                let logs: Vec<_> = watched.iter().map(|process| process.log_lines()).collect();
                panic!("stuck at {committed:?} of {ends:?}; logs: {logs:#?}");
            }
            // Paces the questions; what is waited for is the answer.
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The ticks as they lie in the log.
    pub(super) fn log(&self) -> Vec<Logged> {
        let logged =
            |read: Read| Logged { partition: read.partition, offset: read.offset, payload: read.payload };
        reader::read_all(&self.topic("ticks")).into_iter().map(logged).collect()
    }

    /// Compares what is committed with what must come of the log, record by record.
    pub(super) fn check(&self, story: &str) {
        self.check_with(story, &self.log(), 3);
    }

    /// Checks against a log that was read before the topic lost ticks.
    pub(super) fn check_against(&self, story: &str, log: &[Logged]) {
        self.check_with(story, log, 3);
    }

    /// Checks a story whose ticks are so few a symbol that few predictions are warm.
    pub(super) fn check_sparse(&self, story: &str) {
        self.check_with(story, &self.log(), 50);
    }

    /// One prediction in `warm_one_in` at least must be a probability: else nothing much was compared.
    fn check_with(&self, story: &str, log: &[Logged], warm_one_in: usize) {
        self.check_nothing_hangs();
        let expected = oracle::score(log, &self.model);
        let predictions = reader::read_all(&self.topic("predictions"));
        let mut seen: BTreeMap<Source, usize> = BTreeMap::new();
        let mut newest: BTreeMap<u32, Source> = BTreeMap::new();
        let mut probabilities = 0;
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        for read in &predictions {
            let source = source(read);
            *seen.entry(source).or_default() += 1;
            assert_eq!(read.partition, source.0, "a prediction lies on its tick's partition");
            if let Some(before) = newest.insert(read.partition, source) {
                assert!(before < source, "{source:?} follows {before:?}");
            }
            let (key, payload) =
                expected.predictions.get(&source).unwrap_or_else(|| panic!("nothing is due for {source:?}"));
            assert_eq!(&read.key, key);
            let given = std::str::from_utf8(read.payload.as_deref().unwrap()).unwrap();
            assert_eq!(given, payload, "the bytes of {source:?}");
            assert_eq!(read.header("model"), Some(self.model.info().sha256.as_str()));
            let body: serde_json::Value = serde_json::from_str(payload).unwrap();
            match body["reason"].as_str() {
                None => probabilities += 1,
                Some(reason) => *reasons.entry(reason[..20].to_owned()).or_default() += 1,
            }
        }
        let missing: Vec<&Source> = expected.predictions.keys().filter(|s| !seen.contains_key(s)).collect();
        assert!(missing.is_empty(), "{} predictions are missing, first {:?}", missing.len(), missing[0]);
        assert!(
            probabilities * warm_one_in > predictions.len(),
            "{probabilities} of {} are probabilities, the others not because of {reasons:?}",
            predictions.len()
        );
        let letters = self.check_dead_letters(&expected.dead_letters);
        println!(
            "{story}: {} ticks in the log, {} predictions of {} due, each once, bytes equal ({probabilities} probabilities); \
             {letters} dead letters",
            log.len(),
            predictions.len(),
            expected.predictions.len(),
        );
    }

    /// No transaction is open on what the engines write: one that a dead owner left ends with its timeout.
    fn check_nothing_hangs(&self) {
        for kind in ["predictions", "dlq", "snapshots"] {
            let (topic, began) = (self.topic(kind), Instant::now());
            while reader::stable_ends(&topic) != reader::ends(&topic) {
                assert!(began.elapsed() < HANG, "an open transaction holds {topic} back");
                std::thread::sleep(Duration::from_millis(200));
            }
        }
    }

    fn check_dead_letters(&self, expected: &BTreeMap<(u32, u64), &'static str>) -> usize {
        let letters = reader::read_all(&self.topic("dlq"));
        let mut found = BTreeMap::new();
        for letter in &letters {
            let source = letter.header("src").unwrap();
            let mut parts = source.split(':').map(|part| part.parse::<u64>().unwrap_or_default());
            let place = (parts.next().unwrap() as u32, parts.next().unwrap());
            let before = found.insert(place, letter.header("error").unwrap());
            assert!(before.is_none(), "two letters about {place:?}");
        }
        assert_eq!(&found, expected);
        letters.len()
    }
}

/// How the partition of a record is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Partitioning {
    /// The record says it.
    Given,
    /// Its key, hashed by librdkafka's partitioner of this name.
    Key(&'static str),
    /// Nothing: it has no key.
    Nothing,
}

/// A producer at work.
pub(super) struct Feed {
    thread: JoinHandle<()>,
    sent: Arc<AtomicUsize>,
}

impl Feed {
    /// Waits until so many records were sent.
    pub(super) fn await_sent(&self, count: usize) {
        while self.sent.load(Ordering::Relaxed) < count && !self.thread.is_finished() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(super) fn join(self) {
        self.thread.join().unwrap();
    }
}

/// Where a prediction's tick was.
pub(super) fn source(read: &Read) -> Source {
    let text = read.header("src").unwrap();
    let parts: Vec<u64> = text.split(':').map(|part| part.parse().unwrap()).collect();
    (parts[0] as u32, parts[1], parts[2] as u32)
}

pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
