//! What XGBoost and LightGBM say by more than a threshold or a number: base scores, whose meaning changed with the library's
//! version, and splits that ask whether a value is missing.
#![allow(clippy::unwrap_used)]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/golden_files.rs"]
mod golden_files;
#[path = "support/tally.rs"]
mod tally;

use golden::{imported, table};
use golden_files::{bytes, options};
use stormglass_model::{
    Model,
    import::{Imported, import},
};
use tally::tally;

/// Holds a file to its library's answers on the rows near its thresholds.
fn hold(file: &str, raw: &str) -> Imported {
    let (name, _) = file.rsplit_once('.').unwrap();
    let imported = imported(file);
    let found = tally(name, &imported.draft, raw, "out", true, |_, _, _| false).unwrap();
    println!("{file}: {found:?}");
    assert!(found.rows >= 120 && found.answer_ulps <= 2, "{file}: {found:?}");
    imported
}

#[test]
fn lightgbms_splits_of_missing_values_from_all_others_send_rows_where_lightgbm_does() {
    for name in ["missing_1", "missing_2", "missing_3", "missing_infinite", "missing_zero"] {
        let file = format!("lgb_{name}.txt");
        let text = String::from_utf8(bytes(&format!("models/{file}"))).unwrap();
        let infinite = text.lines().filter_map(|line| line.strip_prefix("threshold="));
        let infinite = infinite.flat_map(|line| line.split(' ')).filter(|&word| word == "inf").count();
        assert!(infinite > 0, "{file} has no threshold of infinity");
        hold(&file, "raw");
    }
}

#[test]
fn logitraws_base_score_is_a_margin_since_xgboost_1_3_1() {
    // In the files of 1.2.1 and 1.3.0 it is a probability of a half, whose margin is 0.
    for version in ["1.2.1", "1.3.0", "1.3.3", "1.7.6", "2.1.4", "3.2.0"] {
        hold(&format!("xgb_logitraw_{version}.json"), "margin");
    }
}

#[test]
fn vector_leaves_are_read_where_xgboost_before_3_2_wrote_them() {
    let text = String::from_utf8(bytes("models/xgb_vector_2.1.4.json")).unwrap();
    assert!(text.contains("\"size_leaf_vector\":\"2\"") && !text.contains("leaf_weights"));
    hold("xgb_vector_2.1.4.json", "margin");
}

#[test]
fn labels_that_are_all_equal_give_the_base_margin_that_xgboost_bounds() {
    let imported = hold("xgb_one_label_3.2.0.json", "margin");
    assert!(imported.notes.is_empty(), "{:?}", imported.notes);
}

#[test]
fn a_count_that_never_occurred_is_answered_with_zero_as_by_xgboost() {
    let imported = hold("xgb_no_events_3.2.0.json", "none");
    assert!(
        imported.notes[0].contains("base_score 0 of output 0: its answers are 0"),
        "{:?}",
        imported.notes
    );
    let preds = table("preds/xgb_no_events_3.2.0.edges.csv").unwrap();
    let raw = preds.columns("margin").unwrap();
    assert!(raw.iter().all(|row| row[0] == f64::NEG_INFINITY && row[1].is_finite()));
    let model = Model::from_bytes(&imported.draft.to_bytes().unwrap()).unwrap();
    let mut scores = [0.0; 2];
    model.predict_raw(&[0.0; 4], &mut scores);
    assert!(scores[0] < -9e29, "{scores:?}");
}

/// A model of one tree whose leaves are 0, as a version of XGBoost would have written it.
fn leafless(version: &str, objective: &str, base_score: &str) -> String {
    let text = String::from_utf8(bytes("models/xgb_stump.json")).unwrap();
    let put = |text: String, key: &str, end: char, value: &str| {
        let from = text.find(key).unwrap() + key.len();
        let to = from + text[from..].find(end).unwrap();
        format!("{}{value}{}", &text[..from], &text[to..])
    };
    let text = put(text, "\"split_conditions\":[", ']', "0,0,0");
    let text = put(text, "\"objective\":{\"name\":\"", '"', objective);
    let text = put(text, "\"base_score\":\"", '"', base_score);
    put(text, "\"version\":[", ']', &version.replace('.', ","))
}

#[test]
fn base_scores_become_the_margins_of_the_version_that_wrote_them() {
    for version in ["1.2.1", "1.3.0", "1.3.3", "1.7.6", "2.1.4", "3.2.0"] {
        let text = String::from_utf8(bytes(&format!("margins/xgb-{version}.csv"))).unwrap();
        let (mut rows, mut differs) = (0, Vec::new());
        for line in text.lines().skip(1) {
            let (objective, numbers) = line.split_once(',').unwrap();
            let (score, margin) = numbers.split_once(',').unwrap();
            let imported = import(leafless(version, objective, score).as_bytes(), &options()).unwrap();
            let found = imported.draft.predict_raw(&[0.0; 10])[0];
            if found != f64::from(margin.parse::<f32>().unwrap()) {
                differs.push(format!("{line}: {found}"));
            }
            rows += 1;
        }
        println!("{version}: {rows} base scores");
        assert!(rows > 500 && differs.is_empty(), "{version}: {} of {rows}: {differs:?}", differs.len());
    }
}

#[test]
fn base_scores_that_have_no_margin_are_refused_by_name() {
    for (version, objective, score) in [
        ("2.1.4", "binary:logistic", "0"),
        ("3.1.3", "binary:logistic", "[1]"),
        ("3.2.0", "binary:logistic", "[1.5]"),
        ("3.2.0", "reg:logistic", "[-1]"),
        ("3.2.0", "count:poisson", "[-1]"),
        ("3.2.0", "reg:squarederror", "[NaN]"),
    ] {
        let error =
            import(leafless(version, objective, score).as_bytes(), &options()).unwrap_err().to_string();
        let expected = format!("has no finite margin under {objective}");
        assert!(error.contains("base_score ") && error.contains(&expected), "{version} {objective}: {error}");
    }
}

#[test]
fn categories_of_xgboost_1_6_come_with_a_note_that_it_reads_them_otherwise() {
    let text = String::from_utf8(bytes("models/xgb_cat.json")).unwrap();
    let notes = |version: &str| {
        let text = text.replacen("\"version\":[3,2,0]", &format!("\"version\":[{version}]"), 1);
        import(text.as_bytes(), &options()).unwrap().notes.join(" ")
    };
    assert!(notes("1,6,2").contains("XGBoost 1.6 itself may answer otherwise"), "{}", notes("1,6,2"));
    assert!(!notes("1,7,6").contains("1.6"), "{}", notes("1,7,6"));
}

#[test]
fn quantiles_whose_answers_xgboost_sorts_are_refused_by_name() {
    let of = |version: &str| {
        let text = leafless(version, "reg:quantileerror", "[1,2]");
        let text = text.replacen("\"num_target\":\"1\"", "\"num_target\":\"2\"", 1);
        import(text.as_bytes(), &options()).map_err(|error| error.to_string())
    };
    let error = of("3.4.0").unwrap_err();
    assert!(error.contains("not supported: several quantiles of XGBoost 3.4"), "{error}");
    assert_eq!(of("3.2.0").unwrap().draft.predict_raw(&[0.0; 10]), [1.0, 2.0]);
}
