//! ADWIN (Bifet and Gavalda 2007): a window that is as long as its mean stays the same.
//!
//! Values are kept as sums of 1, 2, 4, … neighbours, five of each size, so a window of a million takes a hundred sums. Every
//! 32 values each place between two sums is tried as a cut; while both parts' means differ by more than chance allows, the
//! oldest sum goes.

use std::collections::VecDeque;

/// Its settings, by default river's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdwinOptions {
    /// How likely a false alarm may be at a cut.
    pub delta: f64,
    /// Values between two looks.
    pub every: u64,
    /// Sums of a size; with one more the two oldest are put together.
    pub sums_max: usize,
    /// Values of a part before it is compared.
    pub part_min: u64,
    /// Values of the window before a look.
    pub window_min: u64,
}

impl Default for AdwinOptions {
    fn default() -> Self {
        Self { delta: 0.002, every: 32, sums_max: 5, part_min: 5, window_min: 10 }
    }
}

/// A sum of neighbours, and the squares of their distances from their mean.
#[derive(Clone, Copy, Debug)]
struct Sum {
    total: f64,
    squares: f64,
}

/// Watches values for a change of their mean; squares of values for one of their spread. It begins anew with the value after
/// an alarm.
#[derive(Clone, Debug)]
pub struct Adwin {
    options: AdwinOptions,
    /// By size, 1 first; the oldest of a size first.
    sizes: Vec<VecDeque<Sum>>,
    width: u64,
    total: f64,
    squares: f64,
    values: u64,
    alarm: bool,
}

impl Default for Adwin {
    fn default() -> Self {
        Self::new(AdwinOptions::default())
    }
}

impl Adwin {
    /// With these settings.
    pub fn new(options: AdwinOptions) -> Self {
        Self {
            options,
            sizes: vec![VecDeque::new()],
            width: 0,
            total: 0.0,
            squares: 0.0,
            values: 0,
            alarm: false,
        }
    }

    /// Takes a value, and says whether the window was cut by it. What is not finite is passed over.
    pub fn update(&mut self, value: f64) -> bool {
        if !value.is_finite() {
            return false;
        }
        if self.alarm {
            *self = Self::new(self.options);
        }
        self.insert(value);
        self.values += 1;
        let due = self.values.is_multiple_of(self.options.every) && self.width > self.options.window_min;
        self.alarm = false;
        while due && self.width > 0 && self.cut() {
            self.drop_oldest();
            self.alarm = true;
        }
        self.alarm
    }

    /// Values in the window.
    pub fn width(&self) -> u64 {
        self.width
    }

    /// The window's mean; 0 for none.
    pub fn mean(&self) -> f64 {
        if self.width == 0 { 0.0 } else { self.total / self.width as f64 }
    }

    fn insert(&mut self, value: f64) {
        self.sizes[0].push_back(Sum { total: value, squares: 0.0 });
        if self.width > 0 {
            let distance = value - self.total / self.width as f64;
            self.squares += self.width as f64 * distance * distance / (self.width + 1) as f64;
        }
        self.width += 1;
        self.total += value;
        for size in 0.. {
            if self.sizes[size].len() <= self.options.sums_max {
                break;
            }
            let (Some(one), Some(other)) = (self.sizes[size].pop_front(), self.sizes[size].pop_front())
            else {
                break;
            };
            let count = (1_u64 << size) as f64;
            let distance = one.total / count - other.total / count;
            let squares = one.squares + other.squares + count * distance * distance / 2.0;
            if size + 1 == self.sizes.len() {
                self.sizes.push(VecDeque::new());
            }
            self.sizes[size + 1].push_back(Sum { total: one.total + other.total, squares });
        }
    }

    /// Whether the means on both sides of some place between two sums differ by more than chance allows.
    fn cut(&self) -> bool {
        let (mut old_width, mut old_total) = (0, 0.0);
        for (size, sums) in self.sizes.iter().enumerate().rev() {
            for sum in sums {
                old_width += 1_u64 << size;
                old_total += sum.total;
                let new_width = self.width - old_width;
                let part_min = self.options.part_min;
                if old_width >= part_min && new_width >= part_min {
                    let (old, new) = (old_width as f64, new_width as f64);
                    let difference = old_total / old - (self.total - old_total) / new;
                    if difference.abs() > self.chance(old_width, new_width) {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// By how much the means of two parts of one distribution differ at most, but for `delta`.
    fn chance(&self, old: u64, new: u64) -> f64 {
        let width = self.width as f64;
        let logarithm = (2.0 * width.ln() / self.options.delta).ln();
        let part = |count: u64| 1.0 / (count - self.options.part_min + 1) as f64;
        let parts = part(old) + part(new);
        (2.0 * parts * (self.squares / width) * logarithm).sqrt() + 2.0 / 3.0 * logarithm * parts
    }

    fn drop_oldest(&mut self) {
        let size = self.sizes.len() - 1;
        let Some(oldest) = self.sizes[size].pop_front() else { return };
        let count = 1_u64 << size;
        self.width -= count;
        self.total -= oldest.total;
        if self.width > 0 {
            let (count, width) = (count as f64, self.width as f64);
            let distance = oldest.total / count - self.total / width;
            self.squares -= oldest.squares + count * width * distance * distance / (count + width);
        } else {
            self.squares = 0.0;
        }
        if self.sizes[size].is_empty() && size > 0 {
            self.sizes.pop();
        }
    }
}
