//! Boosting by the crate `forust-ml`. Its trees are converted at once; a model holds nothing of the crate.

use std::collections::VecDeque;

use forust_ml::{
    GradientBooster, Matrix,
    constraints::{Constraint, ConstraintMap},
    gradientbooster::GrowPolicy,
    objective::ObjectiveType,
    sampler::SampleMethod,
    tree::Tree,
};

use super::{
    boost::{BoostOptions, Trainer},
    dataset::Dataset,
    error::LearnError,
};
use crate::forest::{CanonicalForest, CanonicalNode, CanonicalTree, Missing, SumKind, narrow_threshold};

/// Trains by the crate's XGBoost-like algorithm on one thread, so that the order of sums is fixed.
///
/// The conversion is exact: it goes left on `x < t` in f64 with t an f64, which for an f32 `x` is
/// [`narrow_threshold`]'s comparison; missing values follow a split's own direction; f32 leaves are summed in f64 from
/// the base, in the order of the trees. So a converted forest gives the library's own predictions bit for bit.
///
/// The conversion makes one repair. Under a split on an increasing feature the library bounds the children's values
/// only if they split on an increasing feature themselves (its `constrained_weight`), so a leaf below any other split
/// can violate the monotonicity. The conversion carries the bounds down to every leaf and clamps it, as XGBoost does.
/// Without increasing features nothing is clamped.
#[derive(Clone, Copy, Debug, Default)]
pub struct ForustTrainer;

impl Trainer for ForustTrainer {
    fn name(&self) -> String {
        "forust-ml 0.8.0".to_owned()
    }

    fn fit(
        &self,
        data: &Dataset,
        chosen: &[usize],
        options: &BoostOptions,
    ) -> Result<CanonicalForest, LearnError> {
        options.check()?;
        let (booster, features) = self.grow(data, chosen, options, ObjectiveType::LogLoss)?;
        let error = |what: &str| LearnError::Trainer { trainer: self.name(), what: what.to_owned() };
        let trees: Result<_, _> = booster
            .trees
            .iter()
            .map(|tree| convert(tree, &features, &options.increasing, |leaf| leaf))
            .collect();
        Ok(CanonicalForest { trees: trees.map_err(error)?, base: booster.base_score, sum: SumKind::F64 })
    }
}

impl ForustTrainer {
    /// The library's booster, and the dataset's feature of each of its columns.
    fn grow(
        &self,
        data: &Dataset,
        chosen: &[usize],
        options: &BoostOptions,
        objective: ObjectiveType,
    ) -> Result<(GradientBooster, Vec<usize>), LearnError> {
        let error = |what: String| LearnError::Trainer { trainer: self.name(), what };
        // A column that never varies cannot split, and one without any value would not be binned.
        let features: Vec<usize> =
            (0..data.features().len()).filter(|&feature| varies(data, chosen, feature)).collect();
        if features.is_empty() {
            return Err(error("no feature varies".to_owned()));
        }
        let values = columns(data, chosen, &features);
        let labels: Vec<f64> = chosen.iter().map(|&row| f64::from(u8::from(data.labels()[row]))).collect();
        let constraints: ConstraintMap = features
            .iter()
            .enumerate()
            .filter(|(_, feature)| options.increasing.contains(feature))
            .map(|(column, _)| (column, Constraint::Positive))
            .collect();
        // The library rounds the number of columns down; a tree needs one.
        let share = options.feature_share.max(1.001 / features.len() as f64).min(1.0);
        let mut booster = GradientBooster::default()
            .set_objective_type(objective)
            .set_iterations(options.trees)
            .set_learning_rate(options.learning_rate)
            .set_max_leaves(options.leaves_max)
            .set_max_depth(options.depth_max)
            .set_min_leaf_weight(options.leaf_weight_min)
            .set_subsample(options.row_share)
            .set_sample_method(if options.row_share < 1.0 {
                SampleMethod::Random
            } else {
                SampleMethod::None
            })
            .set_colsample_bytree(share)
            .set_l2(options.l2)
            .set_nbins(options.bins)
            .set_seed(options.seed)
            .set_initialize_base_score(true)
            .set_create_missing_branch(false)
            .set_monotone_constraints((!constraints.is_empty()).then_some(constraints))
            .set_parallel(false);
        booster.grow_policy = GrowPolicy::LossGuide;
        let matrix = Matrix::new(&values, chosen.len(), features.len());
        booster.fit_unweighted(&matrix, &labels, None).map_err(|what| error(what.to_string()))?;
        Ok((booster, features))
    }
}

/// Learning rate of a forest's trees: so small that no tree sees the values of the others. A power of two, so that it
/// can be undone exactly.
const HARDLY: f32 = 1.0 / (1 << 20) as f32;

/// A random forest (Breiman 2001; features are drawn per tree, Ho 1998) by the same crate.
///
/// With the squared loss of 0 and 1 each leaf is the mean of the residuals. With a learning rate of almost nothing the
/// residuals stay the same for every tree, so the trees are independent and a leaf is the share of spikes minus the
/// base rate. Each leaf is stored as that share of spikes divided by the number of trees, so that the sum of the leaves
/// is the mean share: a probability from 0 to 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct ForustForest;

impl ForustForest {
    /// Grows the trees on the chosen rows. The option `learning_rate` is not used, and `leaf_weight_min` counts rows.
    ///
    /// # Errors
    /// [`LearnError::Trainer`].
    pub fn fit(
        &self,
        data: &Dataset,
        chosen: &[usize],
        options: &BoostOptions,
    ) -> Result<CanonicalForest, LearnError> {
        options.check()?;
        let options = BoostOptions { learning_rate: HARDLY, ..options.clone() };
        let (booster, features) = ForustTrainer.grow(data, chosen, &options, ObjectiveType::SquaredLoss)?;
        let count = booster.trees.len() as f64;
        let share = |leaf: f32| {
            let share = booster.base_score + f64::from(leaf) / f64::from(HARDLY);
            share.clamp(0.0, 1.0) / count
        };
        // The greatest leaf is rounded down to an f32, so that no sum of leaves is above 1.
        let greatest = (1.0 / count) as f32;
        let greatest = if f64::from(greatest) > 1.0 / count { greatest.next_down() } else { greatest };
        let leaf = |leaf| (share(leaf) as f32).min(greatest);
        let trees: Result<_, _> =
            booster.trees.iter().map(|tree| convert(tree, &features, &options.increasing, leaf)).collect();
        let error = |what: &str| LearnError::Trainer { trainer: ForustTrainer.name(), what: what.to_owned() };
        Ok(CanonicalForest { trees: trees.map_err(error)?, base: 0.0, sum: SumKind::F64 })
    }
}

fn varies(data: &Dataset, chosen: &[usize], feature: usize) -> bool {
    let mut present = chosen.iter().map(|&row| data.row(row)[feature]).filter(|value| !value.is_nan());
    present.next().is_some_and(|first| present.any(|value| value != first))
}

/// The chosen rows in column-major order, as the library reads them.
fn columns(data: &Dataset, chosen: &[usize], features: &[usize]) -> Vec<f64> {
    let column = |&feature: &usize| chosen.iter().map(move |&row| f64::from(data.row(row)[feature]));
    features.iter().flat_map(column).collect()
}

/// Renumbers a tree breadth first, so that children follow their parents, and clamps leaves to the bounds that the
/// splits on increasing features above them set. `answer` converts the library's leaf value to ours.
fn convert(
    tree: &Tree,
    features: &[usize],
    increasing: &[usize],
    answer: impl Fn(f32) -> f32,
) -> Result<CanonicalTree, &'static str> {
    let node_at = |at: usize| tree.nodes.get(at).ok_or("a child that is no node");
    let (mut nodes, mut cover) = (Vec::with_capacity(tree.nodes.len()), Vec::with_capacity(tree.nodes.len()));
    let mut queue = VecDeque::from([(0, f32::NEG_INFINITY, f32::INFINITY)]);
    while let Some((at, low, high)) = queue.pop_front() {
        let node = node_at(at)?;
        cover.push(f64::from(node.hessian_sum));
        if node.is_leaf {
            let leaf = answer(node.weight_value.clamp(low, high));
            nodes.push(CanonicalNode::Leaf(f64::from(leaf)));
            continue;
        }
        let feature = features[node.split_feature];
        let (left_high, right_low) = if increasing.contains(&feature) {
            let both = node_at(node.left_child)?.weight_value + node_at(node.right_child)?.weight_value;
            let middle = (both / 2.0).clamp(low, high);
            (middle, middle)
        } else {
            (high, low)
        };
        let missing = match node.missing_node {
            missing if missing == node.left_child => Missing::Left,
            missing if missing == node.right_child => Missing::Right,
            _ => return Err("a branch of its own for missing values"),
        };
        let left = nodes.len() as u32 + queue.len() as u32 + 1;
        nodes.push(CanonicalNode::Split {
            feature: feature as u16,
            threshold: narrow_threshold(node.split_value),
            missing,
            left,
            right: left + 1,
        });
        queue.extend([(node.left_child, low, left_high), (node.right_child, right_low, high)]);
    }
    Ok(CanonicalTree { nodes, cover })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::FeatureName;

    /// Rows with ties, missing values, a constant and an empty column; the label depends on the first and third
    /// feature.
    fn rows(count: usize) -> Dataset {
        let mut state = 9_u64;
        let mut unit = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1_u64 << 24) as f32
        };
        let (mut rows, mut labels) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let signal = unit();
            let coarse = (unit() * 8.0).floor() * 0.1;
            let patchy = if unit() < 0.3 { f32::NAN } else { unit() };
            rows.extend([signal, 4.0, coarse, patchy, f32::NAN]);
            labels.push(unit() < 0.6 * signal * coarse + if patchy.is_nan() { 0.2 } else { 0.0 });
        }
        let features = (0..5).map(|number| FeatureName::new(format!("f{number}"), 1)).collect();
        Dataset::new(features, rows, labels, (0..count as i64).collect(), vec![0; count]).unwrap()
    }

    fn options() -> BoostOptions {
        BoostOptions { trees: 60, learning_rate: 0.1, feature_share: 0.7, ..Default::default() }
    }

    #[test]
    fn converted_trees_predict_what_the_library_does_bit_for_bit() {
        let data = rows(6000);
        let chosen: Vec<usize> = (0..4000).collect();
        let (booster, features) =
            ForustTrainer.grow(&data, &chosen, &options(), ObjectiveType::LogLoss).unwrap();
        assert_eq!(features, [0, 2, 3]);
        let forest = ForustTrainer.fit(&data, &chosen, &options()).unwrap();
        forest.check(0, 5).unwrap();

        let all: Vec<usize> = (0..data.len()).collect();
        let values = columns(&data, &all, &features);
        let expected = booster.predict(&Matrix::new(&values, all.len(), features.len()), false);
        let mut splits = 0;
        for (&row, expected) in all.iter().zip(&expected) {
            assert_eq!(forest.score(data.row(row)).to_bits(), expected.to_bits(), "row {row}");
        }
        // And exactly on the thresholds, where `<` and `<=` part, and beside them.
        for node in booster.trees.iter().flat_map(|tree| &tree.nodes).filter(|node| !node.is_leaf) {
            let near = node.split_value as f32;
            for value in [near.next_down(), near, near.next_up()] {
                let mut row = data.row(splits % data.len()).to_vec();
                row[features[node.split_feature]] = value;
                let values: Vec<f64> = features.iter().map(|&feature| f64::from(row[feature])).collect();
                let expected = booster.predict(&Matrix::new(&values, 1, values.len()), false)[0];
                assert_eq!(forest.score(&row).to_bits(), expected.to_bits(), "{row:?}");
                splits += 1;
            }
        }
        assert!(splits > 500, "{splits} values on or beside thresholds");
    }

    #[test]
    fn a_forests_leaves_are_shares_of_spikes() {
        let data = rows(6000);
        let chosen: Vec<usize> = (0..4000).collect();
        let options =
            BoostOptions { trees: 50, row_share: 0.632, l2: 0.0, depth_max: 8, leaves_max: 64, ..options() };
        let forest = ForustForest.fit(&data, &chosen, &options).unwrap();
        let votes: Vec<f64> = (4000..6000).map(|row| forest.score(data.row(row))).collect();
        assert!(votes.iter().all(|vote| (0.0..=1.0).contains(vote)), "a share of votes");
        let labels = &data.labels()[4000..];
        let rate = crate::evaluation::base_rate(labels);
        assert!(crate::evaluation::average_precision(labels, &votes).unwrap() > 1.3 * rate);
        let mean = votes.iter().sum::<f64>() / votes.len() as f64;
        assert!((mean - rate).abs() < 0.03, "{mean} {rate}");
        // One whole tree on all rows with all features: each leaf is the share of spikes among its rows.
        let one = BoostOptions { trees: 1, row_share: 1.0, feature_share: 1.0, ..options };
        let tree = ForustForest.fit(&data, &chosen, &one).unwrap();
        let mut leaves: Vec<(u64, f64, f64)> = Vec::new();
        for &row in &chosen {
            let vote = tree.score(data.row(row));
            let spike = f64::from(u8::from(data.labels()[row]));
            match leaves.iter_mut().find(|leaf| leaf.0 == vote.to_bits()) {
                Some(leaf) => (leaf.1, leaf.2) = (leaf.1 + 1.0, leaf.2 + spike),
                None => leaves.push((vote.to_bits(), 1.0, spike)),
            }
        }
        assert!(leaves.len() > 8);
        for (vote, rows, spikes) in leaves {
            assert!((f64::from_bits(vote) - spikes / rows).abs() < 1e-5, "{spikes} of {rows}");
        }
    }

    #[test]
    fn the_answer_never_falls_as_an_increasing_feature_rises() {
        let data = rows(5000);
        let chosen: Vec<usize> = (0..data.len()).collect();
        let increasing = BoostOptions { increasing: vec![0], ..options() };
        let forest = ForustTrainer.fit(&data, &chosen, &increasing).unwrap();
        for start in 0..200 {
            let mut row = data.row(start).to_vec();
            let mut last = f64::NEG_INFINITY;
            for step in 0..=100 {
                row[0] = step as f32 * 0.01;
                let score = forest.score(&row);
                assert!(score >= last, "row {start}, step {step}: {score} after {last}");
                last = score;
            }
        }
    }
}
