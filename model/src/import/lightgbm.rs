//! LightGBM's text format (versions v2 to v4).
//!
//! Everything is f64: `x <= threshold` goes left, leaves (already shrunk) are added in tree order. The class of tree i
//! is i modulo the number of trees in an iteration. Each node has its own rule for NaN and zeros. Listed categories go
//! left.

mod objective;
mod text;
mod tree;

use super::{Fault, Foreign, Options};
use crate::{
    forest::wide::{OUTPUTS_MAX, Precision, WideForest},
    link::Outputs,
};
use objective::Objective;
use text::Block;

/// Whether the bytes start with LightGBM's first word.
pub(super) fn is_it(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(256)];
    start.starts_with(b"tree") && start.windows(8).any(|window| window == b"version=")
}

pub(super) fn read(bytes: &[u8], _: &Options) -> Result<Foreign, Fault> {
    let whole =
        std::str::from_utf8(bytes).map_err(|error| format!("not UTF-8 at {}", error.valid_up_to()))?;
    let (trees, after) =
        whole.split_once("\nend of trees").ok_or_else(|| "there is no end of trees".to_owned())?;
    let mut blocks = text::blocks(trees);
    let head = blocks.next().ok_or_else(|| "there is no header".to_owned())?;
    let version = head.text("version")?;
    if !matches!(version, "v2" | "v3" | "v4") {
        return Err(Fault::Unsupported(format!("version {version:?} (v2 to v4 are known)")));
    }
    let outputs = head.number::<usize>("num_tree_per_iteration")?;
    if outputs == 0 || outputs > OUTPUTS_MAX {
        return Err(Fault::Unsupported(format!("{outputs} outputs; 1 to {OUTPUTS_MAX} are possible")));
    }
    let features: Vec<String> = head.text("feature_names")?.split_whitespace().map(str::to_owned).collect();
    let feature_count = head.number::<usize>("max_feature_idx")?.saturating_add(1);
    if features.len() != feature_count {
        return Err(format!("{} names for {feature_count} features", features.len()).into());
    }

    let mut notes = Vec::new();
    let objective = Objective::of(&head, outputs, &mut notes)?;
    let (mut trees, mut sets) = (Vec::new(), Vec::new());
    for (number, block) in blocks.enumerate() {
        let output = (number % outputs) as u16;
        trees.push(tree::read(&block, output, &mut sets).map_err(|fault| match fault {
            Fault::Broken(what) => Fault::Broken(format!("tree {number}: {what}")),
            unsupported => unsupported,
        })?);
    }
    if trees.len() % outputs != 0 {
        return Err(format!("{} trees for {outputs} outputs", trees.len()).into());
    }
    note_categories(after, &mut notes);
    let mut link = Outputs::plain(outputs, Precision::Double, objective.link);
    if objective.classifies {
        link.classes = (0..outputs.max(2)).map(|class| class.to_string()).collect();
    }
    if head.has_line("average_output") {
        let iterations = (trees.len() / outputs).max(1);
        link.link_divisor = iterations as f64;
        notes.push(format!(
            "A random forest: raw scores are the sum, as LightGBM's are; answers divide it by {iterations}."
        ));
    }
    let (values, sum) = (Precision::Double, Precision::Double);
    let forest = WideForest { trees, sets, base: vec![0.0; outputs], values, sum };
    Ok(Foreign {
        features,
        preparation: None,
        forest,
        outputs: link,
        library: format!("LightGBM, text {version}"),
        notes,
    })
}

/// Notes that the file lists pandas' categories, of which trees and rows use only the codes.
fn note_categories(after: &str, notes: &mut Vec<String>) {
    let categories = after.lines().find_map(|line| line.strip_prefix("pandas_categorical:"));
    if categories.is_some_and(|given| !matches!(given.trim(), "null" | "[]" | "")) {
        notes.push(
            "Trained on pandas categories: rows must hold their codes (0, 1, ... in pandas_categorical's order)."
                .to_owned(),
        );
    }
}

impl Block<'_> {
    /// Whether the header has a line with this word alone.
    fn has_line(&self, word: &str) -> bool {
        self.text.lines().any(|line| line.trim() == word)
    }
}
