//! Schemas by their numbers in a Schema Registry, for records that carry such a number: files named `ID.avsc`, or the
//! registry itself.
//!
//! ```text
//!  record: 0, id, data -> frame: lookup(id) -> avro: JSON text -> decode
//!                            | not known yet: ask
//!                            v
//!                         registry: a thread of its own, GET /schemas/ids/{id}, with back-off until it answers
//! ```
//!
//! A registry that does not answer is not a fault of the record: [`Lookup::Unavailable`] asks the caller to wait. A lane
//! of Kafka holds the partition at that record meanwhile; a tool waits for [`PATIENCE`].

mod files;
mod frame;
#[cfg(feature = "schema-registry")]
mod registry;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, atomic::AtomicU64},
    time::{Duration, Instant},
};

#[cfg(feature = "schema-registry")]
use std::sync::atomic::Ordering::Relaxed;

use crossbeam::channel::Sender;

pub use frame::Unframer;

use crate::avro::Schema;

/// Longest wait of a tool for a registry that does not answer.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// An id that the registry did not know is asked for again after this time: it may have been registered since.
const UNKNOWN_FOR: Duration = Duration::from_secs(10);
/// Schemas remembered at most. Beyond, those that a registry gave are forgotten and asked for again.
const SCHEMAS_MAX: usize = 10_000;
/// Ids waiting to be asked for at most.
#[cfg(feature = "schema-registry")]
const ASKED_MAX: usize = 1_024;

/// Where schemas come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaSettings {
    /// A folder or a shell pattern of files `ID.avsc`; empty if there are none.
    pub files: String,
    /// The addresses of a Schema Registry's instances, separated by commas; empty if there is none.
    pub registry_url: String,
    /// `USER:PASSWORD` for the registry; empty if it wants none.
    pub registry_auth: String,
}

/// The reason for which schemas cannot be had from where the settings say.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SchemasError(String);

/// The result of looking up the schema with an id.
#[derive(Clone, Debug, PartialEq)]
pub enum Lookup {
    /// The data is Avro, written by this schema.
    Avro(Arc<Schema>),
    /// The data is JSON.
    Json,
    /// There is no such schema.
    Unknown,
    /// There is one, but data of its kind cannot be read; the reason was logged.
    Unusable,
    /// The registry has not answered yet.
    Unavailable,
}

/// What became of the questions to a registry.
#[derive(Debug, Default)]
pub struct RegistryMetrics {
    /// Answered with a schema.
    pub found: AtomicU64,
    /// Answered that there is none.
    pub unknown: AtomicU64,
    /// Not answered, or with an error.
    pub failed: AtomicU64,
}

/// The schemas of one source; clones share them. The default has none and finds none.
#[derive(Clone, Default)]
pub struct Schemas(Option<Arc<Store>>);

struct Store {
    files: HashMap<u32, Arc<Schema>>,
    known: Mutex<HashMap<u32, Known>>,
    answered: Condvar,
    /// To the thread that asks the registry.
    ask: Option<Sender<u32>>,
    /// The error of the newest question to the registry, until one is answered.
    trouble: Mutex<Option<String>>,
    metrics: RegistryMetrics,
}

/// What a registry said of an id.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "schema-registry"), expect(dead_code, reason = "nobody answers"))]
enum Known {
    Asked,
    Avro(Arc<Schema>),
    Json,
    Unusable,
    Unknown { since: Instant },
}

impl Schemas {
    /// Reads the files, and starts the thread that asks the registry.
    ///
    /// # Errors
    /// [`SchemasError`] names the key and what to change.
    pub fn open(settings: &SchemaSettings) -> Result<Self, SchemasError> {
        if settings.files.is_empty() && settings.registry_url.is_empty() {
            return Ok(Self::default());
        }
        let files = match settings.files.as_str() {
            "" => HashMap::new(),
            pattern => files::read(pattern)?,
        };
        let store = |ask| Store {
            files,
            known: Mutex::default(),
            answered: Condvar::new(),
            ask,
            trouble: Mutex::default(),
            metrics: RegistryMetrics::default(),
        };
        if settings.registry_url.is_empty() {
            return Ok(Self(Some(Arc::new(store(None)))));
        }
        #[cfg(not(feature = "schema-registry"))]
        {
            let what = "source.schema_registry_url is set, but this program was built without the feature schema-registry";
            Err(SchemasError(what.to_owned()))
        }
        #[cfg(feature = "schema-registry")]
        {
            let registry = registry::Registry::new(settings)?;
            let (ask, asked) = crossbeam::channel::bounded(ASKED_MAX);
            let store = Arc::new(store(Some(ask)));
            registry.start(Arc::downgrade(&store), asked)?;
            Ok(Self(Some(store)))
        }
    }

    /// Whether there is anything to look in.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// What is known of an id now. If nothing is, the registry is asked.
    pub fn lookup(&self, id: u32) -> Lookup {
        self.0.as_ref().map_or(Lookup::Unknown, |store| store.lookup(id, Duration::ZERO, false))
    }

    /// As [`lookup_within`](Self::lookup_within), but an id that was asked for before is not waited for.
    fn lookup_first(&self, id: u32, patience: Duration) -> Lookup {
        self.0.as_ref().map_or(Lookup::Unknown, |store| store.lookup(id, patience, true))
    }

    /// What is known of an id, after a wait of at most `patience` for the registry's answer.
    pub fn lookup_within(&self, id: u32, patience: Duration) -> Lookup {
        self.0.as_ref().map_or(Lookup::Unknown, |store| store.lookup(id, patience, false))
    }

    /// What became of the questions to the registry.
    pub fn metrics(&self) -> Option<&RegistryMetrics> {
        self.0.as_ref().map(|store| &store.metrics)
    }

    /// Why the registry has not answered, with its address.
    pub fn trouble(&self) -> Option<String> {
        self.0.as_ref()?.trouble.lock().expect("no code panics while it holds the text").clone()
    }
}

impl Store {
    fn known(&self) -> MutexGuard<'_, HashMap<u32, Known>> {
        self.known.lock().expect("no code panics while it holds the schemas")
    }

    fn lookup(&self, id: u32, patience: Duration, only_first: bool) -> Lookup {
        if let Some(schema) = self.files.get(&id) {
            return Lookup::Avro(schema.clone());
        }
        let Some(ask) = &self.ask else { return Lookup::Unknown };
        let mut known = self.known();
        let mut waits_until = None;
        loop {
            match known.get(&id) {
                Some(Known::Avro(schema)) => return Lookup::Avro(schema.clone()),
                Some(Known::Json) => return Lookup::Json,
                Some(Known::Unusable) => return Lookup::Unusable,
                Some(Known::Unknown { since }) if since.elapsed() < UNKNOWN_FOR => return Lookup::Unknown,
                Some(Known::Asked) if only_first && waits_until.is_none() => return Lookup::Unavailable,
                Some(Known::Asked) => {}
                Some(Known::Unknown { .. }) | None => {
                    make_room(&mut known);
                    // Where the queue is full, the next lookup asks.
                    if ask.try_send(id).is_ok() {
                        known.insert(id, Known::Asked);
                    }
                }
            }
            let now = Instant::now();
            let left = waits_until.get_or_insert(now + patience).saturating_duration_since(now);
            if left.is_zero() {
                return Lookup::Unavailable;
            }
            let waited = self.answered.wait_timeout(known, left);
            known = waited.expect("no code panics while it holds the schemas").0;
        }
    }
}

/// Forgets schemas where there are too many: first what says nothing.
fn make_room(known: &mut HashMap<u32, Known>) {
    if known.len() >= SCHEMAS_MAX {
        known.retain(|_, known| !matches!(known, Known::Unknown { .. }));
    }
    if known.len() >= SCHEMAS_MAX {
        known.retain(|_, known| matches!(known, Known::Asked));
    }
}

#[cfg(feature = "schema-registry")]
impl Store {
    fn answer(&self, id: u32, known: Known) {
        let count = match known {
            Known::Unknown { .. } => &self.metrics.unknown,
            _ => &self.metrics.found,
        };
        count.fetch_add(1, Relaxed);
        self.known().insert(id, known);
        *self.trouble.lock().expect("no code panics while it holds the text") = None;
        self.answered.notify_all();
    }

    fn fail(&self, reason: String) {
        self.metrics.failed.fetch_add(1, Relaxed);
        *self.trouble.lock().expect("no code panics while it holds the text") = Some(reason);
    }
}

impl PartialEq for Schemas {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

impl fmt::Debug for Schemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("no schemas"),
            Some(store) if store.ask.is_some() => {
                write!(f, "{} schemas of files, and a registry", store.files.len())
            }
            Some(store) => write!(f, "{} schemas of files", store.files.len()),
        }
    }
}
