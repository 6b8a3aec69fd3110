//! A row as members read it: single values for what was trained on f32, doubles for what compares f64.

/// Values of a row's features by position.
pub(crate) trait Row {
    /// How many there are.
    fn width(&self) -> usize;
    /// The value as an f32: rounded, where the row holds f64.
    fn single(&self, feature: usize) -> f32;
    /// The value as an f64: exact.
    fn double(&self, feature: usize) -> f64;
}

impl Row for [f32] {
    #[inline(always)]
    fn width(&self) -> usize {
        self.len()
    }

    #[inline(always)]
    fn single(&self, feature: usize) -> f32 {
        self[feature]
    }

    #[inline(always)]
    fn double(&self, feature: usize) -> f64 {
        f64::from(self[feature])
    }
}

impl Row for [f64] {
    #[inline(always)]
    fn width(&self) -> usize {
        self.len()
    }

    #[inline(always)]
    fn single(&self, feature: usize) -> f32 {
        self[feature] as f32
    }

    #[inline(always)]
    fn double(&self, feature: usize) -> f64 {
        self[feature]
    }
}
