//! Table: what research reads from a parquet file is, bit for bit, what the live engine computed.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use api::{
    cli,
    export::{RowOrder, SCHEMA_KEY, TableWriter},
    training,
};
use engine::{
    Engine, EngineSettings,
    board::Board,
    features::{self, FEATURE_COUNT},
    intake::TickSink,
    offline::Offline,
    shard::Out,
    sim::{Faults, SimConfig, Simulator},
    state::{Effect, StateSettings},
    symbol::{Offset, Symbol},
};
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::{Field, Row},
};

use crate::support::{fixtures::small_model, process::Process, real_data::real_data};

/// A row's features, as bits, by symbol and second.
type Bits = BTreeMap<(String, i64), Vec<u32>>;

/// Keeps the live engine's grid rows.
#[derive(Clone, Default)]
struct Live(Arc<Mutex<Bits>>);

impl Out for Live {
    fn effect(&mut self, symbol: &Arc<Symbol>, effect: &Effect) {
        let Effect::GridRow(row) = effect else { return };
        let bits = row.row.iter().map(|value| value.to_bits()).collect();
        let before = self.0.lock().unwrap().insert((symbol.name.to_string(), row.pending.second), bits);
        assert_eq!(before, None, "an instant twice");
    }
}

fn rows_of(path: &Path) -> (SerializedFileReader<File>, Vec<Row>) {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    (reader, rows)
}

fn field<'a>(row: &'a Row, name: &str) -> &'a Field {
    row.get_column_iter().find(|(column, _)| *column == name).unwrap_or_else(|| panic!("no column {name}")).1
}

fn key(row: &Row) -> (String, i64) {
    match (field(row, "symbol"), field(row, "event_time")) {
        (Field::Str(symbol), Field::TimestampMicros(micros)) => (symbol.clone(), micros / 1_000_000),
        other => panic!("{other:?}"),
    }
}

fn bits(path: &Path) -> Bits {
    let feature_bits = |row: &Row| {
        let bits = features::specs().into_iter().map(|spec| match field(row, spec.name) {
            Field::Float(value) => value.to_bits(),
            other => panic!("{}: {other:?}", spec.name),
        });
        bits.collect()
    };
    rows_of(path).1.iter().map(|row| (key(row), feature_bits(row))).collect()
}

fn market() -> SimConfig {
    let faults =
        Faults { repeated_share: 0.001, late_share: 0.002, silences_per_hour: 2.0, ..Faults::default() };
    SimConfig { seed: 21, faults, ..SimConfig::default() }
}

#[test]
fn a_tables_features_are_the_live_engines_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    let settings = StateSettings::default();
    let mut writer = TableWriter::create(&path, settings.label, true, 5).unwrap();
    let order =
        RowOrder::new(Some(settings.label.horizon_s), 5, |row| writer.push(row).expect("it is written"));
    let mut offline = Offline::new(settings, None, 64, order);
    training::simulate(market(), 3, &mut offline, |_| ());
    offline.out.finish();
    let count = writer.finish().unwrap();

    let live = Live::default();
    let out = live.clone();
    let settings = EngineSettings::with_shards(2);
    let engine =
        Engine::start_with(&settings, Some(small_model()), Arc::new(Board::default()), move |_| out.clone())
            .unwrap();
    let mut intake = engine.intake();
    let config = market();
    let (end, symbols) = (config.start.second() + 3 * 3_600, config.symbols.clone());
    let mut simulator = Simulator::new(config);
    let mut offset = 0;
    while simulator.simulated_until().second() < end && simulator.step_second() {
        while let Some((symbol, tick)) = simulator.next_simulated() {
            intake.tick("simulator", &symbols[symbol].product, Offset(offset), 0, tick);
            offset += 1;
        }
    }
    intake.flush();
    engine.stop();
    let live = live.0.lock().unwrap();
    assert!(count > 6_000 && live.len() as u64 == count, "{count} rows in the table, {} live", live.len());
    assert!(bits(&path) == *live, "some feature differs");
    assert!(!folder.path().join("rows.parquet.partial").exists());
    println!("{count} rows of {FEATURE_COUNT} features, equal to the bit");
}

/// A table of simulated rows, with labels.
fn simulated_table(path: &Path) {
    let settings = StateSettings::default();
    let mut writer = TableWriter::create(path, settings.label, true, 5).unwrap();
    let order =
        RowOrder::new(Some(settings.label.horizon_s), 5, |row| writer.push(row).expect("it is written"));
    let mut offline = Offline::new(settings, None, 64, order);
    training::simulate(market(), 1, &mut offline, |_| ());
    offline.out.finish();
    writer.finish().unwrap();
}

fn predict(arguments: &[&str]) -> (std::process::ExitCode, String) {
    let mut out = Vec::new();
    let command = ["stormglass", "predict"].iter().chain(arguments).map(std::ffi::OsString::from);
    let code = cli::run(command, &mut out);
    (code, String::from_utf8(out).unwrap())
}

/// `predict` reads the table that `features` wrote: each score stands beside its symbol and time, and is the model's.
#[test]
fn a_table_is_scored_with_symbol_and_time_beside_each_score() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    simulated_table(&path);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../model/shipped/default.sgm");
    let model = model::Model::open(Path::new(file)).unwrap();
    let (code, printed) = predict(&["--model", file, "--input", path.to_str().unwrap()]);
    assert_eq!(code, std::process::ExitCode::SUCCESS);
    let mut lines = printed.lines();
    assert_eq!(lines.next(), Some("symbol,event_time,score"));
    let (rows, mut symbols) = (rows_of(&path).1, std::collections::BTreeSet::new());
    assert_eq!(lines.clone().count(), rows.len());
    for (line, row) in lines.zip(&rows) {
        let (symbol, second) = key(row);
        let time = jiff::Timestamp::from_second(second).unwrap();
        let values: Vec<f32> = features::specs()
            .into_iter()
            .map(|spec| match field(row, spec.name) {
                Field::Float(value) => *value,
                other => panic!("{}: {other:?}", spec.name),
            })
            .collect();
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells[..2], [symbol.as_str(), &time.to_string()]);
        let score: f64 = cells[2].parse().unwrap();
        assert_eq!(score.to_bits(), model.predict(&values).to_bits(), "{line}");
        symbols.insert(symbol);
    }
    assert_eq!(symbols.len(), 3);

    // The same rows as CSV, with and without the names of the rows.
    let mut with = "symbol,event_time".to_owned();
    let names: Vec<&str> = features::specs().into_iter().map(|spec| spec.name).collect();
    names.iter().for_each(|name| with += &format!(",{name}"));
    let mut without = names.join(",");
    for row in &rows {
        let cells: Vec<String> = names.iter().map(|name| field(row, name).to_string()).collect();
        let time = jiff::Timestamp::from_second(key(row).1).unwrap();
        with += &format!("\n{},{time},{}", key(row).0, cells.join(","));
        without += &format!("\n{}", cells.join(","));
    }
    let csv = folder.path().join("rows.csv");
    std::fs::write(&csv, with).unwrap();
    assert_eq!(predict(&["--model", file, "--input", csv.to_str().unwrap()]).1, printed);
    std::fs::write(&csv, without).unwrap();
    let scores: String =
        printed.lines().map(|line| line.rsplit(',').next().unwrap().to_owned() + "\n").collect();
    assert_eq!(predict(&["--model", file, "--input", csv.to_str().unwrap()]).1, scores);
}

#[test]
fn a_table_that_lacks_a_feature_or_is_damaged_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    simulated_table(&path);
    let table = path.to_str().unwrap();
    let originals = concat!(env!("CARGO_MANIFEST_DIR"), "/../model/shipped/runbook-rf.sgm");
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../model/shipped/default.sgm");
    assert_eq!(predict(&["--model", originals, "--input", table]).0, std::process::ExitCode::from(1));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.truncate(bytes.len() / 2);
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(predict(&["--model", default, "--input", table]).0, std::process::ExitCode::from(1));
}

/// The features that the service answers for a symbol, as bits, and their hash in its prediction's receipt, once its newest
/// tick is that of `instant`.
fn served_at(service: &Process, product: &str, instant: &str) -> (Vec<u32>, String) {
    let parse = |body: &str| serde_json::from_str::<serde_json::Value>(body).unwrap();
    let (_, body) = service.get_until(
        &format!("/symbols/{product}/features"),
        Duration::from_secs(120),
        |status, body| status == 200 && parse(body)["features_as_of"].as_str().unwrap().starts_with(instant),
    );
    let features = parse(&body)["features"].as_array().unwrap().clone();
    let number = |feature: &serde_json::Value| feature["value"].as_f64().map_or(f32::NAN, |v| v as f32);
    let (_, prediction) =
        service.get_until(&format!("/predict/{product}"), Duration::from_secs(30), |status, _| status == 200);
    let hash = parse(&prediction)["receipt"]["features_hash"].as_str().unwrap().to_owned();
    (features.iter().map(|feature| number(feature).to_bits()).collect(), hash)
}

/// The service is fed a recorded file up to an instant of the grid, and there a quote that changes nothing: what it answers
/// over HTTP is then the row of that instant, which the table of the whole file has.
#[test]
fn a_recorded_files_table_is_what_the_service_answers_at_the_same_instants() {
    let Some(input) = real_data("coinbase_BTC_ETH_20260404_2h.ndjson.gz") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (table, cut) = (folder.path().join("rows.parquet"), folder.path().join("cut.ndjson"));
    export(&["--input", input.to_str().unwrap(), "--output", table.to_str().unwrap()]);
    let table = bits(&table);
    let mut recorded = String::new();
    flate2::read::GzDecoder::new(File::open(&input).unwrap()).read_to_string(&mut recorded).unwrap();
    let lines: Vec<(serde_json::Value, &str)> =
        recorded.lines().map(|line| (serde_json::from_str(line).unwrap(), line)).collect();
    for instant in ["2026-04-04T03:45:00", "2026-04-04T04:21:35", "2026-04-04T05:05:55"] {
        let before = || lines.iter().filter(|(tick, _)| tick["timestamp"].as_str().unwrap() < instant);
        let mut fed: String = before().map(|(_, line)| format!("{line}\n")).collect();
        for product in ["BTC-USD", "ETH-USD"] {
            let mut quote = before().rfind(|(tick, _)| tick["product_id"] == product).unwrap().0.clone();
            quote["timestamp"] = format!("{instant}Z").into();
            quote["type"] = "quote".into();
            fed += &format!("{quote}\n");
        }
        std::fs::write(&cut, fed).unwrap();
        let source = format!("file:{}", cut.display());
        let service = Process::serve(&["--source", &source, "--speed", "max"], |_| ());
        let second = format!("{instant}Z").parse::<jiff::Timestamp>().unwrap().as_second();
        for product in ["BTC-USD", "ETH-USD"] {
            let written = &table[&(format!("coinbase:{product}"), second)];
            let (served, hash) = served_at(&service, product, instant);
            assert_eq!(served, *written, "{product} at {instant}");
            let row: features::Row = std::array::from_fn(|place| f32::from_bits(written[place]));
            assert_eq!(hash, format!("{:016x}", features::row_hash(&row)), "{product} at {instant}");
        }
    }
}

fn export(arguments: &[&str]) -> String {
    let mut out = Vec::new();
    let command = ["stormglass", "features"].iter().chain(arguments).map(std::ffi::OsString::from);
    assert_eq!(cli::run(command, &mut out), std::process::ExitCode::SUCCESS);
    String::from_utf8(out).unwrap()
}

#[test]
fn trades_alone_make_a_table_whose_labels_follow_from_its_columns() {
    let Some(input) = real_data("bitmex_XBTUSD_trades_20180101_60h.csv.gz") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    let (input, output) = (input.to_str().unwrap(), path.to_str().unwrap());
    let said = export(&["--input", input, "--output", output, "--labels", "--grid", "30s"]);
    assert!(
        said.contains("7199 rows from 635532 ticks") || said.contains("7200 rows from 635532 ticks"),
        "{said}"
    );
    let (reader, rows) = rows_of(&path);
    let pairs = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let schema = pairs.iter().find(|pair| pair.key == SCHEMA_KEY).unwrap().value.clone().unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(
        (&schema["horizon_s"], &schema["grid_s"], &schema["label_quantile"]),
        (&60.into(), &30.into(), &0.9.into())
    );
    assert_eq!(schema["features"][0], "lv10_tau@1");
    assert_eq!(schema["columns"].as_array().unwrap().len(), rows[0].get_column_iter().count());
    assert_eq!(schema["last_time"], "2018-01-03T11:59:30Z");

    let number = |row: &Row, name: &str| match field(row, name) {
        Field::Double(value) => Some(*value),
        Field::Null => None,
        other => panic!("{name}: {other:?}"),
    };
    let mut labelled = 0;
    let mut last = i64::MIN;
    let trailing: BTreeMap<i64, f64> =
        rows.iter().filter_map(|row| Some((key(row).1, number(row, "trailing_bp")?))).collect();
    for row in &rows {
        let second = key(row).1;
        assert!(second > last && second % 30 == 0, "in order of time, on the grid");
        last = second;
        assert!(
            matches!(field(row, "spr_bp60"), Field::Float(value) if value.is_nan()),
            "no quotes, no spread"
        );
        let expected =
            number(row, "realised_bp").zip(number(row, "tau_bp")).map(|(realised, tau)| realised > tau);
        match field(row, "spike") {
            Field::Bool(spike) => assert_eq!(Some(*spike), expected),
            Field::Null => assert_eq!(expected, None),
            other => panic!("{other:?}"),
        }
        if let Some(realised) = number(row, "realised_bp") {
            assert_eq!(Some(&realised), trailing.get(&(second + 60)), "what follows now trails in a minute");
            labelled += 1;
        }
    }
    assert!(labelled > 6_500, "{labelled}");
}

#[test]
fn labels_of_other_horizons_and_a_fixed_threshold() {
    let Some(input) = real_data("coinbase_BTC_ETH_20260404_2h.ndjson.gz") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    let (input, output) = (input.to_str().unwrap(), path.to_str().unwrap());
    for (horizon, seconds) in [("15", 15), ("30", 30), ("300", 300)] {
        export(&[
            "--input",
            input,
            "--output",
            output,
            "--labels",
            "--horizon-s",
            horizon,
            "--threshold-bp",
            "0.2",
        ]);
        let rows = rows_of(&path).1;
        let trailing: BTreeMap<_, Field> =
            rows.iter().map(|row| (key(row), field(row, "trailing_bp").clone())).collect();
        let mut known = 0;
        for row in &rows {
            assert!(matches!(field(row, "tau_bp"), Field::Double(tau) if (tau - 0.2).abs() < 1e-12));
            let (symbol, second) = key(row);
            if let realised @ Field::Double(_) = field(row, "realised_bp") {
                assert_eq!(Some(realised), trailing.get(&(symbol, second + seconds)));
                known += 1;
            }
        }
        assert!(known > 1_500, "{known} outcomes over {horizon} s");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_by_name() {
    for wrong in [
        &["--grid", "7s"][..],
        &["--horizon-s", "45"],
        &["--quantile", "1.5"],
        &["--threshold-bp", "-1"],
        &["--warm-up-s", "3"],
    ] {
        let command = ["stormglass", "features", "--input", "x", "--output", "y"].iter().chain(wrong);
        let code = cli::run(command.map(std::ffi::OsString::from), &mut Vec::new());
        assert_eq!(code, std::process::ExitCode::from(64), "{wrong:?}");
    }
}
