//! The engine, from its configuration.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use engine::{
    board::Board,
    handle::{EngineHandle, RuntimeReport},
    metrics::{EngineMetrics, IngestMetrics},
    route::RouteTable,
    symbol::{Partition, SymbolTable},
};
use model::Model;

use super::{Failure, SourceKind};
use crate::{config::Config, http::app::ShardsAlive};

/// A running engine.
pub(super) struct Running {
    handle: EngineHandle,
}

/// Starts shards and sources.
pub(super) fn start(config: &Config, model: Option<Arc<Model>>) -> Result<Running, Failure> {
    let pins: Vec<_> = config.engine.pins.iter().map(|p| (Partition(p.partition), p.shard)).collect();
    if config.source.kind != SourceKind::None {
        tracing::warn!("this build has no shards: nothing is predicted");
    }
    let shards = pins.iter().map(|(_, shard)| shard + 1).max().unwrap_or(0);
    Ok(Running {
        handle: EngineHandle {
            mailboxes: Arc::from([]),
            symbols: Arc::new(SymbolTable::default()),
            routes: Arc::new(RouteTable::new(config.engine.partitions, shards, &pins)),
            model: Arc::new(ArcSwapOption::from(model)),
            metrics: EngineMetrics { shards: Vec::new(), ingest: Arc::new(IngestMetrics::default()) },
            runtime: RuntimeReport { name: "inline", reason: "no shards".to_owned(), shard_cpus: Vec::new() },
            board: Arc::new(Board::default()),
        },
    })
}

impl Running {
    pub(super) fn handle(&self) -> EngineHandle {
        self.handle.clone()
    }

    pub(super) fn shards_alive(&self) -> ShardsAlive {
        let count = self.handle.mailboxes.len();
        Box::new(move || count)
    }

    pub(super) fn stop(self) {}
}
