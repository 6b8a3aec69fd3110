//! Renumbers a library's nodes breadth first from the root, so that children come after parents.

use std::collections::VecDeque;

use crate::forest::wide::WideNode;

/// Builds a tree from `root`. `node` returns a node by its number in the file, with its children's numbers there.
/// Unreachable nodes are left out.
///
/// # Errors
/// The error of `node`, or a child that is out of range or has two parents.
pub(super) fn grow(
    root: usize,
    count: usize,
    node: impl FnMut(usize) -> Result<WideNode, String>,
) -> Result<Vec<WideNode>, String> {
    grow_in(root, &mut vec![false; count], node)
}

/// As [`grow`], for trees that share one numbering: `seen` marks the nodes that are used already.
///
/// # Errors
/// As [`grow`].
pub(super) fn grow_in(
    root: usize,
    seen: &mut [bool],
    mut node: impl FnMut(usize) -> Result<WideNode, String>,
) -> Result<Vec<WideNode>, String> {
    let count = seen.len();
    let mut queue = VecDeque::from([root]);
    let mut nodes = Vec::new();
    let place = seen.get_mut(root).ok_or_else(|| format!("root {root} of {count} nodes"))?;
    if std::mem::replace(place, true) {
        return Err(format!("root {root} stands in another tree"));
    }
    while let Some(number) = queue.pop_front() {
        let mut grown = node(number)?;
        if let WideNode::Split { left, right, .. } | WideNode::Member { left, right, .. } = &mut grown {
            for child in [left, right] {
                let place = seen.get_mut(*child as usize);
                let place = place.ok_or_else(|| format!("node {number}: child {child} of {count} nodes"))?;
                if std::mem::replace(place, true) {
                    return Err(format!("node {number}: child {child} has two parents"));
                }
                queue.push_back(*child as usize);
                *child = u32::try_from(nodes.len() + queue.len())
                    .map_err(|_| format!("{count} nodes in a tree"))?;
            }
        }
        nodes.push(grown);
    }
    Ok(nodes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forest::wide::MissingRule;

    fn split(left: u32, right: u32) -> WideNode {
        WideNode::Split { feature: 0, threshold: 0.0, missing: MissingRule::Left, left, right }
    }

    #[test]
    fn nodes_are_renumbered_and_circles_refused() {
        let file = [
            WideNode::Leaf(0),
            split(3, 0),
            WideNode::Leaf(9),
            split(4, 5),
            WideNode::Leaf(1),
            WideNode::Leaf(2),
        ];
        let grown = grow(1, file.len(), |number| Ok(file[number])).unwrap();
        let expected = [split(1, 2), split(3, 4), WideNode::Leaf(0), WideNode::Leaf(1), WideNode::Leaf(2)];
        assert_eq!(grown, expected);
        assert!(grow(0, 2, |_| Ok(split(1, 0))).is_err());
        assert!(grow(0, 3, |_| Ok(split(1, 1))).is_err());
        assert!(grow(0, 1, |_| Ok(split(1, 2))).is_err());
        assert!(grow(1, 1, |_| Ok(split(1, 2))).is_err());
    }
}
