//! Facts about a table's file that are known before its columns are read: format, schema, and names of special columns.

use std::{fs::File, io::Read, path::Path};

/// Whether a file is parquet, by its first four bytes.
pub(crate) fn is_parquet(path: &Path) -> std::io::Result<bool> {
    let mut magic = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut magic)?;
    Ok(magic == *b"PAR1")
}

/// Names of columns with the time of a row. They order rows and label them, and are no features.
pub(crate) const TIMES: [&str; 4] = ["event_time", "timestamp", "time", "ts"];
/// Names of columns with the symbol of a row. They group rows and label them, and are no features.
pub(crate) const SYMBOLS: [&str; 2] = ["symbol", "product_id"];

/// The value of a numeric cell; `None` for a cell of another type and for a missing one.
#[cfg(feature = "parquet")]
pub(crate) fn number(field: &parquet::record::Field) -> Option<f64> {
    use parquet::record::Field;
    match *field {
        Field::Double(number) => Some(number),
        Field::Float(number) => Some(f64::from(number)),
        Field::Byte(number) => Some(f64::from(number)),
        Field::Short(number) => Some(f64::from(number)),
        Field::Int(number) => Some(f64::from(number)),
        Field::Long(number) => Some(number as f64),
        Field::UByte(number) => Some(f64::from(number)),
        Field::UShort(number) => Some(f64::from(number)),
        Field::UInt(number) => Some(f64::from(number)),
        Field::ULong(number) => Some(number as f64),
        _ => None,
    }
}

/// The schema that `stormglass features` writes into a table, as JSON; `None` in a table of another program.
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
