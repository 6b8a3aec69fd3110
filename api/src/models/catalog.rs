//! The catalog of models that can be activated by name: the built-in models, the files of `model.directory`, and the
//! configured file.
//!
//! A file's name without its extension is the model's name; the version is the one in the file. Files are read on
//! request: a file that is put into the folder is available at once, and one that cannot be read is listed as refused.

use std::{
    collections::HashMap,
    fs::Metadata,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::SystemTime,
};

use engine::bound_model::Unfit;
use model::{Model, ModelInfo};

use crate::{config::Config, model_file, shipped};

/// Most models that are listed; further ones in the folder are counted.
pub const ENTRIES_MAX: usize = 256;
/// Most entries of the folder that are read, whatever they are.
const FOLDER_ENTRIES_MAX: usize = 4_096;

/// The shipped models: name and variant.
const BUILT_IN: [(&str, &str); 3] =
    [("default", shipped::DEFAULT_VARIANT), ("baseline", "baseline"), (shipped::RUNBOOK, shipped::RUNBOOK)];

/// The name of the shipped model of a variant.
pub fn built_in_name(variant: &str) -> &'static str {
    BUILT_IN.iter().find(|(_, of)| *of == variant).map_or("default", |(name, _)| name)
}

/// A model in the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name that requests use.
    pub name: String,
    /// The file; `None` if it is built in.
    pub path: Option<PathBuf>,
}

/// The description in a model's file, and whether the model can drive the stream.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The description.
    pub info: ModelInfo,
    /// The reason why it cannot drive the stream; `None` if it can.
    pub rows_only: Option<String>,
}

impl Seen {
    fn of(model: &Model) -> Self {
        Self { info: model.info().clone(), rows_only: Unfit::of(model).map(|unfit| unfit.to_string()) }
    }
}

/// An opened model of the catalog.
#[derive(Debug)]
pub struct Found {
    /// Its entry.
    pub entry: Entry,
    /// The model.
    pub model: Model,
}

/// The reason why a name does not refer to one model.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// No model has this name.
    #[error("there is no model {asked:?}; there are: {}", .names.join(", "))]
    Unknown {
        /// The requested name.
        asked: String,
        /// The existing names.
        names: Vec<String>,
    },
    /// Several models have this name.
    #[error("{asked:?} means several models; name the version, or rename a file")]
    Ambiguous {
        /// The requested name.
        asked: String,
        /// `name@version (path)` of each.
        candidates: Vec<String>,
    },
    /// The file cannot be used.
    #[error("{0}")]
    Refused(String),
    /// The folder cannot be read.
    #[error("model.directory {path}: {source}")]
    Folder {
        /// The folder.
        path: String,
        /// The system's error.
        source: io::Error,
    },
}

/// Size, time of the last write and inode of a file, which change when it is written.
type Stamp = (u64, Option<SystemTime>, u64);

/// The stamp of built-in models, which never change. No file has it.
const BUILT_IN_STAMP: Stamp = (0, None, 0);

/// For each file, its stamp when it was read, and the description or the reason why it could not be read.
type Looks = HashMap<PathBuf, (Stamp, Result<Arc<Seen>, String>)>;

/// The folder, and the descriptions read from it.
#[derive(Debug)]
pub struct Catalog {
    directory: Option<PathBuf>,
    /// `model.path`, if that is a file.
    configured: Option<PathBuf>,
    map_above_bytes: u64,
    seen: Mutex<Looks>,
}

impl Catalog {
    /// The catalog of this configuration.
    pub fn new(config: &Config) -> Self {
        let configured = config.model.path.as_deref().filter(|path| *path != shipped::RUNBOOK);
        Self {
            directory: config.model.directory.as_deref().map(PathBuf::from),
            configured: configured.map(PathBuf::from),
            map_above_bytes: config.model.map_above_bytes,
            seen: Mutex::default(),
        }
    }

    /// `model.directory`.
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// All models by name, at most [`ENTRIES_MAX`], and the number of files left out.
    ///
    /// # Errors
    /// [`FindError::Folder`].
    pub fn entries(&self) -> Result<(Vec<Entry>, usize), FindError> {
        let built_in = BUILT_IN.map(|(name, _)| Entry { name: name.to_owned(), path: None });
        let mut files: Vec<Entry> = self.configured.iter().map(|path| of_file(path)).collect();
        let mut left_out = 0;
        if let Some(directory) = &self.directory {
            let failed = |source| FindError::Folder { path: directory.display().to_string(), source };
            let mut entries = std::fs::read_dir(directory).map_err(failed)?;
            for entry in entries.by_ref().take(FOLDER_ENTRIES_MAX) {
                let path = entry.map_err(failed)?.path();
                if is_candidate(&path) && !self.is_configured(&path) {
                    files.push(of_file(&path));
                }
            }
            left_out = entries.flatten().filter(|entry| is_candidate(&entry.path())).count();
        }
        files.sort_by(|a, b| (&a.name, &a.path).cmp(&(&b.name, &b.path)));
        let room = ENTRIES_MAX - built_in.len();
        left_out += files.len().saturating_sub(room);
        files.truncate(room);
        Ok((built_in.into_iter().chain(files).collect(), left_out))
    }

    /// All models of this name, beyond [`ENTRIES_MAX`] too. If the folder cannot be read, only its models are missing.
    fn named(&self, name: &str) -> Result<Vec<Entry>, FindError> {
        let is_it = |entry: &Entry| entry.name == name;
        let built_in = BUILT_IN.iter().map(|(name, _)| Entry { name: (*name).to_owned(), path: None });
        let configured = self.configured.iter().map(|path| of_file(path));
        let mut named: Vec<Entry> = built_in.chain(configured).filter(is_it).collect();
        let Some(directory) = &self.directory else { return Ok(named) };
        match std::fs::read_dir(directory) {
            Ok(files) => {
                let paths = files.flatten().map(|file| file.path()).filter(|path| file_name(path) == name);
                let theirs = paths.filter(|path| is_candidate(path) && !self.is_configured(path));
                named.extend(theirs.take(ENTRIES_MAX).map(|path| of_file(&path)));
                named.sort_by(|a, b| a.path.cmp(&b.path));
                Ok(named)
            }
            Err(source) if named.is_empty() => {
                Err(FindError::Folder { path: directory.display().to_string(), source })
            }
            Err(_) => Ok(named),
        }
    }

    fn is_configured(&self, path: &Path) -> bool {
        let same = |configured: &PathBuf| {
            configured == path
                || matches!((configured.canonicalize(), path.canonicalize()), (Ok(a), Ok(b)) if a == b)
        };
        self.configured.as_ref().is_some_and(same)
    }

    /// The description of a model. A file is opened again only after it was written.
    ///
    /// # Errors
    /// The reason why it cannot be used.
    pub fn look(&self, entry: &Entry) -> Result<Arc<Seen>, String> {
        let stamp = match &entry.path {
            Some(path) => {
                std::fs::metadata(path).map(|file| stamp(&file)).map_err(|error| error.to_string())?
            }
            None => BUILT_IN_STAMP,
        };
        let path = entry.path.as_deref().unwrap_or(Path::new(&entry.name));
        let looks = || self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((of, seen)) = looks().get(path)
            && *of == stamp
        {
            return seen.clone();
        }
        let seen = self.open(entry).map(|model| Arc::new(Seen::of(&model)));
        let mut looks = looks();
        if looks.len() >= 2 * ENTRIES_MAX {
            looks.clear();
        }
        looks.insert(path.to_owned(), (stamp, seen.clone()));
        seen
    }

    /// Opens the model that `asked`, a name or `name@version`, refers to.
    ///
    /// # Errors
    /// [`FindError`].
    pub fn find(&self, asked: &str, version: Option<&str>) -> Result<Found, FindError> {
        let (mut named, mut version) = (self.named(asked)?, version);
        if named.is_empty()
            && let Some((name, at)) = asked.rsplit_once('@')
        {
            (named, version) = (self.named(name)?, version.or(Some(at)));
        }
        let mut found: Vec<Found> = Vec::new();
        let (mut refusals, mut others) = (Vec::new(), Vec::new());
        for entry in named {
            match self.open(&entry) {
                Ok(model) if version.is_none_or(|version| version == model.info().version) => {
                    // The same file under two extensions, or a link to it, counts as one model.
                    if found.iter().all(|known| known.model.info().sha256 != model.info().sha256) {
                        found.push(Found { entry, model });
                    }
                }
                Ok(model) => others.push(format!("{}@{}", entry.name, model.info().version)),
                Err(error) => refusals.push(error),
            }
        }
        let asked = match version {
            Some(version) if !asked.contains('@') => format!("{asked}@{version}"),
            _ => asked.to_owned(),
        };
        match (found.len(), refusals.pop()) {
            (1, _) => Ok(found.remove(0)),
            (0, Some(refusal)) => Err(FindError::Refused(refusal)),
            (0, None) if others.is_empty() => {
                let (entries, _) = self.entries()?;
                let mut names: Vec<String> = entries.into_iter().map(|entry| entry.name).collect();
                names.dedup();
                Err(FindError::Unknown { asked, names })
            }
            (0, None) => Err(FindError::Unknown { asked, names: others }),
            _ => Err(FindError::Ambiguous { asked, candidates: found.iter().map(candidate).collect() }),
        }
    }

    fn open(&self, entry: &Entry) -> Result<Model, String> {
        let Some(path) = &entry.path else {
            let variant =
                BUILT_IN.iter().find(|(name, _)| *name == entry.name).map_or("", |(_, variant)| variant);
            let shipped = shipped::model(variant).expect("the list names what is shipped");
            return shipped.map_err(|error| error.to_string());
        };
        model_file::open(&path.to_string_lossy(), self.map_above_bytes)
    }
}

fn candidate(found: &Found) -> String {
    let place = found.entry.path.as_ref().map_or("built in".to_owned(), |path| path.display().to_string());
    format!("{}@{} ({place})", found.entry.name, found.model.info().version)
}

fn of_file(path: &Path) -> Entry {
    Entry { name: file_name(path), path: Some(path.to_owned()) }
}

/// A file's name in the catalog: without folder and extension.
pub fn file_name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether a file may be a model: not hidden, not a text about models, and not still being written.
fn is_candidate(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_other = ["md", "tmp", "part", "sh", "html"];
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    !name.starts_with('.') && !name.ends_with('~') && !is_other.contains(&&*extension) && path.is_file()
}

fn stamp(file: &Metadata) -> Stamp {
    use std::os::unix::fs::MetadataExt;
    (file.len(), file.modified().ok(), file.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog(directory: &Path) -> Catalog {
        let mut config = Config::default();
        config.model.directory = directory.to_str().map(str::to_owned);
        Catalog::new(&config)
    }

    #[test]
    fn names_are_those_of_the_files_and_what_cannot_be_read_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let shipped = shipped::model("baseline").unwrap().unwrap();
        std::fs::write(folder.path().join("mine.sgm"), shipped.bytes()).unwrap();
        std::fs::write(folder.path().join("broken.sgm"), &shipped.bytes()[..100]).unwrap();
        for other in [".hidden.sgm", "mine.md", "mine.sgm~", "new.part"] {
            std::fs::write(folder.path().join(other), "x").unwrap();
        }
        let catalog = catalog(folder.path());
        let (entries, left_out) = catalog.entries().unwrap();
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!((names, left_out), (vec!["default", "baseline", "runbook-rf", "broken", "mine"], 0));
        assert!(catalog.look(&entries[3]).unwrap_err().contains("broken.sgm"));
        assert_eq!(catalog.look(&entries[4]).unwrap().info.sha256, shipped.info().sha256);
        assert!(catalog.look(&entries[2]).unwrap().rows_only.is_some(), "its features are not the engine's");

        let version = &shipped.info().version;
        for (asked, at) in [("mine", None), ("mine", Some(&**version)), (&*format!("mine@{version}"), None)] {
            assert_eq!(catalog.find(asked, at).unwrap().entry.name, "mine", "{asked} {at:?}");
        }
        let refused = |asked: &str| catalog.find(asked, None).unwrap_err().to_string();
        assert!(refused("broken").contains("broken.sgm"));
        assert!(refused("nobody").contains("there are: default, baseline, runbook-rf, broken, mine"));
        assert!(refused("mine@none").contains(&format!("there are: mine@{version}")));
    }

    #[test]
    fn two_files_of_one_name_are_ambiguous_unless_they_are_the_same_model() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["ml", "baseline"].map(|variant| shipped::model(variant).unwrap().unwrap());
        std::fs::write(folder.path().join("m.sgm"), one.bytes()).unwrap();
        std::fs::write(folder.path().join("m.model"), one.bytes()).unwrap();
        assert!(catalog(folder.path()).find("m", None).is_ok());
        std::fs::write(folder.path().join("m.model"), other.bytes()).unwrap();
        let Err(FindError::Ambiguous { candidates, .. }) = catalog(folder.path()).find("m", None) else {
            panic!("not ambiguous")
        };
        assert_eq!(candidates.len(), 2, "{candidates:?}");
    }

    #[test]
    fn what_is_not_listed_for_want_of_room_is_found_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        for at in 0..ENTRIES_MAX {
            std::fs::write(folder.path().join(format!("a{at}.sgm")), "x").unwrap();
        }
        let shipped = shipped::model("baseline").unwrap().unwrap();
        std::fs::write(folder.path().join("z.sgm"), shipped.bytes()).unwrap();
        let catalog = catalog(folder.path());
        let (entries, left_out) = catalog.entries().unwrap();
        assert_eq!((entries.len(), left_out), (ENTRIES_MAX, 4));
        assert!(entries.iter().all(|entry| entry.name != "z"));
        assert_eq!(catalog.find("z", None).unwrap().model.info().sha256, shipped.info().sha256);
    }

    #[test]
    fn a_folder_that_is_gone_hides_only_what_was_in_it() {
        let catalog = catalog(Path::new("/nowhere"));
        assert!(matches!(catalog.entries(), Err(FindError::Folder { .. })));
        assert!(matches!(catalog.find("mine", None), Err(FindError::Folder { .. })));
        assert!(catalog.find("baseline", None).is_ok());
    }
}
