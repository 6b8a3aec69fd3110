//! The distribution of Kolmogorov's statistic of one sample, an approximation for two large samples.
//!
//! The choice of formula follows Simard and L'Ecuyer, "Computing the two-sided Kolmogorov-Smirnov distribution" (2011),
//! as scipy's `kstwo` does.

use std::f64::consts::{PI, TAU};

/// Up to this many samples the exact matrix is used, except in the tail.
const SMALL: f64 = 140.0;

/// The probability that the greatest gap between the distribution function of `rows` draws and the true one is at
/// least `gap`.
pub(super) fn survival(rows: u64, gap: f64) -> f64 {
    let n = rows as f64;
    let reach = n * gap;
    if rows == 0 || reach <= 0.5 {
        return 1.0;
    }
    if gap >= 1.0 {
        return 0.0;
    }
    let square = reach * gap;
    let p = if n <= SMALL {
        // Up to 4 the two one-sided events overlap; with a gap of a half or more they cannot.
        if square <= 4.0 && gap < 0.5 { 1.0 - matrix(rows, gap) } else { 2.0 * one_sided(rows, gap) }
    } else if square >= 370.0 {
        0.0
    } else if square >= 2.2 {
        2.0 * one_sided(rows, gap)
    } else if n <= 100_000.0 && n * gap.powf(1.5) <= 1.4 {
        1.0 - matrix(rows, gap)
    } else {
        1.0 - series(n, gap)
    };
    p.clamp(0.0, 1.0)
}

/// The probability that the distribution function of the draws is at least `gap` above the true one somewhere (Birnbaum
/// and Tingey 1951): a sum of binomial probabilities, each by its deviance (Loader 2000), which keeps its digits.
fn one_sided(rows: u64, gap: f64) -> f64 {
    let n = rows as f64;
    let last = (n * (1.0 - gap)).floor();
    let mut sum = 0.0;
    let mut at = 0.0;
    while at <= last {
        let p = gap + at / n;
        let q = 1.0 - p;
        sum += gap / p * binomial(n, at, p, q);
        at += 1.0;
    }
    sum
}

/// The probability of `at` successes in `n` trials.
fn binomial(n: f64, at: f64, p: f64, q: f64) -> f64 {
    if q <= 0.0 {
        return if at == n { 1.0 } else { 0.0 };
    }
    if at == 0.0 {
        return (n * (-p).ln_1p()).exp();
    }
    if at == n {
        return (n * p.ln()).exp();
    }
    let rest = n - at;
    let exponent = stirling_error(n)
        - stirling_error(at)
        - stirling_error(rest)
        - deviance(at, n * p)
        - deviance(rest, n * q);
    exponent.exp() * (n / (TAU * at * rest)).sqrt()
}

/// The error of Stirling's formula for ln n!: the exact value minus the formula's.
fn stirling_error(n: f64) -> f64 {
    if n < 16.0 {
        return libm::lgamma(n + 1.0) - (n + 0.5) * n.ln() + n - TAU.ln() / 2.0;
    }
    let square = n * n;
    let tail =
        1.0 / 1_260.0 - (1.0 / 1_680.0 - (1.0 / 1_188.0 - 691.0 / 360_360.0 / square) / square) / square;
    (1.0 / 12.0 - (1.0 / 360.0 - tail / square) / square) / n
}

/// `x ln(x / m) + m - x`, accurate for x near m too.
fn deviance(x: f64, m: f64) -> f64 {
    if (x - m).abs() >= 0.1 * (x + m) {
        return x * (x / m).ln() + m - x;
    }
    let ratio = (x - m) / (x + m);
    let mut sum = (x - m) * ratio;
    let mut power = 2.0 * x * ratio;
    for odd in 1_u32..1_000 {
        power *= ratio * ratio;
        let next = sum + power / f64::from(2 * odd + 1);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

/// The exact distribution function: Durbin's matrix to the power of `rows` (Marsaglia, Tsang and Wang 2003).
fn matrix(rows: u64, gap: f64) -> f64 {
    let reach = rows as f64 * gap;
    let middle = reach.ceil();
    let part = middle - reach;
    let width = 2 * middle as usize - 1;
    let mut factorials = vec![1.0; width + 1];
    for at in 1..=width {
        factorials[at] = factorials[at - 1] / at as f64;
    }
    let mut step = vec![0.0; width * width];
    for row in 0..width {
        for column in 0..width.min(row + 2) {
            step[row * width + column] = factorials[row + 1 - column];
        }
    }
    for at in 0..width {
        let cut = part.powi(at as i32 + 1) * factorials[at + 1];
        step[at * width] -= cut;
        step[(width - 1) * width + width - 1 - at] -= cut;
    }
    // The corner lost its part twice.
    let corner = (2.0 * part - 1.0).max(0.0).powi(width as i32) * factorials[width];
    step[(width - 1) * width] += corner;

    // Every product is scaled by a power of two, which `exponent` keeps.
    let (mut power, mut power_exponent) = (identity(width), 0_i64);
    let (mut square, mut square_exponent) = (step, 0_i64);
    let mut left = rows;
    while left > 0 {
        if left % 2 == 1 {
            power = product(&power, &square, width);
            power_exponent += square_exponent + scale(&mut power, width);
        }
        square = product(&square, &square, width);
        square_exponent = 2 * square_exponent + scale(&mut square, width);
        left /= 2;
    }
    let centre = (middle as usize - 1) * (width + 1);
    // n! / n^n, by Stirling with what it lacks.
    let n = rows as f64;
    let shrink = stirling_error(n) - n + (TAU * n).ln() / 2.0;
    let value = power[centre].ln() + power_exponent as f64 * std::f64::consts::LN_2 + shrink;
    value.exp()
}

fn identity(width: usize) -> Vec<f64> {
    let mut cells = vec![0.0; width * width];
    (0..width).for_each(|at| cells[at * (width + 1)] = 1.0);
    cells
}

fn product(one: &[f64], other: &[f64], width: usize) -> Vec<f64> {
    let mut out = vec![0.0; width * width];
    for row in 0..width {
        for middle in 0..width {
            let factor = one[row * width + middle];
            for column in 0..width {
                out[row * width + column] += factor * other[middle * width + column];
            }
        }
    }
    out
}

/// Scales a matrix by a power of two so that its middle is near 1; returns the exponent.
fn scale(cells: &mut [f64], width: usize) -> i64 {
    let middle = cells[(width / 2) * (width + 1)];
    if middle <= 0.0 || !middle.is_finite() {
        return 0;
    }
    let exponent = middle.log2().round() as i32;
    let factor = 2.0_f64.powi(-exponent);
    cells.iter_mut().for_each(|cell| *cell *= factor);
    i64::from(exponent)
}

/// The distribution function by the series of Pelz and Good (1976), with the terms to n^(-3/2).
fn series(n: f64, gap: f64) -> f64 {
    let z = n.sqrt() * gap;
    let (z2, z4, z6) = (z.powi(2), z.powi(4), z.powi(6));
    let root = (PI / 2.0).sqrt();
    let square = PI * PI;
    let mut odd = [0.0; 4];
    let mut even = [0.0; 2];
    for k in (0..=(16.0 * z / PI).ceil() as u32 + 1).rev() {
        let half = square * (f64::from(k) + 0.5).powi(2);
        let weight = 2.0 * (-half / (2.0 * z2)).exp();
        odd[0] += weight;
        odd[1] += weight * (half - z2);
        odd[2] +=
            weight * (6.0 * z6 + 2.0 * z4 + (2.0 * z4 - 5.0 * z2) * half + (1.0 - 2.0 * z2) * half.powi(2));
        odd[3] += weight
            * (-30.0 * z6 - 90.0 * z4 * z4
                + (135.0 * z4 - 96.0 * z6) * half
                + (212.0 * z4 - 60.0 * z2) * half.powi(2)
                + (5.0 - 30.0 * z2) * half.powi(3));
        let whole = square * f64::from(k).powi(2);
        let weight = 2.0 * (-whole / (2.0 * z2)).exp();
        even[0] += weight * whole;
        even[1] += weight * (3.0 * z2 - whole) * whole;
    }
    let terms = [
        2.0 * root / z * odd[0] / 2.0,
        root / (6.0 * z4) * odd[1],
        root / (72.0 * z.powi(7)) * odd[2] - root / (36.0 * z.powi(3)) * even[0],
        root / (6_480.0 * z.powi(10)) * odd[3] + root / (216.0 * z6) * even[1],
    ];
    terms.iter().zip([1.0, n.sqrt(), n, n * n.sqrt()]).map(|(term, power)| term / power).sum()
}
