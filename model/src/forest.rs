//! A forest: decision trees whose leaves are summed.
//!
//! One meaning, two forms. [`canonical`] is the form a trainer or an importer produces and a reader can follow: trees
//! of `x < threshold` splits with a missing direction each, and the plain walk, which defines the answer. The narrow
//! form is what is kept in the file and walked: `pack` turns one into the other, `narrow` checks what a file
//! holds, `kernel` walks twenty trees at once. Property tests hold the plain walk, the checked kernel and the
//! unchecked kernel to equal bits. What other libraries' forests need beyond that (f64 rows, sets of categories,
//! several outputs, linear leaves) is [`wide`]: a form of its own, slower, with its own plain walk.

pub mod canonical;
pub(crate) mod kernel;
pub(crate) mod narrow;
pub(crate) mod pack;
pub(crate) mod slots;
pub mod wide;

pub use canonical::{CanonicalForest, CanonicalNode, CanonicalTree, Missing, SumKind, narrow_threshold};
pub use wide::{CategorySet, LinearLeaf, MissingRule, Precision, SetRule, WideForest, WideNode, WideTree};
