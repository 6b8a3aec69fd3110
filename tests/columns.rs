//! Other libraries' models of the engine's own columns drive a replay with the numbers that Python gives.

use std::{
    fmt::Write,
    io::Read,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

#[cfg(feature = "parquet")]
use api::export::{RowOrder, TableWriter};
use api::training;
use engine::{
    bound_model::BoundModel, features, grid::Grid, intake::TickSink, offline::Offline, sim::SimConfig,
    state::StateSettings,
};
use model::{Model, schema::FeatureName};

const MODELS: [&str; 3] = ["xgboost.json", "lightgbm.txt", "sklearn.npz"];

fn golden(file: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/columns")).join(format!("{file}.gz"))
}

fn unpacked(file: &str) -> Vec<u8> {
    let packed = std::fs::File::open(golden(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Rows of a replay whose symbols have thresholds of their own, and the probability each was given.
fn replay(model: Option<Arc<BoundModel>>) -> Vec<(features::Row, Option<f64>)> {
    let mut offline = Offline::new(StateSettings::default(), model, 64, Grid::default());
    training::simulate(SimConfig { seed: 17, ..SimConfig::default() }, 3, &mut offline, |_| ());
    offline.flush();
    offline.out.own().map(|labelled| (labelled.row, labelled.outcome.pending.probability)).collect()
}

fn csv(rows: &[(features::Row, Option<f64>)]) -> String {
    let names: Vec<String> = features::schema().into_iter().map(|feature| feature.name).collect();
    let mut text = names.join(",");
    for (row, _) in rows {
        let cells: Vec<String> = row.iter().map(f32::to_string).collect();
        write!(text, "\n{}", cells.join(",")).unwrap();
    }
    text + "\n"
}

/// Imports with the schema of the golden rows.
fn imported(directory: &Path, file: &str) -> PathBuf {
    let schema = directory.join("schema.json");
    std::fs::write(&schema, unpacked("schema.json")).unwrap();
    imported_by(directory, file, &schema)
}

fn imported_by(directory: &Path, file: &str, schema: &Path) -> PathBuf {
    let source = directory.join(file);
    std::fs::write(&source, unpacked(file)).unwrap();
    let output = directory.join(format!("{file}.sgm"));
    let done = Command::new(env!("CARGO_BIN_EXE_stormglass"))
        .env_clear()
        .args(["model", "import"])
        .arg(&source)
        .arg("--schema")
        .arg(schema)
        .arg("-o")
        .arg(&output)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    output
}

fn numbers(text: &[u8]) -> Vec<Vec<f64>> {
    let text = std::str::from_utf8(text).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect()).collect()
}

#[test]
fn models_of_twenty_shuffled_columns_score_a_replay_as_python_does() {
    let directory = tempfile::tempdir().unwrap();
    let plain = replay(None);
    assert!(plain.len() > 1000, "{} rows", plain.len());
    let text = csv(&plain);
    // tests/golden/make/columns.py asks for the rows so.
    if let Some(file) = std::env::var_os("STORMGLASS_WRITE_ROWS") {
        std::fs::write(file, &text).unwrap();
        return;
    }
    assert!(
        text.as_bytes() == unpacked("rows.csv"),
        "the engine's rows changed: run tests/golden/make/columns.py again"
    );

    for file in MODELS {
        let model = Arc::new(Model::open(&imported(directory.path(), file)).unwrap());
        let info = model.info();
        assert_eq!((info.features.len(), info.horizon_s, info.label_quantile), (20, 60, 0.9), "{file}");
        assert!(info.provenance.iter().any(|(key, _)| key == "training end"), "{file}");
        let schema = features::schema();
        let places: Vec<usize> =
            info.features.iter().map(|name| schema.iter().position(|have| have == name).unwrap()).collect();
        assert!(places.windows(2).any(|pair| pair[0] > pair[1]), "{file}: the columns are shuffled");

        let bound = Arc::new(BoundModel::new(model.clone()).unwrap());
        let scored = replay(Some(bound));
        let expected = numbers(&unpacked(&format!("{file}.csv")));
        assert_eq!(scored.len(), expected.len());
        let mut raw = vec![0.0; model.raw_count()];
        let mut equal = 0;
        for (at, ((row, probability), expected)) in scored.iter().zip(&expected).enumerate() {
            let picked: Vec<f64> = places.iter().map(|&place| f64::from(row[place])).collect();
            model.predict_raw(&picked, &mut raw);
            assert_eq!(raw[0], expected[0], "{file} row {at}: the raw score");
            let probability = probability.expect("a model is bound");
            let step = if file.starts_with("xgboost") { f64::from(f32::EPSILON) } else { f64::EPSILON };
            assert!(
                (probability - expected[1]).abs() <= 2.0 * step * expected[1],
                "{file} row {at}: {probability}"
            );
            equal += usize::from(probability == expected[1]);
        }
        println!("{file}: {} rows, raw scores equal, {equal} probabilities too", scored.len());
    }
}

#[test]
fn models_still_load_when_there_are_more_features_in_another_order() {
    let directory = tempfile::tempdir().unwrap();
    let mut later = features::schema();
    later.insert(7, FeatureName::new("a_37th_feature", 1));
    later.reverse();
    let rows = numbers(&unpacked("rows.csv"));
    let place = |name: &FeatureName| features::schema().iter().position(|have| have == name);
    let mut table = later.iter().map(|feature| feature.name.clone()).collect::<Vec<_>>().join(",");
    for row in &rows {
        let cells: Vec<String> = later
            .iter()
            .map(|feature| place(feature).map_or("3.5".to_owned(), |at| row[at].to_string()))
            .collect();
        write!(table, "\n{}", cells.join(",")).unwrap();
    }
    let input = directory.path().join("rows.csv");
    std::fs::write(&input, table + "\n").unwrap();
    for file in MODELS {
        let path = imported(directory.path(), file);
        let model = Model::open(&path).unwrap();
        assert_eq!(model.info().features_absent_from(&later), []);
        assert!(!model.info().features_absent_from(&later[..5]).is_empty(), "a smaller schema lacks some");
        let scores = directory.path().join("scores.csv");
        let done = Command::new(env!("CARGO_BIN_EXE_stormglass"))
            .env_clear()
            .args(["predict", "--raw", "--model"])
            .arg(&path)
            .arg("--input")
            .arg(&input)
            .arg("--output")
            .arg(&scores)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let expected: Vec<f64> =
            numbers(&unpacked(&format!("{file}.csv"))).iter().map(|row| row[0]).collect();
        let got: Vec<f64> = numbers(&std::fs::read(&scores).unwrap()).iter().map(|row| row[0]).collect();
        assert_eq!(got, expected, "{file}");
    }
}

#[cfg(feature = "parquet")]
#[test]
fn a_table_tells_a_model_what_it_was_trained_on() {
    let directory = tempfile::tempdir().unwrap();
    let by_text = Model::open(&imported(directory.path(), "xgboost.json")).unwrap();
    // The rows that these models were trained on, as `stormglass features --labels` writes them.
    let table = directory.path().join("rows.parquet");
    let settings = StateSettings::default();
    let mut writer = TableWriter::create(&table, settings.label, true, 5).unwrap();
    let order = RowOrder::new(Some(settings.label.horizon_s), 5, |row| writer.push(row).unwrap());
    let mut offline = Offline::new(settings, None, 64, order);
    training::simulate(SimConfig { seed: 17, ..SimConfig::default() }, 3, &mut offline, |_| ());
    offline.out.finish();
    assert!(writer.finish().unwrap() > 1_000);
    let by_table = Model::open(&imported_by(directory.path(), "xgboost.json", &table)).unwrap();
    let (text, table) = (by_text.info(), by_table.info());
    assert_eq!(table.features, text.features);
    assert_eq!((table.horizon_s, table.label_quantile), (text.horizon_s, text.label_quantile));
    assert_eq!((table.horizon_s, table.label_quantile), (60, 0.9));
    let end = |info: &model::ModelInfo| info.provenance.iter().find(|(key, _)| key.contains("end")).cloned();
    assert!(end(table).is_some(), "{:?}", table.provenance);
    assert_eq!(end(table).map(|(key, _)| key), end(text).map(|(key, _)| key));
    BoundModel::new(Arc::new(by_table)).unwrap();
}
