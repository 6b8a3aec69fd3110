//! Tests of the types that columns are read as.

use super::*;

fn table_of(text: &str) -> Result<Table, TableError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    std::fs::write(&path, text).unwrap();
    Table::open(&path)
}

#[test]
fn csv_columns_are_what_all_of_their_cells_are() {
    let table = table_of(
        "a,b,c,d,e,timestamp\n1,1.5,x,true,,2026-04-04 05:00:00Z\n2,nan,NA,False,,2026-04-04T05:00:05\n",
    )
    .unwrap();
    let types: Vec<_> = table.columns().iter().map(|column| column.column_type).collect();
    use ColumnType::{Empty, Flag, Float, Time, Whole, Word};
    assert_eq!(types, [Whole, Float, Word, Flag, Empty, Time]);
    assert_eq!(table.comparable(), ["a", "b", "c", "d", "e"]);
    assert_eq!(table.read("a").unwrap(), Values::Numbers(vec![1.0, 2.0]));
    assert_eq!(
        table.read("c").unwrap(),
        Values::Words { codes: vec![0, u32::MAX], names: vec!["x".to_owned()] }
    );
    let Values::Numbers(times) = table.read("timestamp").unwrap() else { panic!("times are numbers") };
    assert_eq!(times[1] - times[0], 5e6);
    assert!(table.read("z").unwrap_err().to_string().contains("no column z"));
}

#[test]
fn what_cannot_be_read_is_named() {
    assert!(table_of("a,b\n").unwrap_err().to_string().contains("no rows"));
    assert!(table_of("a,b\n1\n").unwrap_err().to_string().contains("line: 2"));
    assert!(table_of("a,a\n1,2\n").unwrap_err().to_string().contains("two columns a"));
    assert!(Table::open(Path::new("/nowhere.csv")).unwrap_err().to_string().contains("/nowhere.csv"));
}

/// A file is read once for each column: what cannot be read twice, or is another by then, must not be taken for the
/// first.
#[test]
fn what_does_not_give_its_rows_again_is_refused() {
    let said = Table::open(Path::new("/dev/null")).unwrap_err().to_string();
    assert!(
        said.contains("/dev/null: it is no regular file") && said.contains("write it to a file first"),
        "{said}"
    );
    let folder = tempfile::tempdir().unwrap();
    assert!(Table::open(folder.path()).unwrap_err().to_string().contains("no regular file"));

    let mut table = table_of("a,b\n1,x\n2,y\n").unwrap();
    table.rows = 3;
    for column in ["a", "b"] {
        let said = table.read(column).unwrap_err().to_string();
        assert!(said.contains(&format!("column {column} has 2 rows and the table 3")), "{said}");
    }
}

#[cfg(feature = "parquet")]
mod parquet_files {
    use std::{fs::File, sync::Arc};

    use ::parquet::{
        data_type::{ByteArrayType, DataType, Int32Type, Int64Type},
        file::{properties::WriterProperties, writer::SerializedFileWriter},
        schema::parser::parse_message_type,
    };

    use super::*;

    /// Writes a column, `None` where null.
    fn column<T: DataType>(
        writer: &mut ::parquet::file::writer::SerializedRowGroupWriter<'_, File>,
        values: &[Option<T::T>],
    ) {
        let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
        let present: Vec<T::T> = values.iter().flatten().cloned().collect();
        let mut column = writer.next_column().unwrap().unwrap();
        column.typed::<T>().write_batch(&present, Some(&levels), None).unwrap();
        column.close().unwrap();
    }

    fn table(path: &Path, rows: usize) {
        let schema = "message rows { OPTIONAL INT32 small (INTEGER(8,false)); OPTIONAL INT32 middle (UINT_32); \
                      OPTIONAL INT64 great (INTEGER(64,false)); OPTIONAL INT64 signed; OPTIONAL BINARY gone (STRING); }";
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let file = File::create(path).unwrap();
        let mut writer =
            SerializedFileWriter::new(file, schema, Arc::new(WriterProperties::builder().build())).unwrap();
        let mut group = writer.next_row_group().unwrap();
        column::<Int32Type>(&mut group, &vec![Some(200); rows]);
        column::<Int32Type>(&mut group, &vec![Some(-1); rows]);
        column::<Int64Type>(&mut group, &vec![Some(-1); rows]);
        column::<Int64Type>(&mut group, &vec![Some(-1); rows]);
        column::<ByteArrayType>(&mut group, &vec![None; rows]);
        group.close().unwrap();
        writer.close().unwrap();
    }

    #[test]
    fn numbers_without_a_sign_have_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        table(&path, 2);
        let table = Table::open(&path).unwrap();
        for (name, value) in [
            ("small", 200.0),
            ("middle", 4_294_967_295.0),
            ("great", 18_446_744_073_709_551_615.0),
            ("signed", -1.0),
        ] {
            assert_eq!(table.read(name).unwrap(), Values::Numbers(vec![value; 2]), "{name}");
            assert_eq!(table.column(name).unwrap().column_type, ColumnType::Whole, "{name}");
        }
    }

    #[test]
    fn words_of_which_none_is_there_are_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        table(&path, 2);
        let table = Table::open(&path).unwrap();
        assert_eq!(table.column("gone").unwrap().column_type, ColumnType::Empty);
        let Values::Numbers(values) = table.read("gone").unwrap() else { panic!("read as numbers") };
        assert!(values.len() == 2 && values.iter().all(|value| value.is_nan()));
    }

    #[test]
    fn a_file_that_was_changed_meanwhile_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        table(&path, 5);
        let opened = Table::open(&path).unwrap();
        table(&path, 3);
        let said = opened.read("signed").unwrap_err().to_string();
        assert!(said.contains("column signed has 3 rows and the table 5"), "{said}");
    }
}
