//! Packs trees into byte blocks.

use crate::{
    file::v1,
    forest::{
        canonical::SumKind,
        pack::sum_code,
        ranks::{
            ALWAYS_LEFT, RankNumbers,
            source::{SourceForest, SourceNode, SourceTree},
        },
    },
};

/// Most blocks or leaves of a forest in this layout: 256 MiB of blocks.
const PLACES_MAX: usize = 1 << 24;
/// Levels of splits in a block.
pub(crate) const BLOCK_LEVELS: u32 = 3;
/// Levels of splits that fit the dense form: a root block and eight below it.
pub(crate) const DENSE_LEVELS: u32 = 2 * BLOCK_LEVELS;
/// Blocks under a tree's root block in the dense form.
pub(crate) const DENSE_BLOCKS: usize = 8;
/// Leaves of a tree in the dense form.
pub(crate) const DENSE_LEAVES: usize = 64;
/// Trees in a line of root blocks.
pub(crate) const LINE_TREES: usize = 4;

/// A block and the targets of its exits, as positions in the tree. The first exit is always used, and so is every one
/// before the last that can be reached.
struct Cut {
    block: v1::Block,
    exits: [Option<u32>; 8],
}

/// Packs a checked forest. `fingerprint` is that of the model's feature list.
///
/// # Errors
/// The limit that the forest exceeds: more thresholds or slots than a byte can number, or long thin trees.
pub(crate) fn pack(forest: &SourceForest, fingerprint: u64) -> Result<v1::Blocks, String> {
    let numbers = RankNumbers::of(forest)?;
    let mut trees: Vec<&SourceTree> = forest.trees.iter().collect();
    let dense = is_dense(trees.iter().map(|tree| tree.height()));
    // The last line is filled with copies of the last tree, whose leaves are not added.
    while !trees.len().is_multiple_of(LINE_TREES) {
        trees.extend(forest.trees.last());
    }
    let mut packed = v1::Blocks {
        roots: Vec::with_capacity(trees.len() / LINE_TREES),
        blocks: Vec::new(),
        single_leaves: Vec::new(),
        double_leaves: Vec::new(),
        root_links: Vec::new(),
        links: Vec::new(),
        steps: Vec::new(),
        ranks: numbers.to_archive(),
        base: forest.base,
        features_fingerprint: fingerprint,
        trees: u32::try_from(forest.trees.len()).map_err(|_| "more than 2^32 trees".to_owned())?,
        sum: sum_code(forest.sum),
    };
    for line in trees.chunks(LINE_TREES) {
        let roots: Vec<Cut> = line.iter().map(|tree| tree.cut(0, &numbers)).collect();
        packed.roots.push(to_line(&roots));
        if dense {
            for (tree, root) in line.iter().zip(roots) {
                pack_dense(tree, &root, forest.sum, &numbers, &mut packed);
            }
        } else {
            let height = line.iter().map(|tree| tree.height()).max().unwrap_or(0);
            let steps = height.div_ceil(BLOCK_LEVELS).max(1);
            packed.steps.push(steps as u8);
            for (tree, root) in line.iter().zip(roots) {
                pack_linked(tree, &root, steps, forest.sum, &numbers, &mut packed)?;
            }
        }
    }
    Ok(packed)
}

/// Whether trees of these heights are stored without links.
pub(crate) fn is_dense(heights: impl Iterator<Item = u32>) -> bool {
    let highest = heights.max().unwrap_or(0);
    highest > BLOCK_LEVELS && highest <= DENSE_LEVELS
}

/// Packs a tree as root, eight blocks and 64 leaves. All positions are fixed, so no links are needed.
fn pack_dense(tree: &SourceTree, root: &Cut, sum: SumKind, numbers: &RankNumbers, packed: &mut v1::Blocks) {
    for exit in root.exits {
        let cut = match exit {
            Some(node) => tree.cut(node, numbers),
            None => Cut { block: empty(), exits: [None; 8] },
        };
        packed.blocks.push(cut.block);
        for exit in cut.exits {
            push_leaf(exit.map_or(0.0, |node| tree.leaf(node)), sum, packed);
        }
    }
}

/// Packs a tree with links, level by level; each block's reachable exits are side by side.
fn pack_linked(
    tree: &SourceTree,
    root: &Cut,
    steps: u32,
    sum: SumKind,
    numbers: &RankNumbers,
    packed: &mut v1::Blocks,
) -> Result<(), String> {
    let place = |at: usize| {
        let fits = u32::try_from(at).ok().filter(|_| at < PLACES_MAX);
        fits.ok_or_else(|| format!("more than {PLACES_MAX} blocks or leaves: its trees are long and thin"))
    };
    let leaves = |packed: &v1::Blocks| packed.single_leaves.len() + packed.double_leaves.len();
    // The targets of the exits of the level above.
    let mut nodes: Vec<u32> = root.reached().collect();
    let first = if steps == 1 { leaves(packed) } else { packed.blocks.len() };
    packed.root_links.push(place(first)?);
    for step in 1..steps {
        let mut below = Vec::with_capacity(nodes.len());
        let level_end = packed.blocks.len() + nodes.len();
        for node in nodes {
            let cut = tree.cut(node, numbers);
            let first = if step + 1 == steps { leaves(packed) } else { level_end };
            packed.links.push(place(first + below.len())?);
            below.extend(cut.reached());
            packed.blocks.push(cut.block);
        }
        nodes = below;
    }
    for node in nodes {
        push_leaf(tree.leaf(node), sum, packed);
    }
    Ok(())
}

fn push_leaf(value: f64, sum: SumKind, packed: &mut v1::Blocks) {
    match sum {
        SumKind::F32 | SumKind::F64 => packed.single_leaves.push(value as f32),
        SumKind::F64Leaves => packed.double_leaves.push(value),
    }
}

fn empty() -> v1::Block {
    v1::Block { slots: [0; 8], ranks: [ALWAYS_LEFT; 8] }
}

fn to_line(roots: &[Cut]) -> v1::Line {
    let mut line = v1::Line { slots: [0; 32], ranks: [ALWAYS_LEFT; 32] };
    for (place, root) in roots.iter().enumerate() {
        line.slots[8 * place..][..8].copy_from_slice(&root.block.slots);
        line.ranks[8 * place..][..8].copy_from_slice(&root.block.ranks);
    }
    line
}

impl Cut {
    /// The targets of the exits, up to the last that can be reached.
    fn reached(&self) -> impl Iterator<Item = u32> {
        let mut last = None;
        let width = width(&self.block.ranks);
        self.exits.into_iter().take(width).map_while(move |exit| {
            // An unreachable exit between two reachable ones has its neighbour's target.
            last = exit.or(last);
            last
        })
    }
}

/// Number of exits that a block has room for: one for a leaf that is passed on, two for a split of leaves, otherwise
/// four or eight.
pub(crate) fn width(ranks: &[u8; 8]) -> usize {
    let asked = |condition: usize| ranks[condition] != ALWAYS_LEFT;
    match (asked(0), asked(1), asked(3)) {
        (true, ..) => 8,
        (_, true, _) => 4,
        (_, _, true) => 2,
        _ => 1,
    }
}

impl SourceTree {
    fn leaf(&self, node: u32) -> f64 {
        match self.nodes[node as usize] {
            SourceNode::Leaf(value) => value,
            SourceNode::Split { .. } => unreachable!("the steps are as many as the height needs"),
        }
    }

    /// Cuts up to three levels below a node into a block. Lower nodes take the block's lower conditions, so that its
    /// used exits come first.
    fn cut(&self, node: u32, numbers: &RankNumbers) -> Cut {
        let mut cut = Cut { block: empty(), exits: [None; 8] };
        let levels = self.heights[node as usize].min(BLOCK_LEVELS);
        self.place(node, 1 << (BLOCK_LEVELS - levels), numbers, &mut cut);
        cut
    }

    /// Puts a node at a position of the block: 1 is the top, 2p and 2p + 1 are under p, 8 to 15 are the exits.
    fn place(&self, node: u32, at: usize, numbers: &RankNumbers, cut: &mut Cut) {
        if at >= 8 {
            cut.exits[at - 8] = Some(node);
            return;
        }
        match self.nodes[node as usize] {
            SourceNode::Leaf(_) => self.place(node, 2 * at, numbers, cut),
            SourceNode::Split { feature, threshold, missing, left, right } => {
                (cut.block.slots[at - 1], cut.block.ranks[at - 1]) =
                    numbers.condition(feature, threshold, missing);
                self.place(left, 2 * at, numbers, cut);
                self.place(right, 2 * at + 1, numbers, cut);
            }
        }
    }
}
