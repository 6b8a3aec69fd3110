//! The natural logarithm of an f32 as glibc computes it (`logf` since version 2.27), the same on every machine.
//!
//! XGBoost turns its base score into a margin by the `logf` of its machine, and Linux wheels run on glibc. Reproducing
//! the library's margins to the bit takes the same steps and constants, those of ARM's optimized routines (MIT
//! licence): they are within 0.82 units in the last place, and about one result in 5,000 is not the nearest f32.

/// For each sixteenth of an octave from `LEAST_MANTISSA` on: 1/c of a c near its middle, and ln c.
#[rustfmt::skip]
const PIECES: [(f64, f64); 16] = [
    (1.398_907_162_146_528, -0.335_691_333_328_822_84),
    (1.340_314_189_663_799_8, -0.292_904_056_377_407_4),
    (1.286_432_210_124_115, -0.251_872_658_093_736_9),
    (1.236_715_021_426_989_5, -0.212_458_688_071_172_55),
    (1.190_697_716_671_175_2, -0.174_539_451_837_456_34),
    (1.147_982_102_055_642_9, -0.138_005_707_231_975_8),
    (1.108_225_144_827_215_8, -0.102_759_766_985_451_39),
    (1.071_129_741_305_738_1, -0.068_713_924_470_205_25),
    (1.036_437_278_977_283, -0.035_789_138_739_822_8),
    (1.0, 0.0),
    (0.949_285_979_573_905_7, 0.052_045_177_429_294_96),
    (0.895_104_942_860_900_4, 0.110_814_312_987_879_42),
    (0.847_682_162_035_110_3, 0.165_249_522_369_514_3),
    (0.805_031_485_169_200_1, 0.216_873_890_316_999_77),
    (0.766_467_100_884_310_8, 0.265_963_502_812_139_7),
    (0.731_428_603_316_328, 0.312_755_666_407_355_7),
];
/// The bits of the least number that is used as it is; others are divided by a power of two until they are in its
/// octave.
const LEAST_MANTISSA: u32 = 0x3f33_0000;
/// A coefficient of `ln(1 + r) = r + SQUARE r^2 + CUBE r^3 + FOURTH r^4` for r within -1/32..=1/32.
const SQUARE: f64 = -0.499_999_748_580_210_3;
const CUBE: f64 = 0.333_456_765_744_066;
const FOURTH: f64 = -0.250_893_422_142_371_54;

/// The natural logarithm of `x`: minus infinity for 0, NaN for anything below 0.
pub(super) fn ln_single(x: f32) -> f32 {
    const MANTISSA_BITS: u32 = 23;
    if x == 0.0 {
        return f32::NEG_INFINITY;
    }
    if x < 0.0 || !x.is_finite() {
        return if x > 0.0 { x } else { f32::NAN };
    }
    // A subnormal number is read as one that is 2^23 times as large.
    let bits = match x.to_bits() {
        normal if x.is_normal() => normal,
        _ => (x * (1 << MANTISSA_BITS) as f32).to_bits().wrapping_sub(MANTISSA_BITS << MANTISSA_BITS),
    };
    // x = 2^exponent * mantissa, and the mantissa lies near one c of the table.
    let above = bits.wrapping_sub(LEAST_MANTISSA);
    let exponent = above as i32 >> MANTISSA_BITS;
    let mantissa = f64::from(f32::from_bits(bits.wrapping_sub(above & 0xff80_0000)));
    let (inverse, logarithm) = PIECES[(above >> (MANTISSA_BITS - 4)) as usize % PIECES.len()];
    let r = mantissa * inverse - 1.0;
    let whole = logarithm + f64::from(exponent) * std::f64::consts::LN_2;
    let square = r * r;
    let tail = FOURTH * square + (CUBE * r + SQUARE);
    (tail * square + (whole + r)) as f32
}

#[cfg(test)]
mod tests {
    use super::ln_single;

    #[test]
    fn it_is_the_nearest_f32_or_the_next_one_to_it() {
        let (mut differs, mut count) = (0, 0);
        // Every 9,973rd positive f32: a prime, so that all sixteenths and parts of them come up.
        for bits in (1..f32::INFINITY.to_bits()).step_by(9_973) {
            let x = f32::from_bits(bits);
            let (ours, nearest) = (ln_single(x), libm::log(f64::from(x)) as f32);
            let apart = ours.to_bits().abs_diff(nearest.to_bits());
            assert!(apart <= 1, "ln {x:e} = {ours:e}, not {nearest:e}");
            (differs, count) = (differs + apart, count + 1);
        }
        assert!(differs > 0 && differs * 1_000 < count, "{differs} of {count} are not the nearest");
    }

    #[test]
    fn it_takes_glibcs_side_where_that_is_not_the_nearest() {
        /// Bits of x, and of glibc 2.36's `logf(x)`.
        const GLIBC: [(u32, u32); 12] = [
            (0x4219_867c, 0x4069_71cf),
            (0x684b_145e, 0x4262_6d0b),
            (0x3273_f53c, 0xc190_8f61),
            (0x3d92_ec1b, 0xc028_9f2d),
            (0x3e4d_0d79, 0xbfcd_d9ab),
            (0x6642_9397, 0x4257_2a1e),
            (0x3f81_e349, 0x3c6f_e0c2),
            (0x41ca_5a05, 0x404e_c196),
            (0x3dbc_0b9a, 0xc018_d3f2),
            (0x3fba_3c38, 0x3ebf_fd6b),
            (0x3f79_5e3c, 0xbcd7_049b),
            (0x3f7b_77a3, 0xbc92_5848),
        ];
        for (x, expected) in GLIBC {
            assert_eq!(ln_single(f32::from_bits(x)).to_bits(), expected, "ln of {x:#x}");
            assert_ne!(
                (libm::log(f64::from(f32::from_bits(x))) as f32).to_bits(),
                expected,
                "a telling case"
            );
        }
    }

    #[test]
    fn zero_infinity_and_what_is_below_zero_have_their_limits() {
        assert_eq!((ln_single(0.0), ln_single(-0.0)), (f32::NEG_INFINITY, f32::NEG_INFINITY));
        assert_eq!((ln_single(1.0), ln_single(f32::INFINITY)), (0.0, f32::INFINITY));
        assert!([-1.0, f32::NAN, f32::NEG_INFINITY, -1e-45].iter().all(|&x| ln_single(x).is_nan()));
    }
}
