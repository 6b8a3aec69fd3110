//! The metadata committed with an offset: how to rebuild the state at that offset.
//!
//! It is a text, far below the broker's default bound of 4,096 bytes: `sg2 read_from=120 origin=0 new_before=0
//! symbols=3 names=89abcdef01234567 topic=jJ9rPg9dSwz7__4BAgMEBQ`. Without the topic's id (older versions, and brokers
//! that have no ids) it starts with `sg1` and ends after the names.

use std::fmt;

use crate::kafka::lane::topic_id::TopicId;

/// How to rebuild the state of a partition as it was at the committed offset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Offset to read from after loading the snapshots: each symbol counted below has a snapshot at or after it.
    pub(crate) read_from: u64,
    /// Offset to read from without snapshots.
    pub(crate) origin: u64,
    /// Symbols first seen below this offset have a new origin: their state may not go back to their first tick.
    pub(crate) new_origin_before: u64,
    /// Number of symbols first seen below `read_from`. The snapshots of all of them are needed.
    pub(crate) symbols: u32,
    /// Hashes of their names, combined by exclusive or.
    pub(crate) names: u64,
    /// The topic that these offsets belong to; `None` if the text names none.
    pub(crate) topic_id: Option<TopicId>,
}

impl Progress {
    /// Adds a symbol to those that need a snapshot.
    pub(crate) fn count(&mut self, name: &str) {
        self.symbols += 1;
        self.names ^= name_hash(name);
    }

    /// Parses the output of [`fmt::Display`]; `None` for any other text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let has_topic_id = match words.next()? {
            "sg1" => false,
            "sg2" => true,
            _ => return None,
        };
        let mut field = |name: &str| words.next()?.strip_prefix(name)?.strip_prefix('=');
        let progress = Self {
            read_from: field("read_from")?.parse().ok()?,
            origin: field("origin")?.parse().ok()?,
            new_origin_before: field("new_before")?.parse().ok()?,
            symbols: field("symbols")?.parse().ok()?,
            names: u64::from_str_radix(field("names")?, 16).ok()?,
            topic_id: if has_topic_id { Some(TopicId::parse(field("topic")?)?) } else { None },
        };
        words.next().is_none().then_some(progress)
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { read_from, origin, new_origin_before, symbols, names, topic_id } = self;
        let version = if topic_id.is_some() { 2 } else { 1 };
        write!(
            f,
            "sg{version} read_from={read_from} origin={origin} new_before={new_origin_before} symbols={symbols} \
             names={names:016x}"
        )?;
        topic_id.map_or(Ok(()), |id| write!(f, " topic={id}"))
    }
}

fn name_hash(name: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_nothing_else_is() {
        let mut progress =
            Progress { read_from: u64::MAX, origin: 7, new_origin_before: 9, ..Progress::default() };
        progress.count("coinbase:BTC-USD");
        progress.count("coinbase:ETH-USD");
        let text = progress.to_string();
        assert!(text.starts_with("sg1 "), "readable by the versions before topics had ids");
        assert_eq!(Progress::parse(&text), Some(progress));
        progress.topic_id = TopicId::parse("jJ9rPg9dSwz7__4BAgMEBQ");
        assert!(progress.topic_id.is_some());
        let text = progress.to_string();
        assert!(text.starts_with("sg2 ") && text.len() < 4_096);
        assert_eq!(Progress::parse(&text), Some(progress));
        for other in [
            "",
            "sg1",
            "sg3 read_from=1",
            &text.replacen("sg2", "sg1", 1),
            &format!("{text} more=1"),
            &text[..text.len() - 20],
        ] {
            assert_eq!(Progress::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn the_order_of_the_names_is_no_matter() {
        let of = |names: [&str; 2]| {
            let mut progress = Progress::default();
            names.iter().for_each(|name| progress.count(name));
            progress
        };
        assert_eq!(of(["a:b", "c:d"]), of(["c:d", "a:b"]));
        assert_ne!(of(["a:b", "c:d"]), of(["a:b", "c:e"]));
    }
}
