//! The section EXPL: statistics of the training rows that explanations need and scores do not.

use super::{EXPLAINED_NODES_MAX, ExplainError, ForestPart, LinearPart, LinesPart, Part, covers_fault};
use crate::{
    file::{
        pages::{MappedSlice, Pages},
        v1::{self, ArchivedExplain},
    },
    forest::{CanonicalForest, CanonicalNode, WideForest, WideNode, unpack::breadth_first},
    linear::LinearTerm,
};
use rkyv::rend::f64_le;

/// A member's section in a mapped file, checked.
#[derive(Debug)]
pub(crate) struct Reference {
    /// Node covers, the trees in the order of the sum, each breadth first; or empty.
    covers: MappedSlice<f64_le>,
    /// Mean contribution of each term; or empty.
    mean_contributions: MappedSlice<f64_le>,
}

impl Reference {
    /// Checks the section of a member with `nodes` nodes and `terms` terms.
    ///
    /// # Errors
    /// The first rule of FORMAT.md's `EXPL` that it breaks.
    pub(crate) fn check(
        archived: &ArchivedExplain,
        pages: &Pages,
        nodes: usize,
        terms: usize,
    ) -> Result<Self, String> {
        let (covers, means) = (&archived.covers, &archived.mean_contributions);
        if !covers.is_empty() && covers.len() != nodes {
            return Err(format!("{} covers for {nodes} nodes", covers.len()));
        }
        if !means.is_empty() && means.len() != terms {
            return Err(format!("{} mean contributions for {terms} terms", means.len()));
        }
        if let Some(cover) = covers.iter().find(|cover| !(0.0..=1e30).contains(&cover.to_native())) {
            return Err(format!("cover {cover}"));
        }
        if let Some(mean) = means.iter().find(|mean| !crate::combine::is_moderate(mean.to_native())) {
            return Err(format!("mean contribution {mean}"));
        }
        Ok(Self { covers: pages.keep(covers), mean_contributions: pages.keep(means) })
    }
}

/// Prepares a forest for explanation. `unpack` gives it breadth first, or `None` if it has too many nodes.
///
/// # Errors
/// [`ExplainError`].
pub(crate) fn forest_part(
    unpack: impl FnOnce(usize) -> Option<WideForest>,
    reference: Option<&Reference>,
) -> Result<Part, ExplainError> {
    let mut forest = unpack(EXPLAINED_NODES_MAX).ok_or(ExplainError::TooManyNodes)?;
    if let Some(lines) = LinesPart::of(&forest) {
        return Ok(Part::Lines(lines));
    }
    let covers = reference.map_or(&[] as &[f64_le], |reference| &reference.covers);
    if !covers.is_empty() {
        if covers.len() != forest.node_count() {
            let what = format!("{} covers for {} nodes", covers.len(), forest.node_count());
            return Err(ExplainError::Covers { what });
        }
        let mut covers = covers.iter().map(|cover| cover.to_native());
        for tree in &mut forest.trees {
            tree.cover = covers.by_ref().take(tree.nodes.len()).collect();
        }
    }
    Ok(Part::Forest(Box::new(ForestPart::new(&forest)?)))
}

/// Prepares a linear member for explanation.
pub(crate) fn linear_part(terms: Vec<LinearTerm>, intercept: f64, reference: Option<&Reference>) -> Part {
    let means = reference.map_or(&[] as &[f64_le], |reference| &reference.mean_contributions);
    let means = means.iter().map(|mean| mean.to_native()).collect();
    Part::Linear(LinearPart::new(terms, intercept, means))
}

/// The section for a forest of narrow nodes; `None` if a tree's covers are absent or invalid.
pub(crate) fn of_narrow(forest: &CanonicalForest, member: u32) -> Option<v1::Explain> {
    let children = |nodes: &[CanonicalNode], at: u32| match nodes[at as usize] {
        CanonicalNode::Leaf(_) => None,
        CanonicalNode::Split { left, right, .. } => Some([left, right]),
    };
    let mut covers = Vec::with_capacity(forest.node_count());
    for tree in &forest.trees {
        let order = breadth_first(0, tree.nodes.len(), |at| children(&tree.nodes, at));
        let fault = covers_fault(&tree.cover, tree.nodes.len(), |at| children(&tree.nodes, at));
        if fault.is_some() {
            return None;
        }
        covers.extend(order.iter().map(|&at| tree.cover[at as usize]));
    }
    Some(v1::Explain { covers, mean_contributions: Vec::new(), member })
}

/// The section for a wide forest; `None` if a tree's covers are absent or invalid.
pub(crate) fn of_wide(forest: &WideForest, member: u32) -> Option<v1::Explain> {
    let children = |nodes: &[WideNode], at: u32| nodes[at as usize].children();
    let mut covers = Vec::with_capacity(forest.node_count());
    for tree in &forest.trees {
        let order = breadth_first(0, tree.nodes.len(), |at| children(&tree.nodes, at));
        let fault = covers_fault(&tree.cover, tree.nodes.len(), |at| children(&tree.nodes, at));
        if fault.is_some() {
            return None;
        }
        covers.extend(order.iter().map(|&at| tree.cover[at as usize]));
    }
    Some(v1::Explain { covers, mean_contributions: Vec::new(), member })
}
