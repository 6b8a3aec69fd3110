//! The versions of the model: the active one, the previous one and the shadow, and their changes while requests are
//! answered.
//!
//! A change passes [`catalog`] (finds the file of a name, copies it to memory and checks it) -> [`comparison`] (tries
//! it on the newest real rows beside the active one) -> [`active_record`] (records the activation) -> the shards, each
//! between two batches. A refusal on the way leaves everything unchanged. [`start`] picks the model that a process
//! starts with.
//!
//! There is one change at a time. The previous version stays in memory, so a rollback needs no file and no comparison.

pub mod active_record;
pub mod catalog;
mod change;
pub mod comparison;
mod outcome;
mod shadow;
pub mod start;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::{ArcSwap, Guard};
use engine::{bound_model::BoundModel, file_writes::FileWrites, handle::EngineHandle};
use model::{Model, ModelInfo};
use tokio::sync::Mutex;

pub use outcome::{Activation, Asked, ChangeError, Changed, Outcome};

use self::{
    active_record::ActiveRecordFile,
    catalog::{Catalog, Entry, FindError, Seen},
};
use crate::config::{Config, sections::SourceKind};

/// The origin of the active model, for /version, /health and doctor.
#[derive(Clone, Debug, Default)]
pub struct ModelReport {
    /// The model's name in the catalog; empty for a model that is not in it.
    pub name: String,
    /// The file, if one was named.
    pub path: Option<String>,
    /// The reason why the named file is not in use.
    pub refused: Option<String>,
    /// A sentence on how the model's event differs from the configured one.
    pub other_event: Option<String>,
    /// The source of the variant: the model file, a configuration origin, or the record.
    pub variant_source: String,
    /// The configuration origin of `model.variant`, if it is set.
    pub variant_origin: Option<String>,
    /// RFC 3339 time of its activation, if that was before this process began.
    pub since: Option<String>,
    /// SHA-256 of the configured model, if the record names the active one and `model.version` is set.
    pub configured_sha256: Option<String>,
    /// Whether the record of activations named the model.
    pub is_recorded: bool,
    /// The previous model, from the record.
    pub previous: Option<Arc<Version>>,
}

/// A model with its name in the catalog.
#[derive(Debug)]
pub struct Version {
    /// Its name in the catalog.
    pub name: String,
    /// The file it was read from; `None` if it is built in.
    pub path: Option<String>,
    /// The model, ready to score.
    pub model: Arc<Model>,
    /// The model bound to the engine's features; `None` if it scores posted rows only.
    pub bound: Option<Arc<BoundModel>>,
    /// RFC 3339 time since which it is active, previous or shadow.
    pub since: String,
}

impl Version {
    fn new(name: &str, path: Option<String>, model: Arc<Model>, since: Option<String>) -> Self {
        let name = if name.is_empty() { &model.info().name } else { name }.to_owned();
        let bound = BoundModel::new(model.clone()).ok().map(Arc::new);
        Self { name, path, model, bound, since: since.unwrap_or_else(crate::now_text) }
    }

    /// This version with `since` set to now.
    fn renewed(&self) -> Self {
        let Self { name, path, model, bound, .. } = self;
        let (name, path, model, bound) = (name.clone(), path.clone(), model.clone(), bound.clone());
        Self { name, path, model, bound, since: crate::now_text() }
    }

    /// The description in the model's file.
    pub fn info(&self) -> &ModelInfo {
        self.model.info()
    }

    /// `name@version sha256`, as in events and the log.
    fn told(&self) -> String {
        let info = self.info();
        format!("{}@{} {}", info.name, info.version, info.sha256)
    }

    /// Whether `asked`, a name or `name@version`, refers to this one: by its name in the catalog or in its file.
    fn is_called(&self, asked: &str) -> bool {
        let info = self.info();
        let is_name = |name: &str| name == self.name || name == info.name;
        let is_version = |(name, version): (&str, &str)| is_name(name) && version == info.version;
        is_name(asked) || asked.rsplit_once('@').is_some_and(is_version)
    }
}

/// The versions in use at one moment.
#[derive(Debug)]
pub struct Held {
    /// The model that answers.
    pub active: Option<Arc<Version>>,
    /// The model that answered before it; a rollback activates it.
    pub previous: Option<Arc<Version>>,
    /// The shadow model: scores the grid beside the active one and is never served.
    pub shadow: Option<Arc<Version>>,
    /// The origin of the active one.
    pub report: ModelReport,
    /// SHA-256 of the model whose version `model.version` overrides: the configured one, not an activated one.
    labelled: Option<String>,
}

impl Held {
    /// Whether `model.version` overrides this model's version.
    pub fn is_labelled(&self, info: &ModelInfo) -> bool {
        self.labelled.as_ref() == Some(&info.sha256)
    }
}

/// `stormglass_model_swaps_total`.
#[derive(Debug, Default)]
pub struct SwapsTotal {
    activated: AtomicU64,
    rolled_back: AtomicU64,
    cleared: AtomicU64,
    refused: AtomicU64,
}

impl SwapsTotal {
    /// Each outcome with its count.
    pub fn read(&self) -> [(&'static str, u64); 4] {
        [
            ("activated", &self.activated),
            ("rolled_back", &self.rolled_back),
            ("cleared", &self.cleared),
            ("refused", &self.refused),
        ]
        .map(|(outcome, count)| (outcome, count.load(Ordering::Relaxed)))
    }
}

/// Bounds on the difference between a new model and the active one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Share of rows, 0 to 1, on which the call (spike or not) may change.
    pub flip_rate_max: f64,
    /// Largest difference of the two probabilities of a row, 0 to 1.
    pub score_difference_max: f64,
}

/// The parts of the configuration that model changes use.
#[derive(Debug)]
struct Settings {
    config: Config,
    bounds: Bounds,
}

/// The versions and their changes.
#[derive(Debug)]
pub struct Models {
    engine: EngineHandle,
    catalog: Arc<Catalog>,
    record: Option<ActiveRecordFile>,
    settings: Settings,
    held: ArcSwap<Held>,
    /// Locked while a change is under way.
    changing: Mutex<()>,
    /// Locked while all files of the catalog are read.
    listing: Arc<Mutex<()>>,
    /// Changes by outcome, for `stormglass_model_swaps_total`.
    pub swaps: SwapsTotal,
    /// Whether the record and its copies can be written.
    pub record_writes: Arc<FileWrites>,
}

impl Models {
    /// The versions of a service that started with the engine's present model.
    pub fn new(engine: EngineHandle, config: &Config, report: ModelReport) -> Self {
        let active = engine.model.load_full().map(|model| {
            Arc::new(Version::new(&report.name, report.path.clone(), model, report.since.clone()))
        });
        let labelled = match report.is_recorded {
            true => report.configured_sha256.clone(),
            false => active.as_ref().map(|version| version.info().sha256.clone()),
        };
        let previous = report.previous.clone();
        let record_writes = Arc::<FileWrites>::default();
        let held = Held { active, previous, shadow: None, report, labelled };
        Self {
            engine,
            catalog: Arc::new(Catalog::new(config)),
            record: record_file(config).map(|file| file.reporting_to(record_writes.clone())),
            settings: Settings {
                bounds: Bounds {
                    flip_rate_max: config.model.flip_rate_max,
                    score_difference_max: config.model.score_difference_max,
                },
                config: config.clone(),
            },
            held: ArcSwap::from_pointee(held),
            changing: Mutex::default(),
            listing: Arc::default(),
            swaps: SwapsTotal::default(),
            record_writes,
        }
    }

    /// The versions in use now.
    pub fn held(&self) -> Guard<Arc<Held>> {
        self.held.load()
    }

    /// The catalog.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Path of the record of activations; `None`: a change lasts until the process ends.
    pub fn record_path(&self) -> Option<&std::path::Path> {
        self.record.as_ref().map(ActiveRecordFile::path)
    }

    /// Every model of the catalog with its description or the reason for its refusal, and the number of files left out.
    ///
    /// # Errors
    /// [`FindError::Folder`].
    pub async fn list(&self) -> Result<(Vec<Look>, usize), FindError> {
        // A caller that waited here finds what the one before has read.
        let listing = self.listing.clone().lock_owned().await;
        let catalog = self.catalog.clone();
        let look = move || {
            // Held until all files are read, even if nobody waits for the list any more.
            let _listing = listing;
            let (entries, left_out) = catalog.entries()?;
            let looks = entries.into_iter().map(|entry| {
                let seen = catalog.look(&entry);
                (entry, seen)
            });
            Ok((looks.collect(), left_out))
        };
        tokio::task::spawn_blocking(look)
            .await
            .unwrap_or_else(|error| Err(FindError::Refused(error.to_string())))
    }

    /// The active model, if `asked` refers to it by its name in the catalog, or as `name@active`.
    pub fn active(&self, asked: &str) -> Option<Arc<Model>> {
        let held = self.held();
        let is_it = |active: &&Arc<Version>| {
            active.is_called(asked)
                || asked.strip_suffix("@active").is_some_and(|name| active.is_called(name))
        };
        held.active.as_ref().filter(is_it).map(|active| active.model.clone())
    }

    /// The model for posted rows that `asked` refers to: `name@active`, `name@previous`, `name@shadow`, or a name with
    /// the version of one of these.
    pub fn named(&self, asked: &str) -> Option<Arc<Model>> {
        let held = self.held();
        let places = [("active", &held.active), ("previous", &held.previous), ("shadow", &held.shadow)];
        let is_it = |(alias, version): &(&str, &Arc<Version>)| {
            let of_alias =
                asked.rsplit_once('@').is_some_and(|(name, at)| at == *alias && version.is_called(name));
            of_alias || (asked.contains('@') && version.is_called(asked))
        };
        let mut there = places.into_iter().filter_map(|(alias, place)| Some((alias, place.as_ref()?)));
        there.find(is_it).map(|(_, version)| version.model.clone())
    }
}

/// A model of the catalog and its description.
pub type Look = (Entry, Result<Arc<Seen>, String>);

/// The record of activations; `None` with Kafka, where a topic holds the model of each partition.
fn record_file(config: &Config) -> Option<ActiveRecordFile> {
    let path = config.model.record.as_deref().filter(|_| config.source.kind != SourceKind::Kafka)?;
    Some(ActiveRecordFile::new(PathBuf::from(path), config.model.map_above_bytes))
}
