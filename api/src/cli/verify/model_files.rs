//! Model files by the SHA-256 of their bytes.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use engine::verify::Models;
use model::Model;

use crate::{
    cli::{Exit, Failure},
    model_file, shipped,
};

/// Finds models by their SHA-256: those of a directory, and those that are built into this program.
pub(super) struct ModelFiles {
    by_sha256: HashMap<String, ModelSource>,
    /// `model.map_above_bytes`.
    map_above_bytes: u64,
}

enum ModelSource {
    File(PathBuf),
    Shipped(Arc<Model>),
}

impl ModelFiles {
    /// Reads the models of the directory. Files that are no models are skipped.
    pub(super) fn open(directory: Option<&Path>, map_above_bytes: u64) -> Result<Self, Failure> {
        let mut by_sha256 = HashMap::new();
        for variant in ["baseline", shipped::DEFAULT_VARIANT] {
            if let Some(Ok(model)) = shipped::model(variant) {
                by_sha256.insert(model.info().sha256.clone(), ModelSource::Shipped(Arc::new(model)));
            }
        }
        let Some(directory) = directory else {
            return Ok(Self { by_sha256, map_above_bytes });
        };
        let failed = |error: std::io::Error| {
            Failure::new(Exit::Failed, format!("--models {}: {error}", directory.display()))
        };
        for entry in std::fs::read_dir(directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            match model_file::open_own(&path, map_above_bytes) {
                Ok(model) => {
                    by_sha256.insert(model.info().sha256.clone(), ModelSource::File(path));
                }
                Err(error) if path.extension().is_some_and(|extension| extension == "sgm") => {
                    eprintln!("stormglass: {} is passed over: {error}", path.display());
                }
                Err(_) => {}
            }
        }
        Ok(Self { by_sha256, map_above_bytes })
    }
}

impl Models for ModelFiles {
    fn find(&mut self, sha256: &str) -> Option<Arc<Model>> {
        match self.by_sha256.get(sha256)? {
            ModelSource::Shipped(model) => Some(model.clone()),
            ModelSource::File(path) => {
                let opened = model_file::open_own(path, self.map_above_bytes);
                let model = opened.ok().filter(|model| model.info().sha256 == sha256);
                model.map(Arc::new)
            }
        }
    }
}
