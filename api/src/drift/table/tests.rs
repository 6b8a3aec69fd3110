//! What is read as what.

use super::*;

fn of(text: &str) -> Result<Table, TableError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    std::fs::write(&path, text).unwrap();
    Table::open(&path)
}

#[test]
fn csv_columns_are_what_all_of_their_cells_are() {
    let table =
        of("a,b,c,d,e,timestamp\n1,1.5,x,true,,2026-04-04 05:00:00Z\n2,nan,NA,False,,2026-04-04T05:00:05\n")
            .unwrap();
    let types: Vec<_> = table.columns().iter().map(|column| column.of).collect();
    use ColumnType::{Flag, Float, Time, Whole, Word};
    assert_eq!(types, [Whole, Float, Word, Flag, Float, Time]);
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
    assert!(of("a,b\n").unwrap_err().to_string().contains("no rows"));
    assert!(of("a,b\n1\n").unwrap_err().to_string().contains("line: 2"));
    assert!(of("a,a\n1,2\n").unwrap_err().to_string().contains("two columns a"));
    assert!(Table::open(Path::new("/nowhere.csv")).unwrap_err().to_string().contains("/nowhere.csv"));
}
