//! Unpacks any layout to plain trees, for explanations only.

use std::collections::VecDeque;

use super::wide::{MissingRule, WideNode, WideTree};

/// The split or leaf at a position of a layout.
pub(crate) enum Unpacked<P> {
    /// `row[feature] < threshold` goes left.
    Split { feature: u16, threshold: f64, missing: MissingRule, left: P, right: P },
    /// A leaf's value.
    Leaf(f64),
}

/// The positions of a tree's nodes, breadth first from the root, left before right. Stops after `count_max` nodes:
/// nodes of a damaged file may have two parents.
pub(crate) fn breadth_first<P: Copy>(
    root: P,
    count_max: usize,
    children: impl Fn(P) -> Option<[P; 2]>,
) -> Vec<P> {
    let (mut order, mut queue) = (Vec::new(), VecDeque::from([root]));
    while let Some(at) = queue.pop_front() {
        order.push(at);
        if order.len() + queue.len() > count_max {
            break;
        }
        queue.extend(children(at).into_iter().flatten());
    }
    order
}

/// The tree under `root`, breadth first; `None` if it has more than `nodes_max` nodes. `at` returns the node at a
/// position.
pub(crate) fn unpack_tree<P: Copy>(
    root: P,
    nodes_max: usize,
    at: impl Fn(P) -> Unpacked<P>,
) -> Option<WideTree> {
    let order = breadth_first(root, nodes_max, |place| match at(place) {
        Unpacked::Leaf(_) => None,
        Unpacked::Split { left, right, .. } => Some([left, right]),
    });
    if order.len() > nodes_max {
        return None;
    }
    let (mut leaves, mut next) = (Vec::new(), 1);
    let node = |&place: &P| match at(place) {
        Unpacked::Leaf(value) => {
            leaves.push(value);
            WideNode::Leaf(leaves.len() as u32 - 1)
        }
        Unpacked::Split { feature, threshold, missing, .. } => {
            let left = next;
            next += 2;
            WideNode::Split { feature, threshold, missing, left, right: left + 1 }
        }
    };
    let nodes: Vec<WideNode> = order.iter().map(node).collect();
    // A walk that was cut short has splits without children.
    (next as usize == nodes.len()).then_some(WideTree {
        nodes,
        output: Some(0),
        leaves,
        lines: Vec::new(),
        cover: Vec::new(),
    })
}
