//! Any model file that a configuration may name: ours, another library's, or a shipped one by its name.

use std::path::Path;

use model::{
    Model, ModelError,
    import::{self, ImportError, Options},
};

use crate::shipped;

/// Opens `runbook-rf`, which is shipped, or a file: one of ours is mapped, one that `stormglass model import` reads is
/// imported into memory. The same bytes under the same name give the same model on every machine.
///
/// # Errors
/// What is wrong with the file, and the way out.
pub fn open(path: &str) -> Result<Model, String> {
    if path == shipped::RUNBOOK {
        return shipped::model(path).expect("it is shipped").map_err(|error| error.to_string());
    }
    let file = Path::new(path);
    let refused = match Model::open(file) {
        Ok(model) => return Ok(model),
        Err(refused @ ModelError::NotAModel { .. }) => refused,
        Err(error) => return Err(error.to_string()),
    };
    let bytes = import::read_file(file).map_err(|error| format!("{path}: {error}"))?;
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let imported = match import::import(&bytes, &Options::new(&stem)) {
        Ok(imported) => imported,
        Err(ImportError::Unrecognised { what }) => {
            return Err(format!("{refused}; nor can it be imported: {what}"));
        }
        Err(error) => return Err(format!("{path}: {error}")),
    };
    tracing::info!(path, format = imported.format, notes = ?imported.notes, "imported");
    let bytes = imported.draft.to_bytes().map_err(|error| format!("{path}: {error}"))?;
    Model::from_bytes(&bytes).map_err(|error| format!("{path}: {error}"))
}
