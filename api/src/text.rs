//! How numbers are written for people.

use engine::source::tally;

/// `1234567.4` as `1,234,567`: rounded, its digits in groups of three; below 0 it is `0`.
pub(crate) fn grouped(number: f64) -> String {
    tally::grouped(number.max(0.0).round_ties_even() as u64)
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
