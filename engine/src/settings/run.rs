//! `[engine]`: number of shards, their runtime, and the distribution of symbols.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{at_most, positive, unset};
use crate::{
    limits::{PARTITIONS_MAX, SHARDS_MAX, SYMBOLS_MAX, SYMBOLS_MAX_DEFAULT},
    symbol::Partition,
};

/// The runtime that drives the shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuntimeChoice {
    /// glommio if it can run, otherwise threads, with the reason in the log and the report.
    #[default]
    Auto,
    /// glommio or an error.
    Glommio,
    /// Plain threads.
    Thread,
}

/// How the engine runs. None of these settings changes a prediction's bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunSettings {
    /// Number of shards, one core each; `None` (0 in a file) = the CPUs that the front leaves.
    #[serde(with = "unset")]
    pub shards: Option<usize>,
    /// The runtime that drives the shards.
    pub runtime: RuntimeChoice,
    /// Number of partitions that symbols are divided into, if no Kafka topic defines it.
    pub partitions: u32,
    /// Most symbols held; ticks of further ones are refused and counted.
    pub symbols_max: usize,
    /// Partitions fixed to shards; the others are distributed.
    pub pins: Vec<Pin>,
    /// Microseconds for which a shard with a CPU of its own polls its mailbox before it sleeps.
    pub spin_us: u64,
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            shards: None,
            runtime: RuntimeChoice::Auto,
            partitions: 64,
            symbols_max: SYMBOLS_MAX_DEFAULT,
            pins: Vec::new(),
            spin_us: 0,
        }
    }
}

impl RunSettings {
    /// Checks the bounds. `shard_count` is the number of shards, once the CPUs are known.
    ///
    /// # Errors
    /// The first key outside its bounds, and what to do.
    pub fn check(&self, shard_count: Option<usize>) -> Result<(), String> {
        positive("engine.partitions", f64::from(self.partitions))?;
        at_most("engine.partitions", self.partitions as usize, PARTITIONS_MAX as usize)?;
        positive("engine.symbols_max", self.symbols_max as f64)?;
        at_most("engine.symbols_max", self.symbols_max, SYMBOLS_MAX)?;
        at_most("engine.shards", self.shards.unwrap_or(0), SHARDS_MAX)?;
        for pin in &self.pins {
            if pin.partition.0 >= self.partitions {
                return Err(format!(
                    "engine.pins names partition {}, but engine.partitions is {}, counted from 0",
                    pin.partition.0, self.partitions
                ));
            }
            if let Some(shards) = shard_count.or(self.shards).filter(|&shards| pin.shard >= shards) {
                return Err(format!(
                    "engine.pins names shard {}, but there are {shards} (engine.shards), counted from 0",
                    pin.shard
                ));
            }
        }
        Ok(())
    }
}

/// A partition fixed to a shard, written `partition:shard`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The partition.
    pub partition: Partition,
    /// The shard it is fixed to.
    pub shard: usize,
}

impl FromStr for Pin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once(':').and_then(|(partition, shard)| {
            Some(Self {
                partition: Partition(partition.trim().parse().ok()?),
                shard: shard.trim().parse().ok()?,
            })
        });
        parsed.ok_or_else(|| format!("{text:?} is no pin; write \"partition:shard\", such as \"3:0\""))
    }
}

impl Serialize for Pin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}:{}", self.partition.0, self.shard))
    }
}

impl<'de> Deserialize<'de> for Pin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
