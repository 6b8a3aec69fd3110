//! The preparation of a row by an imported pipeline: missing values replaced, columns centred and scaled.

use crate::{
    combine::is_moderate,
    file::v1::{self, ArchivedPreparation},
    row::Row,
};

/// The preparation of one feature: `(value - center) / scale`, each step an f64; a missing value becomes `imputed`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PreparedFeature {
    /// Replaces NaN, already centred and scaled; NaN leaves the value missing.
    pub imputed: f64,
    /// Subtracted from the value.
    pub center: f64,
    /// Divisor of the centred value; above 0.
    pub scale: f64,
}

impl PreparedFeature {
    /// A preparation that changes nothing.
    pub const PLAIN: Self = Self { imputed: f64::NAN, center: 0.0, scale: 1.0 };

    /// The prepared value: `imputed` for NaN, otherwise centred and scaled.
    pub fn apply(&self, value: f64) -> f64 {
        if value.is_nan() { self.imputed } else { (value - self.center) / self.scale }
    }
}

/// The preparation of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Preparation {
    /// The preparation of each feature, in the order of the row.
    pub features: Vec<PreparedFeature>,
}

impl Preparation {
    /// The first broken rule for rows of `width` features; `None` if there is none.
    pub(crate) fn fault(&self, width: usize) -> Option<String> {
        if self.features.len() != width {
            return Some(format!("{} parts for {width} features", self.features.len()));
        }
        let sound = |part: &PreparedFeature| {
            let PreparedFeature { imputed, center, scale } = *part;
            (imputed.is_nan() || is_moderate(imputed))
                && is_moderate(center)
                && is_moderate(scale)
                && scale > 0.0
        };
        let place = self.features.iter().position(|part| !sound(part))?;
        Some(format!("feature {place}: {:?} is out of range", self.features[place]))
    }

    pub(crate) fn to_archive(&self) -> v1::Preparation {
        let part = |part: &PreparedFeature| v1::PreparedFeature {
            imputed: part.imputed,
            center: part.center,
            scale: part.scale,
        };
        v1::Preparation { features: self.features.iter().map(part).collect() }
    }

    /// Reads and checks the section.
    ///
    /// # Errors
    /// The first rule of FORMAT.md's `PREP` that it breaks.
    pub(crate) fn read(archived: &ArchivedPreparation, width: usize) -> Result<Self, String> {
        let part = |part: &v1::ArchivedPreparedFeature| PreparedFeature {
            imputed: part.imputed.to_native(),
            center: part.center.to_native(),
            scale: part.scale.to_native(),
        };
        let preparation = Self { features: archived.features.iter().map(part).collect() };
        preparation.fault(width).map_or(Ok(preparation), Err)
    }

    /// A view of the row with every value prepared.
    pub(crate) fn over<'a, R: Row + ?Sized>(&'a self, row: &'a R) -> PreparedRow<'a, R> {
        PreparedRow { row, features: &self.features }
    }
}

/// A row whose values are prepared as they are read, without a copy.
pub(crate) struct PreparedRow<'a, R: ?Sized> {
    row: &'a R,
    features: &'a [PreparedFeature],
}

impl<R: Row + ?Sized> Row for PreparedRow<'_, R> {
    fn width(&self) -> usize {
        self.row.width()
    }

    fn single(&self, feature: usize) -> f32 {
        self.double(feature) as f32
    }

    fn double(&self, feature: usize) -> f64 {
        self.features[feature].apply(self.row.double(feature))
    }
}
