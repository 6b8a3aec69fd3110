//! Whole numbers of any length in two's complement, as decimal text.

use std::fmt::Write as _;

/// Bytes of a number at most: far beyond any price, and few enough to divide by hand.
pub(super) const BYTES_MAX: usize = 64;

/// Appends the number that `bytes` are, most significant first, divided by ten to the power of `scale`, exactly.
/// No bytes are 0. `bytes` are at most [`BYTES_MAX`].
pub(super) fn append(bytes: &[u8], scale: u32, out: &mut String) {
    let is_negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let digits = match sign_extended(bytes) {
        Some(number) => number.unsigned_abs().to_string(),
        None => digits_of(&magnitude(bytes, is_negative)),
    };
    if is_negative {
        out.push('-');
    }
    let scale = scale as usize;
    if scale == 0 {
        out.push_str(&digits);
    } else if let Some(whole) = digits.len().checked_sub(scale).filter(|&whole| whole > 0) {
        out.push_str(&digits[..whole]);
        out.push('.');
        out.push_str(&digits[whole..]);
    } else {
        write!(out, "0.{digits:0>scale$}").expect("a string takes any text");
    }
}

fn sign_extended(bytes: &[u8]) -> Option<i128> {
    let fill = if bytes.first().is_some_and(|first| first & 0x80 != 0) { 0xff } else { 0 };
    let mut wide = [fill; 16];
    wide[16_usize.checked_sub(bytes.len())?..].copy_from_slice(bytes);
    Some(i128::from_be_bytes(wide))
}

/// The absolute value, most significant byte first.
fn magnitude(bytes: &[u8], is_negative: bool) -> Vec<u8> {
    let mut magnitude = bytes.to_vec();
    if is_negative {
        magnitude.iter_mut().for_each(|byte| *byte = !*byte);
        for byte in magnitude.iter_mut().rev() {
            let overflowed;
            (*byte, overflowed) = byte.overflowing_add(1);
            if !overflowed {
                break;
            }
        }
    }
    magnitude
}

fn digits_of(magnitude: &[u8]) -> String {
    const CHUNK: u64 = 1_000_000_000;
    let mut rest = magnitude.to_vec();
    let mut chunks = Vec::new();
    while rest.iter().any(|&byte| byte != 0) {
        let mut remainder = 0;
        for byte in &mut rest {
            let value = remainder << 8 | u64::from(*byte);
            *byte = u8::try_from(value / CHUNK).expect("the remainder is below the divisor");
            remainder = value % CHUNK;
        }
        chunks.push(remainder);
    }
    let mut digits = chunks.pop().unwrap_or(0).to_string();
    for chunk in chunks.into_iter().rev() {
        write!(digits, "{chunk:09}").expect("a string takes any text");
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8], scale: u32) -> String {
        let mut out = String::new();
        append(bytes, scale, &mut out);
        out
    }

    #[test]
    fn a_decimal_is_exact_whatever_its_length() {
        assert_eq!(text(&[], 2), "0.00");
        assert_eq!(text(&6_722_350_i64.to_be_bytes(), 2), "67223.50");
        assert_eq!(text(&(-5_i8).to_be_bytes(), 3), "-0.005");
        assert_eq!(text(&[0x01, 0x00], 0), "256");
        // 2^128 and -2^128, which no integer of the machine holds.
        let mut wide = vec![1];
        wide.extend([0; 16]);
        assert_eq!(text(&wide, 18), "340282366920938463463.374607431768211456");
        wide[0] = 0xff;
        assert_eq!(text(&wide, 0), "-340282366920938463463374607431768211456");
    }

    #[test]
    fn the_long_way_agrees_with_the_machines_integers() {
        for number in [0, 1, 999_999_999, 1_000_000_000, 1_000_000_001, i128::MAX, i128::from(u64::MAX) * 7] {
            let bytes = number.to_be_bytes();
            assert_eq!(digits_of(&magnitude(&bytes, false)), number.to_string());
            let negative = (-number).to_be_bytes();
            assert_eq!(digits_of(&magnitude(&negative, number > 0)), number.to_string());
        }
    }
}
