//! What a table's file is and says of itself, before its columns are read.

use std::{fs::File, io::Read, path::Path};

/// Whether a file is parquet, by its first bytes.
///
/// # Errors
/// The file system's reason.
pub(crate) fn is_parquet(path: &Path) -> std::io::Result<bool> {
    let mut magic = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut magic)?;
    Ok(magic == *b"PAR1")
}

/// The schema that `stormglass features` writes into a table, as JSON; `None` in another's.
#[cfg(feature = "parquet")]
pub(crate) fn schema(metadata: &parquet::file::metadata::FileMetaData) -> Option<&str> {
    let pairs = metadata.key_value_metadata().into_iter().flatten();
    let mut named = pairs.filter(|pair| pair.key == crate::export::SCHEMA_KEY);
    named.next().and_then(|pair| pair.value.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parquet_is_known_by_four_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t");
        for (bytes, parquet) in
            [(&b"PAR1 and more"[..], true), (b"PAR1", true), (b"PAR", false), (b"a,b\n", false)]
        {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(is_parquet(&path).unwrap(), parquet, "{bytes:?}");
        }
        assert!(is_parquet(&folder.path().join("none")).is_err());
    }
}
