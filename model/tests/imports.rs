//! Foreign bytes of any kind: imported or refused with a reason, never a crash, and what is not supported has its name said.
#![allow(clippy::unwrap_used)]

#[path = "support/golden_files.rs"]
mod golden_files;

use golden_files::{bytes, options};
use stormglass_model::{
    Model,
    import::{INPUT_BYTES_MAX, ImportError, formats, import, read_file},
};
use zip::CompressionMethod;

/// One small file of each format.
const SEEDS: [&str; 30] = [
    "xgb_stump.json",
    "xgb_stump.ubj",
    "xgb_cat.ubj",
    "xgb_dart.ubj",
    "xgb_vector_leaf.json",
    "xgb_vector_leaf.ubj",
    "xgb_vector_2.1.4.json",
    "lgb_stump.txt",
    "lgb_missing_3.txt",
    "lgb_cat_onehot.txt",
    "lgb_linear.txt",
    "cb_small.json",
    "cb_lossguide.json",
    "sk_stump_reg.npz",
    "sk_stump_reg.skops",
    "lgb_stump.onnx",
    "lgb_cat.onnx",
    "onnx_v5_member.onnx",
    "sk_rf_multi.onnx",
    "sk_names.skops",
    "sk_logistic.npz",
    "sk_logistic.skops",
    "sk_calibrated_cv.npz",
    "sk_calibrated_cv.skops",
    "sk_hist_category.npz",
    "cb_one_hot.json",
    "sk_tree.npz",
    "sk_hist_multi.npz",
    "sk_rf_multi.treelite",
    "lgb_cat.treelite",
];

/// Imports; what comes out is a file that opens and scores.
fn attempt(bytes: &[u8]) -> bool {
    let Ok(imported) = import(bytes, &options()) else { return false };
    let Ok(file) = imported.draft.to_bytes() else { return false };
    let model = Model::from_bytes(&file).expect("a draft that was checked is a file that opens");
    let row: Vec<f64> = (0..model.info().features.len()).map(|at| at as f64).collect();
    let mut answers = vec![0.0; model.answer_count()];
    model.predict_batch(&row, &mut answers);
    assert!(answers.iter().all(|answer| !answer.is_nan()));
    true
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

#[test]
fn truncated_files_are_imported_or_refused() {
    for seed in SEEDS {
        let whole = bytes(&format!("models/{seed}"));
        assert!(attempt(&whole), "{seed}");
        let mut random = Random(1);
        for _ in 0..100 {
            attempt(&whole[..random.below(whole.len())]);
        }
    }
}

#[test]
fn damaged_files_are_imported_or_refused() {
    let mut random = Random(2);
    for seed in SEEDS {
        let whole = bytes(&format!("models/{seed}"));
        let mut imported = 0;
        for _ in 0..400 {
            let mut damaged = whole.clone();
            for _ in 0..=random.below(6) {
                let at = random.below(damaged.len());
                match random.below(4) {
                    0 => damaged[at] ^= 1 << random.below(8),
                    1 => damaged[at] = [b'0', b'9', b'-', b'[', b'}', 0xff, 0x7f, 0][random.below(8)],
                    2 => drop(damaged.remove(at)),
                    _ => damaged.insert(at, b"019-,.[]{}\"\xff\x00"[random.below(13)]),
                }
            }
            imported += usize::from(attempt(&damaged));
        }
        println!("{seed}: {imported} of 400 damaged files were imported");
    }
}

#[test]
fn what_is_no_model_is_named_with_the_way_out() {
    for (bytes, expected) in [
        (&b""[..], "empty"),
        (b"\x80\x04\x95\x10", "sklearn_to_npz.py"),
        (b"\x80\x02csklearn", "pickle"),
        (b"PK\x03\x04", "zip"),
        (b"\x89SGM\r\n\x1a\n", "already"),
        (b"CBM1....", "format=\"json\""),
        (b"<?xml version=\"1.0\"?>\n<PMML version=\"4.3\">", "PMML, which is not supported"),
        (b"{\"a\": 1}", "no known library"),
        (b"hello", "XGBoost UBJSON"),
    ] {
        let error = import(bytes, &options()).unwrap_err();
        assert!(matches!(error, ImportError::Unrecognised { .. }));
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert!(formats().any(|name| name == "XGBoost JSON"));
}

/// A golden file's text with one thing replaced.
fn refused(file: &str, from: &str, to: &str) -> String {
    let text = String::from_utf8(bytes(&format!("models/{file}"))).unwrap();
    assert!(text.contains(from), "{file} has no {from}");
    import(text.replacen(from, to, 1).as_bytes(), &options()).unwrap_err().to_string()
}

#[test]
fn what_xgboost_can_and_we_cannot_is_refused_by_name() {
    for (from, to, expected) in [
        ("\"name\":\"reg:squarederror\"", "\"name\":\"reg:new\"", "not supported: objective \"reg:new\""),
        ("\"name\":\"gbtree\"", "\"name\":\"gblinear\"", "not supported: booster \"gblinear\""),
        ("\"version\":[3", "\"version\":[4", "not supported: version"),
        ("\"tree_info\":[0]", "\"tree_info\":[]", "tree 0: no group"),
        ("\"split_indices\":[0", "\"split_indices\":[99", "feature 99 of 10"),
        ("\"left_children\":[1", "\"left_children\":[0", "child 0 has two parents"),
        ("[1.4672747E-1", "[NaN", "threshold NaN"),
    ] {
        let error = refused("xgb_stump.json", from, to);
        assert!(error.starts_with("XGBoost JSON: ") && error.contains(expected), "{error}");
    }
}

#[test]
fn what_lightgbm_can_and_we_cannot_is_refused_by_name() {
    for (from, to, expected) in [
        ("objective=regression", "objective=new", "not supported: objective \"new\""),
        (
            "objective=regression",
            "objective=regression odd:1",
            "not supported: objective \"regression odd:1\"",
        ),
        ("version=v4", "version=v9", "not supported: version \"v9\""),
        ("threshold=0.14577897638082507", "threshold=nan", "threshold NaN"),
        ("threshold=0.14577897638082507", "threshold=", "tree 0: threshold holds 0, not 1"),
        ("split_feature=0", "split_feature=10", "feature 10 of 10"),
        ("left_child=-1", "left_child=-2", "tree 0: node 0: child 2 has two parents"),
        ("decision_type=2", "decision_type=15", "tree 0: there is no cat_boundaries"),
        ("end of trees", "", "there is no end of trees"),
    ] {
        let error = refused("lgb_stump.txt", from, to);
        assert!(error.starts_with("LightGBM text: ") && error.contains(expected), "{error}");
    }
}

#[test]
fn what_catboost_can_and_we_cannot_is_refused_by_name() {
    for (from, to, expected) in [
        ("\"FloatFeature\"", "\"OnlineCtr\"", "not supported: split type \"OnlineCtr\""),
        ("\"type\": \"RMSE\"", "\"type\": \"New\"", "not supported: loss_function \"New\""),
        (
            "\"nan_value_treatment\": \"AsIs\"",
            "\"nan_value_treatment\": \"Odd\"",
            "nan_value_treatment \"Odd\"",
        ),
        ("\"float_feature_index\": ", "\"float_feature_index\": 99", "tree 0: a split's feature is none of"),
        ("\"leaf_values\": [", "\"leaf_values\": [1, ", "tree 0: 9 leaf values for 3 splits"),
    ] {
        let error = refused_loosely("cb_small.json", from, to);
        assert!(error.starts_with("CatBoost JSON: ") && error.contains(expected), "{error}");
    }
}

#[test]
fn catboosts_tables_of_categories_are_refused_by_name_however_long_they_are() {
    let text = String::from_utf8(bytes("models/cb_small.json")).unwrap();
    let text = text.replacen("\"FloatFeature\"", "\"OnlineCtr\"", 1);
    let tables = format!("{{\"ctr_data\": {{\"a\": \"{}\"}}, ", "0".repeat(9000));
    let error = import(text.replacen('{', &tables, 1).as_bytes(), &options()).unwrap_err().to_string();
    assert!(error.starts_with("CatBoost JSON: not supported: split type \"OnlineCtr\""), "{error}");
}

/// As [`refused`], where the file's spaces differ from ours.
fn refused_loosely(file: &str, from: &str, to: &str) -> String {
    let text = String::from_utf8(bytes(&format!("models/{file}"))).unwrap();
    let text =
        text.split_whitespace().collect::<Vec<_>>().join(" ").replace(": [ ", ": [").replace(" :", ":");
    let text = text.replace("\":", "\": ").replace(":  ", ": ").replace(": [ ", ": [");
    assert!(text.contains(from), "{file} has no {from}");
    import(text.replacen(from, to, 1).as_bytes(), &options()).unwrap_err().to_string()
}

#[test]
fn a_file_that_is_too_large_is_refused_before_it_is_read() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"small").unwrap();
    assert_eq!(read_file(file.path()).unwrap(), b"small");
    // A hole: it takes no place, and in memory it would be a gibibyte of zeros.
    file.as_file().set_len(INPUT_BYTES_MAX as u64 + 1).unwrap();
    let error = read_file(file.path()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::FileTooLarge, "{error}");
    assert!(error.to_string().contains("1073741825 bytes"), "{error}");
}

/// A zip archive of these files.
fn zipped(files: &[(String, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    for (name, content) in files {
        zip.start_file(name.as_str(), options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The files of an archive.
fn unzipped(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    use std::io::Read;
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    let count = zip.len();
    let file = |number| {
        let mut file = zip.by_index(number).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        (file.name().unwrap().into_owned(), content)
    };
    (0..count).map(file).collect()
}

/// The JSON object behind the first `"key": `.
fn object<'a>(json: &'a str, key: &str) -> &'a str {
    let from = &json[json.find(&format!("\"{key}\": {{")).unwrap() + key.len() + 4..];
    let mut depth = 0;
    let closing = |&(_, byte): &(usize, u8)| {
        depth += i32::from(byte == b'{') - i32::from(byte == b'}');
        depth == 0
    };
    &from[..=from.bytes().enumerate().find(closing).unwrap().0]
}

#[test]
fn trees_that_share_their_arrays_and_archives_that_swell_are_refused() {
    let files = unzipped(&bytes("models/sk_extra.skops"));
    assert!(attempt(&zipped(&files, CompressionMethod::Deflated)), "packed again it is the same model");
    let with_trees = |count: usize| {
        let mut files = files.clone();
        let (_, schema) = files.iter_mut().find(|(name, _)| name == "schema.json").unwrap();
        let json = String::from_utf8(std::mem::take(schema)).unwrap();
        let tree = object(&json, "tree_");
        let tree = format!(
            r#"{{"__class__": "ExtraTreeClassifier", "content": {{"__class__": "dict", "content": {{"tree_": {tree}}}}}}}"#
        );
        let trees = object(&json, "estimators_");
        let list = format!(r#"{{"__class__": "list", "content": [{}]}}"#, vec![tree; count].join(", "));
        *schema = json.replacen(trees, &list, 1).into_bytes();
        zipped(&files, CompressionMethod::Stored)
    };
    assert!(attempt(&with_trees(3)), "a few trees may share what they read");
    let many = with_trees(3_000);
    let error = import(&many, &options()).unwrap_err().to_string();
    assert!(error.contains("is named by so many objects"), "{} bytes: {error}", many.len());

    let swelling = zipped(&[("schema.json".to_owned(), vec![b' '; 10 << 20])], CompressionMethod::Deflated);
    let error = import(&swelling, &options()).unwrap_err().to_string();
    assert!(error.contains("bytes unpacked"), "{} bytes: {error}", swelling.len());
}
