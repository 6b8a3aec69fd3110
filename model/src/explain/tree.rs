//! A tree prepared for Shapley values: for each leaf the different features on its path, and the share of the training
//! data that each let through.

use super::{
    ExplainError,
    question::{Question, Questions},
};
use crate::forest::{WideForest, WideNode, WideTree, unpack::breadth_first};

/// Most different features on one path.
pub(super) const PATH_FEATURES_MAX: usize = 255;

/// A child may have this factor more data than its parent, because libraries round sums of hessians.
const GROWTH_MAX: f64 = 1.001;

/// A node. Its two children are next to each other, after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) question: Question,
    /// Position of the left child; 0 at a leaf.
    pub(super) left: u32,
    /// The position of a split's feature on the path.
    pub(super) element: u8,
    /// Whether no split above reads the same feature.
    pub(super) is_new: bool,
}

/// The end of a path.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) node: u32,
    /// The different features on its path, in the order in which they are met.
    pub(super) features: Vec<u16>,
    /// Each feature's share: the product over its splits of the part of the data that went this way.
    pub(super) shares: Vec<f64>,
    /// The leaf's value for the tree's output, or one for each output.
    pub(super) values: Vec<f64>,
}

/// A tree with its leaves' paths.
#[derive(Debug)]
pub(super) struct Tree {
    /// The nodes, breadth first.
    pub(super) nodes: Vec<Node>,
    /// The leaves, in the order of a left-first walk.
    pub(super) leaves: Vec<Leaf>,
    /// The output that its leaves are added to; `None` for all outputs.
    pub(super) output: Option<usize>,
}

/// The reason why a tree's covers are invalid; `None` if they are valid. They must be one for each node, numbers from
/// 0, above 0 at the root, and no child may have more than its parent.
pub(crate) fn covers_fault(
    cover: &[f64],
    nodes: usize,
    children: impl Fn(u32) -> Option<[u32; 2]>,
) -> Option<String> {
    if cover.len() != nodes {
        return Some(format!("{} covers for {nodes} nodes", cover.len()));
    }
    if let Some(cover) = cover.iter().find(|cover| !(0.0..=1e30).contains(*cover)) {
        return Some(format!("cover {cover}"));
    }
    for (at, parent) in (0..).zip(cover) {
        for child in children(at).into_iter().flatten() {
            let below = cover[child as usize];
            if below > parent * GROWTH_MAX {
                return Some(format!("cover {below} of node {child}, whose parent has {parent}"));
            }
        }
    }
    let root = cover.first().copied().unwrap_or_default();
    (nodes > 1 && root <= 0.0).then(|| format!("cover {root} of the root"))
}

enum Step {
    Enter { at: u32, place: u32 },
    Restore { element: usize, share: f64 },
    Forget,
}

impl Tree {
    /// # Errors
    /// Covers that are invalid, or paths that are too long.
    pub(super) fn new(
        forest: &WideForest,
        tree: &WideTree,
        questions: &mut Questions,
    ) -> Result<Self, ExplainError> {
        let children = |at: u32| tree.nodes[at as usize].children();
        if let Some(what) = covers_fault(&tree.cover, tree.nodes.len(), children) {
            return Err(ExplainError::Covers { what });
        }
        let order = breadth_first(0, tree.nodes.len(), children);
        let mut next = 1;
        let node = |&at: &u32| {
            let wide = tree.nodes[at as usize];
            let split = questions.of(wide);
            let question = split.map_or(Question { slot: 0, threshold: 0.0 }, |(_, question)| question);
            let left = if split.is_some() { next } else { 0 };
            next += if split.is_some() { 2 } else { 0 };
            Node { question, left, element: 0, is_new: false }
        };
        let nodes = order.iter().map(node).collect();
        let mut grown = Self { nodes, leaves: Vec::new(), output: tree.output.map(usize::from) };
        grown.walk(tree, &order, if tree.output.is_some() { 1 } else { forest.base.len() })?;
        Ok(grown)
    }

    /// Walks the tree left first and records each leaf's path. It does not recurse, because trees may be deep.
    fn walk(&mut self, tree: &WideTree, order: &[u32], width: usize) -> Result<(), ExplainError> {
        let (mut features, mut shares): (Vec<u16>, Vec<f64>) = (Vec::new(), Vec::new());
        let mut steps = vec![Step::Enter { at: 0, place: 0 }];
        // The share that the next child has of its parent, and the feature that it is counted under.
        let mut arrivals: Vec<Option<(u16, f64)>> = vec![None; order.len()];
        while let Some(step) = steps.pop() {
            let (at, place) = match step {
                Step::Forget => {
                    features.pop();
                    shares.pop();
                    continue;
                }
                Step::Restore { element, share } => {
                    shares[element] = share;
                    continue;
                }
                Step::Enter { at, place } => (at, place as usize),
            };
            if let Some((feature, share)) = arrivals[at as usize] {
                match features.iter().position(|&known| known == feature) {
                    Some(element) => {
                        steps.push(Step::Restore { element, share: shares[element] });
                        shares[element] *= share;
                    }
                    None => {
                        steps.push(Step::Forget);
                        features.push(feature);
                        shares.push(share);
                    }
                }
            }
            let feature = match tree.nodes[place] {
                WideNode::Leaf(leaf) => {
                    let first = leaf as usize * width;
                    let values = tree.leaves[first..first + width].to_vec();
                    let (features, shares) = (features.clone(), shares.clone());
                    self.leaves.push(Leaf { node: at, features, shares, values });
                    continue;
                }
                WideNode::Split { feature, .. } | WideNode::Member { feature, .. } => feature,
            };
            let known = features.iter().position(|&known| known == feature);
            let element = known.unwrap_or(features.len());
            if element >= PATH_FEATURES_MAX {
                let what = format!("more than {PATH_FEATURES_MAX} on one path");
                return Err(ExplainError::TooLong { what });
            }
            let node = &mut self.nodes[at as usize];
            (node.element, node.is_new) = (element as u8, known.is_none());
            for child in [node.left + 1, node.left] {
                let place = order[child as usize];
                arrivals[child as usize] = Some((feature, share(tree, order[at as usize], place)));
                steps.push(Step::Enter { at: child, place });
            }
        }
        Ok(())
    }

    /// Adds the tree's expected value for a row without known features.
    pub(super) fn expect(&self, expected: &mut [f64]) {
        for leaf in &self.leaves {
            let share: f64 = leaf.shares.iter().product();
            let first = self.output.unwrap_or(0);
            for (sum, value) in expected[first..].iter_mut().zip(&leaf.values) {
                *sum += share * value;
            }
        }
    }
}

/// The share of a node's data that went to a child; a half if the node saw no data.
fn share(tree: &WideTree, parent: u32, child: u32) -> f64 {
    let whole = tree.cover[parent as usize];
    if whole > 0.0 { tree.cover[child as usize] / whole } else { 0.5 }
}
