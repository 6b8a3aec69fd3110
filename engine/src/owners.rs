//! The owners of the partitions of a log that several processes share, as a front end sees them.
//!
//! One thread writes the table, from what the owners publish; a front reads it without a lock, and only for a symbol
//! whose state is not here.

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
    /// The number of the lane that has the partition, from 0.
    pub lane: usize,
    /// Where its front answers, `http://host:port`.
    pub url: String,
    /// Whether it is this process.
    pub is_here: bool,
}

/// By partition, the owner that said so last.
pub type Owners = BTreeMap<u32, Arc<Owner>>;

/// The table.
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

    /// All that is known now.
    pub fn all(&self) -> Arc<Owners> {
        self.owners.load_full()
    }

    /// Whether others own symbols that are not known yet: from the start until the published table was read once.
    pub fn is_awaited(&self) -> bool {
        self.is_awaited.load(Ordering::Acquire)
    }

    /// Tells that there is a table to be read.
    pub fn expect(&self) {
        self.is_awaited.store(true, Ordering::Release);
    }

    /// Puts the table as it was read in place.
    pub fn publish(&self, owners: Owners) {
        self.owners.store(Arc::new(owners));
        self.is_awaited.store(false, Ordering::Release);
    }
}
