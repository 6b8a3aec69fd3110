//! A narrow forest in a mapped file: checked once, then walked without bounds checks.

mod unpack;

use rkyv::rend::{f64_le, u32_le};

use super::{
    canonical::{DEPTH_MAX, Missing, SumKind, TREES_MAX},
    kernel::{self, Arrived, BLOCK_TREES, LANES_MAX, LANES_STEP, Lane},
    pack::check_sum,
    slots::{self, SLOT_BITS, SLOTS_MAX, Slot},
};
use crate::{
    combine::is_moderate,
    file::{
        pages::{MappedSlice, Pages, WINDOW_BYTES},
        v1::{ArchivedForest, ArchivedNode},
    },
    row::Row,
};

/// Trees walked together for the same number of steps.
#[derive(Debug)]
struct Group {
    /// Position of its first lane among all lanes.
    first_lane: usize,
    /// Number of lanes, a multiple of [`LANES_STEP`].
    lanes: usize,
    /// Steps after which every one of its trees has reached a leaf: its greatest height.
    trips: u32,
}

/// Groups whose leaves are gathered before they are added.
#[derive(Debug)]
struct Block {
    groups: Vec<Group>,
    trees: usize,
    /// Whether the lanes are in the order of the sum; the block is then one group, whose leaves are added in order.
    in_order: bool,
}

/// A block's leaves by their place in the sum, then one for repeated trees. The length is a power of two, so that
/// masking an index makes it valid.
type Leaves = [u32; 128];
const _: () = assert!(BLOCK_TREES < size_of::<Leaves>() / 4);

/// Rows walked together in a forest of at least [`TOGETHER_BYTES_MIN`].
const TOGETHER_ROWS: usize = 16;
/// Half the size of a usual second-level cache.
const TOGETHER_BYTES_MIN: usize = 512 << 10;

/// The running sum, in either type.
#[derive(Clone, Copy)]
struct Sum {
    single: f32,
    double: f64,
}

/// A forest whose nodes and leaves have all been checked.
#[derive(Debug)]
pub(crate) struct NarrowForest {
    nodes: MappedSlice<ArchivedNode>,
    /// The leaves of [`SumKind::F64Leaves`]; otherwise empty.
    leaf_values: MappedSlice<f64_le>,
    /// Roots in the order of the sum; walks read `lanes`.
    roots: MappedSlice<u32_le>,
    slots: Vec<Slot>,
    lanes: Vec<Lane>,
    blocks: Vec<Block>,
    base: f64,
    sum: SumKind,
    tree_count: usize,
}

impl NarrowForest {
    /// Checks an archived forest and plans its walk.
    ///
    /// # Errors
    /// The first rule of FORMAT.md's `FRST` that it breaks.
    pub(crate) fn check(
        archived: &ArchivedForest,
        pages: &Pages,
        feature_count: usize,
    ) -> Result<Self, String> {
        let base = archived.base.to_native();
        let sum = check_sum(archived.sum, base)?;
        if archived.roots.is_empty() || archived.roots.len() > TREES_MAX {
            return Err(format!("{} trees; 1 to {TREES_MAX} are possible", archived.roots.len()));
        }
        let slots = check_slots(archived, feature_count)?;
        let heights = check_nodes(archived, pages, sum, slots.len())?;
        let mut forest = Self {
            nodes: pages.keep(&archived.nodes),
            leaf_values: pages.keep(&archived.leaf_values),
            roots: pages.keep(&archived.roots),
            slots,
            lanes: Vec::new(),
            blocks: Vec::new(),
            base,
            sum,
            tree_count: archived.roots.len(),
        };
        forest.plan(archived, &heights)?;
        Ok(forest)
    }

    /// Plans the walk. Trees of similar height should be walked together, so that no walk waits long for a deeper one:
    /// if neighbours in the order of the sum are similar, each group is a block of its own; otherwise trees are sorted
    /// within a larger block, and their leaves put back in order.
    fn plan(&mut self, archived: &ArchivedForest, heights: &[u8]) -> Result<(), String> {
        // Bounds the work of a row. A million roots that share one deep tree's nodes would take seconds.
        let visits: usize = heights.iter().map(|&height| usize::from(height) + 1).sum();
        let nodes = archived.nodes.len();
        if visits > nodes {
            return Err(format!("{visits} visits a row in {nodes} nodes: trees share nodes"));
        }
        for (roots, heights) in archived.roots.chunks(BLOCK_TREES).zip(heights.chunks(BLOCK_TREES)) {
            let lanes = (0..).zip(roots).map(|(place, root)| Lane { root: root.to_native(), place });
            let trees: Vec<(u8, Lane)> = heights.iter().copied().zip(lanes).collect();
            let in_order = trips(&trees);
            let mut sorted = trees.clone();
            sorted.sort_by_key(|&(height, _)| height);
            if in_order <= trips(&sorted) + trips(&sorted) / 16 {
                for group in trees.chunks(LANES_MAX) {
                    let groups = vec![self.push_group(group)];
                    self.blocks.push(Block { groups, trees: group.len(), in_order: true });
                }
            } else {
                let groups = sorted.chunks(LANES_MAX).map(|group| self.push_group(group)).collect();
                self.blocks.push(Block { groups, trees: roots.len(), in_order: false });
            }
        }
        Ok(())
    }

    fn push_group(&mut self, trees: &[(u8, Lane)]) -> Group {
        let first_lane = self.lanes.len();
        let spare = Lane { root: trees[0].1.root, place: BLOCK_TREES as u32 };
        self.lanes.extend(trees.iter().map(|(_, lane)| *lane));
        self.lanes.resize(first_lane + trees.len().next_multiple_of(LANES_STEP), spare);
        Group { first_lane, lanes: self.lanes.len() - first_lane, trips: trips(trees) }
    }

    /// Number of trees.
    pub(crate) fn tree_count(&self) -> usize {
        self.tree_count
    }

    /// Number of nodes in all trees, leaves included.
    pub(crate) fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The raw score of a row of the model's features, in log-odds.
    pub(crate) fn score<R: Row + ?Sized>(&self, row: &R) -> f64 {
        self.score_by::<false, R>(row)
    }

    /// The raw score with every node bounds-checked: the reference of [`NarrowForest::score`].
    pub(crate) fn score_checked<R: Row + ?Sized>(&self, row: &R) -> f64 {
        self.score_by::<true, R>(row)
    }

    fn score_by<const CHECKED: bool, R: Row + ?Sized>(&self, row: &R) -> f64 {
        // The slot row is on the stack, in the smallest size that also has room for the leaves' NaN.
        match self.slots.len() {
            0..16 => self.score_with::<16, CHECKED, R>(row),
            16..64 => self.score_with::<64, CHECKED, R>(row),
            64..128 => self.score_with::<128, CHECKED, R>(row),
            128..512 => self.score_with::<512, CHECKED, R>(row),
            _ => self.score_with::<SLOTS_MAX, CHECKED, R>(row),
        }
    }

    // Never inlined: the largest slot row would give every size its large stack frame.
    #[inline(never)]
    fn score_with<const SLOTS: usize, const CHECKED: bool, R: Row + ?Sized>(&self, row: &R) -> f64 {
        let mut slots = [f32::NAN; SLOTS];
        slots::fill(&self.slots, row, &mut slots);
        let mut sum = Sum { single: self.base as f32, double: self.base };
        for block in &self.blocks {
            sum = if block.in_order {
                self.add_group::<SLOTS, CHECKED>(sum, block, &slots)
            } else {
                self.add_sorted::<SLOTS, CHECKED>(sum, block, &slots)
            };
        }
        self.finish(sum)
    }

    /// The scores of a few rows, tree by tree: a forest that does not fit the cache is read once for all of them.
    pub(crate) fn score_together<R: Row + ?Sized>(&self, rows: &[&R], scores: &mut [f64]) {
        // If everything stays in the cache anyway, or slot rows are long, scoring row by row is as fast.
        if self.nodes.len() * size_of::<ArchivedNode>() < TOGETHER_BYTES_MIN || self.slots.len() >= 128 {
            for (row, score) in rows.iter().zip(scores) {
                *score = self.score(*row);
            }
            return;
        }
        for (rows, scores) in rows.chunks(TOGETHER_ROWS).zip(scores.chunks_mut(TOGETHER_ROWS)) {
            match self.slots.len() {
                0..16 => self.score_few::<16, R>(rows, scores),
                _ => self.score_few::<128, R>(rows, scores),
            }
        }
    }

    #[inline(never)]
    fn score_few<const SLOTS: usize, R: Row + ?Sized>(&self, rows: &[&R], scores: &mut [f64]) {
        let mut slots = [[f32::NAN; SLOTS]; TOGETHER_ROWS];
        for (slots, row) in slots.iter_mut().zip(rows) {
            slots::fill(&self.slots, *row, slots);
        }
        let mut sums = [Sum { single: self.base as f32, double: self.base }; TOGETHER_ROWS];
        for block in &self.blocks {
            for (sum, slots) in sums.iter_mut().zip(&slots).take(rows.len()) {
                *sum = if block.in_order {
                    self.add_group::<SLOTS, false>(*sum, block, slots)
                } else {
                    self.add_sorted::<SLOTS, false>(*sum, block, slots)
                };
            }
        }
        for (score, sum) in scores.iter_mut().zip(sums) {
            *score = self.finish(sum);
        }
    }

    fn finish(&self, sum: Sum) -> f64 {
        if self.sum == SumKind::F32 { f64::from(sum.single) } else { sum.double }
    }

    /// Walks a group of trees together.
    #[inline(always)]
    fn walk<const SLOTS: usize, const CHECKED: bool>(&self, group: &Group, slots: &[f32; SLOTS]) -> Arrived {
        let lanes = &self.lanes[group.first_lane..group.first_lane + group.lanes];
        let mut arrived = [0; LANES_MAX];
        #[allow(unsafe_code)]
        // SAFETY: `check` built this forest: it saw that roots are nodes, that splits' children are nodes, and that a
        // leaf's offset is 0 and its slot is `slots.len()`, where `fill` leaves NaN because SLOTS is larger than that.
        unsafe {
            kernel::walk_group::<SLOTS, CHECKED>(&self.nodes, slots, lanes, group.trips, &mut arrived);
        }
        arrived
    }

    /// The value of a leaf, as its node stores it.
    #[inline(always)]
    fn leaf<const CHECKED: bool>(&self, at: u32) -> u32 {
        #[allow(unsafe_code)]
        // SAFETY: a walk arrives at nodes only, and the root of a tree is one.
        let node = unsafe { kernel::node_at::<CHECKED>(&self.nodes, at) };
        node.value.to_native()
    }

    /// Adds the leaves of a block whose single group is in the order of the sum.
    #[inline(always)]
    fn add_group<const SLOTS: usize, const CHECKED: bool>(
        &self,
        sum: Sum,
        block: &Block,
        slots: &[f32; SLOTS],
    ) -> Sum {
        let arrived = self.walk::<SLOTS, CHECKED>(&block.groups[0], slots);
        self.add(sum, arrived[..block.trees].iter().map(|&at| self.leaf::<CHECKED>(at)))
    }

    /// Adds the leaves of a block whose groups were sorted by height.
    #[inline(never)]
    fn add_sorted<const SLOTS: usize, const CHECKED: bool>(
        &self,
        sum: Sum,
        block: &Block,
        slots: &[f32; SLOTS],
    ) -> Sum {
        let mut leaves: Leaves = [0; size_of::<Leaves>() / 4];
        for group in &block.groups {
            let arrived = self.walk::<SLOTS, CHECKED>(group, slots);
            for (lane, at) in self.lanes[group.first_lane..][..group.lanes].iter().zip(arrived) {
                leaves[lane.place as usize & (leaves.len() - 1)] = self.leaf::<CHECKED>(at);
            }
        }
        self.add(sum, leaves[..block.trees].iter().copied())
    }

    /// Adds leaves in the order of the trees, in the forest's number types.
    #[inline(always)]
    fn add(&self, mut sum: Sum, leaves: impl Iterator<Item = u32>) -> Sum {
        match self.sum {
            SumKind::F32 => sum.single = leaves.fold(sum.single, |sum, leaf| sum + f32::from_bits(leaf)),
            SumKind::F64 => {
                sum.double = leaves.fold(sum.double, |sum, leaf| sum + f64::from(f32::from_bits(leaf)));
            }
            SumKind::F64Leaves => {
                let value = |leaf: u32| self.leaf_values[leaf as usize].to_native();
                sum.double = leaves.fold(sum.double, |sum, leaf| sum + value(leaf));
            }
        }
        sum
    }
}

/// Total steps until the walks of all these trees have reached a leaf, in groups of [`LANES_MAX`].
fn trips(trees: &[(u8, Lane)]) -> u32 {
    trees
        .chunks(LANES_MAX)
        .map(|group| group.iter().map(|&(height, _)| u32::from(height)).max().unwrap_or(0))
        .sum()
}

fn check_slots(archived: &ArchivedForest, feature_count: usize) -> Result<Vec<Slot>, String> {
    if archived.slots.len() >= SLOTS_MAX {
        return Err(format!("{} slots; {} are possible", archived.slots.len(), SLOTS_MAX - 1));
    }
    let mut slots = Vec::with_capacity(archived.slots.len());
    for (number, slot) in archived.slots.iter().enumerate() {
        let feature = slot.feature.to_native();
        if usize::from(feature) >= feature_count {
            return Err(format!("slot {number} reads feature {feature} of {feature_count}"));
        }
        if slot.reserved != 0 {
            return Err(format!("slot {number}: its reserved byte is {}", slot.reserved));
        }
        let missing = Missing::from_code(slot.missing)
            .ok_or_else(|| format!("slot {number}: missing direction {} is unknown", slot.missing))?;
        slots.push(Slot { feature, stand_in: missing.stand_in() });
    }
    Ok(slots)
}

/// Bound on the distance from a node to its children.
const REACH: usize = 1 << (33 - SLOT_BITS);

/// Checks every node and returns each tree's height. Children come after their parents, so one pass from the end meets
/// every child before its parent, and no walk can loop.
fn check_nodes(
    archived: &ArchivedForest,
    pages: &Pages,
    sum: SumKind,
    slot_count: usize,
) -> Result<Vec<u8>, String> {
    let nodes = archived.nodes.as_slice();
    if u32::try_from(nodes.len()).is_err() {
        return Err(format!("{} nodes", nodes.len()));
    }
    let mut roots: Vec<(u32, u32)> = archived.roots.iter().map(|root| root.to_native()).zip(0..).collect();
    roots.sort_unstable();
    if let Some((root, _)) = roots.last().filter(|(root, _)| *root as usize >= nodes.len()) {
        return Err(format!("root {root} is not a node"));
    }
    let mut tree_heights = vec![0; roots.len()];
    // The heights of the last nodes, as far as a link reaches.
    let mut heights = vec![0_u8; nodes.len().next_power_of_two().min(REACH)];
    let mask = heights.len() - 1;
    let mut at = nodes.len();
    for window in nodes.rchunks(WINDOW_BYTES / size_of::<ArchivedNode>()) {
        for node in window.iter().rev() {
            at -= 1;
            let (value, link) = (node.value.to_native(), node.link.to_native());
            let (offset, slot) = ((link >> SLOT_BITS) as usize, link as usize & (SLOTS_MAX - 1));
            let height = if offset == 0 {
                if slot != slot_count {
                    return Err(format!(
                        "node {at}: a leaf reads slot {slot}, not the NaN slot {slot_count}"
                    ));
                }
                check_leaf(archived, sum, value).map_err(|what| format!("node {at}: {what}"))?;
                0
            } else {
                if slot >= slot_count {
                    return Err(format!("node {at}: slot {slot} of {slot_count}"));
                }
                let right = at + offset + 1;
                if right >= nodes.len() {
                    return Err(format!("node {at}: child {right} of {} nodes", nodes.len()));
                }
                let threshold = f32::from_bits(value);
                if threshold.is_nan() || threshold == f32::NEG_INFINITY {
                    return Err(format!("node {at}: threshold {threshold}"));
                }
                let below = heights[right & mask].max(heights[(right - 1) & mask]);
                if u32::from(below) == DEPTH_MAX {
                    return Err(format!("node {at}: deeper than {DEPTH_MAX} levels"));
                }
                below + 1
            };
            heights[at & mask] = height;
            while let Some((_, tree)) = roots.pop_if(|(root, _)| *root as usize == at) {
                tree_heights[tree as usize] = height;
            }
        }
        pages.release(window);
    }
    Ok(tree_heights)
}

fn check_leaf(archived: &ArchivedForest, sum: SumKind, bits: u32) -> Result<(), String> {
    let value = match sum {
        SumKind::F32 | SumKind::F64 => f64::from(f32::from_bits(bits)),
        SumKind::F64Leaves => {
            let leaf = archived.leaf_values.get(bits as usize);
            leaf.ok_or_else(|| format!("leaf value {bits} of {}", archived.leaf_values.len()))?.to_native()
        }
    };
    if is_moderate(value) { Ok(()) } else { Err(format!("leaf {value:e}")) }
}
