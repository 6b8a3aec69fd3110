//! Packs trees as oblivious ones, if all of them are.

use crate::{
    file::v1,
    forest::{
        canonical::{Missing, SumKind},
        pack::sum_code,
        ranks::{
            ALWAYS_LEFT, RankNumbers,
            source::{SourceForest, SourceNode, SourceTree},
        },
    },
};

/// Most levels of a tree.
pub(crate) const LEVELS_MAX: usize = 8;
/// Number of trees in a line.
pub(crate) const LINE_TREES: usize = 4;

/// A tree's conditions from the top, and its leaves by number: a condition that sends right sets the bit of its level,
/// the top one the lowest bit.
pub(crate) struct Levels {
    questions: Vec<(u16, f64, Missing)>,
    leaves: Vec<f64>,
}

impl Levels {
    /// The levels of a tree; `None` if it is not oblivious, or has too many.
    pub(crate) fn of(tree: &SourceTree) -> Option<Self> {
        let mut questions = Vec::new();
        let mut level = vec![0_u32];
        while let SourceNode::Split { feature, threshold, missing, .. } = tree.nodes[level[0] as usize] {
            // Left children first, so that the newest bit is the highest.
            let (mut lefts, mut rights) = (Vec::new(), Vec::new());
            for &node in &level {
                match tree.nodes[node as usize] {
                    SourceNode::Split { feature: f, threshold: t, missing: m, left, right }
                        if (f, m) == (feature, missing) && t == threshold =>
                    {
                        lefts.push(left);
                        rights.push(right);
                    }
                    _ => return None,
                }
            }
            questions.push((feature, threshold, missing));
            if questions.len() > LEVELS_MAX {
                return None;
            }
            lefts.append(&mut rights);
            level = lefts;
        }
        let leaf = |&node: &u32| match tree.nodes[node as usize] {
            SourceNode::Leaf(value) => Some(value),
            SourceNode::Split { .. } => None,
        };
        Some(Self { questions, leaves: level.iter().map(leaf).collect::<Option<_>>()? })
    }
}

/// Packs a checked forest. `fingerprint` is that of the model's feature list.
///
/// # Errors
/// The limit that the forest exceeds: more thresholds or slots than a byte can number, or trees that are not oblivious.
pub(crate) fn pack(forest: &SourceForest, fingerprint: u64) -> Result<v1::Oblivious, String> {
    let numbers = RankNumbers::of(forest)?;
    let mut packed = v1::Oblivious {
        lines: Vec::new(),
        single_leaves: Vec::new(),
        double_leaves: Vec::new(),
        firsts: Vec::with_capacity(forest.trees.len()),
        ranks: numbers.to_archive(),
        base: forest.base,
        features_fingerprint: fingerprint,
        trees: u32::try_from(forest.trees.len()).map_err(|_| "more than 2^32 trees".to_owned())?,
        sum: sum_code(forest.sum),
    };
    let mut trees = Vec::with_capacity(forest.trees.len());
    for (number, tree) in forest.trees.iter().enumerate() {
        let levels = Levels::of(tree);
        trees.push(levels.ok_or_else(|| {
            format!("tree {number} does not ask one question on each of at most {LEVELS_MAX} levels")
        })?);
    }
    for four in trees.chunks(LINE_TREES) {
        let mut line = v1::Line { slots: [0; 32], ranks: [ALWAYS_LEFT; 32] };
        for (place, tree) in four.iter().enumerate() {
            for (level, &(feature, threshold, missing)) in tree.questions.iter().enumerate() {
                let at = 8 * place + level;
                (line.slots[at], line.ranks[at]) = numbers.condition(feature, threshold, missing);
            }
            let first = packed.single_leaves.len() + packed.double_leaves.len();
            packed.firsts.push(u32::try_from(first).map_err(|_| "more than 2^32 leaves".to_owned())?);
            match forest.sum {
                SumKind::F32 | SumKind::F64 => {
                    packed.single_leaves.extend(tree.leaves.iter().map(|&leaf| leaf as f32));
                }
                SumKind::F64Leaves => packed.double_leaves.extend(&tree.leaves),
            }
        }
        packed.lines.push(line);
    }
    Ok(packed)
}
