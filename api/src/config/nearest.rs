//! The nearest name to one that does not exist.

/// The candidate with the smallest edit distance to `name`, unless all are far from it.
pub(super) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|&(distance, candidate)| distance <= name.len().max(candidate.len()) / 2)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance in bytes (1966), one row at a time.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_key_and_nonsense_finds_none() {
        let keys = ["server.listen", "server.deadline_ms", "predict.rows_max"];
        assert_eq!(nearest("server.listne", keys.into_iter()), Some("server.listen"));
        assert_eq!(nearest("predict.row_max", keys.into_iter()), Some("predict.rows_max"));
        assert_eq!(nearest("zzzzzz", keys.into_iter()), None);
        assert_eq!((distance("", "abc"), distance("kitten", "sitting")), (3, 3));
    }
}
