//! Explanations: the libraries' own contributions, the definition by brute force, and that the parts add up.
#![allow(clippy::unwrap_used)]

#[path = "support/explained.rs"]
mod explained;
#[path = "support/forests.rs"]
#[allow(dead_code)]
mod forests;
#[path = "support/golden.rs"]
#[allow(dead_code)]
mod golden;
#[path = "support/golden_files.rs"]
mod golden_files;
#[path = "support/wide.rs"]
#[allow(dead_code)]
mod wide;

use explained::{shapley_by_definition, with_covers};
use forests::{Random, Shape, features, forest, row};
use golden::{imported, inputs, table};
use stormglass_model::{
    Calibration, ExplainError, Link, MemberDraft, Model, ModelDraft, ModelInfo, Outputs,
    forest::{Layout, LinearLeaf, MissingRule, Precision, SumKind, WideForest, WideNode, WideTree},
    linear::{LinearDraft, LinearTerm},
    preparation::{Preparation, PreparedFeature},
};

/// The arrays that have covers.
const NPZ_WITH_COVERS: [&str; 8] = [
    "sk_extra",
    "sk_gbc_refit",
    "sk_gbr",
    "sk_hist",
    "sk_hist_infinite",
    "sk_original",
    "sk_tree",
    "sk_names",
];
/// Golden rows that were explained: every fortieth.
const EVERY: usize = 40;

fn opened(draft: &ModelDraft) -> Model {
    Model::from_bytes(&draft.to_bytes().unwrap()).unwrap()
}

/// Holds a golden model to its library's contributions; gives how many numbers were compared.
fn hold_to_the_library(name: &str, ending: &str) -> usize {
    let model = opened(&imported(&format!("{name}.{ending}")).draft);
    let explainer = model.explainer().unwrap();
    assert_eq!(explainer.method_name(), "tree_shap", "{name}");
    let expected = table(&format!("contributions/{name}.csv")).unwrap_or_else(|| panic!("{name}: no table"));
    let rows: Vec<Vec<f64>> = inputs(name, false).unwrap().into_iter().step_by(EVERY).collect();
    assert_eq!(rows.len(), expected.rows.len(), "{name}");
    let (width, mut compared) = (model.info().features.len(), 0);
    for (row, expected) in rows.iter().zip(&expected.rows) {
        let explanation = model.explain(row).unwrap();
        for (output, expected) in expected.chunks(width + 1).enumerate() {
            // The base value of a sum of f32 also holds what that sum rounds away, which is not the library's.
            let found = explanation.of_output(output).iter().chain([&explainer.expected_values()[output]]);
            for (feature, (found, expected)) in found.zip(expected).enumerate() {
                let bound = 1e-6 * expected.abs().max(1.0);
                assert!((found - expected).abs() <= bound, "{name} {output}:{feature}: {found} {expected}");
                compared += 1;
            }
        }
    }
    compared
}

#[test]
fn xgboost_models_have_xgboosts_own_contributions() {
    let names = [
        "xgb_bin_100x6",
        "xgb_bin_nan",
        "xgb_bin_base",
        "xgb_cat",
        "xgb_dart",
        "xgb_reg_early",
        "xgb_rf",
        "xgb_stump",
    ];
    let compared: usize = names.map(|name| hold_to_the_library(name, "ubj")).iter().sum();
    assert_eq!(compared, 8 * 50 * 11);
}

#[test]
fn lightgbm_models_have_lightgbms_own_contributions() {
    let names = [
        "lgb_bin_100x6",
        "lgb_bin_nan",
        "lgb_cat",
        "lgb_cat_onehot",
        "lgb_constant",
        "lgb_multi",
        "lgb_multi_ova",
        "lgb_reg_early",
        "lgb_reg_sqrt",
        "lgb_rf_mode",
        "lgb_sigmoid2",
        "lgb_stump",
        "lgb_tweedie",
        "lgb_zero_as_missing",
    ];
    let compared: usize = names.map(|name| hold_to_the_library(name, "txt")).iter().sum();
    assert_eq!(compared, (12 + 2 * 4) * 50 * 11);
}

/// What shap 0.51 gives by the covers that `model/export/sklearn_to_npz.py` writes: boosting in log-odds, forests in
/// probabilities, of three classes each.
#[test]
fn scikit_learn_models_have_the_contributions_of_shaps_tree_explainer() {
    let compared: usize =
        ["sk_gbc_refit", "sk_original", "sk_extra"].map(|name| hold_to_the_library(name, "npz")).iter().sum();
    assert_eq!(compared, (1 + 1 + 3) * 50 * 11);
}

/// The parts of every output add up to its raw score, and in sums of f64 the base value is the expected one.
fn hold_to_the_score(model: &Model, row: &[f64]) {
    let explanation = model.explain(row).unwrap();
    let mut scores = vec![0.0; model.raw_count()];
    model.predict_raw(row, &mut scores);
    let in_f32 = model.outputs().is_some_and(|outputs| outputs.precision == Precision::Single);
    for (output, score) in scores.iter().enumerate() {
        let (base, parts) = (explanation.base_values[output], explanation.of_output(output));
        let sum: f64 = parts.iter().sum();
        // A line's terms may be as large as the row's values.
        let size = parts.iter().fold(1.0, |size: f64, part| size.max(part.abs()));
        assert!((base + sum - score).abs() <= 1e-9 * size, "{row:?}: {base} + {sum} is not {score}");
        let expected = model.explainer().unwrap().expected_values()[output];
        let bound = if in_f32 { 1e-5 } else { 1e-9 };
        assert!((base - expected).abs() <= bound * size, "{row:?}: base {base}, expected {expected}");
    }
}

#[test]
fn every_golden_model_is_explained_or_says_why_not() {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/models")).unwrap();
    let lines = ExplainError::LinearLeaves.to_string();
    let mut by_method = std::collections::BTreeMap::<String, usize>::new();
    for file in files {
        let file = file.unwrap().file_name().to_string_lossy().into_owned();
        let file = file.strip_suffix(".gz").unwrap();
        let name = file.split('.').next().unwrap();
        let model = opened(&imported(file).draft);
        let method = match model.explainer() {
            Ok(explainer) => explainer.method_name(),
            Err(error) => error.to_string(),
        };
        if model.explainer().is_ok() {
            for row in inputs(name, false).unwrap().into_iter().step_by(97) {
                if row.len() == model.info().features.len() {
                    hold_to_the_score(&model, &row);
                }
            }
        }
        let expected = match file.rsplit_once('.').unwrap().1 {
            _ if name == "lgb_linear" => lines.as_str(),
            _ if name.starts_with("sk_logistic") => "linear_from_zero",
            // ONNX has no place for covers, and some arrays were exported before the script wrote them.
            "npz" if NPZ_WITH_COVERS.contains(&name) => "tree_shap",
            "onnx" | "npz" => "saabas",
            _ if name == "treelite_average" => "saabas",
            // XGBoost before 3.2 writes no covers to a tree with vector leaves.
            _ if file == "xgb_vector_2.1.4.json" => "saabas",
            _ => "tree_shap",
        };
        assert_eq!(method, expected, "{file}");
        *by_method.entry(method).or_default() += 1;
    }
    println!("{by_method:?}");
    assert!(by_method["tree_shap"] >= 40 && by_method["saabas"] >= 10, "{by_method:?}");
}

#[test]
fn short_paths_have_the_values_of_the_definition() {
    let mut random = Random(11);
    for case in 0..60 {
        let sum = [SumKind::F64, SumKind::F64Leaves][case % 2];
        let shape = Shape { trees: 3, depth_max: 2 + (case % 5) as u32, features: 5, complete: false, sum };
        let forest = with_covers(forest(&mut random, shape), &mut random);
        let draft = forests::draft(5, vec![(1.0, MemberDraft::Forest(forest.clone()))]);
        let model = opened(&draft);
        for _ in 0..20 {
            let row = row(&mut random, 5);
            let found =
                model.explain(&row.iter().map(|&value| f64::from(value)).collect::<Vec<_>>()).unwrap();
            let (base, expected) = shapley_by_definition(&forest, &row);
            assert!((found.base_values[0] - base).abs() < 1e-12, "{case}: {found:?} {base}");
            for (found, expected) in found.contributions.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-12, "{case}: {found} {expected}");
            }
        }
    }
}

#[test]
fn long_paths_have_the_values_of_the_definition() {
    let mut random = Random(12);
    // Twelve features at depth 12: paths are too long for tables, and the definition has 4,096 subsets.
    let shape = Shape { trees: 2, depth_max: 12, features: 12, complete: false, sum: SumKind::F64 };
    let mut longest = 0;
    for _ in 0..6 {
        let forest = with_covers(forest(&mut random, shape), &mut random);
        longest = longest.max(explained::longest_path(&forest));
        let model = opened(&forests::draft(12, vec![(1.0, MemberDraft::Forest(forest.clone()))]));
        for _ in 0..3 {
            let row = row(&mut random, 12);
            let found =
                model.explain(&row.iter().map(|&value| f64::from(value)).collect::<Vec<_>>()).unwrap();
            let (_, expected) = shapley_by_definition(&forest, &row);
            for (found, expected) in found.contributions.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-12, "{found} {expected}");
            }
        }
    }
    assert!(longest > 8, "the longest path asks for {longest} features only");
}

#[test]
fn several_outputs_and_every_kind_of_question_add_up() {
    let mut random = Random(13);
    let mut explained = 0;
    for case in 0..200 {
        let draft = wide::draft(&mut random, 1 + case % 3);
        let model = opened(&draft);
        for _ in 0..5 {
            let row = wide::row(&mut random);
            match model.explain(&row) {
                Ok(_) => hold_to_the_score(&model, &row),
                Err(error) => assert_eq!(error, ExplainError::LinearLeaves),
            }
            explained += usize::from(model.explainer().is_ok());
        }
    }
    assert!(explained > 300, "{explained}");
}

/// A chain of splits, each on a feature of its own.
fn chain(length: u16) -> WideForest {
    let (mut nodes, mut cover) = (Vec::new(), Vec::new());
    for at in 0..length {
        let (left, right) = (2 * u32::from(at) + 1, 2 * u32::from(at) + 2);
        nodes.push(WideNode::Split { feature: at, threshold: 0.0, missing: MissingRule::Left, left, right });
        nodes.push(WideNode::Leaf(u32::from(at)));
        let reached = f64::from(length - at);
        cover.extend([reached + 1.0, 1.0]);
    }
    nodes.push(WideNode::Leaf(u32::from(length)));
    cover.push(1.0);
    let leaves = (0..=length).map(|at| f64::from(at) * 0.01).collect();
    let tree = WideTree { nodes, output: Some(0), leaves, lines: Vec::new(), cover };
    let (values, sum) = (Precision::Double, Precision::Double);
    WideForest { trees: vec![tree], sets: Vec::new(), base: vec![0.0], values, sum }
}

#[test]
fn paths_of_255_features_are_explained_and_longer_ones_refused() {
    for (length, possible) in [(255, true), (256, false)] {
        let info = ModelInfo::new("chain", "1", "ml", features(usize::from(length)));
        let draft = ModelDraft::new(info, vec![(1.0, MemberDraft::Wide(chain(length)))]).unwrap();
        let draft = draft.with_outputs(Outputs::plain(1, Precision::Double, Link::Identity)).unwrap();
        let model = opened(&draft);
        if possible {
            hold_to_the_score(&model, &vec![1.0; usize::from(length)]);
            hold_to_the_score(&model, &vec![f64::NAN; usize::from(length)]);
        } else {
            let error = model.explain(&vec![1.0; usize::from(length)]).unwrap_err();
            assert!(error.to_string().contains("more than 255 on one path"), "{error}");
        }
    }
}

#[test]
fn an_average_with_a_line_is_calibrated_part_by_part() {
    let mut random = Random(14);
    let shape = Shape { trees: 9, depth_max: 4, features: 3, complete: false, sum: SumKind::F64 };
    let forest = with_covers(forest(&mut random, shape), &mut random);
    let term = |coefficient| LinearTerm {
        coefficient,
        low: -1.5,
        high: 1.5,
        imputed: 0.25,
        missing_coefficient: 0.125,
    };
    let linear = LinearDraft { terms: vec![term(2.0), term(-1.0), term(0.5)], intercept: 0.1 };
    let mut info = ModelInfo::new("average", "1", "ml", features(3));
    info.calibration = Some(Calibration { a: 0.8, b: -0.2 });
    let members = vec![(0.5, MemberDraft::Linear(linear)), (0.5, MemberDraft::Forest(forest))];
    let draft = ModelDraft::new(info, members).unwrap();
    let from_imputed = opened(&draft);
    assert_eq!(from_imputed.explainer().unwrap().method_name(), "linear_from_imputed+tree_shap");
    let means = vec![0.3, -0.2, 0.1];
    let model = opened(&draft.with_mean_contributions(0, means.clone()).unwrap());
    assert_eq!(model.explainer().unwrap().method_name(), "linear+tree_shap");
    for _ in 0..200 {
        let row: Vec<f64> = row(&mut random, 3).into_iter().map(f64::from).collect();
        hold_to_the_score(&model, &row);
        hold_to_the_score(&from_imputed, &row);
        let (a, b) = (model.explain(&row).unwrap(), from_imputed.explain(&row).unwrap());
        let imputed = [0.5, -0.25, 0.125];
        for feature in 0..3 {
            let moved = 0.8 * 0.5 * (imputed[feature] - means[feature]);
            assert!((a.contributions[feature] - b.contributions[feature] - moved).abs() < 1e-12);
        }
    }
}

#[test]
fn useless_covers_are_left_out_and_saabas_says_its_name() {
    let mut random = Random(15);
    let shape = Shape { trees: 4, depth_max: 4, features: 4, complete: true, sum: SumKind::F64 };
    let sound = with_covers(forest(&mut random, shape), &mut random);
    for damage in [f64::NAN, -1.0, f64::INFINITY, 1e12, 0.0] {
        let mut forest = sound.clone();
        // The root's: not a number, below its children's, or nothing.
        let place = if damage == 1e12 { 1 } else { 0 };
        forest.trees[2].cover[place] = damage;
        let model = opened(&forests::draft(4, vec![(1.0, MemberDraft::Forest(forest))]));
        assert_eq!(model.explainer().unwrap().method_name(), "saabas", "{damage}");
        hold_to_the_score(&model, &[0.5, f64::NAN, -3.0, 1.0]);
    }
}

#[test]
fn equal_rows_have_equal_explanations_from_every_opening_of_the_file() {
    let draft = imported("lgb_multi.txt").draft;
    let bytes = draft.to_bytes().unwrap();
    let (a, b) = (Model::from_bytes(&bytes).unwrap(), Model::from_bytes(&bytes).unwrap());
    for row in inputs("lgb_multi", false).unwrap().iter().step_by(200) {
        assert_eq!(a.explain(row).unwrap(), b.explain(row).unwrap());
    }
}

/// Every layout that can hold the draft's forest.
fn in_each_layout(draft: &ModelDraft) -> Vec<(Layout, Model)> {
    let held = |layout| draft.clone().with_layout(layout).ok().map(|draft| (layout, opened(&draft)));
    Layout::ALL.into_iter().filter(|&layout| layout != Layout::Auto).filter_map(held).collect()
}

#[test]
fn golden_models_have_the_same_explanation_in_every_layout() {
    let mut held = std::collections::BTreeMap::<&str, usize>::new();
    for file in [
        "xgb_bin_100x6.ubj",
        "xgb_bin_nan.ubj",
        "lgb_bin_100x6.txt",
        "lgb_bin_nan.txt",
        "cb_bin_100x6.json",
        "cb_bin_nan.json",
        "sk_rf_bin_100x10.npz",
        "sk_gbr.skops",
    ] {
        let draft = imported(file).draft;
        let rows = inputs(file.split('.').next().unwrap(), false).unwrap();
        let models = in_each_layout(&draft);
        let (_, wide) = models.last().unwrap();
        for (layout, model) in &models {
            let explainers = [model, wide].map(|model| model.explainer().unwrap());
            assert_eq!(explainers[0].method_name(), explainers[1].method_name(), "{file} {layout}");
            for row in rows.iter().step_by(50) {
                assert_eq!(
                    model.explain(row).unwrap(),
                    wide.explain(row).unwrap(),
                    "{file} {layout} {row:?}"
                );
            }
            *held.entry(layout.name()).or_default() += 1;
        }
    }
    println!("{held:?}");
    assert!(["narrow", "byte-block", "oblivious", "wide"].iter().all(|layout| held[layout] >= 2), "{held:?}");
}

#[test]
fn random_forests_have_the_same_explanation_in_every_layout() {
    let (mut random, mut held) = (Random(16), std::collections::BTreeMap::<&str, usize>::new());
    for case in 0..120 {
        let sum = [SumKind::F64, SumKind::F64Leaves, SumKind::F32][case % 3];
        let (trees, depth_max) = (1 + case % 6, (case % 11) as u32);
        let shape = Shape { trees, depth_max, features: 4, complete: false, sum };
        let made = if case % 4 == 0 {
            forests::oblivious_forest(&mut random, Shape { depth_max: depth_max.min(6), ..shape })
        } else {
            forest(&mut random, shape)
        };
        // Some without covers.
        let made = if case % 10 == 0 { made } else { with_covers(made, &mut random) };
        let models = in_each_layout(&forests::draft(4, vec![(1.0, MemberDraft::Forest(made))]));
        for (layout, model) in &models {
            for _ in 0..10 {
                let row: Vec<f64> = row(&mut random, 4).into_iter().map(f64::from).collect();
                assert_eq!(
                    model.explain(&row).unwrap(),
                    models[0].1.explain(&row).unwrap(),
                    "{case} {layout}"
                );
            }
            *held.entry(layout.name()).or_default() += 1;
        }
    }
    assert!(held["narrow"] == 120 && held["byte-block"] == 120 && held["oblivious"] >= 30, "{held:?}");
}

#[test]
fn a_prepared_row_is_explained_as_its_members_see_it() {
    let mut random = Random(17);
    let features = features(3);
    let tree = WideTree {
        nodes: vec![
            WideNode::Split { feature: 1, threshold: 0.5, missing: MissingRule::Left, left: 1, right: 2 },
            WideNode::Leaf(0),
            WideNode::Split { feature: 2, threshold: -1.0, missing: MissingRule::Right, left: 3, right: 4 },
            WideNode::Leaf(1),
            WideNode::Leaf(2),
        ],
        output: Some(0),
        leaves: vec![1.0, -2.0, 4.0],
        lines: Vec::new(),
        cover: vec![10.0, 4.0, 6.0, 1.0, 5.0],
    };
    let forest = WideForest {
        trees: vec![tree],
        sets: Vec::new(),
        base: vec![0.0],
        values: Precision::Double,
        sum: Precision::Double,
    };
    let info = ModelInfo::new("prepared", "1", "ml", features);
    let draft = ModelDraft::new(info, vec![(1.0, MemberDraft::Wide(forest))]).unwrap();
    let draft = draft.with_outputs(Outputs::plain(1, Precision::Double, Link::Identity)).unwrap();
    let bare = opened(&draft.clone().with_layout(Layout::Wide).unwrap());
    let part = |imputed, center, scale| PreparedFeature { imputed, center, scale };
    let features = vec![PreparedFeature::PLAIN, part(0.25, 3.0, 2.0), part(-4.0, -1.0, 0.5)];
    let preparation = Preparation { features };
    let draft = draft.with_layout(Layout::Wide).unwrap().with_preparation(preparation.clone()).unwrap();
    let model = opened(&draft);
    for _ in 0..100 {
        let row: Vec<f64> = row(&mut random, 3).into_iter().map(|value| f64::from(value) * 4.0).collect();
        let prepared: Vec<f64> =
            preparation.features.iter().zip(&row).map(|(part, &value)| part.apply(value)).collect();
        assert_eq!(model.explain(&row).unwrap(), bare.explain(&prepared).unwrap());
        hold_to_the_score(&model, &row);
    }
}

#[test]
fn each_output_has_its_own_scale() {
    let file = "sk_calibrated_cv.npz";
    let model = opened(&imported(file).draft);
    let outputs = model.outputs().unwrap();
    assert!(outputs.scales.len() > 1 && outputs.scales[0] != outputs.scales[1], "{outputs:?}");
    for row in inputs("sk_calibrated_cv", false).unwrap().iter().step_by(40) {
        hold_to_the_score(&model, row);
    }
}

#[test]
fn an_imported_line_is_explained_term_by_term_from_zero() {
    let model = opened(&imported("sk_logistic_multi.npz").draft);
    let explainer = model.explainer().unwrap();
    assert_eq!(explainer.method_name(), "linear_from_zero");
    let width = model.info().features.len();
    // A term's part is in proportion to its value, and nobody else's.
    let at = |value: f64| model.explain(&[&[value], vec![0.0; width - 1].as_slice()].concat()).unwrap();
    let (zero, one, two) = (at(0.0), at(1.0), at(2.0));
    for output in 0..model.raw_count() {
        let [zero, one, two] = [&zero, &one, &two].map(|explained| explained.of_output(output));
        // The first column is prepared: centred and scaled, which keeps steps equal.
        let (first, second) = (one[0] - zero[0], two[0] - one[0]);
        assert!(first != 0.0 && (first - second).abs() < 1e-12, "{zero:?} {one:?} {two:?}");
        assert_eq!((&one[1..], &zero[1..]), (&two[1..], &two[1..]));
    }
}

/// A line over two features for each of two outputs, without an imputer.
fn two_lines() -> WideForest {
    let line = |output: u16, terms: [f64; 2]| WideTree {
        nodes: vec![WideNode::Leaf(0)],
        output: Some(output),
        leaves: vec![0.0],
        lines: vec![LinearLeaf { constant: 0.5, terms: (0..).zip(terms).collect() }],
        cover: Vec::new(),
    };
    let (values, sum) = (Precision::Double, Precision::Double);
    let trees = vec![line(0, [2.0, -1.0]), line(1, [0.0, 4.0])];
    WideForest { trees, sets: Vec::new(), base: vec![0.0; 2], values, sum }
}

#[test]
fn a_line_that_does_not_score_a_row_has_no_part_in_it() {
    let info = ModelInfo::new("lines", "1", "ml", features(2));
    let draft = ModelDraft::new(info, vec![(1.0, MemberDraft::Wide(two_lines()))]).unwrap();
    let outputs =
        Outputs { scales: vec![3.0, 0.5], ..Outputs::plain(2, Precision::Double, Link::MeanSigmoid) };
    let model = opened(&draft.with_outputs(outputs).unwrap());
    let scored = model.explain(&[10.0, 1.0]).unwrap();
    assert_eq!((scored.base_values, scored.contributions), (vec![1.5, 0.25], vec![60.0, -3.0, 0.0, 2.0]));
    // A missing value leaves the leaf's plain value, 0.
    let missing = model.explain(&[10.0, f64::NAN]).unwrap();
    assert_eq!((missing.base_values, missing.contributions), (vec![0.0; 2], vec![0.0; 4]));
}
