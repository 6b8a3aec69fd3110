//! A forest: decision trees whose leaves are summed.
//!
//! One meaning, several forms. [`canonical`] is the form a trainer or an importer produces and a reader can follow: trees
//! of `x < threshold` splits with a missing direction each, and the plain walk, which defines the answer. What is kept
//! in the file and walked is one of the [layouts](Layout): `narrow` nodes (packed by `pack`, walked by `kernel`, twenty
//! trees at once), or, over bytes that `ranks` makes of a row, `blocks` (three levels a step), `ragged` trees (seven splits of
//! any shape a step) and `oblivious` ones (all levels in one). `cost` chooses. Property tests hold the plain walk, the checked walks and the unchecked ones to equal
//! bits. What other libraries' forests need beyond that (f64 rows, sets of categories, several outputs, linear leaves)
//! is [`wide`]: a form of its own, slower, with its own plain walk.

pub(crate) mod blocks;
pub mod canonical;
mod cost;
pub(crate) mod kernel;
pub(crate) mod layout;
pub(crate) mod mapped;
pub(crate) mod narrow;
pub(crate) mod oblivious;
pub(crate) mod pack;
pub(crate) mod ragged;
mod ranked;
pub(crate) mod ranks;
pub(crate) mod slots;
mod sum;
pub(crate) mod unpack;
pub mod wide;

pub use canonical::{CanonicalForest, CanonicalNode, CanonicalTree, Missing, SumKind, narrow_threshold};
pub use layout::Layout;
pub use ranks::Kernel;
pub use wide::{CategorySet, LinearLeaf, MissingRule, Precision, SetRule, WideForest, WideNode, WideTree};
