//! Restores an assigned partition: reads the committed offset, picks the snapshots, and decides where to read from.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use rdkafka::{Offset as LogOffset, TopicPartitionList, consumer::Consumer, error::KafkaResult};

use crate::{
    events::Happening,
    kafka::{
        client::LaneConsumer,
        lane::{
            link::{ShardLink, ShardsGone},
            partition::OwnedPartition,
            progress::Progress,
            snapshot_topic::{self, KeptSnapshot},
            state_files::StateFiles,
            topic_id::{TopicId, topic_id},
        },
        settings::{KafkaSettings, Start},
        tools::topic_log,
    },
    lanes::LaneMetrics,
    limits::LANE_QUESTIONS_MAX,
    message::{PartitionWork, ShardReply},
    symbol::Partition,
};

/// Longest wait for committed offsets, during which the lane's other partitions stand still. The broker does not answer
/// while the transaction of an owner that died is open; the request is repeated then.
const COMMITTED_TIMEOUT: Duration = Duration::from_millis(300);
const WATERMARKS_TIMEOUT: Duration = Duration::from_secs(5);
const TOPIC_ID_TIMEOUT: Duration = Duration::from_secs(5);

/// A partition as the broker reports it.
#[derive(Clone, Copy, Debug)]
struct Found {
    partition: u32,
    /// The group's committed offset and the metadata written with it.
    committed: Option<(u64, Option<Progress>)>,
    /// Offset of the oldest record. `high` is the offset after the newest one.
    low: u64,
    high: u64,
    /// Whether the committed offset, or this lane's position before, belongs to a topic that was deleted since.
    is_new_log: bool,
}

/// The source of a partition's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// No state: the group has committed nothing for this partition.
    Start,
    /// Snapshots, and the records after them.
    Snapshots,
    /// All records of the partition since its origin, read again.
    Origin,
    /// The records that still exist; older ones that the state needs were deleted.
    NewOrigin,
    /// The first record of a topic that replaced the one known so far.
    NewLog,
}

impl From {
    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Snapshots => "snapshots",
            Self::Origin => "origin",
            Self::NewOrigin => "new_origin",
            Self::NewLog => "new_log",
        }
    }
}

/// How one partition is taken over.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    from: From,
    read_from: u64,
    committed: u64,
    origin: u64,
    new_origin_before: u64,
    snapshots: Vec<KeptSnapshot>,
}

/// Partitions whose states were loaded into the shards.
pub(super) struct Restored {
    pub(super) owned: Vec<OwnedPartition>,
    /// The topic whose offsets `owned` holds.
    pub(super) topic_id: Option<TopicId>,
}

/// The parts of a lane that a restore uses.
pub(super) struct Restorer<'a> {
    pub(super) settings: &'a KafkaSettings,
    pub(super) metrics: &'a LaneMetrics,
    pub(super) files: &'a StateFiles,
    pub(super) consumer: &'a LaneConsumer,
    /// The topic of the lane's commits so far.
    pub(super) known_topic: Option<TopicId>,
}

/// Restores the states of the assigned partitions in the shards. `None`: the committed offsets are not known yet, so
/// the caller must try again.
pub(super) fn restore(
    restorer: &Restorer<'_>,
    link: &mut ShardLink,
    assigned: &TopicPartitionList,
) -> KafkaResult<Option<Result<Restored, ShardsGone>>> {
    let &Restorer { settings, metrics, files, consumer, known_topic } = restorer;
    let topic_id = topic_id(consumer.client(), &settings.topic_raw, None, TOPIC_ID_TIMEOUT)?;
    let committed = match consumer.committed_offsets(assigned.clone(), COMMITTED_TIMEOUT) {
        Ok(committed) => committed,
        Err(error) if topic_log::is_forbidden(&error) => return Err(error),
        Err(error) => {
            tracing::debug!(%error, "the committed offsets are not known yet");
            return Ok(None);
        }
    };
    let mut found = Vec::new();
    for element in committed.elements() {
        element.error()?;
        let partition = element.partition();
        let (low, high) = consumer.fetch_watermarks(&settings.topic_raw, partition, WATERMARKS_TIMEOUT)?;
        let committed = match element.offset() {
            LogOffset::Offset(offset) => Some((offset.max(0) as u64, Progress::parse(element.metadata()))),
            _ => None,
        };
        let (low, high) = (low.max(0) as u64, high.max(0) as u64);
        // A topic's deletion also removes the group's offsets. The topic that the lane remembers reveals the new log
        // then.
        let position_of = match committed {
            Some((_, progress)) => progress.and_then(|progress| progress.topic_id),
            None => known_topic,
        };
        let is_new_log = !TopicId::may_be_same(position_of, topic_id);
        found.push(Found { partition: partition as u32, committed, low, high, is_new_log });
    }
    // For each partition, from the files if they hold everything, otherwise from the topic.
    let mut kept = BTreeMap::new();
    let mut from_topic = Vec::new();
    for found in &found {
        let Some((committed, Some(progress))) = found.committed.filter(|_| !found.is_new_log) else {
            continue;
        };
        if progress.symbols > 0 {
            let in_files = of_topic(files.read(found.partition, &progress), topic_id);
            match usable(&progress, committed, in_files) {
                Some(snapshots) => drop(kept.insert(found.partition, snapshots)),
                None => from_topic.push(found.partition),
            }
        }
    }
    tracing::debug!(from_files = kept.len(), from_topic = from_topic.len(), "partitions whose state is kept");
    kept.append(&mut snapshot_topic::read(settings, &from_topic)?);
    let mut owned = Vec::new();
    for found in found {
        let snapshots = of_topic(kept.remove(&found.partition).unwrap_or_default(), topic_id);
        match take(settings, metrics, link, &found, snapshots) {
            Ok(partition) => owned.push(partition),
            Err(gone) => return Ok(Some(Err(gone))),
        }
    }
    Ok(Some(Ok(Restored { owned, topic_id })))
}

/// Keeps the snapshots that can belong to this topic.
fn of_topic(mut snapshots: Vec<KeptSnapshot>, topic_id: Option<TopicId>) -> Vec<KeptSnapshot> {
    snapshots.retain(|snapshot| TopicId::may_be_same(snapshot.topic_id, topic_id));
    snapshots
}

fn take(
    settings: &KafkaSettings,
    metrics: &LaneMetrics,
    link: &mut ShardLink,
    found: &Found,
    snapshots: Vec<KeptSnapshot>,
) -> Result<OwnedPartition, ShardsGone> {
    let plan = plan(found, settings.start, snapshots);
    let mut owned = match carry_out(link, found.partition, plan, metrics)? {
        Some(owned) => owned,
        None => {
            let plan = self::plan(found, settings.start, Vec::new());
            let owned = carry_out(link, found.partition, plan, metrics)?;
            owned.expect("without snapshots none is refused")
        }
    };
    owned.end = found.high;
    Ok(owned)
}

fn plan(found: &Found, start: Start, snapshots: Vec<KeptSnapshot>) -> Plan {
    let &Found { low, high, .. } = found;
    let from_here = |from, read_from, committed, new_origin_before| Plan {
        from,
        read_from,
        committed,
        origin: read_from,
        new_origin_before,
        snapshots: Vec::new(),
    };
    if found.is_new_log {
        // Not where a new group starts: everything in the new topic was written after what was read of the old one.
        return from_here(From::NewLog, low, low, 0);
    }
    let Some((committed, progress)) = found.committed else {
        let begin = if start == Start::Earliest { low } else { high };
        return from_here(From::Start, begin, begin, 0);
    };
    if committed < low || committed > high {
        // Records were deleted before they were read, or the log was truncated below the committed offset.
        return from_here(From::NewOrigin, low, committed.clamp(low, high), high);
    }
    let Some(progress) = progress else {
        // Another program set the offset.
        return match low {
            0 => from_here(From::Origin, 0, committed, 0),
            _ => from_here(From::NewOrigin, low, committed, committed),
        };
    };
    let Progress { read_from, origin, new_origin_before, .. } = progress;
    if (low..=committed).contains(&read_from)
        && let Some(snapshots) = usable(&progress, committed, snapshots)
    {
        return Plan { from: From::Snapshots, read_from, committed, origin, new_origin_before, snapshots };
    }
    if (low..=committed).contains(&origin) {
        return from_here(From::Origin, origin, committed, new_origin_before);
    }
    from_here(From::NewOrigin, low, committed, committed)
}

/// The snapshots that fit the commit; `None` if one that is needed is missing.
fn usable(progress: &Progress, committed: u64, snapshots: Vec<KeptSnapshot>) -> Option<Vec<KeptSnapshot>> {
    let fits = |snapshot: &KeptSnapshot| (progress.read_from..=committed).contains(&snapshot.next);
    let fitting: Vec<KeptSnapshot> = snapshots.into_iter().filter(fits).collect();
    let mut have = Progress { symbols: 0, names: 0, ..*progress };
    let needed = fitting.iter().filter(|snapshot| snapshot.first < progress.read_from);
    needed.for_each(|snapshot| have.count(&snapshot.symbol));
    (have == *progress).then_some(fitting)
}

/// Opens the partition on its shard and restores the plan's snapshots; `None` if one of them is refused.
fn carry_out(
    link: &mut ShardLink,
    partition: u32,
    plan: Plan,
    metrics: &LaneMetrics,
) -> Result<Option<OwnedPartition>, ShardsGone> {
    let partition = Partition(partition);
    let shard = link.engine().routes.claim(partition);
    let mut owned = OwnedPartition::new(partition, shard, plan.read_from, plan.committed);
    (owned.origin, owned.new_origin_before) = (plan.origin, plan.new_origin_before);
    link.open(&owned)?;
    let symbol_count = plan.snapshots.len();
    let mut under_way = 0;
    let mut refused = false;
    for snapshot in plan.snapshots {
        let Some(symbol) = snapshot
            .symbol
            .split_once(':')
            .and_then(|(venue, product)| link.engine().symbols.intern(venue, product).ok())
        else {
            refused = true;
            break;
        };
        link.note_route(&symbol, partition);
        owned.add(Arc::clone(&symbol), snapshot.first, Some(snapshot.next));
        if under_way == LANE_QUESTIONS_MAX {
            refused |= !is_restored(link)?;
            under_way -= 1;
        }
        let work = PartitionWork::Restore { symbol, snapshot: snapshot.bytes, reply: link.reply_to() };
        link.order(owned.shard, owned.partition, owned.epoch, work)?;
        under_way += 1;
    }
    for _ in 0..under_way {
        refused |= !is_restored(link)?;
    }
    if refused {
        tracing::warn!(partition = partition.0, "the snapshots of the partition are not used");
        return Ok(None);
    }
    let counter = match plan.from {
        From::Start => None,
        From::Snapshots => Some(&metrics.restored_snapshots),
        From::Origin => Some(&metrics.restored_origin),
        From::NewOrigin => Some(&metrics.restored_new_origin),
        From::NewLog => Some(&metrics.restored_new_log),
    };
    if let Some(counter) = counter {
        counter.fetch_add(1, Ordering::Relaxed);
    }
    let replay = plan.committed.saturating_sub(plan.read_from);
    let restored = Happening::Restored { partition: partition.0, from: plan.from.name(), replayed: replay };
    link.engine().events.note(None, None, restored);
    let (partition, from, committed) = (partition.0, plan.from, plan.committed);
    match plan.from {
        From::NewOrigin => {
            tracing::warn!(partition, committed, replay, "what came before is lost: a new origin");
        }
        From::NewLog => {
            tracing::warn!(
                partition,
                from_offset = committed,
                "the ticks' topic was deleted and created again: the partition begins anew with the new topic's records"
            );
        }
        _ => tracing::info!(partition, ?from, committed, replay, symbols = symbol_count, "taken over"),
    }
    Ok(Some(owned))
}

/// Waits for the reply to one restore. The caller must have no batch outstanding, whose reply would be taken for it.
fn is_restored(link: &mut ShardLink) -> Result<bool, ShardsGone> {
    match link.awaited()? {
        ShardReply::Restored { outcome: Some(Ok(())), .. } => Ok(true),
        ShardReply::Restored { outcome: Some(Err(error)), .. } => {
            tracing::warn!(%error, "a snapshot was refused");
            Ok(false)
        }
        other => {
            tracing::debug!(?other, "not a restored state");
            Ok(false)
        }
    }
}

/// The assignment for the consumer: each partition with the offset that its state needs next.
pub(super) fn positions(
    settings: &KafkaSettings,
    owned: &[OwnedPartition],
) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for partition in owned {
        let next = LogOffset::Offset(partition.next as i64);
        list.add_partition_offset(&settings.topic_raw, partition.partition.0 as i32, next)?;
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(symbol: &str, first: u64, next: u64) -> KeptSnapshot {
        KeptSnapshot { partition: 1, symbol: symbol.to_owned(), first, next, topic_id: None, bytes: vec![1] }
    }

    /// The progress of two symbols first seen below 100, each with a snapshot.
    fn progress() -> Progress {
        let mut progress =
            Progress { read_from: 100, origin: 10, new_origin_before: 4, ..Progress::default() };
        progress.count("a:X");
        progress.count("a:Y");
        progress
    }

    fn found(progress: Option<Progress>, low: u64, high: u64) -> Found {
        Found { partition: 1, committed: Some((150, progress)), low, high, is_new_log: false }
    }

    #[test]
    fn whole_snapshots_are_read_on_from_the_oldest() {
        let snapshots = vec![kept("a:X", 10, 100), kept("a:Y", 20, 140), kept("a:Z", 120, 150)];
        let plan = plan(&found(Some(progress()), 50, 200), Start::Earliest, snapshots.clone());
        assert_eq!((plan.from, plan.read_from, plan.committed), (From::Snapshots, 100, 150));
        assert_eq!((plan.origin, plan.new_origin_before, plan.snapshots), (10, 4, snapshots));
    }

    #[test]
    fn a_lost_stale_or_future_snapshot_is_not_used() {
        for (why, snapshots) in [
            ("lost", vec![kept("a:X", 10, 100)]),
            ("another symbol's", vec![kept("a:X", 10, 100), kept("a:W", 20, 140)]),
            ("stale", vec![kept("a:X", 10, 99), kept("a:Y", 20, 140)]),
            ("from the future", vec![kept("a:X", 10, 100), kept("a:Y", 20, 151)]),
            ("none", vec![]),
        ] {
            let whole_log = plan(&found(Some(progress()), 0, 200), Start::Earliest, snapshots.clone());
            assert_eq!(
                (whole_log.from, whole_log.read_from, whole_log.new_origin_before),
                (From::Origin, 10, 4),
                "{why}"
            );
            let cut_log = plan(&found(Some(progress()), 11, 200), Start::Earliest, snapshots);
            let expected = (From::NewOrigin, 11, 11, 150);
            assert_eq!(
                (cut_log.from, cut_log.read_from, cut_log.origin, cut_log.new_origin_before),
                expected,
                "{why}"
            );
            assert!(cut_log.snapshots.is_empty() && cut_log.committed == 150);
        }
    }

    #[test]
    fn snapshots_behind_a_hole_in_the_log_are_not_used() {
        let snapshots = vec![kept("a:X", 10, 100), kept("a:Y", 20, 140)];
        let plan = plan(&found(Some(progress()), 101, 200), Start::Earliest, snapshots);
        assert_eq!((plan.from, plan.read_from), (From::NewOrigin, 101));
    }

    #[test]
    fn a_new_group_starts_where_it_is_told() {
        let found = Found { partition: 1, committed: None, low: 5, high: 9, is_new_log: false };
        assert_eq!(plan(&found, Start::Earliest, vec![]).read_from, 5);
        let latest = plan(&found, Start::Latest, vec![]);
        assert_eq!((latest.from, latest.read_from, latest.committed), (From::Start, 9, 9));
    }

    #[test]
    fn a_topic_that_was_created_again_is_read_from_its_first_record_whatever_was_committed() {
        let snapshots = vec![kept("a:X", 10, 100), kept("a:Y", 20, 140)];
        for found in [found(Some(progress()), 3, 200), Found { committed: None, ..found(None, 3, 200) }] {
            for start in [Start::Earliest, Start::Latest] {
                let plan = plan(&Found { is_new_log: true, ..found }, start, snapshots.clone());
                assert_eq!((plan.from, plan.read_from, plan.committed, plan.origin), (From::NewLog, 3, 3, 3));
                assert!(plan.snapshots.is_empty() && plan.new_origin_before == 0);
            }
        }
    }

    #[test]
    fn a_snapshot_of_another_topic_is_not_used() {
        let id = |text: &str| Some(TopicId::parse(text).unwrap());
        let (ours, other) = (id("jJ9rPg9dSwz7__4BAgMEBQ"), id("jJ9rPg9dSwz7__4BAgMEBg"));
        let of = |topic_id| KeptSnapshot { topic_id, ..kept("a:X", 10, 100) };
        let kept = of_topic(vec![of(ours), of(other), of(None)], ours);
        assert_eq!(kept, [of(ours), of(None)], "older versions wrote no id");
        assert_eq!(of_topic(vec![of(other)], None).len(), 1, "the broker has no ids");
    }

    #[test]
    fn an_offset_outside_the_log_or_of_unknown_make_begins_anew() {
        let deleted = plan(&found(Some(progress()), 180, 200), Start::Earliest, vec![]);
        assert_eq!((deleted.from, deleted.read_from, deleted.committed), (From::NewOrigin, 180, 180));
        let cut = plan(&found(Some(progress()), 0, 120), Start::Earliest, vec![]);
        assert_eq!((cut.from, cut.read_from, cut.committed), (From::NewOrigin, 0, 120));
        let set = plan(&found(None, 0, 200), Start::Earliest, vec![]);
        assert_eq!((set.from, set.read_from, set.committed), (From::Origin, 0, 150));
    }
}
