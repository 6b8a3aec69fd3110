//! `exp` to within 0.52 units in the last place, the same on every machine.
//!
//! Imported models must give answers within 2 units of their library's, and a softmax divides one `exp` by a sum of
//! them, which the error of the `libm` crate's `exp` (below 1 unit) uses up. Native models use the `libm` crate's,
//! because their bits are fixed.

/// Adding and subtracting this rounds a number to an integer.
const ROUND: f64 = (3_u64 << 51) as f64;
/// ln 2 in two parts; the product of the first with an exponent is exact.
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// 1/3!, 1/4!, ... 1/15!.
const INVERSE_FACTORIALS: [f64; 13] = {
    let mut inverses = [0.0; 13];
    let (mut factorial, mut at) = (2.0, 0);
    while at < inverses.len() {
        factorial *= (at + 3) as f64;
        inverses[at] = 1.0 / factorial;
        at += 1;
    }
    inverses
};

/// e to the power of `x`.
pub(crate) fn exp(x: f64) -> f64 {
    if x.is_nan() || x > 709.782_712_893_384 {
        return x + f64::INFINITY;
    }
    if x < -745.2 {
        return 0.0;
    }
    // x = exponent * ln 2 + (high + low), |high| <= 0.35.
    let exponent = (x * std::f64::consts::LOG2_E + ROUND) - ROUND;
    let (high, low) = sum(x - exponent * LN2_HIGH, -(exponent * LN2_LOW));
    power(high, low, exponent as i32)
}

/// [`exp`] rounded to f32: the same bits with half as many instructions.
pub(crate) fn exp_single(x: f64) -> f32 {
    // The sum below is within 2^-50 of e^x. Both round to the same f32 unless halfway between two of them is that near:
    // once in millions of times.
    const NEAR: u32 = 64;
    const HALFWAY: u32 = 1 << 28;
    // Where e^x is a normal f32.
    if !(-87.0..=88.7).contains(&x) {
        return exp(x) as f32;
    }
    let exponent = (x * std::f64::consts::LOG2_E + ROUND) - ROUND;
    let r = (x - exponent * LN2_HIGH) - exponent * LN2_LOW;
    // 1 + r + r^2/2 + ... + r^15/15!, in pairs that do not wait for each other.
    let (square, inverses) = (r * r, &INVERSE_FACTORIALS);
    let fourth = square * square;
    let pair = |at: usize| inverses[at] + inverses[at + 1] * r;
    let four = |at: usize| pair(at) + pair(at + 2) * square;
    let cubic = four(0) + (four(4) + (four(8) + inverses[12] * fourth) * fourth) * fourth;
    let mantissa = (1.0 + r) + (0.5 + cubic * r) * square;
    let power = f64::from_bits((exponent as i64 + 1023) as u64 * (1 << 52));
    let found = mantissa * power;
    let tail = found.to_bits() as u32 % (2 * HALFWAY);
    if tail.abs_diff(HALFWAY) <= NEAR { exp(x) as f32 } else { found as f32 }
}

/// CatBoost's own `exp` (fmath's `expd`, by Herumi): a table of 2048 powers of 2 and a cubic, a few units off the true
/// value. CatBoost's softmax uses it, so reproducing its probabilities takes the same steps. For `x` of at most 0.
pub(crate) fn fast_exp(x: f64) -> f64 {
    const STEPS: f64 = 2048.0;
    const TO_STEPS: f64 = STEPS / std::f64::consts::LN_2;
    if x <= -708.396_418_532_264_1 {
        return 0.0;
    }
    let steps = (x * TO_STEPS + ROUND) - ROUND;
    let t = steps * (1.0 / TO_STEPS) - x;
    let cubic = (3.000_000_002_795_539_4 - t) * (t * t) * 0.166_666_666_852_278_35 - t + 1.0;
    // The table's entry, 2 to the power of the steps: whole powers apart, at most half a one to either side.
    let whole = (steps / STEPS).round();
    let part = steps / STEPS - whole;
    let (high, low) = sum(part * LN2_HIGH, part * LN2_LOW);
    cubic * power(high, low, whole as i32)
}

/// `exp(high + low) * 2^exponent` for `high` within -0.35..=0.35.
fn power(high: f64, low: f64, exponent: i32) -> f64 {
    // 1 + r + r^2/2 + r^3/6 + ...: the first three terms with their rounding errors, the rest is small.
    let (square, square_error) = product(high, high);
    let cubic = INVERSE_FACTORIALS.iter().rev().fold(0.0, |sum, inverse| sum * high + inverse);
    let rest = cubic * square * high + (0.5 * square_error + low * high) + low;
    let (first, first_error) = sum(1.0, high);
    let (second, second_error) = sum(first, 0.5 * square);
    let mantissa = second + (second_error + first_error + rest);
    match u64::try_from(exponent + 1022) {
        // A power of two and a result that are both normal: their product is exact.
        Ok(biased @ 1..=2043) => mantissa * f64::from_bits((biased + 1) << 52),
        _ => libm::ldexp(mantissa, exponent),
    }
}

/// The sum and its rounding error (Knuth).
fn sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let part = sum - a;
    (sum, (a - (sum - part)) + (b - part))
}

/// The product and its rounding error (Dekker).
fn product(a: f64, b: f64) -> (f64, f64) {
    let split = |value: f64| {
        let scaled = value * 134_217_729.0;
        let high = scaled - (scaled - value);
        (high, value - high)
    };
    let product = a * b;
    let ((a_high, a_low), (b_high, b_low)) = (split(a), split(b));
    let error = a_high * b_high - product + a_high * b_low + a_low * b_high + a_low * b_low;
    (product, error)
}

#[cfg(test)]
mod tests {
    use super::{exp, exp_single};

    #[test]
    fn it_is_nearly_always_the_nearest_number() {
        let (mut differs, mut count) = (0, 0);
        for step in -70_000..=70_000 {
            let x = f64::from(step) * 0.010_007;
            let (ours, platform) = (exp(x), x.exp());
            let apart = ours.to_bits().abs_diff(platform.to_bits());
            assert!(apart <= 1, "exp({x}) = {ours:e}, the platform says {platform:e}");
            (differs, count) = (differs + apart, count + 1);
        }
        assert!(differs * 25 < count, "{differs} of {count} differ from the platform's");
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(1.0), std::f64::consts::E);
        assert_eq!((exp(710.0), exp(-746.0)), (f64::INFINITY, 0.0));
        assert!(exp(f64::NAN).is_nan() && exp_single(f64::NAN).is_nan());
        assert!(exp(709.7).is_finite() && exp(-745.0) > 0.0);
    }

    #[test]
    fn the_short_way_to_an_f32_ends_at_the_same_one() {
        let mut random = 1_u64;
        for step in 0..4_000_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let unit = (random >> 11) as f64 / (1_u64 << 53) as f64;
            let x = match step % 4 {
                0 => unit * 200.0 - 100.0,
                1 => unit * 2.0 - 1.0,
                2 => f64::from((unit * 40.0 - 20.0) as f32),
                // Where e^x lies halfway between two f32, as near as can be.
                _ => {
                    let single = (unit * 40.0 - 20.0).exp() as f32;
                    f64::midpoint(f64::from(single), f64::from(single.next_up())).ln()
                }
            };
            assert_eq!(exp_single(x).to_bits(), (exp(x) as f32).to_bits(), "exp({x})");
        }
        for x in
            [-746.0, -103.97, -87.5, -87.0, 0.0, -0.0, 88.7, 88.73, 710.0, f64::INFINITY, f64::NEG_INFINITY]
        {
            assert_eq!(exp_single(x).to_bits(), (exp(x) as f32).to_bits(), "exp({x})");
        }
    }
}
