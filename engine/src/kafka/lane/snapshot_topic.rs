//! Snapshots in the compacted topic. The snapshot of one symbol is one or more chunks, each under its own key, on the
//! partition number of the ticks. It is written in the transaction after the commit whose state it holds.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, KafkaResult},
    message::{BorrowedMessage, Header, Headers, OwnedHeaders},
};
use xxhash_rust::xxh3::xxh3_64;

use crate::kafka::{
    client::{self, ReaderContext},
    lane::topic_id::TopicId,
    settings::KafkaSettings,
};

/// Most bytes in one chunk: a record must fit below the broker's default of 1 MB.
const CHUNK_BYTES_MAX: usize = 512 * 1_024;
/// Most chunks of one snapshot.
const CHUNKS_MAX: usize = 1_024;
/// Longest time for reading the snapshots of a lane's partitions.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// The state of one symbol up to an offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeptSnapshot {
    pub(super) partition: u32,
    /// `venue:product`.
    pub(super) symbol: String,
    /// Offset of the symbol's first record.
    pub(super) first: u64,
    /// The offset after the last record that the state includes.
    pub(super) next: u64,
    /// The topic of both offsets; `None` if the chunk names none.
    pub(super) topic_id: Option<TopicId>,
    /// The state of the symbol, as the shard encoded it.
    pub(super) bytes: Vec<u8>,
}

impl KeptSnapshot {
    /// Key, value and headers of each chunk.
    pub(super) fn records(&self) -> impl Iterator<Item = (String, &[u8], OwnedHeaders)> {
        let hash = format!("{:016x}", xxh3_64(&self.bytes));
        let count = self.bytes.len().div_ceil(CHUNK_BYTES_MAX);
        self.bytes.chunks(CHUNK_BYTES_MAX).enumerate().map(move |(i, chunk)| {
            let mut headers = OwnedHeaders::new();
            for (key, value) in [
                ("first", self.first.to_string()),
                ("next", self.next.to_string()),
                ("chunks", count.to_string()),
                ("hash", hash.clone()),
            ] {
                headers = headers.insert(Header { key, value: Some(&value) });
            }
            if let Some(id) = self.topic_id {
                headers = headers.insert(Header { key: "topic", value: Some(&id.to_string()) });
            }
            (format!("{}/{i}", self.symbol), chunk, headers)
        })
    }
}

/// One chunk as read from the topic.
struct Chunk {
    symbol: String,
    index: usize,
    head: ChunkHead,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ChunkHead {
    first: u64,
    next: u64,
    count: usize,
    hash: u64,
    topic_id: Option<TopicId>,
}

impl Chunk {
    fn read(message: &BorrowedMessage<'_>) -> Option<Self> {
        let (symbol, index) = std::str::from_utf8(message.key()?).ok()?.rsplit_once('/')?;
        let headers = message.headers()?;
        let text = |name: &str| {
            let header = headers.iter().find(|header| header.key == name)?;
            std::str::from_utf8(header.value?).ok()
        };
        let head = ChunkHead {
            first: text("first")?.parse().ok()?,
            next: text("next")?.parse().ok()?,
            count: text("chunks")?.parse().ok().filter(|count| (1..=CHUNKS_MAX).contains(count))?,
            hash: u64::from_str_radix(text("hash")?, 16).ok()?,
            topic_id: match text("topic") {
                Some(id) => Some(TopicId::parse(id)?),
                None => None,
            },
        };
        let index = index.parse().ok().filter(|index| *index < head.count)?;
        Some(Self { symbol: symbol.to_owned(), index, head, bytes: message.payload()?.to_vec() })
    }
}

/// The chunks read so far of one snapshot of a symbol.
struct Gathered {
    head: ChunkHead,
    chunks: BTreeMap<usize, Vec<u8>>,
}

/// The newest chunks of each symbol of a partition, by name.
#[derive(Default)]
struct Gathering(BTreeMap<String, Gathered>);

impl Gathering {
    /// Adds a chunk. Chunks come in the order they were written, so one of another snapshot discards those before it.
    fn add(&mut self, chunk: Chunk) {
        let Chunk { symbol, index, head, bytes } = chunk;
        let gathered = self.0.entry(symbol).or_insert_with(|| Gathered { head, chunks: BTreeMap::new() });
        if gathered.head != head {
            *gathered = Gathered { head, chunks: BTreeMap::new() };
        }
        gathered.chunks.insert(index, bytes);
    }

    /// The complete snapshots.
    fn whole(self, partition: u32) -> Vec<KeptSnapshot> {
        let whole = |(symbol, gathered): (String, Gathered)| {
            let ChunkHead { first, next, count, hash, topic_id } = gathered.head;
            let complete = gathered.chunks.len() == count;
            let bytes: Vec<u8> = gathered.chunks.into_values().flatten().collect();
            (complete && xxh3_64(&bytes) == hash).then_some(KeptSnapshot {
                partition,
                symbol,
                first,
                next,
                topic_id,
                bytes,
            })
        };
        self.0.into_iter().filter_map(whole).collect()
    }
}

/// The newest complete snapshot of each symbol of these partitions, by partition. Incomplete or damaged ones are left
/// out.
///
/// # Errors
/// When the topic cannot be read to its end.
pub(super) fn read(
    settings: &KafkaSettings,
    partitions: &[u32],
) -> KafkaResult<BTreeMap<u32, Vec<KeptSnapshot>>> {
    if partitions.is_empty() {
        return Ok(BTreeMap::new());
    }
    let consumer = client::reader(settings)?;
    let mut assignment = TopicPartitionList::new();
    for &partition in partitions {
        assignment.add_partition_offset(&settings.topic_snapshots, partition as i32, Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;
    let found = gather(&consumer, partitions)?;
    Ok(found.into_iter().map(|(partition, gathering)| (partition, gathering.whole(partition))).collect())
}

fn gather(
    consumer: &BaseConsumer<ReaderContext>,
    partitions: &[u32],
) -> KafkaResult<BTreeMap<u32, Gathering>> {
    let mut found: BTreeMap<u32, Gathering> =
        partitions.iter().map(|&partition| (partition, Gathering::default())).collect();
    let mut open: Vec<u32> = partitions.to_vec();
    let deadline = Instant::now() + READ_TIMEOUT;
    while !open.is_empty() {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                let gathering = found.get_mut(&(message.partition() as u32));
                if let (Some(gathering), Some(chunk)) = (gathering, Chunk::read(&message)) {
                    gathering.add(chunk);
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => open.retain(|&p| p != partition as u32),
            Some(Err(error)) => return Err(error),
            None if Instant::now() > deadline => {
                return Err(KafkaError::MessageConsumption(
                    rdkafka::types::RDKafkaErrorCode::OperationTimedOut,
                ));
            }
            None => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(next: u64, bytes: usize) -> KeptSnapshot {
        let bytes = (0..bytes).map(|i| (i as u64 * next) as u8).collect();
        KeptSnapshot {
            partition: 2,
            symbol: "coinbase:BTC/USD".to_owned(),
            first: 5,
            next,
            topic_id: None,
            bytes,
        }
    }

    /// The chunks of a snapshot as a reader gets them.
    fn chunks(snapshot: &KeptSnapshot) -> Vec<Chunk> {
        let hash = xxh3_64(&snapshot.bytes);
        let count = snapshot.records().count();
        let head = ChunkHead { first: snapshot.first, next: snapshot.next, count, hash, topic_id: None };
        snapshot
            .records()
            .map(|(key, bytes, _)| {
                let (symbol, index) = key.rsplit_once('/').unwrap();
                let (symbol, index) = (symbol.to_owned(), index.parse().unwrap());
                Chunk { symbol, index, head, bytes: bytes.to_vec() }
            })
            .collect()
    }

    fn gathered(chunks: impl IntoIterator<Item = Chunk>) -> Vec<KeptSnapshot> {
        let mut gathering = Gathering::default();
        chunks.into_iter().for_each(|chunk| gathering.add(chunk));
        gathering.whole(2)
    }

    #[test]
    fn chunks_become_the_snapshot_again_and_the_newest_wins() {
        let (old, new) = (snapshot(100, 3 * CHUNK_BYTES_MAX / 2), snapshot(200, 3 * CHUNK_BYTES_MAX));
        assert_eq!((chunks(&old).len(), chunks(&new).len()), (2, 3));
        assert_eq!(gathered(chunks(&old)), std::slice::from_ref(&old));
        assert_eq!(gathered(chunks(&old).into_iter().chain(chunks(&new))), [new]);
    }

    #[test]
    fn what_is_cut_torn_or_damaged_is_left_out_and_an_older_one_is_not_taken_instead() {
        let (old, new) = (snapshot(100, 10), snapshot(200, 3 * CHUNK_BYTES_MAX));
        let cut = chunks(&old).into_iter().chain(chunks(&new).into_iter().take(2));
        assert_eq!(gathered(cut), []);
        let mut damaged = chunks(&new);
        damaged[1].bytes[7] ^= 1;
        assert_eq!(gathered(chunks(&old).into_iter().chain(damaged)), []);
    }
}
