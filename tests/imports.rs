//! Importing and scoring from the command line: what users type, and the numbers they get.

use std::{io::Read, path::Path, process::Command, time::Duration};

use crate::support::process::{Process, send};

/// Features of the service that this one replaces, in the order of its forest.
const ORIGINAL_FEATURES: [&str; 10] = [
    "log_return_300s",
    "spread_mean_300s",
    "trade_intensity_300s",
    "order_book_imbalance_300s",
    "spread_mean_60s",
    "order_book_imbalance_60s",
    "price_velocity_300s",
    "realized_volatility_300s",
    "order_book_imbalance_30s",
    "realized_volatility_60s",
];
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/");

/// Unpacks a golden file into a directory.
fn unpack(directory: &Path, golden: &str) -> String {
    let packed = std::fs::File::open(format!("{GOLDEN}{golden}.gz")).unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    let path = directory.join(Path::new(golden).file_name().unwrap());
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Whether it went well, and all it said.
fn stormglass(arguments: &[&str]) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_stormglass")).env_clear().args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// A CSV's columns `names`, line by line.
fn columns(text: &str, names: &[&str]) -> Vec<Vec<f64>> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let places: Vec<usize> =
        names.iter().map(|name| header.iter().position(|have| have == name).unwrap()).collect();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        places.iter().map(|&at| cells[at].parse().unwrap()).collect()
    };
    lines.map(row).collect()
}

#[test]
fn an_imported_model_is_inspected_verified_and_scores_as_its_library_did() {
    let directory = tempfile::tempdir().unwrap();
    let input = unpack(directory.path(), "inputs.csv");
    for (file, raw, ours) in [
        ("xgb_bin_nan.ubj", &["margin"][..], &["score"][..]),
        (
            "lgb_multi.txt",
            &["raw_0", "raw_1", "raw_2", "raw_3"],
            &["score_0", "score_1", "score_2", "score_3"],
        ),
        ("cb_reg.json", &["raw"], &["score"]),
        ("sk_rf_bin_nan.npz", &["proba_1"], &["score"]),
    ] {
        let model = unpack(directory.path(), &format!("models/{file}"));
        let (done, said, error) = stormglass(&["model", "import", &model]);
        assert!(done && said.contains("trees  ") && said.contains("written"), "{said}{error}");
        let ready = Path::new(&model).with_extension("sgm");
        let ready = ready.to_str().unwrap();
        let (done, said, error) = stormglass(&["model", "inspect", ready]);
        assert!(done && said.contains("imported from") && said.contains("link"), "{said}{error}");
        assert!(said.contains("input saved at") && said.contains("sha256 of the input"), "{said}");
        let method = if file.ends_with("npz") { "saabas" } else { "tree_shap" };
        assert!(said.contains(&format!("explanations  {method}, base value")), "{said}");
        let (done, said, error) = stormglass(&["model", "inspect", "--json", ready]);
        let said: serde_json::Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}{error}"));
        assert!(done && said["explanation"]["method"] == method, "{said}");
        assert_eq!(said["features"].as_array().unwrap().len(), 10);
        assert!(said["self_test_rows"].as_u64().unwrap() > 20, "{said}");
        let (done, said, error) = stormglass(&["model", "verify", ready]);
        assert!(done && said.contains("self-test rows give the embedded bits"), "{said}{error}");

        let (name, _) = file.split_once('.').unwrap();
        let expected =
            std::fs::read_to_string(unpack(directory.path(), &format!("preds/{name}.csv"))).unwrap();
        let expected = columns(&expected, raw);
        assert_eq!(expected.len(), 2000);
        for model in [ready, &model] {
            let scores = directory.path().join("scores.csv");
            let arguments = ["predict", "--model", model, "--input", &input, "--raw", "--output"];
            let (done, _, error) = stormglass(&[&arguments[..], &[scores.to_str().unwrap()]].concat());
            assert!(done, "{error}");
            assert_eq!(columns(&std::fs::read_to_string(&scores).unwrap(), ours), expected, "{model}");
        }
    }
}

#[test]
fn the_distributions_of_a_trained_model_are_printed_bin_by_bin() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../model/shipped/baseline.sgm");
    let (done, said, error) = stormglass(&["model", "inspect", file]);
    let model = model::Model::open(Path::new(file)).unwrap();
    let drift = model.drift_reference().unwrap();
    let named = model.info().features.iter().map(|feature| feature.name.as_str()).zip(&drift.features);
    for (name, bins) in named.chain([("(answers)", &drift.answers)]) {
        let line = said.lines().find(|line| line.starts_with(&format!("  {name}  ")));
        let line = line.unwrap_or_else(|| panic!("{name}: {said}{error}"));
        let (counts, missing) = line.trim().split_once("; missing ").unwrap();
        let numbers: Vec<u64> =
            counts.split_whitespace().skip(1).filter_map(|part| part.parse().ok()).collect();
        assert_eq!((&numbers, missing), (&bins.counts, bins.missing.to_string().as_str()), "{line}");
        assert_eq!(counts.matches('|').count(), 2 * bins.edges.len(), "{line}");
    }
    assert!(done, "{error}");
}

#[test]
fn early_stopping_is_said_aloud_and_pickles_are_told_the_way_out() {
    let directory = tempfile::tempdir().unwrap();
    let model = unpack(directory.path(), "models/xgb_reg_early.ubj");
    let (_, said, _) = stormglass(&["model", "import", &model]);
    assert!(said.contains("all 53 trees are kept") && said.contains("--best-iteration"), "{said}");
    let (_, said, _) = stormglass(&["model", "import", &model, "--best-iteration"]);
    assert!(said.contains("45 of 53 trees are kept"), "{said}");
    let pickle = directory.path().join("model.pkl");
    std::fs::write(&pickle, b"\x80\x04\x95pickle").unwrap();
    let (done, _, error) = stormglass(&["model", "import", pickle.to_str().unwrap()]);
    assert!(!done && error.contains("never run") && error.contains("sklearn_to_npz.py"), "{error}");
}

/// A service without ticks that scores rows, with these variables.
fn serving(variables: &[(&str, &str)]) -> Process {
    let service = Process::serve(&["--source", "none"], |command| {
        command.envs(variables.iter().copied());
    });
    service.get_until("/livez", Duration::from_secs(30), |status, _| status == 200);
    service
}

fn post(service: &Process, body: &serde_json::Value) -> serde_json::Value {
    let (status, answer) = send(service.address, "POST", "/predict", &body.to_string()).unwrap();
    assert_eq!(status, 200, "{answer}");
    serde_json::from_str(&answer).unwrap()
}

#[test]
fn the_earlier_services_forest_answers_its_clients_with_its_librarys_numbers() {
    let directory = tempfile::tempdir().unwrap();
    let forest = unpack(directory.path(), "models/sk_original.npz");
    let inputs = std::fs::read_to_string(unpack(directory.path(), "inputs.csv")).unwrap();
    let answers = std::fs::read_to_string(unpack(directory.path(), "preds/sk_original.csv")).unwrap();
    let expected: Vec<f64> = columns(&answers, &["proba_1"]).concat();
    let places: Vec<String> = (0..10).map(|i| format!("f{i}")).collect();
    let places: Vec<&str> = places.iter().map(String::as_str).collect();
    let rows: Vec<serde_json::Value> = columns(&inputs, &places)
        .iter()
        .map(|row| {
            ORIGINAL_FEATURES
                .into_iter()
                .map(str::to_owned)
                .zip(row.iter().map(|&v| v.into()))
                .collect::<serde_json::Map<_, _>>()
                .into()
        })
        .collect();
    // The library's file itself, as a user names it: nothing to convert first.
    // Some rows lack values, which its trees take.
    let service = serving(&[("MODEL_PATH", &forest), ("STORMGLASS__PREDICT__MISSING", "nan")]);
    for (rows, expected) in rows.chunks(500).zip(expected.chunks(500)) {
        let answer = post(&service, &serde_json::json!({ "rows": rows }));
        assert_eq!(answer["scores"], serde_json::json!(expected));
    }
    let one = post(&service, &serde_json::json!({ "features": rows[3] }));
    assert_eq!(one["probability"], serde_json::json!(expected[3]));
    println!("{} rows over HTTP, each scikit-learn's number to the last digit", expected.len());
}

#[test]
fn the_shipped_forest_of_the_earlier_features_answers_the_earlier_form_beside_the_default_model() {
    let service = serving(&[("STORMGLASS__PREDICT__LEGACY_MODEL", "runbook-rf")]);
    let row: serde_json::Map<_, _> =
        ORIGINAL_FEATURES.into_iter().map(|name| (name.to_owned(), 0.001.into())).collect();
    let answer = post(&service, &serde_json::json!({ "features": row }));
    let probability = answer["probability"].as_f64().unwrap();
    assert!((0.0..1.0).contains(&probability), "{answer}");
    let (_, version) = service.get("/version").unwrap();
    assert!(version.contains("stormglass-default"), "{version}");
}

#[test]
fn a_pickle_is_never_loaded_and_the_way_out_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.pkl");
    std::fs::write(&path, b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x07sklearn.").unwrap();
    let service = serving(&[("MODEL_PATH", path.to_str().unwrap())]);
    let (_, health) = service.get("/health").unwrap();
    assert!(health.contains(r#""model_loaded":false"#) && health.contains("pickle"), "{health}");
    assert!(health.contains("export") || health.contains("README"), "{health}");
}

/// A golden table's rows as JSON objects of LightGBM's own names; a missing value is null.
fn rows_of(text: &str) -> Vec<serde_json::Value> {
    let names: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let row = |values: Vec<f64>| {
        let cells = values.into_iter().enumerate().map(|(at, value)| (format!("Column_{at}"), value.into()));
        cells.collect::<serde_json::Map<_, _>>().into()
    };
    columns(text, &names).into_iter().map(row).collect()
}

/// Rows beside LightGBM's own thresholds, which differ from its thresholds by less than an f32 can say; a regression, a
/// probability and several classes.
#[test]
fn rows_reach_a_model_of_f64_unrounded_and_every_kind_of_answer_is_served() {
    let directory = tempfile::tempdir().unwrap();
    for (name, answers, differing) in [
        ("lgb_reg_early", &["out"][..], 0),
        ("lgb_bin_100x6", &["out"], 1),
        ("lgb_multi", &["out_0", "out_1", "out_2", "out_3"], 0),
    ] {
        let text = |file: String| std::fs::read_to_string(unpack(directory.path(), &file)).unwrap();
        let rows = rows_of(&text(format!("edges/{name}.csv")));
        let expected = columns(&text(format!("preds/{name}.edges.csv")), answers);
        let model = unpack(directory.path(), &format!("models/{name}.txt"));
        let service = serving(&[("MODEL_PATH", &model), ("STORMGLASS__PREDICT__MISSING", "nan")]);
        let answer = post(&service, &serde_json::json!({ "rows": rows }));
        let scores = answer["scores"].as_array().unwrap();
        assert_eq!((scores.len(), expected.len()), (240, 240));
        let number = |value: &serde_json::Value| value.as_f64().unwrap();
        let score = |score: &serde_json::Value| match score.as_array() {
            Some(classes) => classes.iter().map(number).collect(),
            None => vec![number(score)],
        };
        // Two steps for the exponential; the rows that differ hold a number that LightGBM takes for 0.
        let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 2.0 * f64::EPSILON * b.abs();
        let is_near = |got: &Vec<f64>, expected: &Vec<f64>| got.iter().zip(expected).all(near);
        let got: Vec<Vec<f64>> = scores.iter().map(score).collect();
        let apart = got.iter().zip(&expected).filter(|(got, expected)| !is_near(got, expected)).count();
        assert_eq!(apart, differing, "{name}: {answer}");
        if name == "lgb_reg_early" {
            assert_eq!(got, expected, "{name}: no exponential is involved");
        }
        let mut rounded = rows.clone();
        for value in rounded.iter_mut().flat_map(|row| row.as_object_mut().unwrap().values_mut()) {
            *value = value.as_f64().map(|value| value as f32).into();
        }
        let of_rounded = post(&service, &serde_json::json!({ "rows": rounded }));
        let others =
            of_rounded["scores"].as_array().unwrap().iter().zip(scores).filter(|(a, b)| a != b).count();
        assert!(others > 20, "{name}: only {others} rows show whether values were rounded on the way");
        let classes =
            if answers.len() > 1 { serde_json::json!(["0", "1", "2", "3"]) } else { serde_json::Value::Null };
        assert_eq!(answer["classes"], classes, "{name}");
        println!("{name}: 240 rows near thresholds over HTTP, {apart} differ");
    }
}

#[test]
fn what_is_no_probability_answers_no_symbol_and_no_features_and_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let model = unpack(directory.path(), "models/lgb_reg_early.txt");
    let service = Process::serve(&["--source", "simulator", "--speed", "max"], |command| {
        command.env("MODEL_PATH", &model);
    });
    let why =
        "the model cannot drive the stream: its answer is not the probability of one event; it answers rows";
    // The first answers lack ticks as well, which is told first.
    let (_, answered) = service.get_until("/predict/BTC-USD", Duration::from_secs(30), |status, body| {
        status == 200 && !body.contains("covered by ticks")
    });
    let body: serde_json::Value = serde_json::from_str(&answered).unwrap();
    assert_eq!((&body["status"], &body["probability"]), (&"warming".into(), &serde_json::Value::Null));
    assert_eq!(body["reason"], why, "{body}");
    let (_, health) = service.get("/health").unwrap();
    assert!(health.contains(r#""model_loaded":true"#) && health.contains(why), "{health}");
    let features = serde_json::json!({ "features": {} }).to_string();
    let (status, answer) = send(service.address, "POST", "/predict", &features).unwrap();
    assert!(status == 422 && answer.contains("Not a probability"), "{answer}");
}
