//! A forest: decision trees whose leaves are summed.
//!
//! One meaning, several forms. [`canonical`] is the form that trainers and importers produce: trees of `x < threshold`
//! splits with a missing direction each, and the plain walk, which defines the score. The file stores one of the
//! [layouts](Layout): `narrow` nodes (packed by `pack`, walked by `kernel`, twenty trees at once), or, over bytes that
//! `ranks` makes of a row, `blocks` (three levels a step), `ragged` trees (seven splits of any shape a step) and
//! `oblivious` ones (all levels in one step). `cost` chooses among them. Property tests hold the plain walk, the
//! checked walks and the unchecked ones to equal bits. Other libraries' forests that need more (f64 rows, sets of
//! categories, several outputs, linear leaves) use [`wide`]: a form of its own, slower, with its own plain walk.

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
