//! Accepts JSON with the bare words `NaN` and `Infinity`, which Python's `json.dumps` writes, and with it MLflow's and
//! Triton's clients.

use std::borrow::Cow;

/// The replacement of each bare word: null for a missing value, and numbers that no float holds, which the rows' reader
/// refuses with the name of their field.
const WORDS: [(&[u8], &[u8]); 3] = [(b"NaN", b"null"), (b"-Infinity", b"-1e999"), (b"Infinity", b"1e999")];

/// Replaces each bare `NaN` by `null`, and each bare `Infinity` by a number beyond every float. Strings stay unchanged;
/// so does a text without such a word.
pub(super) fn without_bare_words(text: &[u8]) -> Cow<'_, [u8]> {
    let mut replaced: Vec<u8> = Vec::new();
    // Start of the text that is not copied yet.
    let mut copied = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at] == b'"' {
            at = end_of_string(text, at);
            continue;
        }
        let word =
            WORDS.iter().find(|(word, _)| text[at..].starts_with(word) && is_bare(text, at, at + word.len()));
        let Some((word, standing_in)) = word else {
            at += 1;
            continue;
        };
        replaced.extend_from_slice(&text[copied..at]);
        replaced.extend_from_slice(standing_in);
        at += word.len();
        copied = at;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    replaced.extend_from_slice(&text[copied..]);
    Cow::Owned(replaced)
}

/// The position after the string that begins at `start`.
fn end_of_string(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < text.len() {
        match text[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

/// Whether the word is not part of a longer one.
fn is_bare(text: &[u8], start: usize, end: usize) -> bool {
    let continues =
        |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || b"+-._".contains(b));
    !continues(start.checked_sub(1).and_then(|before| text.get(before))) && !continues(text.get(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        String::from_utf8(without_bare_words(text.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn bare_words_become_values_and_strings_stay() {
        for (text, expected) in [
            ("[NaN,1,NaN]", "[null,1,null]"),
            (r#"{"NaN": NaN, "a\"NaN": -Infinity}"#, r#"{"NaN": null, "a\"NaN": -1e999}"#),
            (r#"["\\",Infinity]"#, r#"["\\",1e999]"#),
            ("NaN", "null"),
            // A word that is not Python's is left to the JSON parser.
            ("[nan,-NaN,NaNs,1Infinity,+Infinity]", "[nan,-NaN,NaNs,1Infinity,+Infinity]"),
            (r#"["cut \"#, r#"["cut \"#),
            (r#"["NaN"#, r#"["NaN"#),
        ] {
            assert_eq!(written(text), expected, "{text}");
        }
        assert!(matches!(without_bare_words(br#"{"a": ["NaN", 1]}"#), Cow::Borrowed(_)));
    }

    proptest::proptest! {
        #[test]
        fn json_is_never_changed(value in proptest::collection::vec(
            proptest::prop_oneof![
                ".*".prop_map(serde_json::Value::from),
                proptest::num::f64::NORMAL.prop_map(serde_json::Value::from),
            ],
            0..9,
        )) {
            let text = serde_json::to_string(&value).unwrap();
            proptest::prop_assert_eq!(written(&text), text);
        }
    }

    use proptest::strategy::Strategy;
}
