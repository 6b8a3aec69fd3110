//! Importing and scoring from the command line: what users type, and the numbers they get.

use std::{io::Read, path::Path, process::Command};

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
