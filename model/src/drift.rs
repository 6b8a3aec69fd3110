//! Compares current data with the training data (drift).
//!
//! ```text
//! what training saw: reference (bins in a model file) ----------------------------.
//!                                                                                  v
//! two tables, column by column: sample -> default_method or one of method's list -> score, threshold, drifted   } never
//!                                 '-----> opinion: effect, direction, rows that count, false discoveries        } mixed
//!                                                                                  '-> verdict: share of columns
//! ```
//!
//! The scores, methods, thresholds and the verdict on a data set are Evidently's (0.7), including its choice of a
//! method by number of rows and kind of column, so a team that uses Evidently finds the same columns here. The second
//! opinion adds what those leave open, and changes none of them: p-values fall with the number of rows whatever the
//! shift, the choice of method flips at 1,000 reference rows, nothing bounds how many of many columns drift by chance,
//! and rows five seconds apart share most of what they measure.
//!
//! Everything but [`Bins`] and [`DriftReference`] is behind the feature `drift`.
//!
//! Left out on purpose: Cramer-von Mises' exact form for 20 rows and fewer, total variation by permutation (its p-value
//! depends on numpy's random numbers), text and embeddings, detectors that watch single values over time.

#[cfg(feature = "drift")]
mod bins_pair;
#[cfg(feature = "drift")]
mod default_method;
#[cfg(feature = "drift")]
mod dependence;
#[cfg(feature = "drift")]
mod discoveries;
#[cfg(feature = "drift")]
mod kolmogorov;
#[cfg(feature = "drift")]
pub mod method;
#[cfg(feature = "drift")]
mod opinion;
mod reference;
#[cfg(feature = "drift")]
mod sample;
#[cfg(feature = "drift")]
mod shares;
#[cfg(feature = "drift")]
mod verdict;

#[cfg(feature = "drift")]
pub use bins_pair::BinsPair;
#[cfg(feature = "drift")]
pub use default_method::{FEW_ROWS, FEW_VALUES, default_method};
#[cfg(feature = "drift")]
pub use dependence::{BLOCKS_MIN, centre, effective_rows};
#[cfg(feature = "drift")]
pub use discoveries::false_discovery_rates;
#[cfg(feature = "drift")]
pub use method::{METHODS, Method, NotApplicable};
#[cfg(feature = "drift")]
pub use opinion::{Direction, EffectSize, Opinion};
pub use reference::{Bins, DriftReference};
#[cfg(feature = "drift")]
pub use sample::{Kind, Numbers, Pair, Tie, Words};
#[cfg(feature = "drift")]
pub use shares::{Frequencies, Shares};
#[cfg(feature = "drift")]
pub use verdict::{DRIFT_SHARE, ROWS_MIN, Verdict, dataset_drifts, unjudged};
