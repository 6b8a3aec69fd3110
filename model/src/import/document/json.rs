//! JSON (RFC 8259), and the bare `NaN`, `Infinity` and `-Infinity` that trainers write.

use std::borrow::Cow;

use super::{NESTING_MAX, VALUES_MAX, Value};

/// Reads a whole document.
///
/// # Errors
/// The fault and the byte at which it is.
pub(in crate::import) fn read(bytes: &[u8]) -> Result<Value<'_>, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("not UTF-8 at {}", error.valid_up_to()))?;
    let mut reader = Reader { text, at: 0, values: 0 };
    let value = reader.value(0)?;
    reader.space();
    if reader.at < text.len() { Err(reader.fault("more after the end")) } else { Ok(value) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    values: usize,
}

impl<'a> Reader<'a> {
    fn fault(&self, what: &str) -> String {
        format!("{what} at byte {}", self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Skips `byte` if it is next; returns whether it was.
    fn takes(&mut self, byte: u8) -> bool {
        let takes = self.peek() == Some(byte);
        self.at += usize::from(takes);
        takes
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, String> {
        self.values += 1;
        if depth > NESTING_MAX || self.values > VALUES_MAX {
            return Err(self.fault("too many values, or too deep"));
        }
        self.space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::Text),
            Some(_) => self.word(),
            None => Err(self.fault("nothing")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, String> {
        let mut fields = Vec::new();
        self.at += 1;
        self.space();
        if self.takes(b'}') {
            return Ok(Value::Object(fields));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.fault("no name of a field"));
            }
            let name = self.string()?;
            self.space();
            if !self.takes(b':') {
                return Err(self.fault("no colon"));
            }
            fields.push((name, self.value(depth + 1)?));
            self.space();
            if self.takes(b'}') {
                return Ok(Value::Object(fields));
            }
            if !self.takes(b',') {
                return Err(self.fault("neither a comma nor an end of the object"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value<'a>, String> {
        let mut elements = Vec::new();
        self.at += 1;
        self.space();
        if self.takes(b']') {
            return Ok(Value::Array(elements));
        }
        loop {
            elements.push(self.value(depth + 1)?);
            self.space();
            if self.takes(b']') {
                return Ok(Value::Array(elements));
            }
            if !self.takes(b',') {
                return Err(self.fault("neither a comma nor an end of the array"));
            }
        }
    }

    /// A number, or one of the bare words.
    fn word(&mut self) -> Result<Value<'a>, String> {
        let rest = &self.text[self.at..];
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'))
            .unwrap_or(rest.len());
        let word = &rest[..end];
        let value = match word {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "NaN" => Value::Float(f64::NAN),
            "Infinity" => Value::Float(f64::INFINITY),
            "-Infinity" => Value::Float(f64::NEG_INFINITY),
            _ if word.starts_with(|c: char| c == '-' || c.is_ascii_digit())
                && word.parse::<f64>().is_ok() =>
            {
                Value::Decimal(word)
            }
            _ => return Err(self.fault("no value")),
        };
        self.at += end;
        Ok(value)
    }

    fn string(&mut self) -> Result<Cow<'a, str>, String> {
        self.at += 1;
        let start = self.at;
        let mut owned: Option<String> = None;
        let mut plain = start;
        loop {
            match self.peek() {
                None => return Err(self.fault("a text without an end")),
                Some(b'"') => {
                    let tail = &self.text[plain..self.at];
                    self.at += 1;
                    return Ok(match owned {
                        Some(text) => Cow::Owned(text + tail),
                        None => Cow::Borrowed(tail),
                    });
                }
                Some(b'\\') => {
                    let text = owned.get_or_insert_with(String::new);
                    text.push_str(&self.text[plain..self.at]);
                    self.at += 1;
                    let character = self.escape()?;
                    owned.get_or_insert_with(String::new).push(character);
                    plain = self.at;
                }
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let letter = self.peek().ok_or_else(|| self.fault("a text without an end"))?;
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.code_unit()?;
                let code = if (0xd800..0xdc00).contains(&first) { self.pair(first)? } else { first };
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err(self.fault("an unknown escape")),
        })
    }

    /// The character of a surrogate pair; a lone surrogate is returned as it is.
    fn pair(&mut self, first: u32) -> Result<u32, String> {
        let behind_first = self.at;
        if self.text[self.at..].starts_with("\\u") {
            self.at += 2;
            let second = self.code_unit()?;
            if (0xdc00..0xe000).contains(&second) {
                return Ok(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
            }
            self.at = behind_first;
        }
        Ok(first)
    }

    fn code_unit(&mut self) -> Result<u32, String> {
        let digits = self.text.get(self.at..self.at + 4).unwrap_or_default();
        let unit = u32::from_str_radix(digits, 16).map_err(|_| self.fault("no code of a character"))?;
        self.at += 4;
        Ok(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_read_and_faults_are_told() {
        let text =
            r#" {"a": [1, -2.5E-1, NaN], "b\n": "x\u00e9\ud83d\ude00\"", "c": {}, "d": [true, null]} "#;
        let value = read(text.as_bytes()).unwrap();
        assert_eq!(value.singles("a").unwrap()[..2], [1.0, -0.25]);
        assert_eq!(value.text("b\n").unwrap(), "xé😀\"");
        assert!(value.field("c").unwrap().is_empty());
        let alone = read(br#"["\ud83d\u0041", "\ude00"]"#).unwrap();
        let Value::Array(alone) = alone else { panic!("an array") };
        let text =
            |value: &Value<'_>| if let Value::Text(text) = value { text.to_string() } else { String::new() };
        assert_eq!((text(&alone[0]), text(&alone[1])), ("\u{fffd}A".to_owned(), "\u{fffd}".to_owned()));
        assert!(value.field("e").unwrap_err().contains("\"e\""));
        for wrong in
            ["", "{", "[1,]", "{\"a\" 1}", "[1] 2", "\"a", "tru", "\"\\x\"", "{1:2}", "+1", "[\"\\u12\"]"]
        {
            assert!(read(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(read("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn a_decimal_is_rounded_to_f32_once() {
        // Just above the midpoint of two f32; as an f64 it is the midpoint, which would round to even, down.
        let text = "[1.00000005960464477540]";
        assert_eq!(text[1..text.len() - 1].parse::<f64>().unwrap() as f32, 1.0);
        let object = format!("{{\"a\":{text}}}");
        let value = read(object.as_bytes()).unwrap();
        assert_eq!(value.singles("a").unwrap(), [1.0_f32.next_up()]);
    }
}
