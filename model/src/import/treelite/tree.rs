//! Treelite's trees, stored as columns of nodes.

use super::{
    Fault,
    bytes::{Bytes, double, signed, unsigned},
};
use crate::{
    forest::wide::{CategorySet, SetRule, WideNode, WideTree},
    import::{grow::grow, missing, not_above},
};

/// Codes of the kinds of nodes.
const LEAF: u8 = 0;
const NUMERICAL: u8 = 1;
const CATEGORICAL: u8 = 2;

/// Reads one number of a column.
type Number = fn(&[u8]) -> f64;

/// A tree's columns; numbers have `width` bytes.
struct Columns<'a> {
    kind: &'a [u8],
    left: &'a [u8],
    right: &'a [u8],
    feature: &'a [u8],
    default_left: &'a [u8],
    leaf: &'a [u8],
    threshold: &'a [u8],
    comparison: &'a [u8],
    listed_right: &'a [u8],
    vector: (&'a [u8], &'a [u8], &'a [u8]),
    categories: (&'a [u8], &'a [u8], &'a [u8]),
    /// Counts or hessians if all nodes have one; eight bytes each.
    cover: Option<(Number, &'a [u8])>,
    width: usize,
}

impl<'a> Columns<'a> {
    fn read(bytes: &mut Bytes<'a>, count: usize, width: usize) -> Result<Self, String> {
        let mut columns = Self {
            kind: bytes.array(1)?,
            left: bytes.array(4)?,
            right: bytes.array(4)?,
            feature: bytes.array(4)?,
            default_left: bytes.array(1)?,
            leaf: bytes.array(width)?,
            threshold: bytes.array(width)?,
            comparison: bytes.array(1)?,
            listed_right: bytes.array(1)?,
            vector: (bytes.array(width)?, bytes.array(8)?, bytes.array(8)?),
            categories: (bytes.array(4)?, bytes.array(8)?, bytes.array(8)?),
            cover: None,
            width,
        };
        // Statistics: counts, hessians and gains, each with a column that says which are known.
        for number in [(|count| unsigned(count) as f64) as Number, double] {
            let (column, known) = (bytes.array(8)?, bytes.array(1)?);
            if columns.cover.is_none()
                && column.len() / 8 == count
                && known.len() == count
                && !known.contains(&0)
            {
                columns.cover = Some((number, column));
            }
        }
        bytes.array(8)?;
        bytes.array(1)?;
        if bytes.i32()? != 0 || bytes.i32()? != 0 {
            return Err("extensions of a later version".to_owned());
        }
        let ones = [columns.kind, columns.default_left, columns.comparison, columns.listed_right];
        let fours = [columns.left, columns.right, columns.feature];
        let sound = ones.iter().all(|column| column.len() == count)
            && fours.iter().all(|column| column.len() / 4 == count)
            && [columns.leaf, columns.threshold].iter().all(|column| column.len() / width == count);
        if sound { Ok(columns) } else { Err("its columns differ in length".to_owned()) }
    }

    /// A node's slice of a ragged column.
    fn part(column: (&'a [u8], &[u8], &[u8]), node: usize, width: usize) -> Result<&'a [u8], String> {
        let bound = |bounds: &[u8]| match bounds.get(8 * node..8 * node + 8) {
            Some(bound) => usize::try_from(unsigned(bound)).ok().and_then(|bound| bound.checked_mul(width)),
            None => Some(0),
        };
        let range = bound(column.1).zip(bound(column.2));
        let part = range.and_then(|(start, end)| column.0.get(start..end));
        part.ok_or_else(|| format!("node {node}: its list is out of range"))
    }
}

pub(super) fn read(
    bytes: &mut Bytes<'_>,
    doubles: bool,
    class: i64,
    outputs: usize,
    sets: &mut Vec<CategorySet>,
) -> Result<WideTree, Fault> {
    let count = usize::try_from(bytes.i32()?).map_err(|_| "nodes below zero".to_owned())?;
    bytes.u8()?;
    let columns = Columns::read(bytes, count, if doubles { 8 } else { 4 })?;
    let width = columns.width;
    let vector = class < 0 && outputs > 1;
    let (mut leaves, mut cover, mut unsupported) = (Vec::new(), Vec::new(), None);
    let mut listed = 0;
    let nodes = grow(0, count, |node| {
        cover.extend(columns.cover.map(|(number, column)| number(&column[8 * node..8 * node + 8])));
        let four = |column: &[u8]| signed(&column[4 * node..4 * node + 4]);
        let number = |column: &[u8]| double(&column[width * node..width * (node + 1)]);
        if columns.kind[node] == LEAF || four(columns.left) < 0 {
            let values = Columns::part(columns.vector, node, width)?;
            if vector == values.is_empty() || (vector && values.len() / width != outputs) {
                return Err(format!("node {node}: {} values for {outputs} outputs", values.len() / width));
            }
            if leaves.len() > columns.vector.0.len() / width + count {
                return Err(format!("node {node}: leaves that share values"));
            }
            leaves.extend(values.chunks_exact(width).map(double));
            if !vector {
                leaves.push(number(columns.leaf));
            }
            return Ok(WideNode::Leaf((leaves.len() / if vector { outputs } else { 1 } - 1) as u32));
        }
        let child = |child: i64| u32::try_from(child).map_err(|_| format!("node {node}: child {child}"));
        let (left, right) = (child(four(columns.left))?, child(four(columns.right))?);
        let feature = four(columns.feature);
        let feature = u16::try_from(feature).map_err(|_| format!("node {node}: feature {feature}"))?;
        let default_left = columns.default_left[node] != 0;
        if columns.kind[node] == CATEGORICAL {
            let categories = Columns::part(columns.categories, node, 4)?;
            listed += categories.len();
            if listed > columns.categories.0.len() {
                return Err(format!("node {node}: nodes that share categories"));
            }
            let mut members: Vec<f64> =
                categories.chunks_exact(4).map(|code| unsigned(code) as f64).collect();
            members.sort_by(f64::total_cmp);
            members.dedup();
            sets.push(CategorySet { rule: SetRule::NotNegative, members });
            let set = (sets.len() - 1) as u32;
            return Ok(match columns.listed_right[node] {
                0 => WideNode::Member { feature, set, missing_left: default_left, left, right },
                _ => WideNode::Member { feature, set, missing_left: !default_left, left: right, right: left },
            });
        }
        let threshold = number(columns.threshold);
        let missing = missing(default_left);
        match columns.comparison[node] {
            _ if columns.kind[node] != NUMERICAL => Err(format!("node {node}: its kind is unknown")),
            2 => Ok(WideNode::Split { feature, threshold, missing, left, right }),
            3 => Ok(not_above(feature, threshold, missing, left, right)),
            other => {
                unsupported = Some(format!("comparison {other} (2, below, and 3, not above, are)"));
                Err(String::new())
            }
        }
    });
    if let Some(what) = unsupported {
        return Err(Fault::Unsupported(what));
    }
    let output = if vector { None } else { Some(u16::try_from(class.max(0)).unwrap_or(u16::MAX)) };
    Ok(WideTree { nodes: nodes?, output, leaves, lines: Vec::new(), cover })
}
