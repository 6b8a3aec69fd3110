//! Wide forests: the walk over a file gives the plain walk's bits, damage is refused, narrowing changes nothing.
#![allow(clippy::unwrap_used)]

#[path = "support/forests.rs"]
mod forests;
#[path = "support/wide.rs"]
mod wide;

use forests::Random;
use proptest::prelude::*;
use stormglass_model::{
    Link, MemberDraft, Model, ModelDraft, ModelInfo, Outputs,
    forest::{Layout, MissingRule, Precision, WideForest, WideNode, WideTree},
    preparation::{Preparation, PreparedFeature},
};

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

proptest! {
    #[test]
    fn a_wide_forest_scores_as_its_plain_walk(seed: u64, outputs in 1_usize..5) {
        let mut random = Random(seed);
        let draft = wide::draft(&mut random, outputs);
        let model = Model::from_bytes(&draft.to_bytes().unwrap()).unwrap();
        for _ in 0..20 {
            let row = wide::row(&mut random);
            let mut raw = vec![0.0; model.raw_count()];
            model.predict_raw(&row, &mut raw);
            prop_assert_eq!(bits(&raw), bits(&draft.predict_raw(&row)));
            let mut answers = vec![0.0; model.answer_count()];
            model.predict_batch(&row, &mut answers);
            prop_assert!(answers.iter().all(|answer| !answer.is_nan()));

            let singles: Vec<f32> = row.iter().map(|&value| value as f32).collect();
            model.predict_raw(&singles, &mut raw);
            prop_assert_eq!(bits(&raw), bits(&draft.predict_raw(&singles)));
            if model.answer_count() == 1 {
                prop_assert_eq!(model.predict(&singles).to_bits(), draft.predict(&singles).to_bits());
            }
        }
    }
}

#[test]
fn damage_to_a_wide_file_is_refused_or_walked_within_bounds() {
    let mut random = Random(9);
    let draft = wide::draft(&mut random, 2).with_layout(Layout::Wide).unwrap();
    let whole = draft.to_bytes().unwrap();
    for _ in 0..20_000 {
        let mut damaged = whole.clone();
        let at = 64 + 32 * 3 + random.below(damaged.len() - 64 - 32 * 3);
        damaged[at] ^= 1 << random.below(8);
        for number in 0..3 {
            let entry = 64 + 32 * number;
            let word = |at: usize| u64::from_le_bytes(whole[at..at + 8].try_into().unwrap()) as usize;
            let (start, length) = (word(entry + 8), word(entry + 16));
            let checksum = crc32c::crc32c(&damaged[start..start + length]);
            damaged[entry + 24..entry + 28].copy_from_slice(&checksum.to_le_bytes());
        }
        let head = crc32c::crc32c_append(crc32c::crc32c(&damaged[..60]), &damaged[64..64 + 32 * 3]);
        damaged[60..64].copy_from_slice(&head.to_le_bytes());
        if let Ok(model) = Model::from_bytes(&damaged) {
            let mut answers = vec![0.0; model.answer_count()];
            model.predict_batch(&wide::row(&mut random)[..model.info().features.len()], &mut answers);
        }
    }
}

#[test]
fn a_narrowed_forest_gives_the_wide_ones_bits() {
    let split =
        |threshold: f64, missing| WideNode::Split { feature: 0, threshold, missing, left: 1, right: 2 };
    for missing in [MissingRule::Left, MissingRule::Right, MissingRule::Zero] {
        for threshold in [0.1, -3.5, 0.0, -0.0, f64::INFINITY, 1e300, f64::from(f32::MAX)] {
            let tree = WideTree {
                nodes: vec![split(threshold, missing), WideNode::Leaf(0), WideNode::Leaf(1)],
                output: Some(0),
                leaves: vec![0.1, 0.2],
                lines: vec![],
                cover: vec![],
            };
            let (values, sum) = (Precision::Single, Precision::Double);
            let forest = WideForest { trees: vec![tree], sets: vec![], base: vec![0.3], values, sum };
            let narrow = forest.narrowed().unwrap();
            let near = threshold as f32;
            for value in [near, near.next_up(), near.next_down(), f32::NAN, 0.0, f32::INFINITY, f32::MIN] {
                let wide = forest.score(&[f64::from(value)])[0];
                assert_eq!(
                    narrow.score(&[value]).to_bits(),
                    wide.to_bits(),
                    "{threshold} {missing:?} {value}"
                );
            }
        }
    }
}

#[test]
fn a_wide_forest_needs_outputs_and_stands_alone() {
    let mut random = Random(4);
    let [(_, member)] = wide::draft(&mut random, 2).members().to_vec().try_into().unwrap();
    let info = || ModelInfo::new("w", "1", "ml", forests::features(wide::FEATURES));
    let two = vec![(1.0, member.clone()), (1.0, member.clone())];
    assert!(ModelDraft::new(info(), two).unwrap_err().to_string().contains("stands alone"));
    let bare = ModelDraft::new(info(), vec![(1.0, member)]).unwrap();
    assert!(bare.to_bytes().unwrap_err().to_string().contains("needs outputs"));
    let three = Outputs::plain(3, Precision::Double, Link::Softmax);
    assert!(bare.with_outputs(three).unwrap_err().to_string().contains("3 for members that give 2"));
}

#[test]
fn a_narrow_forest_may_have_a_link_of_its_own() {
    let mut random = Random(8);
    let shape = forests::Shape {
        trees: 9,
        depth_max: 3,
        features: 2,
        complete: false,
        sum: stormglass_model::forest::SumKind::F32,
    };
    let forest = forests::forest(&mut random, shape);
    let outputs = Outputs::plain(1, Precision::Single, Link::Exponential);
    let draft = forests::draft(2, vec![(1.0, MemberDraft::Forest(forest))]).with_outputs(outputs).unwrap();
    let model = Model::from_bytes(&draft.to_bytes().unwrap()).unwrap();
    assert!(!model.gives_probability());
    let mut score = [0.0];
    for _ in 0..100 {
        let singles = forests::row(&mut random, 2);
        let row: Vec<f64> = singles.iter().map(|&value| f64::from(value)).collect();
        let mut of_singles = [0.0];
        model.predict_raw(&row, &mut score);
        model.predict_raw(&singles, &mut of_singles);
        assert_eq!(score, of_singles);
        let expected = f64::from(score[0].exp() as f32);
        assert_eq!((model.predict(&row), model.predict(&singles)), (expected, expected));
    }
}

#[test]
fn a_forest_whose_rows_are_prepared_stays_in_wide_nodes() {
    let split = |tree: u32| WideNode::Split {
        feature: 0,
        threshold: f64::from(tree),
        missing: MissingRule::Left,
        left: 1,
        right: 2,
    };
    let tree = |tree: u32| WideTree {
        nodes: vec![split(tree), WideNode::Leaf(0), WideNode::Leaf(1)],
        output: Some(0),
        leaves: vec![-0.5, 0.5],
        lines: Vec::new(),
        cover: Vec::new(),
    };
    let (values, sum) = (Precision::Double, Precision::Double);
    let forest =
        WideForest { trees: (0..100).map(tree).collect(), sets: Vec::new(), base: vec![0.0], values, sum };
    let info = ModelInfo::new("prepared", "1", "ml", forests::features(1));
    let draft = ModelDraft::new(info, vec![(1.0, MemberDraft::Wide(forest))]).unwrap();
    let draft = draft.with_outputs(Outputs::plain(1, sum, Link::Identity)).unwrap();
    let part = PreparedFeature { imputed: 7.0, center: 1.0, scale: 2.0 };
    let prepared = draft.clone().with_preparation(Preparation { features: vec![part] }).unwrap();
    // Left to itself the forest is kept in bytes, which read a row as it is.
    let layouts = |draft: &ModelDraft| {
        let model = Model::from_bytes(&draft.to_bytes().unwrap()).unwrap();
        (model.layouts().collect::<Vec<_>>(), model.predict(&[f32::NAN]))
    };
    assert_ne!(layouts(&draft).0, [Layout::Wide]);
    assert_eq!(layouts(&prepared), (vec![Layout::Wide], prepared.predict(&[f32::NAN])));
}
