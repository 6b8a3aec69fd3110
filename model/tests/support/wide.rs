//! Random wide forests: every kind of node, sum and leaf.

use stormglass_model::{
    Link, MemberDraft, ModelDraft, ModelInfo, Outputs,
    forest::{CategorySet, LinearLeaf, MissingRule, Precision, SetRule, WideForest, WideNode, WideTree},
};

use crate::forests::{Random, features};

pub(crate) const FEATURES: usize = 6;

const LINKS: [Link; 9] = [
    Link::Identity,
    Link::Sigmoid { slope: 2.0 },
    Link::Softmax,
    Link::FastSoftmax,
    Link::Exponential,
    Link::SignedSquare,
    Link::Hinge,
    Link::Softplus,
    Link::ArgMax,
];

pub(crate) fn draft(random: &mut Random, outputs: usize) -> ModelDraft {
    let forest = forest(random, outputs);
    let mut after = Outputs::plain(outputs, forest.sum, LINKS[random.below(LINKS.len())]);
    (after.divisor, after.scale, after.link_divisor) = (3.0, 0.75, 2.0);
    after.bias[0] = 0.5;
    let members = vec![(1.0, MemberDraft::Wide(forest))];
    let info = ModelInfo::new("wide", "1", "ml", features(FEATURES));
    ModelDraft::new(info, members).unwrap().with_outputs(after).unwrap()
}

fn precision(random: &mut Random) -> Precision {
    [Precision::Single, Precision::Double][random.below(2)]
}

fn forest(random: &mut Random, outputs: usize) -> WideForest {
    let set = |random: &mut Random| CategorySet {
        rule: [SetRule::Exact, SetRule::Truncated, SetRule::NotNegative][random.below(3)],
        members: (0..6).filter(|_| random.below(2) == 0).map(f64::from).collect(),
    };
    let (values, sum, vector) = (precision(random), precision(random), random.below(3) == 0);
    let tree = |random: &mut Random| {
        let output = (!vector).then(|| random.below(outputs) as u16);
        tree(random, output, outputs, sum)
    };
    WideForest {
        sets: (0..4).map(|_| set(random)).collect(),
        trees: (0..1 + random.below(30)).map(|_| tree(random)).collect(),
        base: (0..outputs).map(|at| at as f64 * 0.5).collect(),
        values,
        sum,
    }
}

fn tree(random: &mut Random, output: Option<u16>, outputs: usize, sum: Precision) -> WideTree {
    let mut nodes = vec![WideNode::Leaf(0)];
    let mut leaf_count = 0;
    let mut open = vec![(0_usize, 0_u32)];
    while let Some((at, depth)) = open.pop() {
        if depth == 5 || random.below(4) == 0 {
            nodes[at] = WideNode::Leaf(leaf_count);
            leaf_count += 1;
            continue;
        }
        let (feature, left) = (random.below(FEATURES) as u16, nodes.len() as u32);
        let right = left + 1;
        let missing = [
            MissingRule::Left,
            MissingRule::Right,
            MissingRule::Zero,
            MissingRule::ZeroLeft,
            MissingRule::ZeroRight,
        ][random.below(5)];
        nodes[at] = if random.below(3) == 0 {
            let (set, missing_left) = (random.below(4) as u32, random.below(2) == 0);
            WideNode::Member { feature, set, missing_left, left, right }
        } else {
            let threshold = value(random);
            let threshold = if threshold.is_nan() { 0.1 } else { threshold };
            WideNode::Split { feature, threshold, missing, left, right }
        };
        nodes.extend([WideNode::Leaf(0); 2]);
        open.extend([(left as usize, depth + 1), (right as usize, depth + 1)]);
    }
    let width = if output.is_some() { 1 } else { outputs };
    let leaves = (0..leaf_count as usize * width).map(|_| sum.round(random.unit() - 0.5)).collect();
    let line = |random: &mut Random| LinearLeaf {
        constant: random.unit(),
        terms: (0..random.below(3)).map(|at| (at as u16, random.unit())).collect(),
    };
    let linear = output.is_some() && sum == Precision::Double && random.below(3) == 0;
    let lines = (0..leaf_count).filter(|_| linear).map(|_| line(random)).collect();
    WideTree { nodes, output, leaves, lines, cover: Vec::new() }
}

/// A value of a row: often one that a split or a set asks for.
pub(crate) fn value(random: &mut Random) -> f64 {
    match random.below(4) {
        0 => f64::from(random.value()),
        1 => random.below(8) as f64 - 1.0,
        2 => [1e-35, -1e-35, 1e-36, 0.1, f64::from(0.1_f32), -0.5, 3.7, 1e300][random.below(8)],
        _ => (random.below(41) as f64 - 20.0) * 0.1,
    }
}

pub(crate) fn row(random: &mut Random) -> Vec<f64> {
    (0..FEATURES).map(|_| value(random)).collect()
}
