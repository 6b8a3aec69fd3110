//! Unpacks a mapped wide forest to the form in which it was built, for explanations only.

use super::MappedWide;
use crate::{
    file::v1::ArchivedWideTerm,
    forest::{
        unpack::breadth_first,
        wide::{
            CategorySet, LinearLeaf, MissingRule, WideForest, WideNode, WideTree,
            pack::{ALL_OUTPUTS, LEAF, MEMBER},
        },
    },
};

impl MappedWide {
    /// The forest with its trees breadth first; `None` if it would have more than `nodes_max` nodes. Each term of a
    /// line counts as a node.
    pub(crate) fn unpack(&self, nodes_max: usize) -> Option<WideForest> {
        let set = |&(rule, first, end): &(_, usize, usize)| CategorySet {
            rule,
            members: self.members[first..end].iter().map(|member| member.to_native()).collect(),
        };
        let (mut trees, mut room) = (Vec::with_capacity(self.trees.len()), nodes_max);
        for tree in self.trees.iter() {
            let output = tree.output.to_native();
            let output = (output != ALL_OUTPUTS).then_some(output as u16);
            let tree = self.unpack_tree(tree.root.to_native(), output, room)?;
            let terms: usize = tree.lines.iter().map(|line| line.terms.len()).sum();
            room = room.checked_sub(terms + tree.nodes.len().max(tree.leaves.len()))?;
            trees.push(tree);
        }
        Some(WideForest {
            trees,
            sets: self.sets.iter().map(set).collect(),
            base: self.base.clone(),
            values: self.values,
            sum: self.sum,
        })
    }

    fn unpack_tree(&self, root: u32, output: Option<u16>, nodes_max: usize) -> Option<WideTree> {
        let width = if output.is_some() { 1 } else { self.base.len() };
        // Leaves of a damaged file may share their values. Each gets a copy here, so those are bounded too.
        let nodes_max = nodes_max / width;
        let order = breadth_first(root, nodes_max, |at| {
            let node = &self.nodes[at as usize];
            (node.kind != LEAF).then_some([node.left.to_native(), node.right.to_native()])
        });
        if order.len() > nodes_max || order.is_empty() {
            return None;
        }
        let (mut leaves, mut leaf_count, mut lines, mut next) = (Vec::new(), 0, Vec::new(), 1);
        let node = |&at: &u32| {
            let node = &self.nodes[at as usize];
            let (value, feature) = (node.value.to_native(), node.feature.to_native());
            if node.kind == LEAF {
                let first = value as usize;
                leaves.extend(self.leaf_values[first..first + width].iter().map(|value| value.to_native()));
                if let Some(line) = (node.left.to_native() as usize).checked_sub(1) {
                    let line = &self.lines[line];
                    let terms =
                        &self.terms[line.first.to_native() as usize..][..line.count.to_native() as usize];
                    // Lines are needed only for a tree that is one line.
                    let terms = terms.iter().filter(|_| order.len() == 1);
                    let term = |term: &ArchivedWideTerm| {
                        (term.feature.to_native() as u16, term.coefficient.to_native())
                    };
                    lines.push(LinearLeaf {
                        constant: line.constant.to_native(),
                        terms: terms.map(term).collect(),
                    });
                }
                leaf_count += 1;
                return WideNode::Leaf(leaf_count - 1);
            }
            let (left, right) = (next, next + 1);
            next += 2;
            let missing = MissingRule::from_code(node.missing).unwrap_or(MissingRule::Right);
            if node.kind == MEMBER {
                let (set, missing_left) = (value as u32, missing == MissingRule::Left);
                return WideNode::Member { feature, set, missing_left, left, right };
            }
            WideNode::Split { feature, threshold: f64::from_bits(value), missing, left, right }
        };
        let nodes: Vec<WideNode> = order.iter().map(node).collect();
        // A walk that was cut short has splits without children.
        (next as usize == nodes.len()).then_some(WideTree { nodes, output, leaves, lines, cover: Vec::new() })
    }
}
