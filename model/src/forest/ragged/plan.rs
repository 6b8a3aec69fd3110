//! Plans the walk when a file is opened: the target of each exit, which the file itself does not store.
//!
//! All trees of a group are walked for the same number of steps. Places without conditions pad a lower tree above its
//! root, and below a leaf that is reached sooner.

use std::{collections::BTreeMap, ops::Range};

use super::{
    pack::LINE_BLOCKS,
    shape::{ANSWERS, Shape},
};

/// Most blocks of a tree.
pub(crate) const TREE_BLOCKS_MAX: usize = 127;
/// Most blocks on the path from a root to a leaf.
pub(crate) const STEPS_MAX: u32 = 8;
/// Most shapes of a forest, including the one without conditions.
const SHAPES_MAX: usize = 64;
/// Number of trees that are walked together.
pub(crate) const GROUP_TREES: usize = 8;
/// Most blocks whose results are kept at a time: room for a group of the largest possible trees and the blocks before
/// them in their first line, or for several groups of smaller trees.
pub(super) const CHUNK_BLOCKS_MAX: usize = 1024;

const _: () = assert!(GROUP_TREES * TREE_BLOCKS_MAX + LINE_BLOCKS - 1 <= CHUNK_BLOCKS_MAX);

/// One state of a walk: a block, or padding that only leads on. Eight bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Index of the place that exit 0 leads to, or at the last step of the leaf.
    pub(super) link: u32,
    /// Position of the exits of the block's shape in [`Plan::exits`].
    pub(super) exits: u16,
    /// Position of the block's results in the chunk.
    pub(super) answers: u16,
}

/// Trees that are walked together. If the forest's last group is not full, its last tree is repeated, and the extra
/// leaves are not used.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// Index of each tree's first place, or of its leaf if `steps` is 0.
    pub(super) roots: [u32; GROUP_TREES],
    /// Blocks on the longest path of these trees.
    pub(super) steps: u32,
}

/// Groups whose results are kept at a time: first all comparisons, then all walks. A loop over each group's lines would
/// end at points that the processor cannot predict.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    /// The lines that hold the trees' blocks.
    pub(super) lines: Range<usize>,
    pub(super) groups: Range<usize>,
}

/// The plan for all trees, see the module.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) places: Vec<Place>,
    /// The exit for each byte of results, one table for each shape.
    pub(super) exits: Box<[u8; SHAPES_MAX * ANSWERS]>,
    /// For each line, a bit for each mirrored split, and one for the eighth condition of each block, which always sends
    /// left; flipping them keeps the results below [`ANSWERS`].
    pub(super) turned: Vec<u32>,
    pub(super) groups: Vec<Group>,
    pub(super) chunks: Vec<Chunk>,
    /// Number and exit count of each shape by its code; 0 is the shape without conditions.
    shapes: BTreeMap<u16, (usize, usize)>,
    blocks: usize,
    leaves: usize,
}

/// A tree as the file stores it: the blocks and leaves at its places, breadth first.
pub(super) struct Tree {
    pub(super) places: Vec<Standing>,
    pub(super) blocks: usize,
    pub(super) steps: u32,
}

/// The content of one place of a tree.
#[derive(Clone, Copy)]
pub(super) enum Standing {
    /// A block with its shape's number, and the place that its exit 0 leads to.
    Block { block: usize, shape: usize, exits: usize, first: usize },
    /// A leaf, with its number in the tree.
    Leaf(usize),
}

impl Plan {
    /// A plan without trees.
    pub(super) fn new(turned: Vec<u32>) -> Self {
        Self {
            places: Vec::new(),
            exits: Box::new([0; SHAPES_MAX * ANSWERS]),
            turned,
            groups: Vec::new(),
            chunks: Vec::new(),
            shapes: BTreeMap::new(),
            blocks: 0,
            leaves: 0,
        }
    }

    /// The number of a shape, and its count of exits.
    ///
    /// # Errors
    /// For an invalid code, or one shape too many.
    pub(super) fn shape(&mut self, code: u16) -> Result<(usize, usize), String> {
        if let Some(&known) = self.shapes.get(&code) {
            return Ok(known);
        }
        let shape = Shape::parse(code).ok_or_else(|| format!("{code:#06x} is no shape"))?;
        let number = self.shapes.len() + 1;
        if number == SHAPES_MAX {
            return Err(format!("more than {} shapes", SHAPES_MAX - 1));
        }
        self.exits[number * ANSWERS..][..ANSWERS].copy_from_slice(&shape.exits());
        self.shapes.insert(code, (number, shape.exit_count()));
        Ok((number, shape.exit_count()))
    }

    /// Adds a group of one to [`GROUP_TREES`] trees.
    pub(super) fn push(&mut self, trees: &[Tree]) {
        let steps = trees.iter().map(|tree| tree.steps).max().unwrap_or(0);
        let chunk_block = self.chunk(trees.iter().map(|tree| tree.blocks).sum());
        let mut roots = [0; GROUP_TREES];
        for (root, tree) in roots.iter_mut().zip(trees) {
            *root = if steps == 0 { self.leaves } else { self.places.len() } as u32;
            self.lay(tree, steps, self.blocks - chunk_block);
            self.blocks += tree.blocks;
            self.leaves += tree.places.len() - tree.blocks;
        }
        let last = roots[trees.len() - 1];
        roots[trees.len()..].fill(last);
        self.groups.push(Group { roots, steps });
    }

    /// Reserves `blocks` blocks of one group in the last chunk, or in a new one. Returns the number of the chunk's
    /// first block.
    fn chunk(&mut self, blocks: usize) -> usize {
        let (line, groups, end) = (self.blocks / LINE_BLOCKS, self.groups.len(), self.blocks + blocks);
        let fits = |chunk: &&mut Chunk| end <= chunk.lines.start * LINE_BLOCKS + CHUNK_BLOCKS_MAX;
        if self.chunks.last_mut().filter(fits).is_none() {
            self.chunks.push(Chunk { lines: line..line, groups: groups..groups });
        }
        let last = self.chunks.len() - 1;
        let chunk = &mut self.chunks[last];
        (chunk.lines.end, chunk.groups.end) = (end.div_ceil(LINE_BLOCKS), groups + 1);
        chunk.lines.start * LINE_BLOCKS
    }

    /// Appends a tree's places, step by step. `answers` is the position of its first block's results.
    fn lay(&mut self, tree: &Tree, steps: u32, answers: usize) {
        let late = if tree.steps == 0 { 0 } else { steps - tree.steps };
        for _ in 0..late {
            let link = self.places.len() as u32 + 1;
            self.places.push(Place { link, exits: 0, answers: 0 });
        }
        let mut here = vec![tree.places[0]];
        for step in late + 1..=steps {
            let next_place = self.places.len() + here.len();
            let mut next = Vec::new();
            for standing in &here {
                let (exits, answers, behind) = match *standing {
                    Standing::Leaf(_) => (0, 0, std::slice::from_ref(standing)),
                    Standing::Block { block, shape, exits, first } => {
                        (shape * ANSWERS, answers + block, &tree.places[first..first + exits])
                    }
                };
                // All exits of the last step's blocks are leaves, and these stand side by side.
                let link = match behind[0] {
                    Standing::Leaf(number) if step == steps => self.leaves + number,
                    _ => next_place + next.len(),
                };
                let (link, exits, answers) = (link as u32, exits as u16, answers as u16);
                self.places.push(Place { link, exits, answers });
                next.extend_from_slice(behind);
            }
            here = next;
        }
    }
}
