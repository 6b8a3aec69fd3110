//! The Page-Hinkley test (Page 1954; Hinkley 1971): sums of distances from the mean that fade.

/// Its settings, by default river's. They are in the unit of the values: scale one or the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PageHinkleyOptions {
    /// Values before an alarm.
    pub values_min: u64,
    /// Distance from the mean that is no change.
    pub tolerance: f64,
    /// Sum of distances beyond which there is an alarm.
    pub threshold: f64,
    /// What remains of the sum with each value.
    pub fading: f64,
}

impl Default for PageHinkleyOptions {
    fn default() -> Self {
        Self { values_min: 30, tolerance: 0.005, threshold: 50.0, fading: 0.9999 }
    }
}

/// Watches values for a change of their mean, up or down. O(1) a value; it begins anew with the value after an alarm.
#[derive(Clone, Debug)]
pub struct PageHinkley {
    options: PageHinkleyOptions,
    values: u64,
    mean: f64,
    rise: f64,
    lowest_rise: f64,
    fall: f64,
    highest_fall: f64,
    alarm: bool,
}

impl Default for PageHinkley {
    fn default() -> Self {
        Self::new(PageHinkleyOptions::default())
    }
}

impl PageHinkley {
    /// With these settings.
    pub fn new(options: PageHinkleyOptions) -> Self {
        Self {
            options,
            values: 0,
            mean: 0.0,
            rise: 0.0,
            lowest_rise: f64::INFINITY,
            fall: 0.0,
            highest_fall: f64::NEG_INFINITY,
            alarm: false,
        }
    }

    /// Takes a value, and says whether the mean changed by it. What is not finite is passed over.
    pub fn update(&mut self, value: f64) -> bool {
        if !value.is_finite() {
            return false;
        }
        if self.alarm {
            *self = Self::new(self.options);
        }
        let PageHinkleyOptions { values_min, tolerance, threshold, fading } = self.options;
        self.values += 1;
        self.mean += (value - self.mean) / self.values as f64;
        let distance = value - self.mean;
        self.rise = fading * self.rise + distance - tolerance;
        self.fall = fading * self.fall + distance + tolerance;
        self.lowest_rise = self.lowest_rise.min(self.rise);
        self.highest_fall = self.highest_fall.max(self.fall);
        self.alarm = self.values >= values_min
            && (self.rise - self.lowest_rise > threshold || self.highest_fall - self.fall > threshold);
        self.alarm
    }
}
