//! A wide forest in a mapped file: checked once, then walked a tree at a time with bounds checks.

mod unpack;

use rkyv::rend::f64_le;

use super::{
    LINE_MAX, MissingRule, OUTPUTS_MAX, Precision, SetRule,
    check::{WIDE_DEPTH_MAX, check_members},
    pack::{ALL_OUTPUTS, LEAF, MEMBER, SPLIT},
};
use crate::{
    combine::is_moderate,
    file::{
        pages::{MappedSlice, Pages},
        v1::{ArchivedWide, ArchivedWideLine, ArchivedWideNode, ArchivedWideTerm, ArchivedWideTree},
    },
    forest::canonical::TREES_MAX,
    row::Row,
};

/// A wide forest whose nodes, sets and leaves have all been checked.
#[derive(Debug)]
pub(crate) struct MappedWide {
    nodes: MappedSlice<ArchivedWideNode>,
    leaf_values: MappedSlice<f64_le>,
    trees: MappedSlice<ArchivedWideTree>,
    /// Each set's rule, and the start and end of its members.
    sets: Vec<(SetRule, usize, usize)>,
    members: MappedSlice<f64_le>,
    lines: MappedSlice<ArchivedWideLine>,
    terms: MappedSlice<ArchivedWideTerm>,
    base: Vec<f64>,
    values: Precision,
    sum: Precision,
}

impl MappedWide {
    /// Checks an archived forest.
    ///
    /// # Errors
    /// The first rule of FORMAT.md's `WIDE` that it breaks.
    pub(crate) fn check(
        archived: &ArchivedWide,
        pages: &Pages,
        feature_count: usize,
    ) -> Result<Self, String> {
        let precision =
            |code: u8| Precision::from_code(code).ok_or_else(|| format!("number type {code} is unknown"));
        let base: Vec<f64> = archived.base.iter().map(|base| base.to_native()).collect();
        if base.is_empty() || base.len() > OUTPUTS_MAX || !base.iter().all(|base| is_moderate(*base)) {
            return Err(format!("base of {} outputs is out of range", base.len()));
        }
        let numbers = archived.leaf_values.iter().chain(archived.terms.iter().map(|term| &term.coefficient));
        if let Some(number) = numbers.map(|number| number.to_native()).find(|number| !is_moderate(*number)) {
            return Err(format!("leaf value or coefficient {number:e}"));
        }
        check_trees(archived, base.len())?;
        check_lines(archived, feature_count)?;
        let vector = archived.trees.iter().any(|tree| tree.output.to_native() == ALL_OUTPUTS);
        let work = check_nodes(archived, feature_count, if vector { base.len() } else { 1 })?;
        check_work(archived, &work)?;
        Ok(Self {
            nodes: pages.keep(&archived.nodes),
            leaf_values: pages.keep(&archived.leaf_values),
            trees: pages.keep(&archived.trees),
            sets: check_sets(archived)?,
            members: pages.keep(&archived.members),
            lines: pages.keep(&archived.lines),
            terms: pages.keep(&archived.terms),
            base,
            values: precision(archived.values)?,
            sum: precision(archived.sum)?,
        })
    }

    /// Number of trees.
    pub(crate) fn tree_count(&self) -> usize {
        self.trees.len()
    }

    /// Number of nodes in all trees, leaves included.
    pub(crate) fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// Number of outputs: sums that a row has.
    pub(crate) fn outputs(&self) -> usize {
        self.base.len()
    }

    /// Whether its splits compare f64; otherwise values are rounded to f32.
    pub(crate) fn reads_doubles(&self) -> bool {
        self.values == Precision::Double
    }

    /// Writes the sums for a row; `sums` has one entry for each output.
    pub(crate) fn score<R: Row + ?Sized>(&self, row: &R, sums: &mut [f64]) {
        sums.copy_from_slice(&self.base);
        for tree in self.trees.iter() {
            let leaf = &self.nodes[self.leaf(tree.root.to_native() as usize, row)];
            let first = leaf.value.to_native() as usize;
            let output = tree.output.to_native();
            if output == ALL_OUTPUTS {
                for (sum, value) in sums.iter_mut().zip(&self.leaf_values[first..]) {
                    *sum = self.sum.add(*sum, value.to_native());
                }
                continue;
            }
            let line = match leaf.left.to_native() as usize {
                0 => None,
                line => self.line(line - 1, row),
            };
            let sum = &mut sums[output as usize];
            *sum = self.sum.add(*sum, line.unwrap_or_else(|| self.leaf_values[first].to_native()));
        }
    }

    /// The position of the leaf that the row reaches.
    fn leaf<R: Row + ?Sized>(&self, root: usize, row: &R) -> usize {
        let mut at = root;
        loop {
            let node = &self.nodes[at];
            if node.kind == LEAF {
                return at;
            }
            let value = self.values.round(row.double(usize::from(node.feature.to_native())));
            let missing = MissingRule::from_code(node.missing).unwrap_or(MissingRule::Right);
            let goes_left = if node.kind == SPLIT {
                missing.goes_left(value, f64::from_bits(node.value.to_native()))
            } else if value.is_nan() {
                missing == MissingRule::Left
            } else {
                self.holds(node.value.to_native() as usize, value)
            };
            at = if goes_left { node.left } else { node.right }.to_native() as usize;
        }
    }

    fn holds(&self, set: usize, value: f64) -> bool {
        let (rule, first, end) = self.sets[set];
        let (key, members) = (rule.key(value), &self.members[first..end]);
        let place = members.partition_point(|member| member.to_native() < key);
        members.get(place).is_some_and(|member| member.to_native() == key)
    }

    /// The line's value; `None` if a feature is NaN or infinite, or the value too large.
    fn line<R: Row + ?Sized>(&self, line: usize, row: &R) -> Option<f64> {
        let line = &self.lines[line];
        let first = line.first.to_native() as usize;
        let mut sum = line.constant.to_native();
        for term in &self.terms[first..first + line.count.to_native() as usize] {
            let value = self.values.round(row.double(term.feature.to_native() as usize));
            if !value.is_finite() {
                return None;
            }
            sum += term.coefficient.to_native() * value;
        }
        (sum.abs() <= LINE_MAX).then_some(sum)
    }
}

fn check_trees(archived: &ArchivedWide, outputs: usize) -> Result<(), String> {
    if archived.trees.is_empty() || archived.trees.len() > TREES_MAX {
        return Err(format!("{} trees; 1 to {TREES_MAX} are possible", archived.trees.len()));
    }
    let vector = archived.trees[0].output.to_native() == ALL_OUTPUTS;
    for (number, tree) in archived.trees.iter().enumerate() {
        let (root, output) = (tree.root.to_native(), tree.output.to_native());
        if root as usize >= archived.nodes.len() {
            return Err(format!("tree {number}: root {root} is not a node"));
        }
        if (output == ALL_OUTPUTS) != vector || (!vector && output as usize >= outputs) {
            return Err(format!("tree {number}: output {output} of {outputs}"));
        }
    }
    Ok(())
}

fn check_lines(archived: &ArchivedWide, feature_count: usize) -> Result<(), String> {
    if !archived.lines.is_empty() && archived.sum != Precision::Double.code() {
        return Err("linear leaves in a sum of f32".to_owned());
    }
    for (number, line) in archived.lines.iter().enumerate() {
        let end = u64::from(line.first.to_native()) + u64::from(line.count.to_native());
        if end > archived.terms.len() as u64 || !is_moderate(line.constant.to_native()) {
            return Err(format!("linear leaf {number} is out of range"));
        }
    }
    match archived.terms.iter().find(|term| term.feature.to_native() as usize >= feature_count) {
        Some(term) => Err(format!("a linear leaf reads feature {} of {feature_count}", term.feature)),
        None => Ok(()),
    }
}

fn check_sets(archived: &ArchivedWide) -> Result<Vec<(SetRule, usize, usize)>, String> {
    let mut sets = Vec::with_capacity(archived.sets.len());
    for (number, set) in archived.sets.iter().enumerate() {
        let rule = SetRule::from_code(set.rule.to_native())
            .ok_or_else(|| format!("set {number}: rule {} is unknown", set.rule))?;
        let first = set.first.to_native() as usize;
        let end = first.saturating_add(set.count.to_native() as usize);
        let members = archived.members.get(first..end).ok_or_else(|| format!("set {number}: no members"))?;
        check_members(rule, members.iter().map(|member| member.to_native()))
            .map_err(|what| format!("set {number}: {what}"))?;
        sets.push((rule, first, end));
    }
    Ok(sets)
}

/// Bounds the work of a row. A million roots that share one deep tree's nodes or lines would take minutes.
fn check_work(archived: &ArchivedWide, work: &[u64]) -> Result<(), String> {
    let steps: u64 = archived.trees.iter().map(|tree| work[tree.root.to_native() as usize]).sum();
    let (nodes, terms) = (archived.nodes.len(), archived.terms.len());
    if steps > nodes as u64 + terms as u64 {
        return Err(format!("{steps} steps a row for {nodes} nodes and {terms} terms: trees share them"));
    }
    Ok(())
}

/// Checks that children come after their parents, so that no walk can loop. Returns for each node the most nodes and
/// terms that a row may meet at and below it.
fn check_nodes(archived: &ArchivedWide, feature_count: usize, leaf_width: usize) -> Result<Vec<u64>, String> {
    let nodes = archived.nodes.as_slice();
    let mut heights = vec![0_u32; nodes.len()];
    let mut work = vec![1_u64; nodes.len()];
    for (at, node) in nodes.iter().enumerate().rev() {
        let fault = |what: String| Err(format!("node {at}: {what}"));
        let value = node.value.to_native();
        let (left, right) = (node.left.to_native() as usize, node.right.to_native() as usize);
        let feature = usize::from(node.feature.to_native());
        if node.reserved.to_native() != 0 || feature >= feature_count {
            return fault(format!("feature {feature} of {feature_count}"));
        }
        match node.kind {
            LEAF => {
                let end = value.saturating_add(leaf_width as u64);
                if end > archived.leaf_values.len() as u64 || left > archived.lines.len() {
                    return fault(format!("leaf value {value} of {}", archived.leaf_values.len()));
                }
                let line = left.checked_sub(1).map(|line| &archived.lines[line]);
                work[at] += line.map_or(0, |line| u64::from(line.count.to_native()));
                continue;
            }
            SPLIT if f64::from_bits(value).is_nan() => return fault("threshold NaN".to_owned()),
            SPLIT if MissingRule::from_code(node.missing).is_none() => {
                return fault(format!("missing direction {}", node.missing));
            }
            MEMBER if value >= archived.sets.len() as u64 || node.missing > 1 => {
                return fault(format!("set {value} of {}", archived.sets.len()));
            }
            SPLIT | MEMBER => {}
            kind => return fault(format!("kind {kind} is unknown")),
        }
        if left.min(right) <= at || left.max(right) >= nodes.len() {
            return fault(format!("children {left} and {right} of {} nodes", nodes.len()));
        }
        heights[at] = 1 + heights[left].max(heights[right]);
        if heights[at] > WIDE_DEPTH_MAX {
            return fault(format!("deeper than {WIDE_DEPTH_MAX} levels"));
        }
        work[at] += work[left].max(work[right]);
    }
    Ok(work)
}
