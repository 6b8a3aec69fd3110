//! JSON text as an index of its values: one strict pass, after which any value is found without reading the text again.
//!
//! The index holds places in the text and no numbers, so a price is read from the digits that the venue wrote. It is kept
//! from record to record, so that it stops allocating. Nothing here recurses, however deep a record nests.

use std::borrow::Cow;

use super::unreadable::Unreadable;

/// Where a value of the text is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// The first byte, in `..` the text.
    start: u32,
    /// The byte behind the last.
    end: u32,
    /// The number of the node behind this one and all within it.
    next: u32,
    /// Whether it is a string with a backslash.
    is_escaped: bool,
}

/// A text and the index of its values: the whole first, then what it holds, in the order of the text.
#[derive(Debug)]
pub(super) struct Json<'a> {
    text: &'a str,
    nodes: &'a [Node],
}

impl<'a> Json<'a> {
    /// Reads the text and fills `nodes`, which it clears first. Takes what `serde_json` takes.
    pub(super) fn parse(text: &'a str, nodes: &'a mut Vec<Node>) -> Result<Self, Unreadable> {
        nodes.clear();
        let mut reader = Reader { bytes: text.as_bytes(), nodes };
        if u32::try_from(text.len()).is_err() || reader.read().is_none() {
            return Err(Unreadable::NotJson);
        }
        Ok(Self { text, nodes })
    }

    /// The whole.
    pub(super) fn root(&self) -> Value<'_> {
        Value { json: self, node: 0 }
    }
}

/// A value of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    json: &'a Json<'a>,
    node: u32,
}

impl<'a> Value<'a> {
    fn node(self) -> &'a Node {
        &self.json.nodes[self.node as usize]
    }

    /// The value of the node `number` of the same text.
    pub(super) fn at(self, number: u32) -> Self {
        Self { node: number, ..self }
    }

    /// The number of its node. That of a member or an element is not 0.
    pub(super) fn number(self) -> u32 {
        self.node
    }

    /// As it is written, quotes and all.
    pub(super) fn raw(self) -> &'a str {
        let node = self.node();
        &self.json.text[node.start as usize..node.end as usize]
    }

    fn first_byte(self) -> u8 {
        self.json.text.as_bytes()[self.node().start as usize]
    }

    pub(super) fn is_object(self) -> bool {
        self.first_byte() == b'{'
    }

    pub(super) fn is_array(self) -> bool {
        self.first_byte() == b'['
    }

    /// Whether it is a string.
    pub(super) fn is_text(self) -> bool {
        self.first_byte() == b'"'
    }

    pub(super) fn is_null(self) -> bool {
        self.first_byte() == b'n'
    }

    /// Whether it is `true` or `false`, if it is one of them.
    pub(super) fn flag(self) -> Option<bool> {
        match self.first_byte() {
            b't' => Some(true),
            b'f' => Some(false),
            _ => None,
        }
    }

    /// What a string says; `None` if it is none.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        let raw = self.raw();
        if self.node().is_escaped {
            // A lone half of a pair of surrogates is no text.
            return serde_json::from_str(raw).ok().map(Cow::Owned);
        }
        raw.strip_prefix('"').map(|rest| Cow::Borrowed(&rest[..rest.len() - 1]))
    }

    /// The digits of a number, or what a string says that holds one, escapes and all.
    pub(super) fn digits(self) -> &'a str {
        let raw = self.raw();
        raw.strip_prefix('"').map_or(raw, |rest| &rest[..rest.len() - 1])
    }

    /// The names and values of an object, in the order of the text; nothing for anything else.
    pub(super) fn members(self) -> impl Iterator<Item = (Cow<'a, str>, Self)> {
        let end = if self.is_object() { self.node().next } else { self.node + 1 };
        let mut number = self.node + 1;
        std::iter::from_fn(move || {
            let name = (number < end).then(|| self.at(number))?;
            let value = self.at(number + 1);
            number = value.node().next;
            // A name that is no text is none that is read.
            Some((name.text().unwrap_or_default(), value))
        })
    }

    /// The values of an array, in the order of the text; nothing for anything else.
    pub(super) fn elements(self) -> impl Iterator<Item = Self> {
        let end = if self.is_array() { self.node().next } else { self.node + 1 };
        let mut number = self.node + 1;
        std::iter::from_fn(move || {
            let element = (number < end).then(|| self.at(number))?;
            number = element.node().next;
            Some(element)
        })
    }
}

/// No node: the whole is in no other.
const NO_NODE: u32 = u32::MAX;

struct Reader<'t, 'n> {
    bytes: &'t [u8],
    nodes: &'n mut Vec<Node>,
}

impl Reader<'_, '_> {
    /// Reads one value and nothing behind it; `None` where the text is no JSON.
    fn read(&mut self) -> Option<()> {
        let mut at = self.skip_blanks(0);
        // The innermost object or array that is open. While one is, its `next` is the number of the one around it.
        let mut open = NO_NODE;
        loop {
            let first = *self.bytes.get(at)?;
            if matches!(first, b'{' | b'[') {
                let number = self.push(at, 0, open, false);
                open = number;
                at = self.skip_blanks(at + 1);
                // The codes of an opening bracket and of the one that closes it differ by two.
                if *self.bytes.get(at)? != first + 2 {
                    if first == b'{' {
                        at = self.read_name(at)?;
                    }
                    continue;
                }
            } else {
                at = self.read_scalar(first, at)?;
            }
            // Behind a value, or before the bracket that closes an empty one.
            loop {
                at = self.skip_blanks(at);
                if open == NO_NODE {
                    return (at == self.bytes.len()).then_some(());
                }
                let first = self.bytes[self.nodes[open as usize].start as usize];
                match *self.bytes.get(at)? {
                    b',' => {
                        at = self.skip_blanks(at + 1);
                        if first == b'{' {
                            at = self.read_name(at)?;
                        }
                        break;
                    }
                    closing if closing == first + 2 => {
                        let next = self.nodes.len() as u32;
                        let node = &mut self.nodes[open as usize];
                        at += 1;
                        node.end = at as u32;
                        open = std::mem::replace(&mut node.next, next);
                    }
                    _ => return None,
                }
            }
        }
    }

    /// Adds a node and returns its number. The text has fewer than 2^32 bytes, and each node at least one.
    #[inline]
    fn push(&mut self, start: usize, end: usize, next: u32, is_escaped: bool) -> u32 {
        let number = self.nodes.len() as u32;
        self.nodes.push(Node { start: start as u32, end: end as u32, next, is_escaped });
        number
    }

    /// Reads a member's name and the colon behind it; returns where its value begins.
    #[inline]
    fn read_name(&mut self, at: usize) -> Option<usize> {
        if *self.bytes.get(at)? != b'"' {
            return None;
        }
        let at = self.read_string(at)?;
        let at = self.skip_blanks(at);
        (*self.bytes.get(at)? == b':').then(|| self.skip_blanks(at + 1))
    }

    #[inline]
    fn read_scalar(&mut self, first: u8, at: usize) -> Option<usize> {
        let end = match first {
            b'"' => return self.read_string(at),
            b't' => self.word_end(at, b"true")?,
            b'f' => self.word_end(at, b"false")?,
            b'n' => self.word_end(at, b"null")?,
            _ => self.number_end(at)?,
        };
        let next = self.nodes.len() as u32 + 1;
        self.push(at, end, next, false);
        Some(end)
    }

    fn word_end(&self, at: usize, word: &[u8]) -> Option<usize> {
        self.bytes[at..].starts_with(word).then_some(at + word.len())
    }

    /// Reads a string whose first quote is at `start`.
    #[inline]
    fn read_string(&mut self, start: usize) -> Option<usize> {
        let mut at = start + 1;
        let mut is_escaped = false;
        loop {
            at += plain_bytes(&self.bytes[at..]);
            match *self.bytes.get(at)? {
                b'"' => {
                    let next = self.nodes.len() as u32 + 1;
                    self.push(start, at + 1, next, is_escaped);
                    return Some(at + 1);
                }
                b'\\' => {
                    is_escaped = true;
                    at = self.escape_end(at)?;
                }
                // A control character.
                _ => return None,
            }
        }
    }

    fn escape_end(&self, at: usize) -> Option<usize> {
        match *self.bytes.get(at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 2),
            b'u' => {
                let digits = self.bytes.get(at + 2..at + 6)?;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(at + 6)
            }
            _ => None,
        }
    }

    #[inline]
    fn number_end(&self, start: usize) -> Option<usize> {
        let mut at = start + usize::from(self.bytes[start] == b'-');
        // No digit may follow a zero that comes first.
        at = if *self.bytes.get(at)? == b'0' { at + 1 } else { self.digits_end(at)? };
        if self.bytes.get(at) == Some(&b'.') {
            at = self.digits_end(at + 1)?;
        }
        if matches!(self.bytes.get(at), Some(b'e' | b'E')) {
            at += 1;
            at += usize::from(matches!(self.bytes.get(at), Some(b'+' | b'-')));
            at = self.digits_end(at)?;
        }
        Some(at)
    }

    /// Where the digits end that begin at `start`; `None` if there is none.
    #[inline]
    fn digits_end(&self, start: usize) -> Option<usize> {
        let mut at = start;
        while self.bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        (at > start).then_some(at)
    }

    #[inline]
    fn skip_blanks(&self, mut at: usize) -> usize {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(at) {
            at += 1;
        }
        at
    }
}

/// How many bytes come before the first quote, backslash or control character.
#[inline]
fn plain_bytes(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH_BITS: u64 = ONES << 7;
    // The high bit of each byte that is zero; the lowest that is set is right, others may not be.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGH_BITS;
    let (words, rest) = bytes.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let quotes = zeros(word ^ (ONES * u64::from(b'"')));
        let backslashes = zeros(word ^ (ONES * u64::from(b'\\')));
        let controls = word.wrapping_sub(ONES * 0x20) & !word & HIGH_BITS;
        let found = quotes | backslashes | controls;
        if found != 0 {
            return i * 8 + (found.trailing_zeros() / 8) as usize;
        }
    }
    let plain = rest.iter().take_while(|&&byte| byte >= 0x20 && byte != b'"' && byte != b'\\').count();
    words.len() * 8 + plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    /// The same value as `serde_json` reads it, numbers by their text.
    fn same(value: Value<'_>, raw: &str) {
        assert_eq!(value.raw(), raw);
        if value.is_object() {
            let expected: Vec<(String, &RawValue)> = Members::of(raw);
            let members: Vec<_> = value.members().collect();
            assert_eq!(members.len(), expected.len(), "{raw}");
            for ((name, member), (expected_name, expected)) in members.iter().zip(&expected) {
                assert_eq!(name, expected_name);
                same(*member, expected.get());
            }
        } else if value.is_array() {
            let expected: Vec<&RawValue> = serde_json::from_str(raw).unwrap();
            let elements: Vec<_> = value.elements().collect();
            assert_eq!(elements.len(), expected.len(), "{raw}");
            elements.iter().zip(expected).for_each(|(element, expected)| same(*element, expected.get()));
        } else if raw.starts_with('"') {
            assert_eq!(value.text().map(Cow::into_owned), serde_json::from_str(raw).ok());
        }
    }

    /// An object's members in their order, repeats and all.
    struct Members<'a>(Vec<(String, &'a RawValue)>);

    impl<'a> Members<'a> {
        fn of(raw: &'a str) -> Vec<(String, &'a RawValue)> {
            serde_json::from_str::<Members<'a>>(raw).unwrap().0
        }
    }

    impl<'de> serde::Deserialize<'de> for Members<'de> {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Members<'de>;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(
                    self,
                    mut map: A,
                ) -> Result<Self::Value, A::Error> {
                    let mut members = Vec::new();
                    while let Some(member) = map.next_entry()? {
                        members.push(member);
                    }
                    Ok(Members(members))
                }
            }
            deserializer.deserialize_map(Visitor)
        }
    }

    /// Holds the index to `serde_json`: both take the text, and find the same in it, or neither does.
    fn is_read_as_by_serde(text: &str) {
        let mut nodes = Vec::new();
        let expected = serde_json::from_str::<&RawValue>(text);
        match Json::parse(text, &mut nodes) {
            Ok(json) => same(json.root(), expected.unwrap_or_else(|error| panic!("{text:?}: {error}")).get()),
            Err(_) => assert!(expected.is_err(), "{text:?} is JSON"),
        }
    }

    #[test]
    fn what_is_json_and_what_is_none() {
        for text in [
            "",
            " ",
            "{",
            "}",
            "[]",
            "{}",
            " [ ] ",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\" : [ { } , null ] }",
            "[1}",
            "{\"a\":1]",
            "1",
            "-1",
            "-",
            "01",
            "-0",
            "0.0",
            "1.",
            ".1",
            "1e5",
            "1E+5",
            "1e",
            "1e-",
            "+1",
            "NaN",
            "nul",
            "nulls",
            "true",
            "truefalse",
            "[true false]",
            "\"a\"",
            "\"a",
            "\"\\\"",
            "\"\\q\"",
            "\"\\u12\"",
            "\"\\u12fg\"",
            "\"\\u00e9\"",
            "\"\t\"",
            "\"\u{7f}\"",
            "\"ä\"",
            "{}{}",
            "{} x",
            "\u{feff}{}",
            "[[[[]]]]",
            "[[[[]]]",
            "{\"a\":{\"b\":{\"c\":[1,[2,{}]]}}}",
            "\u{a0}1",
            "{\"abcdefgh\":\"12345678\",\"abcdefghi\":\"1234567\\n89\"}",
            "{\"a\":1,\"a\":2}",
            "[1]]",
            "1,",
            "]",
        ] {
            is_read_as_by_serde(text);
        }
    }

    proptest! {
        #[test]
        fn text_of_the_signs_of_json(text in "[\\[\\]{}\":,0-9.eE+ntrufalse\\\\ -]{0,40}") {
            is_read_as_by_serde(&text);
        }

        #[test]
        fn strings_of_any_text(text in any::<String>(), before in "[ -~]{0,20}") {
            is_read_as_by_serde(&serde_json::to_string(&[&before, &text]).unwrap());
            is_read_as_by_serde(&format!("[\"{before}{text}\"]"));
        }

        #[test]
        fn a_whole_with_bytes_changed(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<char>()), 0..3)) {
            let mut text: Vec<char> =
                r#"{"a":[1.5e-3,"x\"y",{"b":null,"c":[true,false,-0]},[]], "d\u00e9" : {} }"#.chars().collect();
            for (at, character) in changes {
                let at = at.index(text.len());
                text[at] = character;
            }
            is_read_as_by_serde(&text.into_iter().collect::<String>());
        }
    }
}
