//! The record of activations, which outlives the process: a JSON file, and in a folder of the same name with `.d` the
//! bytes of the models that it names.
//!
//! Both are written to a temporary file, synced and renamed, so a crash leaves the old or the new. The copies keep the
//! record valid whatever happens to the original files; a copy with another SHA-256 than the record's is not used.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use engine::file_writes::FileWrites;
use model::Model;
use serde::{Deserialize, Serialize};

use super::Version;
use crate::{disk::parent_directory, model_file};

/// Most bytes of a record; a longer file is refused.
const RECORD_BYTES_MAX: u64 = 64 << 10;

/// A model in the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedModel {
    /// Its name in the catalog.
    pub name: String,
    /// The version in its file.
    pub version: String,
    /// `ml` or `baseline`, from its file.
    pub variant: String,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// The original file; absent if the model is built in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// RFC 3339 time of its activation.
    pub since: String,
}

impl RecordedModel {
    /// The entry for this version.
    pub fn of(version: &Version) -> Self {
        let info = version.info();
        Self {
            name: version.name.clone(),
            version: info.version.clone(),
            variant: info.variant.clone(),
            sha256: info.sha256.clone(),
            path: version.path.clone(),
            since: version.since.clone(),
        }
    }
}

/// The record of activations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveRecord {
    /// The active model; it takes precedence over the configured one.
    pub active: RecordedModel,
    /// The model that was active before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<RecordedModel>,
    /// The reason that the client gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// The record's file.
#[derive(Clone, Debug)]
pub struct ActiveRecordFile {
    path: PathBuf,
    /// `model.map_above_bytes`, for the copies and the files that they came from.
    map_above_bytes: u64,
    writes: Arc<FileWrites>,
}

impl ActiveRecordFile {
    /// A record at this path.
    pub fn new(path: PathBuf, map_above_bytes: u64) -> Self {
        Self { path, map_above_bytes, writes: Arc::default() }
    }

    /// Notes successes and failures of writing in `writes`.
    pub fn reporting_to(self, writes: Arc<FileWrites>) -> Self {
        Self { writes, ..self }
    }

    /// The record's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The record; `None` if there is none.
    ///
    /// # Errors
    /// A sentence on why the file cannot be read, and what to do.
    pub fn read(&self) -> Result<Option<ActiveRecord>, String> {
        let refused = |why: &dyn std::fmt::Display| {
            let path = self.path.display();
            format!("model.record {path}: {why}; mend it, or `stormglass model clear` removes it")
        };
        let Some(bytes) = self.bytes().map_err(|error| refused(&error))? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| refused(&error))
    }

    /// The file's bytes, valid or not; `None` if there is no file.
    ///
    /// # Errors
    /// The system's error, or that the file is too long for a record.
    pub fn bytes(&self) -> io::Result<Option<Vec<u8>>> {
        let file = match fs::metadata(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if file.len() > RECORD_BYTES_MAX {
            return Err(io::Error::other(format!("{} bytes are no record", file.len())));
        }
        fs::read(&self.path).map(Some)
    }

    /// Restores what [`Self::bytes`] returned.
    ///
    /// # Errors
    /// The system's error.
    pub fn put_back(&self, bytes: Option<&[u8]>) -> io::Result<()> {
        match bytes {
            Some(bytes) => self.put(&self.path, bytes),
            None => self.clear().map(drop),
        }
    }

    /// Replaces the record.
    ///
    /// # Errors
    /// The system's error; the old record stays then.
    pub fn write(&self, record: &ActiveRecord) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(record).map_err(io::Error::other)?;
        text.push(b'\n');
        self.put(&self.path, &text)
    }

    /// Copies the model's bytes, and opens the copy.
    ///
    /// # Errors
    /// The reason why they could not be written.
    pub fn keep(&self, model: &Model) -> Result<Model, String> {
        let path = self.copy_of(&model.info().sha256);
        let failed = |error: io::Error| format!("{}: {error}", path.display());
        self.noted(&path, fs::create_dir_all(self.folder())).map_err(failed)?;
        self.put(&path, model.bytes()).map_err(failed)?;
        // A large file that was overwritten in place while mapped is no longer the one that was checked.
        self.open_copy(&model.info().sha256)
    }

    /// Copies the model's bytes unless a copy of their length exists; a start checks the copy's SHA-256.
    ///
    /// # Errors
    /// The reason why they could not be written.
    pub fn have(&self, model: &Model) -> Result<(), String> {
        let there = fs::metadata(self.copy_of(&model.info().sha256));
        match there {
            Ok(file) if file.len() == model.bytes().len() as u64 => Ok(()),
            _ => self.keep(model).map(drop),
        }
    }

    /// The recorded model: its copy, or the original file if that has the same bytes.
    ///
    /// # Errors
    /// The reason why neither the copy nor the file can be used.
    pub fn open(&self, recorded: &RecordedModel) -> Result<Model, String> {
        let copy = match self.open_copy(&recorded.sha256) {
            Ok(model) => return Ok(model),
            Err(error) => error,
        };
        let Some(path) = &recorded.path else { return Err(copy) };
        match model_file::open(path, self.map_above_bytes) {
            Ok(model) if model.info().sha256 == recorded.sha256 => Ok(model),
            Ok(model) => Err(format!("{copy}; {path} is another model, of sha256 {}", model.info().sha256)),
            Err(error) => Err(format!("{copy}; {error}")),
        }
    }

    fn put(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.noted(path, put(path, bytes))
    }

    /// Notes the result of a write of one of the record's files.
    fn noted(&self, path: &Path, written: io::Result<()>) -> io::Result<()> {
        match &written {
            Ok(()) => self.writes.note_success(Duration::ZERO),
            Err(error) => {
                self.writes.note_failure(format!("{}: {error}", path.display()));
            }
        }
        written
    }

    fn open_copy(&self, sha256: &str) -> Result<Model, String> {
        let path = self.copy_of(sha256);
        let model = model_file::open_own(&path, self.map_above_bytes).map_err(|error| error.to_string())?;
        if model.info().sha256 == sha256 {
            return Ok(model);
        }
        Err(format!("{} has the sha256 {}", path.display(), model.info().sha256))
    }

    /// Removes the record and its copies; false if there was no record.
    ///
    /// # Errors
    /// The system's error; the record stays then.
    pub fn clear(&self) -> io::Result<bool> {
        let existed = match fs::remove_file(&self.path) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        // The removal is visible to everybody; only a crash before the sync could undo it.
        if let Err(error) = sync_folder(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "the removal of the record could not be synced");
        }
        // A copy in use stays usable: it is in memory, or mapped.
        let _ = fs::remove_dir_all(self.folder());
        Ok(existed)
    }

    fn folder(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".d");
        PathBuf::from(name)
    }

    fn copy_of(&self, sha256: &str) -> PathBuf {
        // A record may have been edited by hand: no name in it may lead out of the folder.
        let digits: String = sha256.chars().filter(char::is_ascii_hexdigit).collect();
        self.folder().join(format!("{digits}.sgm"))
    }

    /// Removes the copies that the record does not name.
    pub fn tidy(&self) {
        let Ok(Some(record)) = self.read() else { return };
        let named: Vec<PathBuf> = [Some(&record.active), record.previous.as_ref()]
            .into_iter()
            .flatten()
            .map(|of| self.copy_of(&of.sha256))
            .collect();
        for entry in fs::read_dir(self.folder()).into_iter().flatten().flatten() {
            if !named.contains(&entry.path()) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Writes to a temporary file, syncs, renames, and syncs the folder.
fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut aside = path.to_owned().into_os_string();
    aside.push(".tmp");
    let aside = PathBuf::from(aside);
    let written = File::create(&aside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| fs::rename(&aside, path));
    if renamed.is_err() {
        let _ = fs::remove_file(&aside);
    }
    renamed?;
    sync_folder(path)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(parent_directory(path))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model_file::MAP_ABOVE_BYTES, shipped};

    fn version(variant: &str) -> Version {
        let model = Arc::new(shipped::model(variant).unwrap().unwrap());
        Version::new(variant, None, model, Some("2024-01-01T00:00:00.000Z".to_owned()))
    }

    fn record(active: &Version, previous: Option<&Version>) -> ActiveRecord {
        let (active, previous) = (RecordedModel::of(active), previous.map(RecordedModel::of));
        ActiveRecord { active, previous, reason: Some("a test".to_owned()), request_id: None }
    }

    #[test]
    fn a_record_comes_back_with_its_models_and_is_gone_when_it_is_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let file = ActiveRecordFile::new(folder.path().join("active.json"), MAP_ABOVE_BYTES);
        assert_eq!(file.read(), Ok(None));
        let (ml, baseline) = (version("ml"), version("baseline"));
        for version in [&ml, &baseline] {
            assert_eq!(file.keep(&version.model).unwrap().info().sha256, version.info().sha256);
        }
        let both = record(&ml, Some(&baseline));
        file.write(&both).unwrap();
        assert_eq!(file.read().as_ref(), Ok(&Some(both.clone())));
        assert_eq!(file.open(&both.active).unwrap().info().sha256, ml.info().sha256);

        file.write(&record(&ml, None)).unwrap();
        file.tidy();
        assert!(file.open(&both.active).is_ok());
        assert!(file.open(both.previous.as_ref().unwrap()).is_err(), "a copy that nobody names is removed");
        assert!(file.clear().unwrap() && !file.clear().unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_damaged_is_refused_and_the_file_it_came_from_stands_in() {
        let folder = tempfile::tempdir().unwrap();
        let file = ActiveRecordFile::new(folder.path().join("active.json"), MAP_ABOVE_BYTES);
        fs::write(file.path(), "{\"active\":").unwrap();
        assert!(file.read().unwrap_err().contains("stormglass model clear"));
        // A change that fails puts back what was there, be it a record or not.
        let before = file.bytes().unwrap();
        file.write(&record(&version("ml"), None)).unwrap();
        file.put_back(before.as_deref()).unwrap();
        assert_eq!(fs::read(file.path()).unwrap(), b"{\"active\":");

        let ml = version("ml");
        file.keep(&ml.model).unwrap();
        let source = folder.path().join("source.sgm");
        fs::write(&source, ml.model.bytes()).unwrap();
        let mut recorded = RecordedModel::of(&ml);
        fs::write(file.copy_of(&recorded.sha256), &ml.model.bytes()[..500]).unwrap();
        assert!(file.open(&recorded).is_err());
        recorded.path = Some(source.to_str().unwrap().to_owned());
        assert_eq!(file.open(&recorded).unwrap().info().sha256, recorded.sha256);
        fs::write(&source, version("baseline").model.bytes()).unwrap();
        assert!(file.open(&recorded).unwrap_err().contains("is another model"));
        recorded.sha256 = "../../etc/passwd".to_owned();
        assert!(file.copy_of(&recorded.sha256).starts_with(file.folder()));
    }
}
