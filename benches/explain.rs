//! What does it cost to explain a row?
//!
//! 300 trees of 15 leaves each, at most 6 deep, over 36 features, with covers: 4,500 leaves. Distinct rows are cycled; the
//! parts of every answer must add up to the score. `cargo bench -p stormglass --bench explain`

mod support;

use std::{hint::black_box, time::Instant};

use model::{
    MemberDraft, Model, ModelDraft, ModelInfo,
    forest::{CanonicalForest, CanonicalNode, CanonicalTree, Missing, SumKind},
    schema::FeatureName,
};

const TREES: usize = 300;
const LEAVES: usize = 15;
const DEPTH_MAX: u32 = 6;
const FEATURES: usize = 36;

fn main() {
    let (rows, rounds) = (support::size(4_096, 64), support::size(9, 1));
    let mut random = Random(7);
    let model = model(&mut random);
    let began = Instant::now();
    let explainer = model.explainer().expect("trees with covers are explained");
    println!("explain: {} by {}", model.info().node_count, explainer.method_name());
    println!("explain: preparing {:.1} ms", began.elapsed().as_secs_f64() * 1e3);
    let rows: Vec<Vec<f64>> = (0..rows)
        .map(|_| {
            let value = |random: &mut Random| match random.below(20) {
                0 => f64::NAN,
                _ => random.unit(),
            };
            (0..FEATURES).map(|_| value(&mut random)).collect()
        })
        .collect();
    let mut microseconds: Vec<f64> = Vec::new();
    for _ in 0..rounds {
        let began = Instant::now();
        for row in &rows {
            black_box(model.explain(black_box(row)).expect("as above"));
        }
        microseconds.push(began.elapsed().as_secs_f64() * 1e6 / rows.len() as f64);
    }
    microseconds.sort_by(f64::total_cmp);
    for row in &rows {
        let explanation = model.explain(row).expect("as above");
        let sum: f64 = explanation.contributions.iter().sum();
        let mut score = [0.0];
        model.predict_raw(row, &mut score);
        assert!((explanation.base_values[0] + sum - score[0]).abs() < 1e-9, "the parts add up to the score");
    }
    println!(
        "explain: {:.1} us a row ({:.1} .. {:.1} in {rounds} rounds of {} rows)",
        microseconds[rounds / 2],
        microseconds[0],
        microseconds[rounds - 1],
        rows.len()
    );
}

fn model(random: &mut Random) -> Model {
    let trees = (0..TREES).map(|_| tree(random)).collect();
    let forest = CanonicalForest { trees, base: -2.0, sum: SumKind::F64 };
    let features = (0..FEATURES).map(|at| FeatureName::new(format!("f{at}"), 0)).collect();
    let info = ModelInfo::new("bench", "1", "ml", features);
    let draft = ModelDraft::new(info, vec![(1.0, MemberDraft::Forest(forest))]).expect("sound trees");
    Model::from_bytes(&draft.to_bytes().expect("small trees")).expect("what was just written")
}

/// Grown leaf by leaf, like a boosted tree.
fn tree(random: &mut Random) -> CanonicalTree {
    let mut nodes = vec![CanonicalNode::Leaf(0.0)];
    let (mut cover, mut leaves) = (vec![1000.0], vec![(0_usize, 0_u32)]);
    while leaves.len() < LEAVES {
        let chosen = random.below(leaves.len());
        let (at, depth) = leaves[chosen];
        if depth == DEPTH_MAX {
            continue;
        }
        leaves.swap_remove(chosen);
        let left = nodes.len() as u32;
        nodes[at] = CanonicalNode::Split {
            feature: random.below(FEATURES) as u16,
            threshold: random.unit() as f32,
            missing: if random.below(2) == 0 { Missing::Left } else { Missing::Right },
            left,
            right: left + 1,
        };
        nodes.extend([CanonicalNode::Leaf(0.0); 2]);
        let share = 0.1 + 0.8 * random.unit();
        cover.extend([cover[at] * share, cover[at] * (1.0 - share)]);
        leaves.extend([(left as usize, depth + 1), (left as usize + 1, depth + 1)]);
    }
    for node in &mut nodes {
        if let CanonicalNode::Leaf(value) = node {
            *value = f64::from((random.unit() - 0.5) as f32 * 0.1);
        }
    }
    CanonicalTree { nodes, cover }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
