//! Copies a topic with the symbol as the key of each record.
//!
//! A record of one symbol keeps its bytes, headers and time and gets the symbol as its key. A record with tickers of
//! several symbols is split, because a record has one key: each ticker becomes a record of our own shape, which is read
//! as an equal tick. Partitions are merged by message time, so the ticks of a symbol that are spread over several
//! partitions are in the order in which they were written, as far as those times tell.

use rdkafka::{
    message::{Header, OwnedHeaders},
    producer::BaseRecord,
};

use crate::{
    decode::{RecordKind, Unreadable, explain},
    encode::encode,
    intake::{Faults, RecordFormat, RecordPlace, RecordReader},
    kafka::{
        lane::dead_letter::DeadLetter,
        settings::KafkaSettings,
        tools::{
            confirmed::{ConfirmedProducer, Delivered},
            retention::topic_retention,
            topic_log::{TopicLog, bounds, reader},
        },
        topics,
    },
    recording::{LogError, LogRecord, MergedByTime, PartitionedLog},
    symbol::default_partition,
};

/// The settings of one copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RekeySettings {
    /// The topic to read.
    pub from: String,
    /// The topic to write. If it is absent, it is created with the retention of `from`.
    pub to: String,
    /// Partitions of the new topic, if it is created.
    pub partitions: u32,
    /// Whether to append to a target that holds records already; otherwise that is an error.
    pub append: bool,
    /// Whether to copy unreadable records to the dead letters' topic.
    pub keep_unreadable: bool,
}

/// The number of records read and written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RekeyCounts {
    /// Records read.
    pub read: u64,
    /// Records that kept their bytes.
    pub kept: u64,
    /// Records that were split.
    pub split: u64,
    /// Records that they were split into.
    pub split_into: u64,
    /// Records that carry no tick.
    pub without_tick: u64,
    /// Records, or tickers in one, that cannot be read, by reason.
    pub unreadable: Faults,
    /// Dead letters written, which `delivered` includes.
    pub dead_letters: u64,
    /// Records that the broker confirmed, and those that failed.
    pub delivered: Delivered,
}

/// Copies the topic; `advanced` is called with the number of records read and their total.
///
/// # Errors
/// [`LogError`] when the source cannot be read, or the target is not empty.
pub fn rekey(
    settings: &KafkaSettings,
    rekey: &RekeySettings,
    advanced: &mut dyn FnMut(u64, u64),
) -> Result<RekeyCounts, LogError> {
    if rekey.from == rekey.to {
        return Err(LogError::Topic("--from and --to name the same topic".to_owned()));
    }
    let source = TopicLog::open(settings, &rekey.from)?;
    let partitions = source.partitions();
    let total: u64 = partitions.iter().map(|&partition| source.length(partition)).sum();
    let mut target = Target::open(settings, rekey)?;
    for record in MergedByTime::new(source.read(&partitions)?) {
        target.take(&record?);
        advanced(target.counts.read, total);
        if target.producer.has_failed() {
            break;
        }
    }
    let Target { producer, reader, mut counts, .. } = target;
    counts.unreadable = reader.tally().unreadable.clone();
    counts.delivered = producer.finish();
    Ok(counts)
}

struct Target<'a> {
    settings: &'a KafkaSettings,
    rekey: &'a RekeySettings,
    producer: ConfirmedProducer,
    partitions: u32,
    reader: RecordReader,
    format: RecordFormat,
    text: String,
    counts: RekeyCounts,
}

impl<'a> Target<'a> {
    fn open(settings: &'a KafkaSettings, rekey: &'a RekeySettings) -> Result<Self, LogError> {
        let failed = |error: topics::TopicsError| LogError::Topic(error.to_string());
        let kafka = super::topic_log::kafka_error;
        let reader = reader(settings)?;
        let make = |topic: &str, partitions: u32, options: &[(&str, &str)]| {
            topics::ensure(&reader, settings, topic, partitions as usize, options).map_err(failed)
        };
        // Records keep their times, so a topic with a shorter retention would delete the oldest at once.
        let retention_ms = topic_retention(settings, &rekey.from)
            .map_or_else(|| "-1".to_owned(), |retention| retention.as_millis().to_string());
        let has = make(&rekey.to, rekey.partitions, &[("retention.ms", &retention_ms)])?;
        if rekey.keep_unreadable {
            make(&settings.topic_dlq, 1, &[])?;
        }
        let held: u64 = bounds(&reader, &rekey.to)?.values().map(|bounds| bounds.end - bounds.first).sum();
        if held > 0 && !rekey.append {
            let to = &rekey.to;
            return Err(LogError::Topic(format!(
                "topic {to:?} holds records already; name an empty one, or say --append"
            )));
        }
        Ok(Self {
            settings,
            rekey,
            producer: ConfirmedProducer::new(settings).map_err(kafka)?,
            partitions: u32::try_from(has).unwrap_or(1).max(1),
            reader: settings.records.reader(),
            format: settings.records.format.clone(),
            text: String::new(),
            counts: RekeyCounts::default(),
        })
    }

    fn take(&mut self, record: &LogRecord) {
        self.counts.read += 1;
        let value = record.value.as_deref().unwrap_or_default();
        self.reader.read(value, &mut self.format);
        let place = RecordPlace::Log { partition: record.partition, offset: record.offset };
        self.reader.tell(value, place, |_| {});
        match self.reader.outcome() {
            Err(reason) => self.counts.dead_letters += self.keep(record, reason, &[]),
            Ok(RecordKind::NoTick(_)) => self.counts.without_tick += 1,
            Ok(RecordKind::Ticks) => self.ticks(record),
        }
    }

    fn ticks(&mut self, record: &LogRecord) {
        let decoded = self.reader.decoded();
        let mut symbols: Vec<String> =
            decoded.ticks().map(|ticker| format!("{}:{}", ticker.venue, ticker.product)).collect();
        symbols.dedup();
        match &symbols[..] {
            [] => {}
            // The whole record, because unreadable parts of it would otherwise be lost from the topic.
            [symbol] => {
                self.counts.kept += 1;
                self.send(record, symbol, record.value.as_deref().unwrap_or_default());
            }
            _ => {
                self.counts.split += 1;
                let mut text = std::mem::take(&mut self.text);
                for ticker in decoded.ticks() {
                    self.counts.split_into += 1;
                    encode(ticker.venue, ticker.product, &ticker.tick, &mut text);
                    self.send(record, &format!("{}:{}", ticker.venue, ticker.product), text.as_bytes());
                }
                self.text = text;
            }
        }
        if let Some(&(_, reason)) = decoded.rejected().first() {
            self.counts.dead_letters += self.keep(record, reason, decoded.rejected());
        }
    }

    fn send(&self, record: &LogRecord, symbol: &str, value: &[u8]) {
        let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
        for (key, value) in &record.headers {
            headers = headers.insert(Header { key, value: value.as_deref() });
        }
        let partition = default_partition(symbol, self.partitions).0;
        let mut new = BaseRecord::to(&self.rekey.to)
            .partition(partition as i32)
            .key(symbol.as_bytes())
            .payload(value)
            .headers(headers);
        new.timestamp = record.timestamp_ms;
        self.producer.send(new);
    }

    /// Copies a record that cannot be read in whole or in part to the dead letters, if the settings say so. Returns the
    /// number of letters.
    fn keep(&self, record: &LogRecord, reason: Unreadable, rejected: &[(u32, Unreadable)]) -> u64 {
        if !self.rekey.keep_unreadable {
            return 0;
        }
        let place = (record.partition as i32, record.offset);
        let value = record.value.as_deref().unwrap_or_default();
        let text = explain(reason, self.reader.unframer().seen(value));
        let letter = DeadLetter::new(place, record.key.as_deref(), value, (reason, text), rejected);
        let mut new: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&self.settings.topic_dlq)
            .payload(letter.payload())
            .headers(letter.headers(&self.rekey.from, &self.settings.group));
        new.key = letter.key();
        self.producer.send(new);
        1
    }
}
