//! Cuts a tree into blocks: first with the fewest blocks on the longest path, then with the fewest blocks in all.

use super::shape::SPLITS_MAX;
use crate::forest::ranks::source::{SourceNode, SourceTree};

/// A block of a tree's splits. Its shape is normalised: of a split's two sides the one with more splits comes first.
pub(crate) struct Block {
    /// The code of the block's shape, as [`super::shape::Shape::parse`] reads it.
    pub(crate) shape: u16,
    /// The nodes of the splits, in the order of the shape.
    pub(crate) splits: Vec<u32>,
    /// A bit for each split that is mirrored: its right side comes first.
    pub(crate) turned: u8,
    /// The node that each exit leads to, in the order of the exits.
    pub(crate) exits: Vec<u32>,
}

/// A tree with sizes computed for each node's subtree.
pub(crate) struct Cutter<'a> {
    tree: &'a SourceTree,
    /// Number of splits in each node's subtree.
    sizes: Vec<u32>,
    /// Blocks on the longest path down from a node at the top of a block; 0 for a leaf.
    steps: Vec<u32>,
    /// Number of splits that must be in the node's block to keep `steps`.
    bound: Vec<u32>,
}

impl<'a> Cutter<'a> {
    /// Computes `steps` from the leaves up: a node joins the blocks of its children with the most steps if there is
    /// room for them all, otherwise it starts a new block above them. No other cut has fewer steps.
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

    /// Blocks on the longest path from the root to a leaf.
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

    /// The block that has this node at its top; `None` for a leaf.
    pub(crate) fn block(&self, top: u32) -> Option<Block> {
        self.children(top)?;
        Some(self.draw(top, &self.members(top)))
    }

    /// The part of a block at and below a node.
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

    /// The splits of a block: those that `steps` needs, then whole subtrees while there is room, the largest first,
    /// because each one saves a block.
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

    /// Adds the splits below the members from index `first` on for which `joins` is true.
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
