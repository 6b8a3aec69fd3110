//! Formats the report's numbers.

/// Writes a number with `digits` digits after the point, `n/a` for `None`. A number that rounds to zero has no sign.
pub(super) fn decimal(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| unsigned_zero(format!("{value:.digits$}")))
}

/// Like [`decimal`], with `+` before a number above zero.
pub(super) fn signed(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| unsigned_zero(format!("{value:+.digits$}")))
}

fn unsigned_zero(text: String) -> String {
    let is_zero = text.chars().all(|character| matches!(character, '-' | '+' | '0' | '.'));
    if is_zero { text.trim_start_matches(['-', '+']).to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_have_no_sign_and_what_is_not_known_is_said() {
        assert_eq!(decimal(Some(-0.0), 4), "0.0000");
        assert_eq!(decimal(Some(-0.00004), 4), "0.0000");
        assert_eq!(decimal(Some(-0.00006), 4), "-0.0001");
        assert_eq!(decimal(None, 4), "n/a");
        assert_eq!(signed(Some(0.25), 2), "+0.25");
        assert_eq!(signed(Some(-0.25), 2), "-0.25");
        assert_eq!(signed(Some(-0.001), 2), "0.00");
    }
}
