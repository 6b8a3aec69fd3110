//! Cuts a tree into blocks: as few as possible on the longest way down, then as few as possible to compare.

use super::shape::SPLITS_MAX;
use crate::forest::ranks::source::{SourceNode, SourceTree};

/// A block: nodes of the tree, drawn so that of a split's two sides the one with more splits comes first.
pub(crate) struct Block {
    /// The code of the block's shape, as [`super::shape::Shape::parse`] reads it.
    pub(crate) shape: u16,
    /// In the order of the shape.
    pub(crate) splits: Vec<u32>,
    /// A bit for each split whose right side comes first.
    pub(crate) turned: u8,
    /// The node behind each exit, in the exits' order.
    pub(crate) exits: Vec<u32>,
}

/// A tree with what is known of each node's subtree.
pub(crate) struct Cutter<'a> {
    tree: &'a SourceTree,
    /// Number of splits in each node's subtree.
    sizes: Vec<u32>,
    /// Blocks on the longest way down, the node standing at the top of one; 0 for a leaf.
    steps: Vec<u32>,
    /// Splits that must be in one block with the node if `steps` is to hold.
    bound: Vec<u32>,
}

impl<'a> Cutter<'a> {
    /// From the leaves up: a node joins the blocks of the children with most steps if there is room for them all, else it
    /// begins a new one above them. No cut has fewer steps.
    pub(crate) fn new(tree: &'a SourceTree) -> Self {
        let nodes = tree.nodes.len();
        let mut cutter = Self { tree, sizes: vec![0; nodes], steps: vec![0; nodes], bound: vec![0; nodes] };
        for node in (0..nodes).rev() {
            let Some(children) = cutter.children(node as u32) else { continue };
            let children = children.map(|child| child as usize);
            let steps = children.map(|child| cutter.steps[child]).into_iter().max().unwrap_or(0).max(1);
            let joined = children.into_iter().filter(|&child| cutter.steps[child] == steps);
            let bound = 1 + joined.map(|child| cutter.bound[child]).sum::<u32>();
            let fits = bound as usize <= SPLITS_MAX;
            (cutter.steps[node], cutter.bound[node]) = if fits { (steps, bound) } else { (steps + 1, 1) };
            cutter.sizes[node] = 1 + children.map(|child| cutter.sizes[child]).into_iter().sum::<u32>();
        }
        cutter
    }

    /// Blocks on the longest way from the root to a leaf.
    pub(crate) fn steps(&self) -> u32 {
        self.steps[0]
    }

    /// Number of blocks that the tree is cut into.
    pub(crate) fn block_count(&self) -> usize {
        let (mut tops, mut count) = (vec![0], 0);
        while let Some(top) = tops.pop() {
            if let Some(block) = self.block(top) {
                count += 1;
                tops.extend(block.exits);
            }
        }
        count
    }

    /// The block with this node at its top; `None` for a leaf.
    pub(crate) fn block(&self, top: u32) -> Option<Block> {
        self.children(top)?;
        Some(self.draw(top, &self.members(top)))
    }

    /// The part of a block from a node down: at most seven levels.
    fn draw(&self, node: u32, members: &[u32]) -> Block {
        let Some(children) = self.children(node).filter(|_| members.contains(&node)) else {
            return Block { shape: 0, splits: Vec::new(), turned: 0, exits: vec![node] };
        };
        let [left, right] = children.map(|child| self.draw(child, members));
        let rank = |side: &Block| (side.splits.len(), side.shape);
        let is_turned = rank(&right) > rank(&left);
        let (first, second) = if is_turned { (right, left) } else { (left, right) };
        // A side has a bit for each split and each exit.
        let first_bits = 2 * first.splits.len() + 1;
        Block {
            shape: 1 | first.shape << 1 | second.shape << (1 + first_bits),
            turned: u8::from(is_turned) | first.turned << 1 | second.turned << (1 + first.splits.len()),
            splits: [vec![node], first.splits, second.splits].concat(),
            exits: [first.exits, second.exits].concat(),
        }
    }

    /// What must be in a block, then, where there is room, whole subtrees, the largest first: each is a block less.
    fn members(&self, top: u32) -> Vec<u32> {
        let mut members = vec![top];
        self.join(&mut members, 0, |child| self.steps[child as usize] == self.steps[top as usize]);
        loop {
            let room = SPLITS_MAX - members.len();
            let below = members.iter().filter_map(|&member| self.children(member)).flatten();
            let whole = below.filter(|child| {
                (1..=room).contains(&(self.sizes[*child as usize] as usize)) && !members.contains(child)
            });
            let Some(largest) = whole.max_by_key(|&child| self.sizes[child as usize]) else { return members };
            let first = members.len();
            members.push(largest);
            self.join(&mut members, first, |_| true);
        }
    }

    /// Adds to the members from `first` on the splits under them that `joins` says.
    fn join(&self, members: &mut Vec<u32>, first: usize, joins: impl Fn(u32) -> bool) {
        let mut at = first;
        while let Some(&member) = members.get(at) {
            let below = self.children(member).into_iter().flatten();
            members.extend(below.filter(|&child| self.children(child).is_some() && joins(child)));
            at += 1;
        }
    }

    fn children(&self, node: u32) -> Option<[u32; 2]> {
        match self.tree.nodes[node as usize] {
            SourceNode::Leaf(_) => None,
            SourceNode::Split { left, right, .. } => Some([left, right]),
        }
    }
}
