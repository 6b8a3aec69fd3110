//! Formats numbers for printed reports.

use engine::intake;

/// Rounds a number and groups its digits by threes: `1234567.4` is `1,234,567`. A number below 0 is `0`.
pub(crate) fn grouped(number: f64) -> String {
    intake::grouped(number.max(0.0).round_ties_even() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(grouped(1_234_567.0), "1,234,567");
        assert_eq!([grouped(999.0), grouped(1_000.0)], ["999", "1,000"]);
    }
}
