//! Writes numbers with 17 significant digits, which is enough to read every f64 back.

use std::fmt;

/// A number that is displayed as by C's `%.17g`, but with trailing zeros.
pub(super) struct Digits(pub(super) f64);

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value) = *self;
        if value.is_nan() {
            return f.write_str("nan");
        }
        if value.is_infinite() {
            return f.write_str(if value > 0.0 { "inf" } else { "-inf" });
        }
        let scientific = format!("{value:.16e}");
        let exponent = scientific.rsplit('e').next().and_then(|exponent| exponent.parse::<i32>().ok());
        match exponent {
            Some(exponent @ -5..=16) => write!(f, "{value:.*}", (16 - exponent) as usize),
            _ => f.write_str(&scientific),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_17_digits_and_are_read_back() {
        assert_eq!(Digits(0.1).to_string(), "0.10000000000000001");
        assert_eq!(Digits(-123.456).to_string(), "-123.45600000000000");
        assert_eq!(Digits(0.0).to_string(), "0.0000000000000000");
        assert_eq!(Digits(1e-7).to_string(), "9.9999999999999995e-8");
        assert_eq!(Digits(f64::NAN).to_string(), "nan");
        for value in [1.0 / 3.0, 2e16, 1e300, 5e-324, -7.25, f64::MAX, 9.999_999_999_999_999e-6] {
            assert_eq!(Digits(value).to_string().parse::<f64>().ok(), Some(value));
        }
    }
}
