//! A row as members read it: as f32 for models that were trained on f32, as f64 for those that compare f64.

/// A type that a row's values may have: `f32` or `f64`, NaN standing for a missing value.
///
/// A model that was trained on f32 rounds f64 values to it; one that compares f64 reads f32 values exactly.
pub trait FeatureValue: Copy {
    /// The value as an f32, rounded to the nearest if need be.
    fn single(self) -> f32;
    /// The value as an f64, exactly.
    fn double(self) -> f64;
}

impl FeatureValue for f32 {
    #[inline(always)]
    fn single(self) -> f32 {
        self
    }

    #[inline(always)]
    fn double(self) -> f64 {
        f64::from(self)
    }
}

impl FeatureValue for f64 {
    #[inline(always)]
    fn single(self) -> f32 {
        self as f32
    }

    #[inline(always)]
    fn double(self) -> f64 {
        self
    }
}

/// Values of a row's features by position.
pub(crate) trait Row {
    /// Number of values.
    fn width(&self) -> usize;
    /// The value as an f32, rounded if the row holds f64.
    fn single(&self, feature: usize) -> f32;
    /// The value as an f64, exactly.
    fn double(&self, feature: usize) -> f64;
}

impl<T: FeatureValue> Row for [T] {
    #[inline(always)]
    fn width(&self) -> usize {
        self.len()
    }

    #[inline(always)]
    fn single(&self, feature: usize) -> f32 {
        self[feature].single()
    }

    #[inline(always)]
    fn double(&self, feature: usize) -> f64 {
        self[feature].double()
    }
}
