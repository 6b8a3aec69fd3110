//! The versions of the model: which one is active, which was before, which one runs along as a shadow, and how that
//! changes while requests are answered.
//!
//! A change goes: [`catalog`] (a name becomes a file, copied to memory and checked) -> [`comparison`] (it is tried on the newest
//! real rows beside the active one) -> [`record`] (what is to last is written down) -> the shards, each between two
//! batches. What is refused on the way leaves everything as it was. [`start`] says which one a process begins with.
//!
//! One change at a time. The one before stays in memory, so that the way back takes no file and no comparison.

pub mod catalog;
mod change;
pub mod comparison;
mod outcome;
pub mod record;
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
    catalog::{Catalog, Entry, FindError, Seen},
    record::RecordFile,
};
use crate::config::{Config, sections::SourceKind};

/// Where the model of the start came from, for people.
#[derive(Clone, Debug, Default)]
pub struct ModelReport {
    /// What the model is called in the catalog; empty for a model that is not from there.
    pub name: String,
    /// The file, if one was named.
    pub path: Option<String>,
    /// Why the named file is not in use.
    pub refused: Option<String>,
    /// How the event that the model predicts differs from the configured one.
    pub other_event: Option<String>,
    /// Who decided the variant: the model file, a configuration origin, or the record.
    pub variant_source: String,
    /// Who set `model.variant`, if anyone did.
    pub variant_origin: Option<String>,
    /// Since when it is active, where that is older than the process.
    pub since: Option<String>,
    /// Of the configured model, where the record names the active one and `model.version` labels a model.
    pub configured_sha256: Option<String>,
    /// Whether the record said so.
    pub is_recorded: bool,
    /// The one before it, by the record.
    pub previous: Option<Arc<Version>>,
}

/// A model with its name.
#[derive(Debug)]
pub struct Version {
    /// In the catalog.
    pub name: String,
    /// The file that it was found in; `None` = it came with the program.
    pub path: Option<String>,
    /// The model, ready to score.
    pub model: Arc<Model>,
    /// The same, bound to the stream; `None` where it answers rows only.
    pub bound: Option<Arc<BoundModel>>,
    /// Since when it has its place.
    pub since: String,
}

impl Version {
    fn new(name: &str, path: Option<String>, model: Arc<Model>, since: Option<String>) -> Self {
        let name = if name.is_empty() { &model.info().name } else { name }.to_owned();
        let bound = BoundModel::new(model.clone()).ok().map(Arc::new);
        Self { name, path, model, bound, since: since.unwrap_or_else(crate::now_text) }
    }

    /// The same, in its place from now on.
    fn renewed(&self) -> Self {
        let Self { name, path, model, bound, .. } = self;
        let (name, path, model, bound) = (name.clone(), path.clone(), model.clone(), bound.clone());
        Self { name, path, model, bound, since: crate::now_text() }
    }

    /// What the model says of itself.
    pub fn info(&self) -> &ModelInfo {
        self.model.info()
    }

    /// As events and the log tell it.
    fn told(&self) -> String {
        let info = self.info();
        format!("{}@{} {}", info.name, info.version, info.sha256)
    }

    /// Whether `asked`, a name or `name@version`, means this one: by its name in the catalog or in its file.
    fn is_called(&self, asked: &str) -> bool {
        let info = self.info();
        let is_name = |name: &str| name == self.name || name == info.name;
        let is_version = |(name, version): (&str, &str)| is_name(name) && version == info.version;
        is_name(asked) || asked.rsplit_once('@').is_some_and(is_version)
    }
}

/// What is in use at a moment.
#[derive(Debug)]
pub struct Held {
    /// What answers.
    pub active: Option<Arc<Version>>,
    /// What answered before, ready to do so again.
    pub previous: Option<Arc<Version>>,
    /// What scores the grid beside the active one.
    pub shadow: Option<Arc<Version>>,
    /// Where the active one came from.
    pub report: ModelReport,
    /// SHA-256 of the model that `model.version` labels: the configured one, not any that was activated.
    labelled: Option<String>,
}

impl Held {
    /// Whether `model.version` labels this model.
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

/// Bounds on how far a new model may be from the active one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Share of rows that may be called otherwise.
    pub flip_rate_max: f64,
    /// How far the two probabilities of a row may lie apart.
    pub score_difference_max: f64,
}

/// What the changes need of the configuration.
#[derive(Debug)]
struct Settings {
    config: Config,
    bounds: Bounds,
}

/// The versions, and how they change.
#[derive(Debug)]
pub struct Models {
    engine: EngineHandle,
    catalog: Arc<Catalog>,
    record: Option<RecordFile>,
    settings: Settings,
    held: ArcSwap<Held>,
    /// Held by whoever changes something.
    changing: Mutex<()>,
    /// Held by whoever looks into all files.
    listing: Arc<Mutex<()>>,
    /// What became of the changes.
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

    /// What is in use now.
    pub fn held(&self) -> Guard<Arc<Held>> {
        self.held.load()
    }

    /// The catalog.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Where what lasts is written; `None` = nowhere: a change lasts until the process ends.
    pub fn record_path(&self) -> Option<&std::path::Path> {
        self.record.as_ref().map(RecordFile::path)
    }

    /// Every model of the catalog with what it says, or why it is refused, and how many files were left out.
    ///
    /// # Errors
    /// [`FindError::Folder`].
    pub async fn list(&self) -> Result<(Vec<Look>, usize), FindError> {
        // Who waits here finds what the one before has seen.
        let listing = self.listing.clone().lock_owned().await;
        let catalog = self.catalog.clone();
        let look = move || {
            // Until all is seen, also where nobody waits for it any more.
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

    /// The active model, if `asked` means it by its name in the catalog, or as `name@active`.
    pub fn active(&self, asked: &str) -> Option<Arc<Model>> {
        let held = self.held();
        let is_it = |active: &&Arc<Version>| {
            active.is_called(asked)
                || asked.strip_suffix("@active").is_some_and(|name| active.is_called(name))
        };
        held.active.as_ref().filter(is_it).map(|active| active.model.clone())
    }

    /// The model for rows that `asked` means: `name@active`, `name@previous`, `name@shadow`, or a name with the version
    /// of one of these.
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

/// A model of the catalog and what was seen in it.
pub type Look = (Entry, Result<Arc<Seen>, String>);

/// Where the record is. With Kafka the log says which model scores a partition: the record is not read.
fn record_file(config: &Config) -> Option<RecordFile> {
    let path = config.model.record.as_deref().filter(|_| config.source.kind != SourceKind::Kafka)?;
    Some(RecordFile::new(PathBuf::from(path), config.model.map_above_bytes))
}
