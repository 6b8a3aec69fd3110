//! Leaves with few features on their path: all their Shapley values, computed once (Yang 2021, "Fast TreeSHAP", version
//! 2).
//!
//! The features of a leaf's path that a row follows form a mask of at most 8 bits. A table holds the values of all
//! features for every mask; a row costs one comparison for each split, and one addition for each leaf and feature. Two
//! sibling leaves whose parent's feature is read nowhere above share one table: a row that follows one does not follow
//! the other.

use super::{leaf::Quadrature, question::Question, tree::Tree};

/// Most different features on a path that a table can hold.
pub(super) const TABLE_FEATURES_MAX: usize = 8;
/// Most numbers in all tables of a forest: 64 MiB.
const NUMBERS_MAX: usize = 1 << 23;

#[derive(Debug)]
struct Split {
    question: Question,
    /// Positions of the split and of its left child among the tree's nodes.
    at: u32,
    left: u32,
    /// The bit of its feature.
    bit: u8,
}

/// A leaf, or two sibling leaves.
#[derive(Debug)]
struct Cell {
    node: u32,
    /// Position of its table among all tables.
    first: u32,
    /// Position of its features among all paths' features.
    features: u32,
    /// Number of its features.
    width: u8,
    /// Position of its values, one for each output; unused if the tree has one output.
    values: u32,
}

#[derive(Debug)]
struct TableTree {
    splits: u32,
    cells: u32,
    output: Option<usize>,
}

/// The trees whose leaves all have tables.
#[derive(Debug)]
pub(super) struct Tables {
    trees: Vec<TableTree>,
    splits: Vec<Split>,
    cells: Vec<Cell>,
    features: Vec<u16>,
    numbers: Vec<f64>,
    values: Vec<f64>,
    rules: Vec<Quadrature>,
    nodes_max: usize,
    outputs: usize,
}

impl Tables {
    pub(super) fn new(outputs: usize) -> Self {
        Self {
            trees: Vec::new(),
            splits: Vec::new(),
            cells: Vec::new(),
            features: Vec::new(),
            numbers: Vec::new(),
            values: Vec::new(),
            rules: (0..=TABLE_FEATURES_MAX).map(Quadrature::new).collect(),
            nodes_max: 1,
            outputs,
        }
    }

    /// Adds a tree, unless a path is too long or there is no room. Returns whether it was added.
    pub(super) fn take(&mut self, tree: &Tree) -> bool {
        let mut room = NUMBERS_MAX - self.numbers.len();
        for leaf in &tree.leaves {
            let width = leaf.features.len();
            let needed = width << width.min(TABLE_FEATURES_MAX);
            if width > TABLE_FEATURES_MAX || needed > room {
                return false;
            }
            room -= needed;
        }
        self.nodes_max = self.nodes_max.max(tree.nodes.len());
        for (at, node) in (0..).zip(&tree.nodes).filter(|(_, node)| node.left > 0) {
            self.splits.push(Split { question: node.question, at, left: node.left, bit: 1 << node.element });
        }
        // Left children of splits on features that are new on their path.
        let mut is_paired = vec![false; tree.nodes.len()];
        for node in tree.nodes.iter().filter(|node| node.left > 0 && node.is_new) {
            is_paired[node.left as usize] = tree.output.is_some();
        }
        let mut leaves = tree.leaves.iter().enumerate();
        while let Some((at, leaf)) = leaves.next() {
            let sibling = tree.leaves.get(at + 1);
            let sibling = sibling.filter(|next| is_paired[leaf.node as usize] && next.node == leaf.node + 1);
            let width = leaf.features.len();
            self.cells.push(Cell {
                node: leaf.node,
                first: self.numbers.len() as u32,
                features: self.features.len() as u32,
                width: width as u8,
                values: self.values.len() as u32,
            });
            self.features.extend(&leaf.features);
            self.tabulate(&leaf.shares, tree.output.map(|_| leaf.values[0]), 0);
            match sibling {
                Some(sibling) => {
                    // The siblings' own feature is the last on their paths.
                    self.tabulate(&sibling.shares, Some(sibling.values[0]), 1 << (width - 1));
                    leaves.next();
                }
                None if tree.output.is_none() => self.values.extend(&leaf.values),
                None => {}
            }
        }
        self.trees.push(TableTree {
            splits: self.splits.len() as u32,
            cells: self.cells.len() as u32,
            output: tree.output,
        });
        true
    }

    /// Writes a leaf's table. With `flipped`, adds a sibling's values to the last table instead, with that bit
    /// inverted.
    fn tabulate(&mut self, shares: &[f64], value: Option<f64>, flipped: usize) {
        let width = shares.len();
        let first = if flipped == 0 { self.numbers.len() } else { self.numbers.len() - (width << width) };
        self.numbers.resize(first + (width << width), 0.0);
        let (mut products, mut values) = (Vec::new(), [0.0; TABLE_FEATURES_MAX]);
        for (mask, numbers) in self.numbers[first..].chunks_exact_mut(width.max(1)).enumerate() {
            let mask = mask ^ flipped;
            let values = &mut values[..width];
            self.rules[width].shapley(shares, |at| mask >> at & 1 == 1, &mut products, values);
            for (number, unit) in numbers.iter_mut().zip(values) {
                *number += *unit * value.unwrap_or(1.0);
            }
        }
    }

    /// Adds all trees' contributions for a row whose [questions](super::question) were answered.
    pub(super) fn add(&self, answers: &[f64], features: usize, contributions: &mut [f64]) {
        let mut masks = vec![u8::MAX; self.nodes_max];
        let (mut split, mut cell) = (0, 0);
        for tree in &self.trees {
            masks[0] = u8::MAX;
            for split in &self.splits[split..tree.splits as usize] {
                let left = answers[split.question.slot as usize] < split.question.threshold;
                let followed = masks[split.at as usize];
                let strayed = followed & !split.bit;
                let children = &mut masks[split.left as usize..split.left as usize + 2];
                children[0] = if left { followed } else { strayed };
                children[1] = if left { strayed } else { followed };
            }
            let cells = &self.cells[cell..tree.cells as usize];
            (split, cell) = (tree.splits as usize, tree.cells as usize);
            match tree.output {
                Some(output) => {
                    let sums = &mut contributions[output * features..(output + 1) * features];
                    for cell in cells {
                        let (names, numbers) = self.entry(cell, &masks);
                        for (&feature, number) in names.iter().zip(numbers) {
                            sums[usize::from(feature)] += number;
                        }
                    }
                }
                None => {
                    for cell in cells {
                        let (names, numbers) = self.entry(cell, &masks);
                        let values = &self.values[cell.values as usize..][..self.outputs];
                        for (sums, value) in contributions.chunks_exact_mut(features).zip(values) {
                            for (&feature, number) in names.iter().zip(numbers) {
                                sums[usize::from(feature)] += value * number;
                            }
                        }
                    }
                }
            }
        }
    }

    #[inline]
    fn entry(&self, cell: &Cell, masks: &[u8]) -> (&[u16], &[f64]) {
        let width = usize::from(cell.width);
        let mask = usize::from(masks[cell.node as usize]) & ((1 << width) - 1);
        let first = cell.first as usize + mask * width;
        (&self.features[cell.features as usize..][..width], &self.numbers[first..first + width])
    }
}
