//! The owners of the partitions of a shared log, as a front end sees them.
//!
//! One thread writes the table from the owners' published records; a front reads it without a lock, and only for a
//! symbol whose state is not in this process.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use arc_swap::ArcSwap;

use crate::symbol::Partition;

/// The owner of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The owner's name in the group, `kafka.instance`.
    pub instance: String,
    /// Number of the lane that owns the partition, from 0.
    pub lane: usize,
    /// Base URL of its front, `http://host:port`.
    pub url: String,
    /// Whether it is this process.
    pub is_here: bool,
}

/// The newest published owner of each partition.
pub type Owners = BTreeMap<u32, Arc<Owner>>;

/// The table of owners.
#[derive(Debug, Default)]
pub struct OwnerTable {
    owners: ArcSwap<Owners>,
    is_awaited: AtomicBool,
}

impl OwnerTable {
    /// The owner of a partition, if one was published.
    pub fn of(&self, partition: Partition) -> Option<Arc<Owner>> {
        self.owners.load().get(&partition.0).cloned()
    }

    /// All known owners.
    pub fn all(&self) -> Arc<Owners> {
        self.owners.load_full()
    }

    /// Whether symbols of other owners may still be unknown: true from [`expect`](Self::expect) until the published
    /// table was read once.
    pub fn is_awaited(&self) -> bool {
        self.is_awaited.load(Ordering::Acquire)
    }

    /// Announces that a published table will be read.
    pub fn expect(&self) {
        self.is_awaited.store(true, Ordering::Release);
    }

    /// Replaces the table.
    pub fn publish(&self, owners: Owners) {
        self.owners.store(Arc::new(owners));
        self.is_awaited.store(false, Ordering::Release);
    }
}
