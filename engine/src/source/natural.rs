//! Files in the order that their names mean: `part2` before `part10`.

use std::{cmp::Ordering, path::Path};

/// Compares two paths folder by folder; runs of digits count as numbers.
pub(crate) fn natural_order(a: &Path, b: &Path) -> Ordering {
    let bytes = |path: &Path| {
        path.components().map(|part| part.as_os_str().as_encoded_bytes().to_vec()).collect::<Vec<_>>()
    };
    let (parts_a, parts_b) = (bytes(a), bytes(b));
    let by_parts = parts_a.iter().zip(&parts_b).map(|(a, b)| compare(a, b)).find(|order| order.is_ne());
    // Names that differ in leading zeros alone are told apart by their bytes.
    by_parts.unwrap_or_else(|| parts_a.len().cmp(&parts_b.len())).then_with(|| a.cmp(b))
}

fn compare(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        let (digits_a, digits_b) = (leading_digits(a), leading_digits(b));
        if digits_a > 0 && digits_b > 0 {
            let (number_a, number_b) = (without_zeros(&a[..digits_a]), without_zeros(&b[..digits_b]));
            let order = number_a.len().cmp(&number_b.len()).then_with(|| number_a.cmp(number_b));
            if order.is_ne() {
                return order;
            }
            (a, b) = (&a[digits_a..], &b[digits_b..]);
            continue;
        }
        match (a.split_first(), b.split_first()) {
            (Some((first_a, rest_a)), Some((first_b, rest_b))) if first_a == first_b => {
                (a, b) = (rest_a, rest_b)
            }
            (first_a, first_b) => return first_a.cmp(&first_b),
        }
    }
}

fn leading_digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    &digits[zeros..]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names = [
            "d/part10",
            "d/part2",
            "d/part1",
            "c9/x",
            "c10/x",
            "d/part02",
            "d/part",
            "d/2024-01-09",
            "d/2024-01-10",
        ];
        names.sort_by(|a, b| natural_order(Path::new(a), Path::new(b)));
        assert_eq!(
            names,
            [
                "c9/x",
                "c10/x",
                "d/2024-01-09",
                "d/2024-01-10",
                "d/part",
                "d/part1",
                "d/part02",
                "d/part2",
                "d/part10"
            ]
        );
    }

    proptest! {
        #[test]
        fn it_is_a_total_order(a in "[a0-2/.]{0,8}", b in "[a0-2/.]{0,8}", c in "[a0-2/.]{0,8}") {
            let order = |a: &str, b: &str| natural_order(Path::new(a), Path::new(b));
            prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
            if order(&a, &b).is_le() && order(&b, &c).is_le() {
                prop_assert!(order(&a, &c).is_le());
            }
        }
    }
}
