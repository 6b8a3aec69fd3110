//! Replays the letters that can be read by now.

use std::{collections::BTreeMap, time::Duration};

use rdkafka::{
    ClientContext,
    error::{KafkaError, KafkaResult},
    message::{Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext},
    types::RDKafkaErrorCode,
};

use super::{
    Letter, each_letter,
    marks::{HEADER, Marks},
};
use crate::{
    decode::RecordKind,
    encode::encode,
    intake::Progress,
    intake::{RecordFormat, RecordReader},
    kafka::{
        client,
        oauth::gives_tokens,
        settings::KafkaSettings,
        tools::topic_log::{TopicLog, bounds, kafka_error, reader},
    },
    recording::LogError,
    symbol::default_partition,
};

/// Most letters in one transaction: its mark must fit into a header.
const LETTERS_PER_TRANSACTION_MAX: usize = 500;
const TIMEOUT: Duration = Duration::from_secs(30);

/// Selects the letters to replay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LetterReplay {
    /// Only letters with this reason; `None` for all.
    pub reason: Option<String>,
    /// Count only, and write nothing.
    pub dry_run: bool,
}

/// The number of letters replayed, and left by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct LetterReplayCounts {
    /// Letters read by now, and replayed (or to be, in a dry run).
    pub replayed: u64,
    /// Records written for the replayed letters.
    pub records: u64,
    /// Letters that an earlier run replayed.
    pub replayed_before: u64,
    /// Letters of another reason than the one that was asked for.
    pub other_reason: u64,
    /// Letters whose record was cut when they were written.
    pub truncated: u64,
    /// Letters about another topic.
    pub other_topic: u64,
    /// Letters that still cannot be read, by the reason of this version.
    pub unreadable: BTreeMap<String, u64>,
}

/// Replays the letters that can be read by now, each of them once across all runs.
///
/// # Errors
/// [`LogError`]. Committed replays stay marked, so the call can be repeated.
pub fn replay_letters(
    settings: &KafkaSettings,
    asked: &LetterReplay,
    progress: &mut dyn Progress,
) -> Result<LetterReplayCounts, LogError> {
    // Before the marks are read, so that no other replay under this name can write marks any more.
    let producer = (!asked.dry_run).then(|| fencing_producer(settings)).transpose().map_err(kafka_error)?;
    let partitions = bounds(&reader(settings)?, &settings.topic_raw)?.len() as u32;
    let log = TopicLog::open(settings, &settings.topic_dlq)?;
    let mut batch =
        Batch { settings, producer, letters: 0, dlq_partition: 0, marks: Marks::default(), is_open: false };
    let mut counts = LetterReplayCounts::default();
    let (reader, format) = (settings.records.reader(), settings.records.format.clone());
    let mut readable = Readable { settings, partitions, reader, format };
    each_letter(&log, progress, |letter| {
        if letter.is_replayed {
            counts.replayed_before += 1;
            return Ok(());
        }
        if asked.reason.as_deref().is_some_and(|reason| reason != letter.reason()) {
            counts.other_reason += 1;
            return Ok(());
        }
        match readable.records(&letter) {
            Ok(records) => {
                counts.replayed += 1;
                counts.records += records.len() as u64;
                batch.send(&letter, &records)?;
            }
            Err(Unfit::Truncated) => counts.truncated += 1,
            Err(Unfit::OtherTopic) => counts.other_topic += 1,
            Err(Unfit::Unreadable(reason)) => *counts.unreadable.entry(reason.to_owned()).or_default() += 1,
        }
        Ok(())
    })?;
    batch.commit()?;
    Ok(counts)
}

/// The reason why a letter is not replayed.
enum Unfit {
    Truncated,
    OtherTopic,
    Unreadable(&'static str),
}

/// A record for the ticks' topic.
struct Again {
    partition: u32,
    key: Option<Vec<u8>>,
    value: Vec<u8>,
    timestamp_ms: i64,
}

struct Readable<'a> {
    settings: &'a KafkaSettings,
    /// Partition count of the ticks' topic.
    partitions: u32,
    reader: RecordReader,
    format: RecordFormat,
}

impl Readable<'_> {
    /// The records to write for a letter: its whole record, or one for each ticker it names.
    fn records(&mut self, letter: &Letter) -> Result<Vec<Again>, Unfit> {
        let record = &letter.record;
        if record.header("src_topic").is_some_and(|topic| topic != self.settings.topic_raw) {
            return Err(Unfit::OtherTopic);
        }
        if ["truncated_sha256", "truncated_key_sha256"].iter().any(|name| record.header(name).is_some()) {
            return Err(Unfit::Truncated);
        }
        let value = record.value.as_deref().unwrap_or_default();
        self.reader.read(value, &mut self.format);
        let decoded = self.reader.decoded();
        match self.reader.outcome() {
            Ok(RecordKind::Ticks) => {}
            Ok(RecordKind::NoTick(_)) => return Err(Unfit::Unreadable("no_tick")),
            Err(reason) => return Err(Unfit::Unreadable(reason.reason())),
        }
        let (source, indexes) = match letter.source() {
            Some((partition, _, indexes)) => (Some(partition), indexes),
            None => (None, Vec::new()),
        };
        let again = |name: String, value: Vec<u8>, time_ns: i64| Again {
            // The partition of the symbol's other ticks, whichever producer wrote them.
            partition: source.filter(|&partition| partition < self.partitions).unwrap_or_else(|| {
                let key = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok());
                default_partition(key.unwrap_or(&name), self.partitions).0
            }),
            key: record.key.clone(),
            value,
            timestamp_ms: time_ns / 1_000_000,
        };
        let name = |venue: &str, product: &str| format!("{venue}:{product}");
        if indexes.is_empty() {
            if let Some(&(_, reason)) = decoded.rejected().first() {
                return Err(Unfit::Unreadable(reason.reason()));
            }
            let Some(first) = decoded.ticks().next() else { return Err(Unfit::Unreadable("no_tick")) };
            let time_ns = first.tick.event_time.nanos();
            return Ok(vec![again(name(first.venue, first.product), value.to_vec(), time_ns)]);
        }
        // The other tickers of the record were decoded before.
        let count = record.header("count").and_then(|count| count.parse::<usize>().ok());
        if count != Some(indexes.len()) {
            return Err(Unfit::Unreadable("tickers_not_named"));
        }
        let mut records = Vec::new();
        for index in indexes {
            let Some(ticker) = decoded.ticks().find(|ticker| ticker.index == index) else {
                let rejected = decoded.rejected().iter().find(|(rejected, _)| *rejected == index);
                return Err(Unfit::Unreadable(rejected.map_or("no_tick", |(_, reason)| reason.reason())));
            };
            let mut text = String::new();
            encode(ticker.venue, ticker.product, &ticker.tick, &mut text);
            let time_ns = ticker.tick.event_time.nanos();
            records.push(again(name(ticker.venue, ticker.product), text.into_bytes(), time_ns));
        }
        Ok(records)
    }
}

/// The producer's context. It tracks no single record, because the commit confirms all of them.
struct Sending;

impl ClientContext for Sending {
    gives_tokens!();
}

impl ProducerContext for Sending {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}

fn fencing_producer(settings: &KafkaSettings) -> KafkaResult<BaseProducer<Sending>> {
    let timeout_ms = TIMEOUT.as_millis().to_string();
    let producer: BaseProducer<Sending> = client::common(settings)
        .set("transactional.id", format!("{}-dlq-replay", settings.group))
        .set("transaction.timeout.ms", &timeout_ms)
        .set("message.timeout.ms", &timeout_ms)
        .create_with_context(Sending)?;
    // Fetches the token, if the client needs one, before it waits.
    producer.poll(Duration::ZERO);
    producer.init_transactions(TIMEOUT)?;
    Ok(producer)
}

/// Records and the mark of their letters, in one transaction. Without a producer nothing is written.
struct Batch<'a> {
    settings: &'a KafkaSettings,
    producer: Option<BaseProducer<Sending>>,
    letters: usize,
    /// The partition of the letters.
    dlq_partition: u32,
    marks: Marks,
    is_open: bool,
}

impl Batch<'_> {
    fn send(&mut self, letter: &Letter, records: &[Again]) -> Result<(), LogError> {
        if self.letters == LETTERS_PER_TRANSACTION_MAX || self.dlq_partition != letter.record.partition {
            self.commit()?;
        }
        let Some(producer) = &self.producer else { return Ok(()) };
        if !self.is_open {
            producer.begin_transaction().map_err(kafka_error)?;
            self.is_open = true;
        }
        self.dlq_partition = letter.record.partition;
        let from = format!("{}:{}", letter.record.partition, letter.record.offset);
        for again in records {
            let headers = OwnedHeaders::new().insert(Header { key: "dlq", value: Some(&from) });
            let mut new: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&self.settings.topic_raw)
                .partition(again.partition as i32)
                .payload(&again.value[..])
                .timestamp(again.timestamp_ms)
                .headers(headers);
            new.key = again.key.as_deref();
            enqueue(producer, new).map_err(kafka_error)?;
        }
        self.marks.push(letter.record.offset);
        self.letters += 1;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), LogError> {
        let marks = std::mem::take(&mut self.marks);
        self.letters = 0;
        let Some(producer) = self.producer.as_ref().filter(|_| !marks.is_empty()) else { return Ok(()) };
        let text = marks.text();
        let headers = OwnedHeaders::new().insert(Header { key: HEADER, value: Some(&text) });
        let mark: BaseRecord<'_, [u8], [u8]> =
            BaseRecord::to(&self.settings.topic_dlq).partition(self.dlq_partition as i32).headers(headers);
        self.is_open = false;
        enqueue(producer, mark).map_err(kafka_error)?;
        // Without an answer the next run, which fences this one, decides the transaction.
        loop {
            match producer.commit_transaction(TIMEOUT) {
                Ok(()) => return Ok(()),
                Err(KafkaError::Transaction(error)) if error.is_retriable() => {}
                Err(error) => return Err(kafka_error(error)),
            }
        }
    }
}

/// Queues a record; blocks while the producer's queue is full.
fn enqueue(producer: &BaseProducer<Sending>, mut record: BaseRecord<'_, [u8], [u8]>) -> KafkaResult<()> {
    while let Err((error, back)) = producer.send(record) {
        if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
            return Err(error);
        }
        producer.poll(Duration::from_millis(10));
        record = back;
    }
    Ok(())
}
