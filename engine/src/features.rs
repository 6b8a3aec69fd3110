//! The list of features: families in order, the schema made from them, and the row.
//!
//! A family is one file: the [`FeatureSpec`] of each feature (formula, unit, window, when it is defined), cost and source,
//! and one function that writes the values. [`NOTATION`] explains the symbols of the formulas. A feature that is not
//! defined is NaN, never 0: forests learn the direction, the linear part has a flag for it. Every value is computed in f64
//! from exact sums and rounded once to f32.

mod activity;
mod arrivals;
mod book;
mod flow;
mod logarithm;
#[cfg(test)]
pub(crate) mod oracle;
mod returns;
mod shape;
mod spread;
mod view;
mod volatility;
#[cfg(test)]
#[path = "features/tests.rs"]
mod worked_examples;

use model::schema::FeatureName;

pub use view::{OpenPart, View};

/// The definition of a feature, as users read it.
#[derive(Clone, Copy, Debug)]
pub struct FeatureSpec {
    /// The name, unique among the features.
    pub name: &'static str,
    /// Version of the formula: a formula never changes under its version.
    pub version: u16,
    /// Unit of the value.
    pub unit: &'static str,
    /// The values that it takes.
    pub range: &'static str,
    /// The past that the value depends on; [`NOTATION`] says where a window ends.
    pub window: &'static str,
    /// The formula, in the symbols of [`NOTATION`].
    pub formula: &'static str,
    /// The condition under which there is a value; otherwise it is NaN.
    pub defined_when: &'static str,
    /// The meaning, in one sentence.
    pub meaning: &'static str,
}

/// The symbols of the formulas with their definitions, and the rules that hold for all features.
pub const NOTATION: [(&str, &str); 17] = [
    (
        "window",
        "a window of w seconds is the last w closed seconds of event time and the open part, the elapsed part of the current \
         second; the window of 1,800 s ends on whole 10 s",
    ),
    (
        "valid",
        "a second is valid unless it lies in a gap: a silence of more than state.gap_quoted_s (10 s) for a feed with quotes, \
         state.gap_trades_s (60 s) for one without. No return spans a gap",
    ),
    (
        "covered",
        "the valid closed seconds of a window over its length; below the share that is named there is no value",
    ),
    (
        "mid",
        "(bid + ask) / 2 of the newest quote. Without quotes it is rebuilt from the trades: the price of the last buy is the \
         ask and that of the last sale the bid; a side that the other crosses moves to one price increment behind it",
    ),
    ("r", "the log return of the mid from the end of one second to the end of the next, in whole 1e-9"),
    ("ret_w", "the sum of the valid r in the window"),
    ("RV_w", "the sum of r^2 in the window"),
    ("T_w", "the valid time in the window, in seconds, the open part included"),
    ("sigma_w", "sqrt(RV_w / T_w), the volatility per square-root second"),
    (
        "tau",
        "the symbol's threshold in force, per square-root second: its own, or before that the provisional one",
    ),
    ("L(x)", "ln(max(x, 0.001)), so that a still window is a calm value and no outlier"),
    (
        "side",
        "the taker's side of a trade: as the feed reports it; else buy at or above the ask and sell at or below the bid of \
         the tick's own quote; else buy above and sell below the price of the trade before, and its side at an equal price",
    ),
    ("N_w", "the trades in the window; a tick that only changes the quote is none"),
    ("V_w, S_w", "the traded quantity in the window, and bought minus sold quantity"),
    (
        "q_b, q_a",
        "the quantities at the best bid and ask; depth = q_b + q_a. Means over time weigh each by how long it stood",
    ),
    (
        "e",
        "the order flow of one change of the quote: [bid >= bid'] q_b - [bid <= bid'] q_b' - [ask <= ask'] q_a + \
         [ask >= ask'] q_a', where ' marks the quote before (Cont, Kukanov and Stoikov, 2014, eq. 2)",
    ),
    ("order", "all trades of one instant and side, counted once"),
];

/// Features of one subject.
struct Family {
    specs: &'static [FeatureSpec],
    /// Its logarithms, if it has any.
    logarithms: Logarithms,
    /// Writes the family's values, in the order of `specs`, given its logarithms.
    compute: fn(&View<'_>, &[f64], &mut [f32]),
}

/// The logarithms that a family's values are made of: the list takes them for all families at once.
struct Logarithms {
    count: usize,
    /// Writes what they are to be taken of.
    arguments: fn(&View<'_>, &mut [f64]),
}

const NO_LOGARITHMS: Logarithms = Logarithms { count: 0, arguments: |_, _| () };

/// THE LIST. A new family is its file and one line here.
const FAMILIES: [Family; 8] = [
    Family { specs: &volatility::SPECS, logarithms: volatility::LOGARITHMS, compute: volatility::compute },
    Family { specs: &shape::SPECS, logarithms: shape::LOGARITHMS, compute: shape::compute },
    Family { specs: &returns::SPECS, logarithms: NO_LOGARITHMS, compute: returns::compute },
    Family { specs: &spread::SPECS, logarithms: NO_LOGARITHMS, compute: spread::compute },
    Family { specs: &book::SPECS, logarithms: book::LOGARITHMS, compute: book::compute },
    Family { specs: &activity::SPECS, logarithms: activity::LOGARITHMS, compute: activity::compute },
    Family { specs: &flow::SPECS, logarithms: NO_LOGARITHMS, compute: flow::compute },
    Family { specs: &arrivals::SPECS, logarithms: arrivals::LOGARITHMS, compute: arrivals::compute },
];

/// Number of features.
pub const FEATURE_COUNT: usize = {
    let mut count = 0;
    let mut i = 0;
    while i < FAMILIES.len() {
        count += FAMILIES[i].specs.len();
        i += 1;
    }
    count
};

/// Number of logarithms in them.
const LOGARITHM_COUNT: usize = {
    let (mut count, mut i) = (0, 0);
    while i < FAMILIES.len() {
        count += FAMILIES[i].logarithms.count;
        i += 1;
    }
    count
};

/// Where a feature stands in the row, found when it is compiled.
pub const fn column(name: &str) -> usize {
    let (mut at, mut family) = (0, 0);
    while family < FAMILIES.len() {
        let specs = FAMILIES[family].specs;
        let mut i = 0;
        while i < specs.len() {
            if is_equal(specs[i].name.as_bytes(), name.as_bytes()) {
                return at + i;
            }
            i += 1;
        }
        at += specs.len();
        family += 1;
    }
    panic!("no feature has this name")
}

/// `==` is not to be had while compiling.
const fn is_equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// One row of features, in the order of [`specs`]; NaN = no value.
pub type Row = [f32; FEATURE_COUNT];

/// A row without any value.
pub const EMPTY_ROW: Row = [f32::NAN; FEATURE_COUNT];

/// The definition of each feature, in the row's order.
pub fn specs() -> Vec<FeatureSpec> {
    FAMILIES.iter().flat_map(|family| family.specs).copied().collect()
}

/// Their versioned names, in the row's order.
pub fn schema() -> Vec<FeatureName> {
    specs().iter().map(|spec| FeatureName::new(spec.name, spec.version)).collect()
}

/// Writes every feature of the view. No allocation.
pub fn compute(view: &View<'_>, row: &mut Row) {
    let mut logarithms = [f64::NAN; LOGARITHM_COUNT];
    let mut rest: &mut [f64] = &mut logarithms;
    for Logarithms { count, arguments } in FAMILIES.iter().map(|family| &family.logarithms) {
        let (mine, others) = rest.split_at_mut(*count);
        arguments(view, mine);
        rest = others;
    }
    logarithm::each(&mut logarithms);
    let (mut taken, mut rest): (&[f64], &mut [f32]) = (&logarithms, row);
    for family in &FAMILIES {
        let (given, left) = taken.split_at(family.logarithms.count);
        let (mine, others) = rest.split_at_mut(family.specs.len());
        (family.compute)(view, given, mine);
        (taken, rest) = (left, others);
    }
}

/// XXH3-64 of the row's bytes: f32 little-endian, in order.
pub fn row_hash(row: &Row) -> u64 {
    let mut bytes = [0_u8; FEATURE_COUNT * 4];
    for (chunk, value) in bytes.chunks_exact_mut(4).zip(row) {
        chunk.copy_from_slice(&value.to_le_bytes());
    }
    xxhash_rust::xxh3::xxh3_64(&bytes)
}

/// Writes `values` rounded once to f32; what is not finite becomes the canonical NaN.
#[inline]
fn store(row: &mut [f32], values: impl IntoIterator<Item = f64>) {
    for (cell, value) in row.iter_mut().zip(values) {
        let rounded = value as f32;
        *cell = if rounded.is_finite() { rounded } else { f32::NAN };
    }
}

/// `max(x, 0.001)`, the argument of the logarithm in `L(x)`; NaN stays NaN.
#[inline]
fn floored(x: f64) -> f64 {
    if x < 1e-3 { 1e-3 } else { x }
}

/// `a / b`, NaN where `b` is zero.
#[inline]
fn ratio(a: f64, b: f64) -> f64 {
    if b == 0.0 { f64::NAN } else { a / b }
}

/// `value` where `known`, else NaN.
#[inline]
fn known_if(known: bool, value: f64) -> f64 {
    if known { value } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_six_features_with_distinct_names() {
        assert_eq!(FEATURE_COUNT, 36);
        let mut names: Vec<String> = schema().iter().map(ToString::to_string).collect();
        assert_eq!(names[0], "lv10_tau@1");
        for (place, spec) in specs().iter().enumerate() {
            assert_eq!(column(spec.name), place, "{}", spec.name);
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), FEATURE_COUNT);
    }

    #[test]
    fn no_value_is_the_canonical_nan() {
        let mut row = [0.0_f32; 3];
        store(&mut row, [f64::INFINITY, -f64::NAN, 1e300]);
        assert!(row.iter().all(|v| v.to_bits() == f32::NAN.to_bits()));
    }
}
