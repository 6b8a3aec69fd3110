//! Shapley values of leaves with many features on their path, by quadrature for each row.

use super::{
    ExplainError,
    leaf::Quadrature,
    tree::{PATH_FEATURES_MAX, Tree},
};

/// Most multiplications for one row: some seconds.
const WORK_MAX: usize = 1 << 31;
/// Words of a mask over a path's features.
const WORDS: usize = (PATH_FEATURES_MAX + 1) / 64;

/// A tree whose paths are too long for tables.
#[derive(Debug)]
pub(super) struct LongTree {
    tree: Tree,
    /// The quadrature rule for each number of features that a path has; `None` if no path has that many.
    rules: Vec<Option<Quadrature>>,
}

impl LongTree {
    /// Prepares a tree and adds its cost to `work`, that of all trees so far.
    ///
    /// # Errors
    /// [`ExplainError::TooLong`].
    pub(super) fn new(tree: Tree, work: &mut usize) -> Result<Self, ExplainError> {
        let mut rules = vec![None; PATH_FEATURES_MAX + 1];
        for leaf in &tree.leaves {
            let width = leaf.features.len();
            *work += width * width.div_ceil(2) * 2;
            rules[width].get_or_insert_with(|| Quadrature::new(width));
        }
        if *work > WORK_MAX {
            let what = format!("a row would cost {work} multiplications, {WORK_MAX} are possible");
            return Err(ExplainError::TooLong { what });
        }
        Ok(Self { tree, rules })
    }

    /// Adds the tree's contributions for a row whose [questions](super::question) were answered.
    pub(super) fn add(&self, answers: &[f64], features: usize, contributions: &mut [f64]) {
        let mut masks = vec![[u64::MAX; WORDS]; self.tree.nodes.len()];
        for (at, node) in self.tree.nodes.iter().enumerate().filter(|(_, node)| node.left > 0) {
            let left = answers[node.question.slot as usize] < node.question.threshold;
            let followed = masks[at];
            let mut strayed = followed;
            strayed[usize::from(node.element) / 64] &= !(1 << (node.element % 64));
            let child = node.left as usize;
            (masks[child], masks[child + 1]) = if left { (followed, strayed) } else { (strayed, followed) };
        }
        let (mut products, mut units) = (Vec::new(), Vec::new());
        for leaf in &self.tree.leaves {
            let width = leaf.features.len();
            let Some(rule) = &self.rules[width] else { continue };
            let mask = &masks[leaf.node as usize];
            units.resize(width, 0.0);
            rule.shapley(&leaf.shares, |at| mask[at / 64] >> (at % 64) & 1 == 1, &mut products, &mut units);
            let outputs = contributions.chunks_exact_mut(features).skip(self.tree.output.unwrap_or(0));
            for (sums, value) in outputs.zip(&leaf.values) {
                for (&feature, unit) in leaf.features.iter().zip(&units) {
                    sums[usize::from(feature)] += value * unit;
                }
            }
        }
    }
}
