//! The fast walks give the plain walk's bits.
#![allow(clippy::unwrap_used)]

#[path = "support/forests.rs"]
mod forests;

use forests::{Random, Shape, draft, forest, oblivious_forest, row};
use proptest::prelude::*;
use stormglass_model::{
    Calibration, MemberDraft, Model, ModelDraft, ModelInfo,
    forest::{
        CanonicalForest, CanonicalNode, CanonicalTree, Kernel, Layout, Missing, SumKind, narrow_threshold,
    },
    linear::{LinearDraft, LinearTerm},
};

/// The log-odds of a row.
fn raw(model: &Model, row: &[f32]) -> f64 {
    let mut score = [0.0];
    model.predict_raw(row, &mut score);
    score[0]
}

/// Holds a model to its draft over random rows, in each layout that can hold its forests. Gives how many could.
fn hold_together(draft: &ModelDraft, random: &mut Random, rows: usize) -> usize {
    let layouts = [Layout::Auto, Layout::Narrow, Layout::ByteBlock, Layout::Oblivious, Layout::Ragged];
    let fitting = layouts.into_iter().filter_map(|layout| draft.clone().with_layout(layout).ok());
    fitting.map(|draft| hold_layout(&draft, random, rows)).count()
}

fn hold_layout(draft: &ModelDraft, random: &mut Random, rows: usize) {
    let mut model = Model::from_bytes(&draft.to_bytes().unwrap()).unwrap();
    assert_eq!(model.info().node_count, draft.info().node_count);
    let width = draft.info().features.len();
    let rows: Vec<Vec<f32>> = (0..rows).map(|_| row(random, width)).collect();
    let mut batch = vec![0.0; rows.len()];
    model.predict_batch(&rows.concat(), &mut batch);
    for (row, in_batch) in rows.iter().zip(batch) {
        let (log_odds, probability) = (draft.predict_raw(row)[0], draft.predict(row));
        let bits = log_odds.to_bits();
        assert_eq!(raw(&model, row).to_bits(), bits, "unchecked, row {row:?}");
        let mut checked = [0.0];
        model.predict_raw_checked(row, &mut checked);
        assert_eq!(checked[0].to_bits(), bits, "checked, row {row:?}");
        assert_eq!(in_batch.to_bits(), probability.to_bits(), "in a batch, row {row:?}");
        assert_eq!(model.predict(row).to_bits(), probability.to_bits(), "alone, row {row:?}");
        for kernel in Kernel::ALL {
            if model.set_kernel(kernel) {
                assert_eq!(raw(&model, row).to_bits(), bits, "{kernel:?}, row {row:?}");
            }
        }
        assert!(log_odds.is_finite() && (0.0..=1.0).contains(&probability));
    }
}

fn sums() -> impl Strategy<Value = SumKind> {
    prop_oneof![Just(SumKind::F32), Just(SumKind::F64), Just(SumKind::F64Leaves)]
}

proptest! {
    #[test]
    fn a_random_forest_scores_as_its_plain_walk(
        seed: u64, trees in 1_usize..450, depth_max in 0_u32..9, features in 1_usize..60, sum in sums(),
    ) {
        let mut random = Random(seed);
        let shape = Shape { trees, depth_max, features, complete: false, sum };
        let draft = draft(features, vec![(1.0, MemberDraft::Forest(forest(&mut random, shape)))]);
        hold_together(&draft, &mut random, 20);
    }

    #[test]
    fn a_narrowed_threshold_splits_every_f32_as_the_f64_did(threshold: f64, value: f32, steps in -2_i32..=2) {
        // Random values are far from the threshold; the neighbours of its f32 are where an error would show.
        let mut near = threshold as f32;
        for _ in 0..steps.abs() {
            near = if steps < 0 { near.next_down() } else { near.next_up() };
        }
        for value in [value, near] {
            prop_assert_eq!(value < narrow_threshold(threshold), f64::from(value) < threshold);
        }
    }

    #[test]
    fn a_forest_of_few_thresholds_scores_as_its_plain_walk_in_bytes(
        seed: u64, trees in 1_usize..40, depth_max in 0_u32..14, features in 1_usize..40, sum in sums(),
        complete: bool,
    ) {
        let mut random = Random(seed);
        let complete = complete && depth_max < 8;
        let shape = Shape { trees, depth_max, features, complete, sum };
        let draft = draft(features, vec![(1.0, MemberDraft::Forest(forest(&mut random, shape)))]);
        // Few values are asked for, so bytes can number them.
        prop_assert!(draft.clone().with_layout(Layout::ByteBlock).is_ok());
        if depth_max < 9 {
            prop_assert!(draft.clone().with_layout(Layout::Ragged).is_ok());
        }
        hold_together(&draft, &mut random, 20);
    }

    #[test]
    fn an_oblivious_forest_scores_as_its_plain_walk(
        seed: u64, trees in 1_usize..150, depth_max in 0_u32..9, features in 1_usize..40, sum in sums(),
    ) {
        let mut random = Random(seed);
        let shape = Shape { trees, depth_max, features, complete: false, sum };
        let draft = draft(features, vec![(1.0, MemberDraft::Forest(oblivious_forest(&mut random, shape)))]);
        prop_assert_eq!(hold_together(&draft, &mut random, 20), 5);
    }
}

#[test]
fn every_size_of_slot_row_is_walked_alike() {
    for (features, trees) in [(1, 20), (21, 100), (42, 100), (170, 300), (400, 700), (1300, 1200)] {
        let mut random = Random(features as u64);
        let shape = Shape { trees, depth_max: 5, features, complete: true, sum: SumKind::F64 };
        let draft = draft(features, vec![(1.0, MemberDraft::Forest(forest(&mut random, shape)))]);
        hold_together(&draft, &mut random, 10);
    }
}

#[test]
fn a_forest_larger_than_the_cache_scores_a_batch_as_its_rows() {
    let mut random = Random(23);
    for (features, sum) in [(3, SumKind::F32), (30, SumKind::F64Leaves)] {
        let shape = Shape { trees: 150, depth_max: 9, features, complete: true, sum };
        let draft = draft(features, vec![(1.0, MemberDraft::Forest(forest(&mut random, shape)))]);
        hold_layout(&draft.with_layout(Layout::Narrow).unwrap(), &mut random, 75);
    }
}

#[test]
fn a_chain_as_deep_as_allowed_and_a_lone_leaf_share_a_forest() {
    let split = |at: u32| CanonicalNode::Split {
        feature: 0,
        threshold: at as f32,
        missing: Missing::Right,
        left: 2 * at + 1,
        right: 2 * at + 2,
    };
    let mut nodes = Vec::new();
    for at in 0..255 {
        nodes.push(split(at));
        nodes.push(CanonicalNode::Leaf(f64::from(at)));
    }
    nodes.push(CanonicalNode::Leaf(-1.0));
    // Rewrite the positions: split i is node 2i, its leaf 2i+1, the next split 2i+2.
    for at in 0..255_u32 {
        if let CanonicalNode::Split { left, right, .. } = &mut nodes[2 * at as usize] {
            (*left, *right) = (2 * at + 1, 2 * at + 2);
        }
    }
    let trees = vec![tree(nodes), tree(vec![CanonicalNode::Leaf(0.5)])];
    let forest = CanonicalForest { trees, base: 0.0, sum: SumKind::F64 };
    let draft = draft(1, vec![(1.0, MemberDraft::Forest(forest))]);
    let model = Model::from_bytes(&draft.to_bytes().unwrap()).unwrap();
    assert_eq!(raw(&model, &[-5.0]), 0.5);
    assert_eq!(raw(&model, &[253.5]), 254.5);
    assert_eq!(raw(&model, &[f32::NAN]), -0.5);
    hold_together(&draft, &mut Random(1), 200);
}

fn tree(nodes: Vec<CanonicalNode>) -> CanonicalTree {
    CanonicalTree { nodes, cover: Vec::new() }
}

#[test]
fn a_missing_value_goes_its_nodes_way_and_a_threshold_goes_right() {
    for (missing, expected) in [(Missing::Left, -1.0), (Missing::Right, 1.0), (Missing::Zero, 1.0)] {
        let split = CanonicalNode::Split { feature: 0, threshold: -2.0, missing, left: 1, right: 2 };
        let tree = tree(vec![split, CanonicalNode::Leaf(-1.0), CanonicalNode::Leaf(1.0)]);
        let forest = CanonicalForest { trees: vec![tree], base: 0.0, sum: SumKind::F32 };
        let draft = draft(1, vec![(1.0, MemberDraft::Forest(forest))]);
        let model = Model::from_bytes(&draft.to_bytes().unwrap()).unwrap();
        assert_eq!(raw(&model, &[f32::NAN]), expected);
        assert_eq!(raw(&model, &[-2.0]), 1.0);
        assert_eq!(raw(&model, &[(-2.0_f32).next_down()]), -1.0);
        assert_eq!(raw(&model, &[f32::NEG_INFINITY]), -1.0);
        assert_eq!(raw(&model, &[f32::INFINITY]), 1.0);
    }
}

#[test]
fn members_are_averaged_in_log_odds_and_calibrated() {
    let term = |coefficient: f64| LinearTerm {
        coefficient,
        low: -10.0,
        high: 10.0,
        imputed: 0.5,
        missing_coefficient: 0.25,
    };
    let linear = LinearDraft { terms: vec![term(2.0), term(-1.0)], intercept: 0.125 };
    assert_eq!(linear.score(&[1.0, 3.0]), 0.125 + 2.0 - 3.0);
    assert_eq!(linear.score(&[f32::NAN, 3.0]), 0.125 + (1.0 + 0.25) - 3.0);
    assert_eq!(linear.score(&[f32::INFINITY, 3.0]), 0.125 + 20.0 - 3.0, "clamped to what training saw");

    let mut random = Random(3);
    let shape = Shape { trees: 37, depth_max: 4, features: 2, complete: false, sum: SumKind::F64 };
    let mut info = ModelInfo::new("both", "2", "ml", forests::features(2));
    info.calibration = Some(Calibration { a: 0.75, b: -0.1 });
    let members =
        vec![(0.5, MemberDraft::Linear(linear)), (0.5, MemberDraft::Forest(forest(&mut random, shape)))];
    let draft = ModelDraft::new(info, members).unwrap();
    hold_together(&draft, &mut random, 500);
    let row = [0.3, -0.7];
    let [(_, MemberDraft::Linear(linear)), (_, MemberDraft::Forest(forest))] = draft.members() else {
        panic!("the members are those above")
    };
    let raw = 0.5 * linear.score(&row) + 0.5 * forest.score(&row);
    assert_eq!(draft.predict_raw(&row)[0], 0.75 * raw - 0.1);
}
