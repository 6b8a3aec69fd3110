//! Explains trees without node covers by the changes of the mean along a row's path.

use super::question::{Question, Questions};
use crate::forest::{WideForest, WideNode, WideTree, unpack::breadth_first};

#[derive(Debug)]
struct Node {
    question: Question,
    feature: u16,
    /// Position of the left child, which the right one follows; 0 at a leaf.
    left: u32,
}

/// A tree with every node's mean.
#[derive(Debug)]
pub(super) struct SaabasTree {
    nodes: Vec<Node>,
    /// Each node's mean, or its means for all outputs.
    means: Vec<f64>,
    output: Option<usize>,
    width: usize,
}

impl SaabasTree {
    /// Adds the root's means to `expected`.
    pub(super) fn new(
        forest: &WideForest,
        tree: &WideTree,
        questions: &mut Questions,
        expected: &mut [f64],
    ) -> Self {
        let children = |at: u32| tree.nodes[at as usize].children();
        let order = breadth_first(0, tree.nodes.len(), children);
        let width = if tree.output.is_some() { 1 } else { forest.base.len() };
        let (mut nodes, mut next) = (Vec::with_capacity(order.len()), 1);
        for &at in &order {
            let split = questions.of(tree.nodes[at as usize]);
            let (feature, question) = split.unwrap_or((0, Question { slot: 0, threshold: 0.0 }));
            let left = if split.is_some() { next } else { 0 };
            next += if split.is_some() { 2 } else { 0 };
            nodes.push(Node { question, feature, left });
        }
        let mut means = vec![0.0; nodes.len() * width];
        for at in (0..nodes.len()).rev() {
            for output in 0..width {
                means[at * width + output] = match tree.nodes[order[at] as usize] {
                    WideNode::Leaf(leaf) => tree.leaves[leaf as usize * width + output],
                    _ => {
                        let left = nodes[at].left as usize * width + output;
                        0.5 * (means[left] + means[left + width])
                    }
                };
            }
        }
        let output = tree.output.map(usize::from);
        for (sum, mean) in expected[output.unwrap_or(0)..].iter_mut().zip(&means[..width]) {
            *sum += mean;
        }
        Self { nodes, means, output, width }
    }

    /// Adds the tree's contributions for a row whose [questions](super::question) were answered.
    pub(super) fn add(&self, answers: &[f64], features: usize, contributions: &mut [f64]) {
        let mut at = 0_usize;
        while self.nodes[at].left > 0 {
            let Node { question, feature, left } = &self.nodes[at];
            let goes_left = answers[question.slot as usize] < question.threshold;
            let child = *left as usize + usize::from(!goes_left);
            let outputs = contributions.chunks_exact_mut(features).skip(self.output.unwrap_or(0));
            for (output, sums) in outputs.take(self.width).enumerate() {
                let [before, after] = [at, child].map(|node| self.means[node * self.width + output]);
                sums[usize::from(*feature)] += after - before;
            }
            at = child;
        }
    }
}
