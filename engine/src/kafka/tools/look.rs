//! Reports on a broker for diagnosis: addresses, topics, the group's progress, open transactions. It joins no group and
//! writes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant, SystemTime},
};

use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::Consumer,
    error::{KafkaError, KafkaResult},
    metadata::Metadata,
};

use crate::{
    kafka::{
        client,
        settings::KafkaSettings,
        tools::topic_log::{self, GroupPosition, Reader, kafka_error},
        topics,
    },
    recording::LogError,
};

/// Longest wait for one response.
const TIMEOUT: Duration = Duration::from_secs(5);
/// An open transaction that does not end within this time is reported.
const STANDSTILL: Duration = Duration::from_secs(2);
/// Interval at which the end of a partition is checked.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A record's time this far ahead of the local clock means that the clocks disagree.
const AHEAD: Duration = Duration::from_secs(5);

/// The address at which a broker advertises itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerAddress {
    /// The broker's id.
    pub id: i32,
    /// The host it advertises.
    pub host: String,
    /// The port it advertises.
    pub port: u16,
}

/// One of the topics that the engine uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicReport {
    /// The key of `[kafka]` that names the topic.
    pub key: &'static str,
    /// The topic's name.
    pub name: String,
    /// Number of partitions; `None` if the topic does not exist or is hidden.
    pub partitions: Option<usize>,
    /// Whether this user lacks DESCRIBE on it; the broker then does not say whether it exists.
    pub is_hidden: bool,
    /// Partitions without a leader, which can be neither read nor written.
    pub leaderless: usize,
    /// Partitions with a replica that lags behind.
    pub under_replicated: usize,
}

/// A partition of the ticks' topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionReport {
    /// The partition's number.
    pub partition: u32,
    /// Offset of the oldest record.
    pub first: u64,
    /// The offset after the newest record.
    pub end: u64,
    /// The group's committed offset; `None` if there is none.
    pub committed: Option<u64>,
    /// Records after the committed offset.
    pub lag: u64,
}

/// A member of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberReport {
    /// The client id, `stormglass-INSTANCE`.
    pub client: String,
    /// The host that it connects from.
    pub host: String,
}

/// The consumer group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupReport {
    /// The broker's name of its state: Stable, Empty, PreparingRebalance, …
    pub state: String,
    /// Its members.
    pub members: Vec<MemberReport>,
}

/// The report on a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerReport {
    /// The brokers of the cluster.
    pub brokers: Vec<BrokerAddress>,
    /// The engine's topics.
    pub topics: Vec<TopicReport>,
    /// The partitions of the ticks' topic; empty if the topic does not exist.
    pub ticks: Vec<PartitionReport>,
    /// Partitions of the ticks' topic with uncommitted records whose committed offset stands still although the group
    /// has members.
    pub standing: Vec<u32>,
    /// The group; `None` if the broker has none of this name.
    pub group: Option<GroupReport>,
    /// For each topic and partition, the records after an open transaction that readers do not get until it ends.
    pub held_back: BTreeMap<(String, u32), u64>,
    /// Partitions of the ticks' topic with a record whose time is ahead of the local clock.
    pub ahead: Vec<u32>,
}

/// Asks the broker. If records wait, it watches for a few seconds whether the partitions move.
///
/// # Errors
/// [`LogError`] when no broker answers, or it refuses the request.
pub fn look(settings: &KafkaSettings) -> Result<BrokerReport, LogError> {
    let reader = client::reader(settings).map_err(kafka_error)?;
    let metadata = reader.fetch_metadata(None, TIMEOUT).map_err(|error| refusal_or(&reader, &error))?;
    let brokers = metadata.brokers().iter().map(|broker| BrokerAddress {
        id: broker.id(),
        host: broker.host().to_owned(),
        port: u16::try_from(broker.port()).unwrap_or(0),
    });
    let topics = named(settings).into_iter().map(|(key, name)| topic(&reader, &metadata, key, name));
    let topics: Vec<TopicReport> = topics.collect::<KafkaResult<_>>().map_err(kafka_error)?;
    let count = |name: &str| {
        topics.iter().find(|topic| topic.name == name).and_then(|topic| topic.partitions).unwrap_or(0)
    };
    let began = Instant::now();
    let ticks = if count(&settings.topic_raw) == 0 { Vec::new() } else { ticks(settings)? };
    let group = group(&reader, settings).map_err(kafka_error)?;
    let mut written = Vec::new();
    for name in [&settings.topic_predictions, &settings.topic_snapshots] {
        written.extend((0..count(name) as u32).map(|partition| (name.clone(), partition)));
    }
    let held_back = held_back(&reader, settings, written).map_err(kafka_error)?;
    Ok(BrokerReport {
        brokers: brokers.collect(),
        standing: standing(settings, &ticks, group.as_ref(), began)?,
        ticks,
        group,
        held_back,
        ahead: ahead(&reader, settings, count(&settings.topic_raw)).map_err(kafka_error)?,
        topics,
    })
}

/// The reason why the broker refuses the reader, if it gave one, else `error`. A poll fetches that reason.
fn refusal_or(reader: &Reader, error: &KafkaError) -> LogError {
    while reader.poll(Duration::ZERO).is_some() {}
    LogError::Kafka(match reader.context().refusal() {
        Some(refusal) => format!("the broker refuses the connection; check kafka.properties: {refusal}"),
        None => format!("the broker did not answer: {error}"),
    })
}

/// The keys of `[kafka]` that name topics, with their values.
fn named(settings: &KafkaSettings) -> [(&'static str, &str); 7] {
    [
        ("kafka.topic_raw", &settings.topic_raw),
        ("kafka.topic_predictions", &settings.topic_predictions),
        ("kafka.topic_snapshots", &settings.topic_snapshots),
        ("kafka.topic_dlq", &settings.topic_dlq),
        ("kafka.topic_owners", &settings.topic_owners),
        ("kafka.topic_models", &settings.topic_models),
        ("kafka.topic_events", &settings.topic_events),
    ]
}

fn topic(reader: &Reader, all: &Metadata, key: &'static str, name: &str) -> KafkaResult<TopicReport> {
    let found = all.topics().iter().find(|found| found.name() == name);
    let partitions = found.map_or(&[][..], |found| found.partitions());
    // A list of all topics leaves out hidden ones; a request by name reports them.
    let is_hidden = found.is_none()
        && reader.fetch_metadata(Some(name), TIMEOUT)?.topics().first().is_some_and(topics::is_hidden);
    Ok(TopicReport {
        key,
        name: name.to_owned(),
        partitions: (!partitions.is_empty()).then_some(partitions.len()),
        is_hidden,
        leaderless: partitions.iter().filter(|partition| partition.leader() < 0).count(),
        under_replicated: partitions
            .iter()
            .filter(|partition| partition.isr().len() < partition.replicas().len())
            .count(),
    })
}

fn ticks(settings: &KafkaSettings) -> Result<Vec<PartitionReport>, LogError> {
    let report = |(partition, position): (u32, GroupPosition)| PartitionReport {
        partition,
        first: position.bounds.first,
        end: position.bounds.end,
        committed: position.committed.map(|committed| committed.offset),
        lag: position.lag(),
    };
    Ok(topic_log::positions(settings, TIMEOUT)?.into_iter().map(report).collect())
}

/// Partitions with uncommitted records in which a group with members has committed nothing for a while.
fn standing(
    settings: &KafkaSettings,
    before: &[PartitionReport],
    group: Option<&GroupReport>,
    since: Instant,
) -> Result<Vec<u32>, LogError> {
    let is_waiting = |partition: &&PartitionReport| partition.lag > 0;
    if group.is_none_or(|group| group.members.is_empty()) || !before.iter().any(|p| is_waiting(&p)) {
        return Ok(Vec::new());
    }
    let pause = STANDSTILL.max(settings.commit_interval() * 2);
    std::thread::sleep(pause.saturating_sub(since.elapsed()));
    let now = ticks(settings)?;
    let stands = |before: &&PartitionReport| {
        now.iter()
            .any(|now| now.partition == before.partition && now.lag > 0 && now.committed == before.committed)
    };
    with_records(settings, before.iter().filter(is_waiting).filter(stands)).map_err(kafka_error)
}

/// Of these partitions, those with a record after the committed offset, and not only transaction markers.
fn with_records<'a>(
    settings: &KafkaSettings,
    partitions: impl Iterator<Item = &'a PartitionReport>,
) -> KafkaResult<Vec<u32>> {
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        let from = Offset::Offset(partition.committed.unwrap_or(0).max(partition.first) as i64);
        list.add_partition_offset(&settings.topic_raw, partition.partition as i32, from)?;
    }
    let mut open: BTreeSet<i32> = list.elements().iter().map(|element| element.partition()).collect();
    let mut found = BTreeSet::new();
    let reader = client::reader(settings)?;
    reader.assign(&list)?;
    let deadline = Instant::now() + TIMEOUT;
    while !open.is_empty() && Instant::now() < deadline {
        match reader.poll(LOOK_EVERY) {
            Some(Ok(message)) => {
                open.remove(&message.partition());
                found.insert(message.partition() as u32);
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => drop(open.remove(&partition)),
            Some(Err(_)) | None => {}
        }
    }
    Ok(found.into_iter().collect())
}

fn group(reader: &Reader, settings: &KafkaSettings) -> KafkaResult<Option<GroupReport>> {
    let list = reader.fetch_group_list(Some(&settings.group), TIMEOUT)?;
    let found = list.groups().iter().find(|group| group.name() == settings.group);
    Ok(found.filter(|group| group.state() != "Dead").map(|group| GroupReport {
        state: group.state().to_owned(),
        members: group
            .members()
            .iter()
            .map(|member| MemberReport {
                client: member.client_id().to_owned(),
                host: member.client_host().trim_start_matches('/').to_owned(),
            })
            .collect(),
    }))
}

/// Records between the end that readers see and the end of the log, for partitions where the former stands still.
fn held_back(
    stable: &Reader,
    settings: &KafkaSettings,
    mut partitions: Vec<(String, u32)>,
) -> KafkaResult<BTreeMap<(String, u32), u64>> {
    let all = client::reader_as(settings, "read_uncommitted")?;
    let begun = Instant::now();
    let mut first_seen = BTreeMap::new();
    loop {
        let mut held = BTreeMap::new();
        for place in std::mem::take(&mut partitions) {
            let (_, seen) = stable.fetch_watermarks(&place.0, place.1 as i32, TIMEOUT)?;
            let (_, end) = all.fetch_watermarks(&place.0, place.1 as i32, TIMEOUT)?;
            if seen < end && *first_seen.entry(place.clone()).or_insert(seen) == seen {
                held.insert(place, (end - seen).max(0) as u64);
            }
        }
        if held.is_empty() || begun.elapsed() >= STANDSTILL {
            return Ok(held);
        }
        partitions.extend(held.into_keys());
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Partitions with a record whose time is more than [`AHEAD`] after the local clock.
fn ahead(reader: &Reader, settings: &KafkaSettings, count: usize) -> KafkaResult<Vec<u32>> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let from = Offset::Offset((now + AHEAD).as_millis() as i64);
    let mut list = TopicPartitionList::new();
    for partition in 0..count as i32 {
        list.add_partition_offset(&settings.topic_raw, partition, from)?;
    }
    if count == 0 {
        return Ok(Vec::new());
    }
    let found = reader.offsets_for_times(list, TIMEOUT)?;
    let is_there = |offset: Offset| matches!(offset, Offset::Offset(_));
    let elements = found.elements();
    let there = elements.iter().filter(|element| is_there(element.offset()));
    Ok(there.map(|element| element.partition() as u32).collect())
}
