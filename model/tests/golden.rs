//! Imported models give their libraries' numbers, bit for bit before the link, on shared rows and near thresholds.
#![allow(clippy::unwrap_used)]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/golden_files.rs"]
mod golden_files;
#[path = "support/tally.rs"]
mod tally;

use golden::{imported, inputs, table};
use golden_files::options;
use stormglass_model::{
    Model, ModelDraft,
    forest::{Layout, Precision},
    import::import,
};
use tally::{Excuse, Tally, bits, tally, ulps};

/// LightGBM takes this value of a dense array for 0, which its trees part from it: the one reason for which a raw score may differ.
const UNREAD: f64 = -1.000_000_018_002_509_5e-35;

fn holds_unread(row: &[f64], _: &[f64], _: &[f64]) -> bool {
    row.contains(&UNREAD)
}

/// A checkpoint of a boosted scikit-learn model does not say that its library rounds rows to f32.
fn is_no_f32(row: &[f64], _: &[f64], _: &[f64]) -> bool {
    row.iter().any(|&value| f64::from(value as f32) < value || f64::from(value as f32) > value)
}

/// Treelite divides fractions by their sum once more.
fn is_last_digit(_: &[f64], expected: &[f64], found: &[f64]) -> bool {
    expected.iter().zip(found).all(|(expected, found)| (expected - found).abs() <= 1.2e-16)
}

#[test]
fn each_kind_of_forest_gets_its_fastest_layout() {
    for (file, expected) in [
        ("xgb_bin_100x6.json", Layout::ByteBlock),
        ("lgb_bin_100x6.txt", Layout::ByteBlock),
        ("cb_bin_100x6.json", Layout::Oblivious),
        ("sk_rf_reg.npz", Layout::Narrow),
        ("lgb_cat.txt", Layout::Wide),
        ("sk_hist_infinite.npz", Layout::ByteBlock),
        ("xgb_vector_leaf.json", Layout::Wide),
    ] {
        let imported = imported(file);
        let bytes = imported.draft.to_bytes().unwrap();
        let layouts: Vec<Layout> = Model::from_bytes(&bytes).unwrap().layouts().collect();
        assert_eq!(layouts, [expected], "{file}");
        let forced = imported.draft.with_layout(expected).unwrap();
        assert_eq!(forced.to_bytes().unwrap(), bytes, "{file}: chosen or asked for, the file is the same");
    }
}

#[test]
fn a_layout_that_cannot_hold_a_forest_says_why() {
    let refusal = |file: &str, layout| imported(file).draft.with_layout(layout).unwrap_err().to_string();
    let many = refusal("sk_rf_reg.npz", Layout::ByteBlock);
    assert!(many.contains("layout byte-block: feature") && many.contains("255 are possible"), "{many}");
    let other = refusal("xgb_bin_100x6.json", Layout::Oblivious);
    assert!(other.contains("tree 0 does not ask one question on each of at most 8 levels"), "{other}");
    assert!(refusal("lgb_cat.txt", Layout::Narrow).contains("it needs wide nodes"));
}

/// Holds a file to its library; `differing_edges` rows near thresholds are the documented exceptions.
fn hold(file: &str, raw_column: &str, answer_column: &str, differing_edges: usize) {
    hold_but(file, [raw_column, answer_column], [0, differing_edges], holds_unread);
}

/// The same with exceptions among the shared rows and those near thresholds.
fn hold_but(file: &str, [raw_column, answer_column]: [&str; 2], differing: [usize; 2], excuse: Excuse) {
    let (name, _) = file.split_once('.').unwrap();
    let imported = imported(file);
    let shared = tally(name, &imported.draft, raw_column, answer_column, false, excuse).unwrap();
    println!("{file}: {} {shared:?}", imported.format);
    assert_eq!((shared.rows, shared.raw_differs), (2000, differing[0]), "{file}: {shared:?}");
    assert!(shared.answer_ulps <= 2, "{file}: {shared:?}");
    if let Some(edges) = tally(name, &imported.draft, raw_column, answer_column, true, excuse) {
        println!("{file}: edges {edges:?}");
        assert_eq!(edges.raw_differs, differing[1], "{file} near thresholds: {edges:?}");
        assert!(edges.answer_ulps <= 2, "{file} near thresholds: {edges:?}");
    }
}

/// Splits of missing values from all others have an infinite threshold: infinities are with the others.
#[test]
fn infinite_values_go_where_the_libraries_send_them() {
    for (file, name, raw, answer) in [
        ("sk_hist_infinite.npz", "sk_hist_infinite", "decision", "proba"),
        ("sk_hgb_nan.treelite", "treelite_infinite", "raw", "none"),
    ] {
        let tally = tally(name, &imported(file).draft, raw, answer, true, |_, _, _| false).unwrap();
        println!("{file}: rows with infinities {tally:?}");
        assert!(tally.rows == 240 && tally.answer_ulps <= 2, "{file}: {tally:?}");
    }
}

const XGBOOST: [&str; 10] = [
    "xgb_bin_100x6",
    "xgb_bin_base",
    "xgb_bin_nan",
    "xgb_cat",
    "xgb_cat_frame",
    "xgb_dart",
    "xgb_reg_early",
    "xgb_rf",
    "xgb_stump",
    "xgb_vector_leaf",
];

#[test]
fn xgboost_models_give_xgboosts_margins() {
    for name in XGBOOST {
        for extension in ["json", "ubj"] {
            hold(&format!("{name}.{extension}"), "margin", "out", 0);
        }
    }
}

/// Models, and how many of their edge rows differ for [`UNREAD`].
const LIGHTGBM: [(&str, usize); 15] = [
    ("lgb_bin_100x6", 1),
    ("lgb_bin_nan", 1),
    ("lgb_cat", 0),
    ("lgb_cat_onehot", 0),
    ("lgb_constant", 0),
    ("lgb_linear", 0),
    ("lgb_multi", 0),
    ("lgb_multi_ova", 0),
    ("lgb_reg_early", 0),
    ("lgb_reg_sqrt", 2),
    ("lgb_rf_mode", 0),
    ("lgb_sigmoid2", 0),
    ("lgb_stump", 0),
    ("lgb_tweedie", 1),
    ("lgb_zero_as_missing", 0),
];

#[test]
fn lightgbm_models_give_lightgbms_raw_scores() {
    for (name, differing_edges) in LIGHTGBM {
        hold(&format!("{name}.txt"), "raw", "out", differing_edges);
    }
}

#[test]
fn catboost_models_give_catboosts_raw_values() {
    for name in ["cb_bin_100x6", "cb_bin_nan", "cb_lossguide", "cb_multi", "cb_one_hot", "cb_reg", "cb_small"]
    {
        hold(&format!("{name}.json"), "raw", "proba", 0);
    }
}

/// Models, the columns of their raw scores and answers, and whether there is a skops file of them too.
const SKLEARN: [(&str, &str, &str, bool); 18] = [
    ("sk_rf_bin_100x10", "proba_1", "proba", false),
    ("sk_rf_bin_nan", "proba_1", "proba", false),
    ("sk_rf_multi", "proba", "proba", false),
    ("sk_rf_reg", "predict", "predict", false),
    ("sk_extra", "proba", "proba", true),
    ("sk_tree", "proba_1", "proba", true),
    ("sk_gbc_refit", "decision", "proba", false),
    ("sk_gbc_multi", "decision", "proba", false),
    ("sk_gbr", "predict", "predict", true),
    ("sk_hist", "decision", "proba", true),
    ("sk_hist_multi", "decision", "proba", true),
    ("sk_hist_poisson", "none", "predict", true),
    ("sk_hist_category", "decision", "proba", false),
    ("sk_original", "proba_1", "proba", false),
    ("sk_pipeline_forest", "proba_1", "proba", true),
    ("sk_calibrated_cv", "none", "proba", true),
    ("sk_calibrated_boosted", "none", "proba", false),
    ("sk_calibrated_prefit", "none", "proba", true),
];

#[test]
fn scikit_learn_models_give_scikit_learns_scores() {
    for (name, raw, answer, skops) in SKLEARN {
        hold(&format!("{name}.npz"), raw, answer, 0);
        if skops {
            hold(&format!("{name}.skops"), raw, answer, 0);
        }
    }
}

#[test]
fn names_and_labels_with_characters_that_json_escapes_are_read_as_they_were_given() {
    let names = ["größe", "say \"when\"", "tab\tand \\back/slash", "🌩 \u{1}\n"];
    let features = |model: &Model| -> Vec<String> {
        model.info().features.iter().map(|feature| feature.name.clone()).collect()
    };
    for extension in ["npz", "skops"] {
        let imported = imported(&format!("sk_names.{extension}"));
        let found = tally("sk_names", &imported.draft, "proba", "proba", true, |_, _, _| false).unwrap();
        assert_eq!(found, Tally { rows: 200, ..Tally::default() }, "{extension}");
        let model = Model::from_bytes(&imported.draft.to_bytes().unwrap()).unwrap();
        assert_eq!(features(&model), names, "{extension}");
        let classes = &model.outputs().unwrap().classes;
        assert_eq!(classes, &["a \"quoted\" one", "back\\slash", "günstig"], "{extension}");
    }
    let pipeline = imported("sk_names_pipeline.skops");
    let pipeline = Model::from_bytes(&pipeline.draft.to_bytes().unwrap()).unwrap();
    assert_eq!(features(&pipeline), names, "of a pipeline, whose first step saw them");
}

/// scikit-learn's BLAS adds a line's products in an order of its own, so that its raw scores are not ours to the bit: on
/// rows as they were in training the difference stays within these units in the last place of f64.
const LINE_ULPS: u64 = 64;

#[test]
fn logistic_pipelines_give_scikit_learns_probabilities_up_to_the_order_of_a_sum() {
    for name in ["sk_logistic", "sk_logistic_multi"] {
        for extension in ["npz", "skops"] {
            let imported = imported(&format!("{name}.{extension}"));
            let model = Model::from_bytes(&imported.draft.to_bytes().unwrap()).unwrap();
            assert!(model.verify().unwrap() > 0);
            let expected = table(&format!("preds/{name}.csv")).unwrap().columns("proba").unwrap();
            let (mut scores, mut got) = (vec![0.0; model.raw_count()], vec![0.0; model.answer_count()]);
            let (mut equal, mut greatest, mut extremes) = (0, 0, 0.0_f64);
            for (at, row) in inputs(name, false).unwrap().iter().enumerate() {
                let plain = imported.draft.predict_raw(row);
                model.predict_raw(row, &mut scores);
                assert_eq!(bits(&scores), bits(&plain), "{name} row {at}: the plain walk");
                model.predict_batch(row, &mut got);
                let expected = &expected[at][expected[at].len() - got.len()..];
                let apart =
                    got.iter().zip(expected).map(|(a, b)| ulps(*a, *b, Precision::Double)).max().unwrap();
                equal += usize::from(apart <= 2);
                let absolute = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                extremes = extremes.max(absolute);
                // Rows 1500 to 1699 hold extremes, whose sums cancel.
                if !(1500..1700).contains(&at) {
                    greatest = greatest.max(apart);
                }
            }
            println!(
                "{name}.{extension}: {equal} of 2000 rows within 2 units, {greatest} at most, {extremes:e} absolute"
            );
            assert!(greatest <= LINE_ULPS, "{name}: {greatest} units");
            assert!(equal > 1800 && extremes < 1e-15, "{name}: {equal} rows, {extremes:e}");
        }
    }
}

#[test]
fn treelite_checkpoints_give_their_libraries_scores() {
    for (name, raw, answer) in [
        ("xgb_bin_100x6", "margin", "out"),
        ("lgb_cat", "raw", "out"),
        ("sk_hgb_nan", "decision", "proba"),
        ("sk_rf_bin_nan", "proba", "proba"),
        ("sk_stump_rf", "proba", "proba"),
    ] {
        hold(&format!("{name}.treelite"), raw, answer, 0);
    }
    let average = imported("treelite_average.treelite");
    let average = tally("treelite_average", &average.draft, "raw", "none", true, |_, _, _| false).unwrap();
    assert_eq!(average.rows, 240, "each class is averaged over its own trees");
    hold_but("sk_gbc.treelite", ["decision", "proba"], [0, 29], is_no_f32);
    hold_but("sk_rf_multi.treelite", ["proba", "proba"], [430, 54], is_last_digit);
}

#[test]
fn early_stopping_is_said_aloud_and_the_best_iteration_kept_on_request() {
    let all = imported("xgb_reg_early.json");
    assert!(all.notes[0].contains("all 53 trees are kept"), "{:?}", all.notes);
    let bytes = golden_files::bytes("models/xgb_reg_early.ubj");
    let best =
        import(&bytes, &stormglass_model::import::Options { best_iteration: true, ..options() }).unwrap();
    assert!(best.notes[0].contains("45 of 53 trees"), "{:?}", best.notes);
    let tally =
        tally("xgb_reg_early", &best.draft, "margin_best", "margin_best", false, holds_unread).unwrap();
    assert_eq!(tally, Tally { rows: 2000, ..Tally::default() });
}

/// Models by the column of ONNX Runtime's answers, and how many shared rows differ for reasons that `tests/golden`'s README gives.
const ONNX: [(&str, &str, usize); 33] = [
    ("cb_bin_100x6", "onnx_probabilities", 0),
    ("cb_bin_nan", "onnx_probabilities", 0),
    ("cb_multi", "onnx_probabilities", 0),
    ("cb_reg", "onnx_predictions", 0),
    ("lgb_bin_100x6", "onnx_probabilities", 0),
    ("lgb_bin_nan", "onnx_probabilities", 0),
    ("lgb_cat", "onnx_probabilities", 0),
    ("lgb_constant", "onnx_variable", 0),
    ("lgb_multi", "onnx_probabilities", 0),
    ("lgb_multi_ova", "onnx_probabilities", 0),
    ("lgb_reg_early", "onnx_variable", 0),
    ("lgb_reg_sqrt", "onnx_variable", 0),
    ("lgb_rf_mode", "onnx_probabilities", 0),
    ("lgb_sigmoid2", "onnx_probabilities", 0),
    ("lgb_stump", "onnx_variable", 0),
    ("lgb_tweedie", "onnx_variable", 0),
    ("lgb_zero_as_missing", "onnx_probabilities", 0),
    ("onnx_v5_member", "onnx_y", 45),
    ("onnx_v5_modes_sum", "onnx_y", 0),
    ("sk_gbc", "onnx_probabilities", 0),
    ("sk_hgb_nan", "onnx_probabilities", 0),
    ("sk_rf_500_deep", "onnx_probabilities", 0),
    ("sk_rf_bin_100x10", "onnx_probabilities", 0),
    ("sk_rf_bin_nan", "onnx_probabilities", 0),
    ("sk_rf_multi", "onnx_probabilities", 0),
    ("sk_rf_reg", "onnx_variable", 0),
    ("sk_stump_reg", "onnx_variable", 0),
    ("sk_stump_rf", "onnx_probabilities", 0),
    ("xgb_bin_100x6", "onnx_probabilities", 0),
    ("xgb_bin_nan", "onnx_probabilities", 0),
    ("xgb_bin_base", "onnx_probabilities", 0),
    ("xgb_reg_early", "onnx_variable", 0),
    ("xgb_stump", "onnx_variable", 0),
];

/// The distance in steps of f32: of those at 0.5 for smaller answers, which a probability's complement is rounded to.
fn steps(a: f64, b: f64) -> f64 {
    let at = f64::from((a.abs().max(b.abs()) as f32).max(0.5));
    let step = f64::from((at as f32).next_up()) - at;
    (a - b).abs() / step
}

/// Rows that differ beyond rounding (at all, where no exponential is involved), and the greatest rounding in [`steps`].
fn onnx_tally(name: &str, draft: &ModelDraft, column: &str, edges: bool) -> Option<(usize, f64, usize)> {
    let suffix = if edges { ".edges" } else { "" };
    let expected = table(&format!("preds/{name}.onnx{suffix}.csv"))?;
    let expected = expected.columns(column).unwrap();
    let model = Model::from_bytes(&draft.to_bytes().unwrap()).unwrap();
    assert!(model.verify().unwrap() > 0, "{name} carries rows of its own");
    let rounds = !matches!(model.outputs().unwrap().link, stormglass_model::Link::Identity);
    let mut got = vec![0.0; model.answer_count()];
    let (mut differs, mut greatest) = (0, 0.0_f64);
    for (row, expected) in inputs(name, edges)?.iter().zip(&expected) {
        // ONNX Runtime was given the row as f32.
        let row: Vec<f64> = row.iter().map(|value| f64::from(*value as f32)).collect();
        model.predict_batch(&row, &mut got);
        let expected = &expected[expected.len() - got.len()..];
        let apart = got.iter().zip(expected).map(|(a, b)| steps(*a, *b)).fold(0.0, f64::max);
        if apart > if rounds { 2.0 } else { 0.0 } {
            differs += 1;
        } else {
            greatest = greatest.max(apart);
        }
    }
    Some((differs, greatest, expected.len()))
}

#[test]
fn onnx_models_give_onnx_runtimes_answers() {
    for (name, column, differing) in ONNX {
        let imported = imported(&format!("{name}.onnx"));
        let (differs, greatest, rows) = onnx_tally(name, &imported.draft, column, false).unwrap();
        println!("{name}.onnx: {differs} of {rows} rows differ, {greatest} steps at most");
        assert!(rows == 2000 && differs == differing, "{name}: {differs} of {rows} rows differ");
        if let Some((differs, greatest, rows)) = onnx_tally(name, &imported.draft, column, true) {
            println!("{name}.onnx: edges {differs} of {rows} differ, {greatest} steps at most");
            assert_eq!(differs, 0, "{name} near thresholds");
        }
    }
}

/// The names of models in docs/models.md, their files, and the columns of the library's and the converted file's answers.
const CONVERTED: [(&str, &str, &str, &str); 13] = [
    ("scikit-learn random forest, missing values", "sk_rf_bin_nan.npz", "proba", "onnx_probabilities"),
    ("scikit-learn random forest, four classes", "sk_rf_multi.npz", "proba", "onnx_probabilities"),
    ("scikit-learn HistGradientBoosting", "sk_hgb_nan.treelite", "proba", "onnx_probabilities"),
    ("LightGBM binary", "lgb_bin_100x6.txt", "out", "onnx_probabilities"),
    ("LightGBM binary, missing values", "lgb_bin_nan.txt", "out", "onnx_probabilities"),
    ("LightGBM zero as missing", "lgb_zero_as_missing.txt", "out", "onnx_probabilities"),
    ("LightGBM sigmoid 2", "lgb_sigmoid2.txt", "out", "onnx_probabilities"),
    ("LightGBM random forest", "lgb_rf_mode.txt", "out", "onnx_probabilities"),
    ("LightGBM one against all", "lgb_multi_ova.txt", "out", "onnx_probabilities"),
    ("LightGBM sqrt", "lgb_reg_sqrt.txt", "out", "onnx_variable"),
    ("LightGBM categories", "lgb_cat.txt", "out", "onnx_probabilities"),
    ("XGBoost binary", "xgb_bin_100x6.json", "out", "onnx_probabilities"),
    ("CatBoost, missing values", "cb_bin_nan.json", "proba", "onnx_probabilities"),
];

/// Rows on which two tables differ by more than 1e-5, and the greatest difference.
fn far(ours: &[Vec<f64>], theirs: &[Vec<f64>]) -> (usize, f64) {
    let mut far = (0, 0.0_f64);
    for (ours, theirs) in ours.iter().zip(theirs) {
        let width = ours.len().min(theirs.len());
        let pairs = ours[ours.len() - width..].iter().zip(&theirs[theirs.len() - width..]);
        let apart = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        far = (far.0 + usize::from(apart > 1e-5), far.1.max(apart));
    }
    far
}

#[test]
fn native_imports_give_the_librarys_answers_where_conversions_do_not_as_the_document_says() {
    let document = include_str!("../../docs/models.md");
    for (title, file, column, converted_column) in CONVERTED {
        let name = file.split_once('.').unwrap().0;
        let model = Model::from_bytes(&imported(file).draft.to_bytes().unwrap()).unwrap();
        let mut answers = vec![0.0; model.answer_count()];
        let (mut counts, mut greatest) = (Vec::new(), 0.0_f64);
        for edges in [false, true] {
            let suffix = if edges { ".edges" } else { "" };
            let library = table(&format!("preds/{name}{suffix}.csv")).unwrap().columns(column).unwrap();
            let native: Vec<Vec<f64>> = inputs(name, edges)
                .unwrap()
                .iter()
                // The documented exception: a value that LightGBM takes for 0.
                .map(|row| {
                    if row.contains(&UNREAD) {
                        return Vec::new();
                    }
                    model.predict_batch(row, &mut answers);
                    answers.clone()
                })
                .collect();
            assert_eq!(far(&native, &library).0, 0, "{file}{suffix}");
            let converted = table(&format!("preds/{name}.onnx{suffix}.csv")).unwrap();
            let (count, apart) = far(&library, &converted.columns(converted_column).unwrap());
            counts.push(count);
            greatest = greatest.max(apart);
        }
        let line = format!("| {title} | {} | {} | {greatest:.3} |", counts[0], counts[1]);
        println!("{line}");
        assert!(document.lines().any(|written| written == line), "docs/models.md has no line {line}");
    }
}
