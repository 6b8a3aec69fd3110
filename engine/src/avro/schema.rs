//! A schema: its JSON text as a table of types that refer to each other by index.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Bytes of a schema's text at most.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// Types in a schema at most, those of fields and of variants counted.
const TYPES_MAX: usize = 10_000;
/// Digits behind the point of a decimal at most.
const SCALE_MAX: u64 = 100;

/// The reason for which a schema cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// The text is not JSON.
    #[error("the schema is not JSON: {0}")]
    NotJson(String),
    /// The text, or what it declares, is larger than any that is read.
    #[error("the schema is longer than {TEXT_BYTES_MAX} bytes or has more than {TYPES_MAX} types")]
    TooLarge,
    /// A type that is neither Avro's own nor declared before.
    #[error("the schema names the type {0:?}, which it does not declare")]
    UnknownType(String),
    /// A name that is declared twice.
    #[error("the schema declares {0:?} twice")]
    DeclaredTwice(String),
    /// A declaration that lacks a part, or has a wrong one.
    #[error("the schema's {0} is not as Avro writes it")]
    Malformed(&'static str),
}

/// A type of a schema. Types within it are indexes in [`Schema::types`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    Text,
    Fixed(usize),
    /// A whole number, in bytes or in a fixed of this size, divided by ten to the power of the scale.
    Decimal {
        size: Option<usize>,
        scale: u32,
    },
    /// A long that counts from 1970 in parts of a second.
    Timestamp {
        per_second: i64,
        is_local: bool,
    },
    Enum(Vec<String>),
    Array(usize),
    Map(usize),
    Union(Vec<usize>),
    /// The fields' names as JSON keys, `"name":`.
    Record(Vec<(String, usize)>),
}

/// How data is written. It is the writer's schema: defaults, aliases and documentation have no part in reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    pub(super) types: Vec<Type>,
    pub(super) root: usize,
}

impl Schema {
    /// Parses the text of a schema.
    ///
    /// # Errors
    /// [`SchemaError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        Self::parse_with(text, &[])
    }

    /// Parses the text of a schema that uses types which `references` declare, each a schema's text that may use the
    /// types of those before it.
    ///
    /// # Errors
    /// [`SchemaError`] says what is wrong with one of the texts.
    pub fn parse_with(text: &str, references: &[String]) -> Result<Self, SchemaError> {
        let mut parser = Parser::default();
        for reference in references {
            parser.text(reference)?;
        }
        let root = parser.text(text)?;
        Ok(Self { types: parser.types, root })
    }
}

/// The types so far, and the index of each that has a name.
#[derive(Default)]
struct Parser {
    types: Vec<Type>,
    names: HashMap<String, usize>,
}

impl Parser {
    fn text(&mut self, text: &str) -> Result<usize, SchemaError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(SchemaError::TooLarge);
        }
        // Files may hold a bare name, as `"string"` without the quotes.
        let value: Value =
            serde_json::from_str(text).map_err(|error| SchemaError::NotJson(error.to_string()))?;
        self.value(&value, "")
    }

    fn add(&mut self, new: Type) -> Result<usize, SchemaError> {
        if self.types.len() >= TYPES_MAX {
            return Err(SchemaError::TooLarge);
        }
        self.types.push(new);
        Ok(self.types.len() - 1)
    }

    /// A type within `namespace`. Its depth is bounded by that of the JSON, which serde_json bounds.
    fn value(&mut self, value: &Value, namespace: &str) -> Result<usize, SchemaError> {
        match value {
            Value::String(name) => self.named(name, namespace),
            Value::Array(variants) => {
                let variants: Result<Vec<usize>, _> =
                    variants.iter().map(|variant| self.value(variant, namespace)).collect();
                let variants = variants?;
                if variants.iter().any(|&variant| matches!(self.types[variant], Type::Union(_))) {
                    return Err(SchemaError::Malformed("union within a union"));
                }
                self.add(Type::Union(variants))
            }
            Value::Object(declaration) => self.declaration(declaration, namespace),
            _ => Err(SchemaError::Malformed("type")),
        }
    }

    /// One of Avro's own types, or one that was declared.
    fn named(&mut self, name: &str, namespace: &str) -> Result<usize, SchemaError> {
        if let Some(primitive) = primitive(name) {
            return self.add(primitive);
        }
        let full = full_name(name, namespace);
        let found = self.names.get(&full).or_else(|| self.names.get(name));
        found.copied().ok_or(SchemaError::UnknownType(full))
    }

    fn declaration(
        &mut self,
        declaration: &Map<String, Value>,
        namespace: &str,
    ) -> Result<usize, SchemaError> {
        let kind = match declaration.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            Some(inner) => return self.value(inner, namespace),
            None => return Err(SchemaError::Malformed("type")),
        };
        let logical = declaration.get("logicalType").and_then(Value::as_str);
        match kind {
            "array" => {
                let items = declaration.get("items").ok_or(SchemaError::Malformed("array"))?;
                let items = self.value(items, namespace)?;
                self.add(Type::Array(items))
            }
            "map" => {
                let values = declaration.get("values").ok_or(SchemaError::Malformed("map"))?;
                let values = self.value(values, namespace)?;
                self.add(Type::Map(values))
            }
            "record" | "error" => self.record(declaration, namespace),
            "enum" => {
                let symbols = declaration.get("symbols").and_then(Value::as_array);
                let symbols = symbols.ok_or(SchemaError::Malformed("enum"))?;
                let symbols = symbols.iter().map(|symbol| symbol.as_str().map(str::to_owned));
                let symbols: Option<Vec<String>> = symbols.collect();
                let new = self.add(Type::Enum(symbols.ok_or(SchemaError::Malformed("enum"))?))?;
                self.declare(declaration, namespace, new)?;
                Ok(new)
            }
            "fixed" => {
                let size = declaration.get("size").and_then(Value::as_u64);
                let size = size.and_then(|size| usize::try_from(size).ok());
                let size = size.ok_or(SchemaError::Malformed("fixed"))?;
                let new = match logical {
                    Some("decimal") => Type::Decimal { size: Some(size), scale: scale(declaration)? },
                    _ => Type::Fixed(size),
                };
                let new = self.add(new)?;
                self.declare(declaration, namespace, new)?;
                Ok(new)
            }
            "bytes" if logical == Some("decimal") => {
                let scale = scale(declaration)?;
                self.add(Type::Decimal { size: None, scale })
            }
            "long" => self.add(logical.and_then(timestamp).unwrap_or(Type::Long)),
            name => self.named(name, namespace),
        }
    }

    fn record(&mut self, declaration: &Map<String, Value>, namespace: &str) -> Result<usize, SchemaError> {
        // Declared before its fields are known, as they may name it.
        let new = self.add(Type::Null)?;
        let own_namespace = self.declare(declaration, namespace, new)?;
        let declared = declaration.get("fields").and_then(Value::as_array);
        let mut fields: Vec<(String, usize)> = Vec::new();
        for field in declared.ok_or(SchemaError::Malformed("record"))? {
            let name = field.get("name").and_then(Value::as_str);
            let (Some(name), Some(kind)) = (name, field.get("type")) else {
                return Err(SchemaError::Malformed("field"));
            };
            let key = format!("{}:", Value::from(name));
            // The logical type of a field stands within its type, though some write it beside.
            fields.push((key, self.value(kind, &own_namespace)?));
        }
        self.types[new] = Type::Record(fields);
        Ok(new)
    }

    /// Gives a type its name, and returns the namespace within it.
    fn declare(
        &mut self,
        declaration: &Map<String, Value>,
        enclosing: &str,
        index: usize,
    ) -> Result<String, SchemaError> {
        let text = |key: &str| declaration.get(key).and_then(Value::as_str);
        let name = text("name").ok_or(SchemaError::Malformed("name"))?;
        let full = full_name(name, text("namespace").unwrap_or(enclosing));
        let namespace = full.rsplit_once('.').map_or("", |(namespace, _)| namespace).to_owned();
        if self.names.insert(full.clone(), index).is_some() {
            return Err(SchemaError::DeclaredTwice(full));
        }
        Ok(namespace)
    }
}

fn full_name(name: &str, namespace: &str) -> String {
    if namespace.is_empty() || name.contains('.') { name.to_owned() } else { format!("{namespace}.{name}") }
}

fn primitive(name: &str) -> Option<Type> {
    Some(match name {
        "null" => Type::Null,
        "boolean" => Type::Boolean,
        "int" => Type::Int,
        "long" => Type::Long,
        "float" => Type::Float,
        "double" => Type::Double,
        "bytes" => Type::Bytes,
        "string" => Type::Text,
        _ => return None,
    })
}

/// The time that a long with this logical type is. Unknown logical types are ignored, as the specification says.
fn timestamp(logical: &str) -> Option<Type> {
    let (unit, is_local) = match logical.strip_prefix("local-") {
        Some(unit) => (unit, true),
        None => (logical, false),
    };
    let per_second = match unit {
        "timestamp-millis" => 1_000,
        "timestamp-micros" => 1_000_000,
        "timestamp-nanos" => 1_000_000_000,
        _ => return None,
    };
    Some(Type::Timestamp { per_second, is_local })
}

fn scale(declaration: &Map<String, Value>) -> Result<u32, SchemaError> {
    let scale = match declaration.get("scale") {
        None => Some(0),
        Some(scale) => scale.as_u64().filter(|&scale| scale <= SCALE_MAX),
    };
    let scale = scale.and_then(|scale| u32::try_from(scale).ok());
    scale.ok_or(SchemaError::Malformed("decimal's scale"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_that_cannot_be_used_says_why() {
        for (text, error) in [
            (r#"{"type":"record","name":"T","fields":[{"name":"a","type":"Side"}]}"#, "\"Side\""),
            (r#"{"type":"fixed","name":"F"}"#, "fixed is not as Avro writes it"),
            (r#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":-1}"#, "decimal's scale"),
            (r#"["null",["int"]]"#, "union within a union"),
            (
                r#"{"type":"record","name":"a.T","fields":[{"name":"x","type":{"type":"enum","name":"T","namespace":"a","symbols":[]}}]}"#,
                "\"a.T\" twice",
            ),
            ("{", "not JSON"),
            ("7", "type is not as"),
        ] {
            let said = Schema::parse(text).unwrap_err().to_string();
            assert!(said.contains(error), "{text}: {said}");
        }
        let deep = format!("{}\"int\"{}", r#"{"type":"array","items":"#.repeat(5_000), "}".repeat(5_000));
        assert!(matches!(Schema::parse(&deep), Err(SchemaError::NotJson(_))));
        let wide = format!("[{}\"int\"]", "\"int\",".repeat(TYPES_MAX));
        assert_eq!(Schema::parse(&wide), Err(SchemaError::TooLarge));
    }

    #[test]
    fn a_name_is_found_in_its_namespace_and_among_references() {
        let side = r#"{"type":"enum","name":"Side","namespace":"market","symbols":["buy","sell"]}"#;
        let record = |side: &str| {
            format!(
                r#"{{"type":"record","name":"T","namespace":"market","fields":[{{"name":"s","type":"{side}"}}]}}"#
            )
        };
        for name in ["Side", "market.Side"] {
            assert!(Schema::parse_with(&record(name), &[side.to_owned()]).is_ok());
        }
        let missing = Schema::parse_with(&record("other.Side"), &[side.to_owned()]);
        assert_eq!(missing, Err(SchemaError::UnknownType("other.Side".to_owned())));
    }
}
