//! Schemas in files: `ID.avsc`, the number of the schema and Avro's usual ending.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{SCHEMAS_MAX, SchemasError};
use crate::avro::Schema;

/// Reads the files of a folder or of a shell pattern.
pub(super) fn read(pattern: &str) -> Result<HashMap<u32, Arc<Schema>>, SchemasError> {
    let refused = |what: String| SchemasError(format!("source.schemas {pattern:?} {what}"));
    let glob = match Path::new(pattern).is_dir() {
        true => format!("{}/*.avsc", glob::Pattern::escape(pattern.trim_end_matches('/'))),
        false => pattern.to_owned(),
    };
    let paths = glob::glob(&glob).map_err(|error| refused(format!("is not a pattern: {error}")))?;
    let mut schemas = HashMap::new();
    for path in paths {
        let path = path.map_err(|error| refused(format!("cannot be read: {error}")))?;
        let (id, schema) = file(&path)?;
        if schemas.insert(id, Arc::new(schema)).is_some() {
            return Err(refused(format!("has two files for the schema {id}")));
        }
        if schemas.len() > SCHEMAS_MAX {
            return Err(refused(format!("has more than {SCHEMAS_MAX} files")));
        }
    }
    if schemas.is_empty() {
        return Err(refused("has no file; name each ID.avsc, by the id that the records carry".to_owned()));
    }
    Ok(schemas)
}

fn file(path: &PathBuf) -> Result<(u32, Schema), SchemasError> {
    let refused = |what: String| SchemasError(format!("source.schemas: {}: {what}", path.display()));
    let id = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
    let id = id.ok_or_else(|| refused("name it ID.avsc, by the id that the records carry".to_owned()))?;
    let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    let schema = Schema::parse(&text).map_err(|error| refused(error.to_string()))?;
    Ok((id, schema))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_is_the_id_of_its_schema() {
        let folder = tempfile::tempdir().unwrap();
        let pattern = folder.path().to_str().unwrap();
        let error = |pattern: &str| read(pattern).unwrap_err().to_string();
        assert!(error(pattern).contains("has no file; name each ID.avsc"));
        std::fs::write(folder.path().join("7.avsc"), "\"string\"").unwrap();
        std::fs::write(folder.path().join("README"), "no schema").unwrap();
        assert_eq!(read(pattern).unwrap().into_keys().collect::<Vec<_>>(), [7]);
        assert_eq!(read(&format!("{pattern}/*.avsc")).unwrap().len(), 1);
        assert!(error(&format!("{pattern}/*")).contains("README: name it ID.avsc"));
        std::fs::write(folder.path().join("8.avsc"), "\"text\"").unwrap();
        assert!(error(pattern).contains("8.avsc: the schema names the type \"text\""));
        assert!(error("***").contains("is not a pattern"));
    }
}
