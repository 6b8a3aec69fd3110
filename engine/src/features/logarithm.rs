//! Natural logarithms, many at once: a row needs eighteen, and one after the other they took a sixth of a tick.
//!
//! The method is that of FreeBSD's `e_log.c` (Sun Microsystems, 1993), which the `libm` crate follows too: `x = 2^k (1 + f)`
//! with `1 + f` in `sqrt(1/2)..sqrt(2)`, `s = f / (2 + f)`, and a polynomial in `s^2`. Without its branches, in operations
//! that each round on their own, the compiler works on several numbers in one instruction, and every bit is that of
//! `libm::log`, on every machine. Error: under 1 unit in the last place.

/// ln 2 in two parts; the product of the first with an exponent is exact.
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Coefficients of `s^2`, `s^4`, ... `s^14`: a Remez approximation of `(ln(1 + f) - 2 s) / s`.
const EVEN: [f64; 7] = [
    6.666_666_666_666_735e-1,
    3.999_999_999_940_942e-1,
    2.857_142_874_366_239e-1,
    2.222_219_843_214_978_4e-1,
    1.818_357_216_161_805e-1,
    1.531_383_769_920_937_3e-1,
    1.479_819_860_511_658_6e-1,
];
/// Bits of the least mantissa that belongs to an exponent, about `sqrt(1/2)`.
const LEAST: u64 = 0x3fe6_a09e << 32;
const ONE: u64 = 0x3ff0_0000 << 32;
const MANTISSA: u64 = (1 << 52) - 1;
/// 2^52: a whole number in its lowest bits becomes a float.
const TWO_52: f64 = (1_u64 << 52) as f64;

/// Replaces each number by its natural logarithm; NaN stays NaN.
pub(super) fn each<const N: usize>(values: &mut [f64; N]) {
    let arguments = *values;
    values.iter_mut().for_each(|value| *value = of_normal(*value));
    if arguments.iter().fold(false, |any, &x| any | !is_normal(x)) {
        for (value, x) in values.iter_mut().zip(arguments).filter(|(_, x)| !is_normal(*x)) {
            *value = libm::log(x);
        }
    }
}

/// Positive, finite, with a whole mantissa.
#[inline(always)]
fn is_normal(x: f64) -> bool {
    (f64::MIN_POSITIVE..=f64::MAX).contains(&x)
}

#[inline(always)]
fn of_normal(x: f64) -> f64 {
    let shifted = x.to_bits().wrapping_add(ONE - LEAST);
    let exponent = f64::from_bits(TWO_52.to_bits() | (shifted >> 52)) - (TWO_52 + 1023.0);
    let f = f64::from_bits((shifted & MANTISSA) + LEAST) - 1.0;
    let half_square = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let [c1, c2, c3, c4, c5, c6, c7] = EVEN;
    let odd = w * (c2 + w * (c4 + w * c6));
    let even = z * (c1 + w * (c3 + w * (c5 + w * c7)));
    let rest = even + odd;
    s * (half_square + rest) + exponent * LN2_LOW - half_square + f + exponent * LN2_HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_equal(x: f64) {
        let mut values = [1.5, x];
        each(&mut values);
        let expected = libm::log(x);
        assert!(
            values[1].to_bits() == expected.to_bits() || (values[1].is_nan() && expected.is_nan()),
            "ln({x:e}) = {:e}, libm says {expected:e}",
            values[1]
        );
        assert_eq!(values[0].to_bits(), libm::log(1.5).to_bits());
    }

    #[test]
    fn every_bit_is_that_of_libm() {
        let specials = [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.0, 5e-324, f64::MAX];
        let edges = [f64::MIN_POSITIVE, f64::from_bits(LEAST), f64::from_bits(LEAST - 1), 0.5, 2.0];
        for x in specials.into_iter().chain(edges) {
            assert_equal(x);
            assert_equal(x.next_up());
            assert_equal(x.next_down());
        }
        // All exponents, and mantissas all over.
        let mut bits = 1_u64;
        for _ in 0..300_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            assert_equal(f64::from_bits(bits));
            // What features take logarithms of: 0.001 to 1,000.
            assert_equal(f64::from_bits(0x3f50_0000_0000_0000 + bits % (20 << 52)));
        }
    }
}
