//! An ensemble's nodes and leaves as parallel columns, the same for all operators.

use std::collections::HashMap;

use super::Fault;

/// Codes of a node's comparison, as in TreeEnsemble; leaves have a code too.
pub(super) const BELOW_OR_EQUAL: u8 = 0;
pub(super) const BELOW: u8 = 1;
pub(super) const ABOVE_OR_EQUAL: u8 = 2;
pub(super) const ABOVE: u8 = 3;
pub(super) const EQUAL: u8 = 4;
pub(super) const NOT_EQUAL: u8 = 5;
pub(super) const MEMBER: u8 = 6;
pub(super) const LEAF: u8 = 7;

/// The nodes of all trees, in one numbering.
#[derive(Default)]
pub(super) struct Table {
    pub(super) modes: Vec<u8>,
    pub(super) features: Vec<i64>,
    pub(super) values: Vec<f64>,
    /// Whether a missing value satisfies the node's condition; empty: never.
    pub(super) missing_yes: Vec<bool>,
    /// Each node's child for values that satisfy its condition.
    pub(super) yes: Vec<usize>,
    /// Each node's child for all other values.
    pub(super) no: Vec<usize>,
    /// The members of the set of a node with [`MEMBER`].
    pub(super) members: HashMap<usize, Vec<f64>>,
    /// Node, output and value of each leaf's addition, in the order of the nodes.
    pub(super) weights: Vec<(usize, u16, f64)>,
}

impl Table {
    /// Sorts the weights by leaf.
    ///
    /// # Errors
    /// Two weights of one leaf for the same output: their rounding is undefined.
    pub(super) fn settle(&mut self) -> Result<(), Fault> {
        self.weights.sort_by_key(|&(node, output, _)| (node, output));
        match self.weights.windows(2).find(|pair| (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1)) {
            Some(_) => Err(Fault::Unsupported("two weights of one leaf for the same output".to_owned())),
            None => Ok(()),
        }
    }

    /// Turns chains of [`EQUAL`] on one feature that share their yes-child (the form in which converters write a set of
    /// categories) into one [`MEMBER`], so that each node has one parent.
    pub(super) fn fold_chains(&mut self) {
        let missing = |node: usize| self.missing_yes.get(node).copied().unwrap_or(false);
        let links = |node: usize, next: usize| {
            let question =
                |node: usize| (self.modes[node], self.features[node], self.yes[node], missing(node));
            next < self.modes.len() && self.modes[node] == EQUAL && question(node) == question(next)
        };
        let mut taken = vec![false; self.modes.len()];
        for node in 0..self.modes.len() {
            if self.modes[node] == EQUAL && links(node, self.no[node]) {
                taken[self.no[node]] = true;
            }
        }
        let tops: Vec<usize> =
            (0..self.modes.len()).filter(|&node| self.modes[node] == EQUAL && !taken[node]).collect();
        let mut chains = Vec::new();
        for top in tops {
            let (mut members, mut last) = (vec![self.values[top]], top);
            // Each node joins one chain, so a circle ends.
            while links(last, self.no[last]) && std::mem::replace(&mut taken[self.no[last]], false) {
                last = self.no[last];
                members.push(self.values[last]);
            }
            if last != top {
                chains.push((top, members, self.no[last]));
            }
        }
        for (top, mut members, no) in chains {
            members.retain(|member| !member.is_nan());
            self.modes[top] = MEMBER;
            self.no[top] = no;
            self.members.insert(top, members);
        }
    }

    /// The node, output and weight entries of one leaf.
    pub(super) fn weights_of(&self, node: usize) -> &[(usize, u16, f64)] {
        let start = self.weights.partition_point(|&(other, ..)| other < node);
        let count = self.weights[start..].partition_point(|&(other, ..)| other == node);
        &self.weights[start..start + count]
    }

    /// One more than the greatest feature number in use.
    pub(super) fn feature_count(&self) -> Result<usize, String> {
        let asked = self.modes.iter().zip(&self.features).filter(|(mode, _)| **mode != LEAF);
        let greatest = asked.map(|(_, feature)| *feature).max().unwrap_or(0);
        match usize::try_from(greatest) {
            Ok(feature) if feature < 1 << 16 => Ok(feature + 1),
            _ => Err(format!("feature {greatest} is beyond 65,535")),
        }
    }
}
