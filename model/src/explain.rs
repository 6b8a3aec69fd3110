//! Explains a row's score: the exact contribution of each feature.
//!
//! ```text
//! mapped forest + covers -- questions, trees --> per tree: tables of leaves (short paths) or quadrature (long ones)
//!                                            '-> without covers: Saabas
//! linear member ------------------------------> term less its mean
//! imported line ------------------------------> term
//!                     members * weights * (calibration | divisor, scale) --> base value + contributions = raw score
//! ```
//!
//! The units are those of the raw score: log-odds after calibration, or an imported model's margin before its link.
//! [`Method::TreeShap`] gives Shapley values of the path-dependent game (Lundberg, Erion, Lee 2018, "Consistent
//! individualized feature attribution for tree ensembles", algorithm 2): the expectation of a tree when only some
//! features are known, with unknown ones going both ways in proportion to the training data. XGBoost's `pred_contribs`
//! and LightGBM's `pred_contrib` are the same numbers. Everything is summed in f64.
//!
//! A model builds its [`Explainer`] on first use and keeps it; scoring never touches it.

mod leaf;
mod linear;
mod lines;
mod long;
mod question;
pub(crate) mod reference;
mod saabas;
mod table;
mod tree;

use crate::forest::WideForest;

pub(crate) use linear::LinearPart;
pub(crate) use lines::LinesPart;
pub(crate) use tree::covers_fault;

/// Most nodes, over all trees, of a forest that can be explained.
pub const EXPLAINED_NODES_MAX: usize = 1 << 21;

/// The method that attributes a member's score to the features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Exact path-dependent TreeSHAP.
    TreeShap,
    /// For files without node covers: each split on the row's path gives its feature the change of the mean over
    /// leaves, with equal weight for both children (after Saabas 2014). Additive, but not a Shapley value.
    Saabas,
    /// A linear term minus its mean over the training rows: exact if features are independent.
    Linear,
    /// A linear term minus the term of the imputed value: for files without training means.
    LinearFromImputed,
    /// An imported line's terms, measured from a prepared value of 0; if its pipeline centres the columns, that is the
    /// training mean. A row that the line does not score, because a value is missing, has no contributions.
    LinearFromZero,
}

/// The reason why a model's scores cannot be explained.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// The trees' leaves are linear functions of features.
    #[error("leaves that are lines (LightGBM's linear_tree) are not explained")]
    LinearLeaves,
    /// The trees have more than [`EXPLAINED_NODES_MAX`] nodes.
    #[error("its trees have more than {EXPLAINED_NODES_MAX} nodes, which is what can be explained")]
    TooManyNodes,
    /// A path reads too many different features, or all paths together do.
    #[error("its paths ask for too many different features: {what}")]
    TooLong {
        /// The number found and the greatest possible.
        what: String,
    },
    /// The node covers in the file do not fit its trees.
    #[error("its node covers do not go with its trees: {what}")]
    Covers {
        /// The fault, in words.
        what: String,
    },
}

/// The contributions to a row's raw scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// For each output, the expected score of a row without known features. In models that sum in f32 it also includes
    /// what that sum rounds away (below 1e-5), so that the parts add up to the raw score.
    pub base_values: Vec<f64>,
    /// For output 0 one contribution for each feature, in the row's order; then for output 1; and so on. A base value
    /// and its contributions add up to the output's raw score within 1e-9.
    pub contributions: Vec<f64>,
}

impl Explanation {
    /// One output's contributions, in the order of the features.
    ///
    /// # Panics
    /// If there is no such output.
    pub fn of_output(&self, output: usize) -> &[f64] {
        let width = self.contributions.len() / self.base_values.len();
        &self.contributions[output * width..(output + 1) * width]
    }
}

impl Method {
    /// The method's name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::TreeShap => "tree_shap",
            Self::Saabas => "saabas",
            Self::Linear => "linear",
            Self::LinearFromImputed => "linear_from_imputed",
            Self::LinearFromZero => "linear_from_zero",
        }
    }
}

/// One member, prepared for explanation.
#[derive(Debug)]
pub(crate) enum Part {
    /// Trees, explained by TreeSHAP or Saabas.
    Forest(Box<ForestPart>),
    /// A linear member, explained term by term.
    Linear(LinearPart),
    /// An imported line for each output.
    Lines(LinesPart),
}

/// Explains the scores of one model.
#[derive(Debug)]
pub struct Explainer {
    /// Each member with its weight in the sum.
    parts: Vec<(f64, Part)>,
    /// Factor of each output by which the members' sum is multiplied.
    scales: Vec<f64>,
    /// Expected raw score of each output.
    expected: Vec<f64>,
    features: usize,
}

impl Explainer {
    /// Parts with their weights. Each output's sum is multiplied by its scale; then its offset is added.
    pub(crate) fn new(parts: Vec<(f64, Part)>, scales: Vec<f64>, offsets: Vec<f64>, features: usize) -> Self {
        let mut expected = offsets;
        for (weight, part) in &parts {
            let of_part = match part {
                Part::Forest(forest) => forest.expected.as_slice(),
                Part::Linear(linear) => std::slice::from_ref(&linear.expected),
                Part::Lines(lines) => lines.expected.as_slice(),
            };
            for ((sum, scale), value) in expected.iter_mut().zip(&scales).zip(of_part) {
                *sum += scale * weight * value;
            }
        }
        Self { parts, scales, expected, features }
    }

    /// The method of each member, in the order of the sum.
    pub fn methods(&self) -> impl Iterator<Item = Method> {
        self.parts.iter().map(|(_, part)| match part {
            Part::Forest(forest) => forest.method(),
            Part::Linear(linear) => linear.method(),
            Part::Lines(_) => Method::LinearFromZero,
        })
    }

    /// The methods' names, each once, joined by `+`: `linear+tree_shap`.
    pub fn method_name(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        for method in self.methods() {
            if !names.contains(&method.name()) {
                names.push(method.name());
            }
        }
        names.join("+")
    }

    /// The expected raw score of each output for a row without known features.
    pub fn expected_values(&self) -> &[f64] {
        &self.expected
    }

    /// The contributions of a prepared row's features, output by output; base values are the expected ones.
    pub(crate) fn explain(&self, row: &[f64]) -> Explanation {
        let mut contributions = vec![0.0; self.expected.len() * self.features];
        match self.parts.as_slice() {
            [(1.0, part)] => part.add(row, self.features, &mut contributions),
            parts => {
                for (weight, part) in parts {
                    let mut of_part = vec![0.0; contributions.len()];
                    part.add(row, self.features, &mut of_part);
                    for (sum, value) in contributions.iter_mut().zip(&of_part) {
                        *sum += weight * value;
                    }
                }
            }
        }
        for (parts, scale) in contributions.chunks_exact_mut(self.features).zip(&self.scales) {
            parts.iter_mut().for_each(|part| *part *= scale);
        }
        Explanation { base_values: self.expected.clone(), contributions }
    }
}

impl Part {
    fn add(&self, row: &[f64], features: usize, contributions: &mut [f64]) {
        match self {
            Self::Forest(forest) => forest.add(row, features, contributions),
            Self::Linear(linear) => linear.add(row, contributions),
            Self::Lines(lines) => lines.add(row, features, contributions),
        }
    }
}

/// A forest, prepared for explanation.
#[derive(Debug)]
pub(crate) struct ForestPart {
    questions: question::Questions,
    kind: Kind,
    expected: Vec<f64>,
}

#[derive(Debug)]
enum Kind {
    Shapley { tables: table::Tables, long: Vec<long::LongTree> },
    Saabas(Vec<saabas::SaabasTree>),
}

impl ForestPart {
    /// Prepares a forest. Either all of its trees have covers or none.
    ///
    /// # Errors
    /// [`ExplainError`].
    pub(crate) fn new(forest: &WideForest) -> Result<Self, ExplainError> {
        if forest.trees.iter().any(|tree| !tree.lines.is_empty()) {
            return Err(ExplainError::LinearLeaves);
        }
        if forest.node_count() > EXPLAINED_NODES_MAX {
            return Err(ExplainError::TooManyNodes);
        }
        let mut questions = question::Questions::new(forest);
        let mut expected = forest.base.clone();
        let outputs = expected.len();
        if forest.trees.iter().any(|tree| tree.cover.is_empty()) {
            let trees = forest.trees.iter();
            let trees =
                trees.map(|tree| saabas::SaabasTree::new(forest, tree, &mut questions, &mut expected));
            return Ok(Self { kind: Kind::Saabas(trees.collect()), questions, expected });
        }
        let mut tables = table::Tables::new(outputs);
        let (mut long, mut work) = (Vec::new(), 0);
        for wide in &forest.trees {
            let tree = tree::Tree::new(forest, wide, &mut questions)?;
            tree.expect(&mut expected);
            if !tables.take(&tree) {
                long.push(long::LongTree::new(tree, &mut work)?);
            }
        }
        Ok(Self { kind: Kind::Shapley { tables, long }, questions, expected })
    }

    fn method(&self) -> Method {
        match self.kind {
            Kind::Shapley { .. } => Method::TreeShap,
            Kind::Saabas(_) => Method::Saabas,
        }
    }

    fn add(&self, row: &[f64], features: usize, contributions: &mut [f64]) {
        let answers = self.questions.ask(row);
        match &self.kind {
            Kind::Shapley { tables, long } => {
                tables.add(&answers, features, contributions);
                for tree in long {
                    tree.add(&answers, features, contributions);
                }
            }
            Kind::Saabas(trees) => {
                for tree in trees {
                    tree.add(&answers, features, contributions);
                }
            }
        }
    }
}
