//! As much of PromQL as it takes to find what an expression asks for.

/// Words that are no metrics although nothing follows them in parentheses.
const KEYWORDS: [&str; 6] = ["and", "or", "unless", "bool", "offset", "inf"];
/// Words before a list of labels in parentheses.
const GROUPINGS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// The selectors of an expression: each name of a metric with its matchers, as written.
pub(super) fn selectors(expression: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic() || "_:\"[".contains(c)) {
        // A number's exponent or a window's unit is no name.
        let after_digit = rest[..start].ends_with(|c: char| c.is_ascii_digit() || c == '.');
        rest = &rest[start..];
        match rest.as_bytes()[0] {
            b'"' => {
                let end = rest[1..].find('"').expect("a string ends") + 2;
                rest = &rest[end..];
                continue;
            }
            b'[' => {
                let end = rest.find(']').expect("a window ends") + 1;
                rest = &rest[end..];
                continue;
            }
            _ => {}
        }
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        rest = behind;
        let next = behind.trim_start();
        if GROUPINGS.contains(&word) {
            rest = next
                .strip_prefix('(')
                .map_or(next, |labels| &labels[labels.find(')').expect("a list ends") + 1..]);
            continue;
        }
        let is_function = next.starts_with('(') || takes_grouping(next);
        if is_function || after_digit || KEYWORDS.contains(&word) {
            continue;
        }
        match behind.strip_prefix('{') {
            Some(matchers) => {
                let end = matchers.find('}').expect("matchers end");
                found.push(format!("{word}{{{}}}", &matchers[..end]));
                rest = &matchers[end + 1..];
            }
            None => found.push(word.to_owned()),
        }
    }
    found
}

/// `sum by (label) (…)`: what follows an aggregation is a grouping.
fn takes_grouping(next: &str) -> bool {
    ["by", "without"]
        .iter()
        .any(|word| next.strip_prefix(word).is_some_and(|after| after.trim_start().starts_with('(')))
}

#[test]
fn every_selector_is_found_and_nothing_else() {
    for (expression, expected) in [
        ("up", &["up"][..]),
        (
            r#"sum by (job, le) (rate(a_bucket{le="0.8"}[5m])) / 1e3 > 14.4 * 0.01"#,
            &[r#"a_bucket{le="0.8"}"#],
        ),
        (
            "time() - max by (job) (a unless on (job, instance) b{c=~\"x(y)|z\"}) > 120",
            &["a", "b{c=~\"x(y)|z\"}"],
        ),
        ("job:a:rate5m{j=\"s\"} and bool_like or absent(c)", &["job:a:rate5m{j=\"s\"}", "bool_like", "c"]),
    ] {
        assert_eq!(selectors(expression), expected, "{expression}");
    }
}
