//! Contributions of an imported line: trees with a single leaf that is a linear function (scikit-learn's linear
//! models).

use crate::forest::{Precision, WideForest, WideTree, wide::LINE_MAX};

/// The line of one output, prepared for explanation.
#[derive(Debug)]
struct Line {
    output: usize,
    constant: f64,
    terms: Vec<(u16, f64)>,
}

/// A forest of such trees, prepared for explanation.
#[derive(Debug)]
pub(crate) struct LinesPart {
    lines: Vec<Line>,
    values: Precision,
    /// Expected raw score of each output.
    pub(super) expected: Vec<f64>,
}

impl LinesPart {
    /// Prepares a forest; `None` if any tree is not a single leaf with a line.
    pub(super) fn of(forest: &WideForest) -> Option<Self> {
        let mut expected = forest.base.clone();
        let line = |tree: &WideTree| match (tree.nodes.len(), tree.lines.as_slice(), tree.output) {
            (1, [line], Some(output)) => {
                expected[usize::from(output)] += line.constant;
                Some(Line { output: usize::from(output), constant: line.constant, terms: line.terms.clone() })
            }
            _ => None,
        };
        let lines = forest.trees.iter().map(line).collect::<Option<_>>()?;
        Some(Self { lines, values: forest.values, expected })
    }

    /// Adds each term of the lines that score the row.
    pub(super) fn add(&self, row: &[f64], features: usize, contributions: &mut [f64]) {
        let value = |feature: u16| self.values.round(row[usize::from(feature)]);
        for line in &self.lines {
            let part = |&(feature, coefficient): &(u16, f64)| coefficient * value(feature);
            let sum = line.terms.iter().fold(line.constant, |sum, term| sum + part(term));
            let is_finite = line.terms.iter().all(|&(feature, _)| value(feature).is_finite());
            if is_finite && sum.abs() <= LINE_MAX {
                for term in &line.terms {
                    contributions[line.output * features + usize::from(term.0)] += part(term);
                }
            }
        }
    }
}
