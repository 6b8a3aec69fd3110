//! Random forests and rows: thresholds and values come from one small set, so that they often meet exactly.

use stormglass_model::{
    MemberDraft, ModelDraft, ModelInfo,
    forest::{CanonicalForest, CanonicalNode, CanonicalTree, Missing, SumKind},
    schema::FeatureName,
};

/// SplitMix64 (Steele, Lea, Flood 2014): enough for shapes of trees.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A value of a row, or a threshold where it can be one.
    pub(crate) fn value(&mut self) -> f32 {
        const NAMED: [f32; 12] = [
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            0.0,
            -0.0,
            f32::MAX,
            f32::MIN,
            f32::MIN_POSITIVE,
            1e-45,
            -1e-45,
            1.0,
            -1.0,
        ];
        match self.below(3) {
            0 => NAMED[self.below(NAMED.len())],
            _ => (self.below(41) as f32 - 20.0) * 0.1,
        }
    }

    fn threshold(&mut self) -> f32 {
        loop {
            let value = self.value();
            if !value.is_nan() && value != f32::NEG_INFINITY {
                return value;
            }
        }
    }
}

/// What a random forest looks like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) trees: usize,
    pub(crate) depth_max: u32,
    pub(crate) features: usize,
    /// Every tree as deep as it may be.
    pub(crate) complete: bool,
    pub(crate) sum: SumKind,
}

pub(crate) fn forest(random: &mut Random, shape: Shape) -> CanonicalForest {
    let trees = (0..shape.trees).map(|_| tree(random, shape)).collect();
    let base = f64::from(leaf(random));
    CanonicalForest { trees, base, sum: shape.sum }
}

/// Trees that ask one question on each level.
#[allow(dead_code, reason = "not every test has them")]
pub(crate) fn oblivious_forest(random: &mut Random, shape: Shape) -> CanonicalForest {
    let mut made = forest(random, Shape { trees: 1, depth_max: 0, ..shape });
    made.trees = (0..shape.trees).map(|_| oblivious_tree(random, shape)).collect();
    made
}

#[allow(dead_code, reason = "not every test has them")]
fn oblivious_tree(random: &mut Random, shape: Shape) -> CanonicalTree {
    let depth = random.below(shape.depth_max as usize + 1);
    let mut nodes = Vec::new();
    for level in 0..depth {
        let (feature, threshold) = (random.below(shape.features) as u16, random.threshold());
        let missing = [Missing::Left, Missing::Right, Missing::Zero][random.below(3)];
        for _ in 0..1 << level {
            let left = 2 * nodes.len() as u32 + 1;
            nodes.push(CanonicalNode::Split { feature, threshold, missing, left, right: left + 1 });
        }
    }
    nodes.extend((0..1 << depth).map(|_| CanonicalNode::Leaf(leaf_of(random, shape.sum))));
    CanonicalTree { nodes, cover: Vec::new() }
}

/// An f64 leaf is not an f32 one: the third part shows a table that rounds.
fn leaf_of(random: &mut Random, sum: SumKind) -> f64 {
    let value = f64::from(leaf(random));
    if sum == SumKind::F64Leaves { value / 3.0 } else { value }
}

fn leaf(random: &mut Random) -> f32 {
    (random.unit() - 0.5) as f32
}

fn tree(random: &mut Random, shape: Shape) -> CanonicalTree {
    let mut nodes = vec![CanonicalNode::Leaf(0.0)];
    let mut open = vec![(0_usize, 0_u32)];
    while let Some((at, depth)) = open.pop() {
        if depth == shape.depth_max || (!shape.complete && random.below(4) == 0) {
            nodes[at] = CanonicalNode::Leaf(leaf_of(random, shape.sum));
            continue;
        }
        let left = nodes.len() as u32;
        nodes[at] = CanonicalNode::Split {
            feature: random.below(shape.features) as u16,
            threshold: random.threshold(),
            missing: [Missing::Left, Missing::Right, Missing::Zero][random.below(3)],
            left,
            right: left + 1,
        };
        nodes.extend([CanonicalNode::Leaf(0.0); 2]);
        open.extend([(left as usize, depth + 1), (left as usize + 1, depth + 1)]);
    }
    CanonicalTree { nodes, cover: Vec::new() }
}

pub(crate) fn features(count: usize) -> Vec<FeatureName> {
    (0..count).map(|number| FeatureName::new(format!("f{number}"), 1)).collect()
}

pub(crate) fn row(random: &mut Random, features: usize) -> Vec<f32> {
    (0..features).map(|_| random.value()).collect()
}

pub(crate) fn draft(features_count: usize, members: Vec<(f64, MemberDraft)>) -> ModelDraft {
    ModelDraft::new(ModelInfo::new("random", "1", "ml", features(features_count)), members).unwrap()
}
