//! Decimal text to fixed point, exactly.

use super::unreadable::Unreadable;
use crate::tick::{Decimals, Price, Quantity};

/// Significant digits kept; what lies beyond decides only whether a half is more than a half.
const DIGITS_KEPT: u32 = 36;

/// The number that `text` writes, in units of `10^-decimals`: digits beyond are rounded half to even.
///
/// Takes an optional sign, digits with at most one point, and an optional exponent; nothing else, so `NaN`,
/// `Infinity`, hexadecimal and blanks are refused.
pub(super) fn parse_fixed(text: &str, decimals: u32) -> Result<i64, NumberError> {
    parse_rounded(text, decimals).map(|(units, _)| units)
}

/// A price, with fifteen decimals where eight would drop digits and the price is small enough; `None` if the number is not
/// above zero.
#[inline]
pub(super) fn parse_price(text: &str) -> Result<Option<Price>, NumberError> {
    let (units, is_exact) = parse_rounded(text, Decimals::Eight.count())?;
    if is_exact {
        if units <= 0 {
            return Ok(None);
        }
        return Price::from_units(units).map(Some).ok_or(NumberError::OutOfRange);
    }
    if text.starts_with('-') {
        return Ok(None);
    }
    let fine = match parse_rounded(text, Decimals::Fifteen.count()) {
        Ok((units, true)) => Price::new(units, Decimals::Fifteen),
        Ok((units, false)) => Price::rounded(units, Decimals::Fifteen),
        Err(_) => None,
    };
    fine.or_else(|| Price::rounded(units, Decimals::Eight)).map(Some).ok_or(NumberError::OutOfRange)
}

/// A quantity, whole where it is too large for eight decimals, and the largest where it is too large for that.
#[inline]
pub(super) fn parse_quantity(text: &str) -> Result<Quantity, NumberError> {
    if let Ok((units, is_exact)) = parse_rounded(text, Decimals::Eight.count())
        && let Some(quantity) = Quantity::from_units(units)
    {
        return Ok(if is_exact { quantity } else { quantity.as_rounded() });
    }
    match parse_rounded(text, 0) {
        Ok((units, is_exact)) if units >= 0 => match Quantity::new(units, Decimals::Zero) {
            Some(quantity) if is_exact => Ok(quantity),
            Some(quantity) => Ok(quantity.as_rounded()),
            None => Ok(Quantity::CLIPPED),
        },
        Err(NumberError::OutOfRange) if !text.starts_with('-') => Ok(Quantity::CLIPPED),
        Ok(_) | Err(NumberError::OutOfRange) => Err(NumberError::OutOfRange),
        Err(NumberError::NotANumber) => Err(NumberError::NotANumber),
    }
}

/// The number in units of `10^-decimals`, and whether that is all of it.
#[inline]
fn parse_rounded(text: &str, decimals: u32) -> Result<(i64, bool), NumberError> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    let (magnitude, is_exact) = match parse_short(digits, decimals) {
        Some(magnitude) => (magnitude, true),
        None => parse_any(digits, decimals)?,
    };
    Ok((if negative { -magnitude } else { magnitude }, is_exact))
}

/// Reads up to eighteen characters that lose no digit, as nearly all of market data: they fit 64 bits.
fn parse_short(digits: &[u8], decimals: u32) -> Option<i64> {
    if digits.len() > 18 {
        return None;
    }
    let (mut value, mut decimals_read, mut seen_point) = (0_u64, 0, false);
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                value = value * 10 + u64::from(byte - b'0');
                decimals_read += u32::from(seen_point);
            }
            b'.' if !seen_point => seen_point = true,
            _ => return None,
        }
    }
    if digits.len() == usize::from(seen_point) {
        return None;
    }
    let units = value.checked_mul(10_u64.checked_pow(decimals.checked_sub(decimals_read)?)?)?;
    i64::try_from(units).ok()
}

/// Reads the digits of any number.
fn parse_any(digits: &[u8], decimals: u32) -> Result<(i64, bool), NumberError> {
    let mut mantissa = Mantissa::default();
    let mut seen_point = false;
    let mut seen_digit = false;
    let mut exponent = 0_i64;
    for (at, &byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                seen_digit = true;
                mantissa.push(byte - b'0', seen_point);
            }
            b'.' if !seen_point => seen_point = true,
            b'e' | b'E' if seen_digit => {
                exponent = parse_exponent(&digits[at + 1..])?;
                break;
            }
            _ => return Err(NumberError::NotANumber),
        }
    }
    if !seen_digit {
        return Err(NumberError::NotANumber);
    }
    mantissa.scaled(exponent + i64::from(decimals))
}

/// Why a text is not a fixed point number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberError {
    /// Not decimal digits.
    NotANumber,
    /// A number that does not fit.
    OutOfRange,
}

impl NumberError {
    /// The error of a record whose field this is.
    pub(super) fn of(self, field: &'static str) -> Unreadable {
        match self {
            Self::NotANumber => Unreadable::BadNumber { field },
            Self::OutOfRange => Unreadable::OutOfRange { field },
        }
    }
}

/// The digits read so far: `digits x 10^exponent`, and whether anything but zeros was cut off behind them.
#[derive(Default)]
struct Mantissa {
    digits: u128,
    count: u32,
    exponent: i64,
    cut_off: bool,
}

impl Mantissa {
    fn push(&mut self, digit: u8, after_point: bool) {
        if self.count < DIGITS_KEPT {
            self.digits = self.digits * 10 + u128::from(digit);
            self.count += u32::from(self.digits != 0);
            self.exponent -= i64::from(after_point);
        } else {
            self.cut_off |= digit != 0;
            self.exponent += i64::from(!after_point);
        }
    }

    /// This times `10^shift`, rounded half to even, and whether nothing was cut off.
    fn scaled(&self, shift: i64) -> Result<(i64, bool), NumberError> {
        if self.digits == 0 {
            return Ok((0, !self.cut_off));
        }
        let power = self.exponent.saturating_add(shift);
        let (units, is_exact) = if power >= 0 {
            let factor = u32::try_from(power).ok().and_then(|power| 10_u128.checked_pow(power));
            let units = factor.and_then(|factor| self.digits.checked_mul(factor));
            (units.ok_or(NumberError::OutOfRange)?, !self.cut_off)
        } else {
            match u32::try_from(power.unsigned_abs()).ok().and_then(|power| 10_u128.checked_pow(power)) {
                Some(divisor) => divide_half_even(self.digits, divisor, self.cut_off),
                // Thirty-six digits over more than 10^38 are less than a hundredth.
                None => (0, false),
            }
        };
        let units = i64::try_from(units).map_err(|_| NumberError::OutOfRange)?;
        Ok((units, is_exact))
    }
}

/// The quotient, and whether it is exact.
fn divide_half_even(value: u128, divisor: u128, cut_off: bool) -> (u128, bool) {
    // Market data fits 64 bits, where a division costs a tenth.
    let (quotient, remainder) = match (u64::try_from(value), u64::try_from(divisor)) {
        (Ok(value), Ok(divisor)) => (u128::from(value / divisor), u128::from(value % divisor)),
        _ => (value / divisor, value % divisor),
    };
    let half = divisor / 2;
    let up = remainder > half || (remainder == half && (cut_off || quotient % 2 == 1));
    (quotient + u128::from(up), remainder == 0 && !cut_off)
}

fn parse_exponent(text: &[u8]) -> Result<i64, NumberError> {
    let (sign, digits) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        all => (1, all),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(NumberError::NotANumber);
    }
    // Beyond a billion the number is out of range or zero whatever the digits are.
    let magnitude =
        digits.iter().fold(0_i64, |sum, byte| (sum * 10 + i64::from(byte - b'0')).min(1_000_000_000_000));
    Ok(sign * magnitude)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_are_exact_and_extra_digits_round_half_to_even() {
        for (text, expected) in [
            ("0", 0),
            ("-0.0", 0),
            ("67223.5", 6_722_350_000_000),
            ("61837.63000000", 6_183_763_000_000),
            ("0.00000001", 1),
            ("0.000000005", 0),
            ("0.000000015", 2),
            ("0.0000000050000000000000000000000000000000000000000001", 1),
            ("0.000000025", 2),
            ("-0.000000015", -2),
            (".5", 50_000_000),
            ("5.", 500_000_000),
            ("+1", 100_000_000),
            ("1.5e-3", 150_000),
            ("2E5", 20_000_000_000_000),
            ("1e-400000000000000000000", 0),
            ("0e999999999999999999999", 0),
            ("000000000000000000000000000000000000000000000001", 100_000_000),
            ("92233720368.54775807", i64::MAX),
        ] {
            assert_eq!(parse_fixed(text, 8), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in
            ["", "-", ".", "e5", "1e", "1e+", "1.2.3", "NaN", "Infinity", "-inf", "0x10", " 1", "1 ", "1,5"]
        {
            assert_eq!(parse_fixed(text, 8), Err(NumberError::NotANumber), "{text:?}");
        }
        for text in ["92233720368.54775808", "1e11", "1e400", "123456789012345678901234567890123456789012345"]
        {
            assert_eq!(parse_fixed(text, 8), Err(NumberError::OutOfRange), "{text}");
        }
    }

    #[test]
    fn a_price_is_what_the_venue_wrote_whatever_its_decimals() {
        let eight = |units| Ok(Price::from_units(units));
        let fifteen = |units| Ok(Price::new(units, Decimals::Fifteen));
        for (text, expected) in [
            ("67223.5", eight(6_722_350_000_000)),
            ("0.00001234", eight(1_234)),
            ("0.0000008712", fifteen(871_200_000)),
            ("8.71e-7", fifteen(871_000_000)),
            ("0.000000000000001", fifteen(1)),
            ("0.0000008700", eight(87)),
            ("1.000000001", fifteen(1_000_000_001_000_000)),
            ("0", Ok(None)),
            ("-0.0000000001", Ok(None)),
            ("1e-17", Err(NumberError::OutOfRange)),
            ("5e10", Err(NumberError::OutOfRange)),
        ] {
            assert_eq!(parse_price(text), expected, "{text}");
        }
        let is_exact = |text| parse_price(text).unwrap().unwrap().is_exact();
        assert!(is_exact("0.0000008712"));
        assert!(!is_exact("0.0000000000000012"), "sixteen decimals");
        assert!(!is_exact("67223.500000001"), "nine decimals of a price above 4,611");
    }

    #[test]
    fn a_large_quantity_is_whole_and_a_larger_one_counts_as_the_largest() {
        for (text, units, decimals, is_exact) in [
            ("0.5", 50_000_000, Decimals::Eight, true),
            ("0.123456789", 12_345_679, Decimals::Eight, false),
            ("1000000000000", 1_000_000_000_000, Decimals::Zero, true),
            ("1e18", 1_000_000_000_000_000_000, Decimals::Zero, true),
            ("1000000000000.5", 1_000_000_000_000, Decimals::Zero, false),
            ("1e19", Quantity::MAX_UNITS, Decimals::Zero, false),
            ("5000000000000000000", Quantity::MAX_UNITS, Decimals::Zero, false),
        ] {
            let quantity = parse_quantity(text).unwrap();
            let found = (quantity.units(), quantity.decimals(), quantity.is_exact());
            assert_eq!(found, (units, decimals, is_exact), "{text}");
        }
        assert_eq!(parse_quantity("-1"), Err(NumberError::OutOfRange));
        assert_eq!(parse_quantity("-1e30"), Err(NumberError::OutOfRange));
        assert_eq!(parse_quantity("x"), Err(NumberError::NotANumber));
    }

    proptest! {
        #[test]
        fn units_survive_a_round_trip(units in -(i64::MAX / 2)..i64::MAX / 2) {
            let magnitude = units.unsigned_abs();
            let sign = if units < 0 { "-" } else { "" };
            let text = format!("{sign}{}.{:08}", magnitude / 100_000_000, magnitude % 100_000_000);
            prop_assert_eq!(parse_fixed(&text, 8), Ok(units));
            let shifted = format!("{sign}{magnitude}e-8");
            prop_assert_eq!(parse_fixed(&shifted, 8), Ok(units));
        }

        #[test]
        fn short_numbers_are_read_as_all_others(text in "[0-9]{0,12}[.]?[0-9]{0,12}", decimals in 0_u32..19) {
            if let Some(units) = parse_short(text.as_bytes(), decimals) {
                prop_assert_eq!(parse_any(text.as_bytes(), decimals), Ok((units, true)));
            }
        }

        #[test]
        fn no_text_panics(text in "[-+0-9.eE]{0,60}") {
            let _ = parse_fixed(&text, 8);
            let _ = parse_fixed(&text, 18);
        }
    }
}
