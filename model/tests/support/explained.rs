//! Shapley values by their definition: every subset of the features.

use stormglass_model::forest::{CanonicalForest, CanonicalNode, CanonicalTree, Missing};

use crate::forests::Random;

/// The forest with random covers; here and there a branch that saw nothing.
pub(crate) fn with_covers(mut forest: CanonicalForest, random: &mut Random) -> CanonicalForest {
    for tree in &mut forest.trees {
        let mut cover = vec![0.0; tree.nodes.len()];
        for at in (0..tree.nodes.len()).rev() {
            cover[at] = match tree.nodes[at] {
                CanonicalNode::Leaf(_) if random.below(8) == 0 => 0.0,
                CanonicalNode::Leaf(_) => random.unit() * 100.0,
                CanonicalNode::Split { left, right, .. } => cover[left as usize] + cover[right as usize],
            };
        }
        if cover[0] == 0.0 {
            cover.fill(1.0);
            for at in (0..tree.nodes.len()).rev() {
                if let CanonicalNode::Split { left, right, .. } = tree.nodes[at] {
                    cover[at] = cover[left as usize] + cover[right as usize];
                }
            }
        }
        tree.cover = cover;
    }
    forest
}

/// Base value and contributions.
pub(crate) fn shapley_by_definition(forest: &CanonicalForest, row: &[f32]) -> (f64, Vec<f64>) {
    let count = row.len();
    let worth: Vec<f64> = (0..1_usize << count)
        .map(|known| forest.base + forest.trees.iter().map(|tree| expect(tree, 0, row, known)).sum::<f64>())
        .collect();
    let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
    let contribution = |feature: usize| {
        let without = (0..worth.len()).filter(|known| known >> feature & 1 == 0);
        let terms = without.map(|known| {
            let size = known.count_ones();
            let weight = factorial(size) * factorial(count as u32 - 1 - size) / factorial(count as u32);
            weight * (worth[known | 1 << feature] - worth[known])
        });
        terms.sum()
    };
    (worth[0], (0..count).map(contribution).collect())
}

/// What a tree expects when only some features are known.
fn expect(tree: &CanonicalTree, at: usize, row: &[f32], known: usize) -> f64 {
    let CanonicalNode::Split { feature, threshold, missing, left, right } = tree.nodes[at] else {
        let CanonicalNode::Leaf(value) = tree.nodes[at] else { unreachable!() };
        return value;
    };
    let (left, right) = (left as usize, right as usize);
    if known >> feature & 1 == 1 {
        let value = row[usize::from(feature)];
        let goes_left = match missing {
            Missing::Left => value.is_nan() || value < threshold,
            Missing::Right => value < threshold,
            Missing::Zero => {
                if value.is_nan() {
                    0.0 < threshold
                } else {
                    value < threshold
                }
            }
        };
        return expect(tree, if goes_left { left } else { right }, row, known);
    }
    let share = if tree.cover[at] > 0.0 { tree.cover[left] / tree.cover[at] } else { 0.5 };
    let other = if tree.cover[at] > 0.0 { tree.cover[right] / tree.cover[at] } else { 0.5 };
    share * expect(tree, left, row, known) + other * expect(tree, right, row, known)
}

/// Different features on the longest path.
pub(crate) fn longest_path(forest: &CanonicalForest) -> usize {
    fn longest(tree: &CanonicalTree, at: usize, asked: usize) -> usize {
        match tree.nodes[at] {
            CanonicalNode::Leaf(_) => asked.count_ones() as usize,
            CanonicalNode::Split { feature, left, right, .. } => {
                let asked = asked | 1 << feature;
                longest(tree, left as usize, asked).max(longest(tree, right as usize, asked))
            }
        }
    }
    forest.trees.iter().map(|tree| longest(tree, 0, 0)).max().unwrap_or(0)
}
