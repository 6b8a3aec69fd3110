//! Blocks of `key=value` lines.

use std::{collections::HashMap, str::FromStr};

/// The lines of the header, or of one tree.
pub(super) struct Block<'a> {
    pub(super) text: &'a str,
    values: HashMap<&'a str, &'a str>,
}

/// The header and the trees, in the file's order.
pub(super) fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
    text.split("\nTree=").enumerate().map(|(number, text)| {
        // A tree's block begins with the rest of its first line, its number.
        let text = if number == 0 { text } else { text.split_once('\n').map_or("", |(_, rest)| rest) };
        let values = text.lines().filter_map(|line| line.trim_end().split_once('=')).collect();
        Block { text, values }
    })
}

impl<'a> Block<'a> {
    /// The text of a key; `None` if it is absent.
    pub(super) fn optional(&self, key: &str) -> Option<&'a str> {
        self.values.get(key).copied()
    }

    /// The text of a key.
    pub(super) fn text(&self, key: &str) -> Result<&'a str, String> {
        self.optional(key).ok_or_else(|| format!("there is no {key}"))
    }

    /// The number of a key.
    pub(super) fn number<T: FromStr>(&self, key: &str) -> Result<T, String> {
        let text = self.text(key)?;
        text.trim().parse().map_err(|_| format!("{key} is {text:?}"))
    }

    /// The numbers of a key.
    pub(super) fn numbers<T: FromStr>(&self, key: &str) -> Result<Vec<T>, String> {
        let words = self.text(key)?.split_ascii_whitespace();
        words.map(|word| word.parse().map_err(|_| format!("{key} holds {word:?}"))).collect()
    }

    /// The numbers of a key; an error if there are not `count` of them.
    pub(super) fn counted<T: FromStr>(&self, key: &str, count: usize) -> Result<Vec<T>, String> {
        let numbers = self.numbers(key)?;
        if numbers.len() == count {
            Ok(numbers)
        } else {
            Err(format!("{key} holds {}, not {count}", numbers.len()))
        }
    }
}
