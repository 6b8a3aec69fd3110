//! The ONNX messages (onnx.proto) that an ensemble needs. They borrow from the file; long lists are decoded on use.

use super::wire::{Wire, fields, varint};

/// Most operators of a graph, and most attributes of an operator; a converted ensemble has fewer than a dozen.
const LIST_MAX: usize = 1000;
/// Most numbers in one attribute.
const NUMBERS_MAX: usize = 1 << 25;

/// A ModelProto: the graph and who produced it.
pub(super) struct Model<'a> {
    producer: String,
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) initializers: Vec<Tensor<'a>>,
    pub(super) inputs: Vec<Input<'a>>,
    pub(super) outputs: Vec<&'a str>,
}

/// A NodeProto: an operator.
pub(super) struct Node<'a> {
    pub(super) kind: &'a str,
    pub(super) domain: &'a str,
    pub(super) inputs: Vec<&'a str>,
    pub(super) outputs: Vec<&'a str>,
    attributes: Vec<(&'a str, &'a [u8])>,
}

/// A graph's input: a tensor.
pub(super) struct Input<'a> {
    pub(super) name: &'a str,
    /// Number of the element type; 0 if the input is not a tensor.
    pub(super) element: u64,
    /// The last dimension; `None` if it is symbolic.
    pub(super) width: Option<usize>,
}

/// A TensorProto: its type, shape and numbers.
pub(super) struct Tensor<'a> {
    pub(super) name: &'a str,
    pub(super) element: u64,
    bytes: &'a [u8],
}

/// Number of an element type: f32.
pub(super) const FLOAT: u64 = 1;
pub(super) const DOUBLE: u64 = 11;

impl<'a> Model<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let (mut names, mut graph) = (Vec::new(), None);
        for field in fields(bytes) {
            match field? {
                (2 | 3, Wire::Bytes(name)) if names.len() < 2 => names.push(String::from_utf8_lossy(name)),
                (7, Wire::Bytes(bytes)) => graph = Some(bytes),
                _ => {}
            }
        }
        let graph = graph.ok_or_else(|| "there is no graph".to_owned())?;
        // CatBoost's version is its whole build information.
        let words: Vec<&str> = names.iter().filter_map(|name| name.lines().next()).map(str::trim).collect();
        let producer = words.join(" ").chars().take(100).collect();
        let mut model = Self {
            producer,
            nodes: Vec::new(),
            initializers: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
        };
        for field in fields(graph) {
            match field? {
                (1, Wire::Bytes(node)) => push(&mut model.nodes, Node::read(node)?)?,
                (5, Wire::Bytes(tensor)) => push(&mut model.initializers, Tensor::read(tensor)?)?,
                (11, Wire::Bytes(input)) => push(&mut model.inputs, Input::read(input)?)?,
                (12, Wire::Bytes(output)) => push(&mut model.outputs, Input::read(output)?.name)?,
                (15, _) => return Err("a sparse initializer".to_owned()),
                _ => {}
            }
        }
        Ok(model)
    }

    /// Name and version of the program that wrote the model.
    pub(super) fn producer(&self) -> String {
        if self.producer.is_empty() { "not said".to_owned() } else { self.producer.clone() }
    }
}

fn push<T>(list: &mut Vec<T>, element: T) -> Result<(), String> {
    if list.len() == LIST_MAX {
        return Err(format!("more than {LIST_MAX} operators, inputs or attributes"));
    }
    list.push(element);
    Ok(())
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "a name is not UTF-8".to_owned())
}

impl<'a> Node<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let (inputs, outputs, attributes) = (Vec::new(), Vec::new(), Vec::new());
        let mut node = Self { kind: "", domain: "", inputs, outputs, attributes };
        for field in fields(bytes) {
            match field? {
                (1, Wire::Bytes(name)) => push(&mut node.inputs, text(name)?)?,
                (2, Wire::Bytes(name)) => push(&mut node.outputs, text(name)?)?,
                (4, Wire::Bytes(kind)) => node.kind = text(kind)?,
                (7, Wire::Bytes(domain)) => node.domain = text(domain)?,
                (5, Wire::Bytes(attribute)) => {
                    let name = fields(attribute).find_map(|field| match field {
                        Ok((1, Wire::Bytes(name))) => Some(text(name)),
                        _ => None,
                    });
                    push(&mut node.attributes, (name.unwrap_or(Ok(""))?, attribute))?;
                }
                _ => {}
            }
        }
        Ok(node)
    }

    /// The values of an attribute's field; `None` if there is no such attribute.
    fn values(&self, name: &str, wanted: u64) -> Option<impl Iterator<Item = Result<Wire<'a>, String>>> {
        let &(_, attribute) = self.attributes.iter().find(|(have, _)| *have == name)?;
        Some(fields(attribute).filter_map(move |field| match field {
            Ok((number, value)) => (number == wanted).then_some(Ok(value)),
            Err(what) => Some(Err(what)),
        }))
    }

    /// The integer in the attribute of this name.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, String> {
        match self.values(name, 3).and_then(|mut values| values.next()).transpose()? {
            Some(Wire::Varint(value)) => Ok(Some(value as i64)),
            Some(_) => Err(format!("{name} is no integer")),
            None => Ok(None),
        }
    }

    /// The text in the attribute of this name.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, String> {
        match self.values(name, 4).and_then(|mut values| values.next()).transpose()? {
            Some(Wire::Bytes(value)) => text(value).map(Some),
            Some(_) => Err(format!("{name} is no text")),
            None => Ok(None),
        }
    }

    /// A list of integers; empty if it is absent.
    pub(super) fn integers(&self, name: &str) -> Result<Vec<i64>, String> {
        let mut integers = Vec::new();
        for value in self.values(name, 8).into_iter().flatten() {
            match value? {
                Wire::Varint(value) => push_number(&mut integers, value as i64, name)?,
                Wire::Bytes(mut packed) => {
                    while !packed.is_empty() {
                        push_number(&mut integers, varint(&mut packed)? as i64, name)?;
                    }
                }
                _ => return Err(format!("{name} holds no integers")),
            }
        }
        Ok(integers)
    }

    /// A list of floats, or the tensor `name_as_tensor`, and whether they are doubles. Empty if both are absent.
    pub(super) fn floats(&self, name: &str) -> Result<(Vec<f64>, bool), String> {
        if let Some(tensor) = self.tensor(&format!("{name}_as_tensor"))? {
            return Ok((tensor.numbers()?, tensor.element == DOUBLE));
        }
        let mut floats = Vec::new();
        for value in self.values(name, 7).into_iter().flatten() {
            match value? {
                Wire::Fixed32(value) => push_number(&mut floats, f64::from(f32::from_le_bytes(value)), name)?,
                Wire::Bytes(packed) => {
                    for value in packed.chunks(4) {
                        push_number(&mut floats, float(value)?, name)?;
                    }
                }
                _ => return Err(format!("{name} holds no floats")),
            }
        }
        Ok((floats, false))
    }

    /// A list of texts, each converted by `read`.
    pub(super) fn texts<T>(
        &self,
        name: &str,
        mut turn: impl FnMut(&'a [u8]) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let mut texts = Vec::new();
        for value in self.values(name, 9).into_iter().flatten() {
            match value? {
                Wire::Bytes(value) => push_number(&mut texts, turn(value)?, name)?,
                _ => return Err(format!("{name} holds no texts")),
            }
        }
        Ok(texts)
    }

    /// The tensor in the attribute of this name.
    pub(super) fn tensor(&self, name: &str) -> Result<Option<Tensor<'a>>, String> {
        match self.values(name, 5).and_then(|mut values| values.next()).transpose()? {
            Some(Wire::Bytes(value)) => Tensor::read(value).map(Some),
            Some(_) => Err(format!("{name} is no tensor")),
            None => Ok(None),
        }
    }
}

fn push_number<T>(numbers: &mut Vec<T>, number: T, name: &str) -> Result<(), String> {
    if numbers.len() == NUMBERS_MAX {
        return Err(format!("{name} has more than {NUMBERS_MAX} values"));
    }
    numbers.push(number);
    Ok(())
}

/// A little-endian float of 4 or 8 bytes.
fn float(bytes: &[u8]) -> Result<f64, String> {
    let single = bytes.try_into().map(|bytes| f64::from(f32::from_le_bytes(bytes)));
    let number = single.or_else(|_| bytes.try_into().map(f64::from_le_bytes));
    number.map_err(|_| "packed numbers are cut short".to_owned())
}

impl<'a> Input<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let mut input = Self { name: "", element: 0, width: None };
        let message = |field| match field {
            Ok((number, Wire::Bytes(bytes))) => Ok(Some((number, bytes))),
            Ok(_) => Ok(None),
            Err(what) => Err(what),
        };
        for field in fields(bytes) {
            match message(field)? {
                Some((1, name)) => input.name = text(name)?,
                Some((2, kind)) => {
                    for field in fields(kind) {
                        if let Some((1, tensor)) = message(field)? {
                            input.read_tensor(tensor)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(input)
    }

    /// TypeProto.Tensor: the elements' type, and a shape of dimensions.
    fn read_tensor(&mut self, tensor: &[u8]) -> Result<(), String> {
        for field in fields(tensor) {
            match field? {
                (1, Wire::Varint(element)) => self.element = element,
                (2, Wire::Bytes(shape)) => {
                    for dimension in fields(shape) {
                        let (1, Wire::Bytes(dimension)) = dimension? else { continue };
                        self.width = match fields(dimension).next().transpose()? {
                            Some((1, Wire::Varint(width @ 1..=65_536))) => Some(width as usize),
                            _ => None,
                        };
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl<'a> Tensor<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let mut tensor = Self { name: "", element: 0, bytes };
        for field in fields(bytes) {
            match field? {
                (2, Wire::Varint(element)) => tensor.element = element,
                (8, Wire::Bytes(name)) => tensor.name = text(name)?,
                (14, Wire::Varint(1)) => return Err("a tensor outside the file".to_owned()),
                _ => {}
            }
        }
        Ok(tensor)
    }

    /// The elements of a tensor of floats, doubles or bytes.
    pub(super) fn numbers(&self) -> Result<Vec<f64>, String> {
        const BYTE: u64 = 2;
        let name = if self.name.is_empty() { "a tensor" } else { self.name };
        let width = match self.element {
            FLOAT => 4,
            DOUBLE => 8,
            BYTE => 1,
            other => {
                return Err(format!(
                    "{name} has elements of type {other} (floats, doubles and bytes are read)"
                ));
            }
        };
        let mut numbers = Vec::new();
        for field in fields(self.bytes) {
            match (field?, self.element) {
                ((9, Wire::Bytes(raw)), BYTE) => {
                    for &byte in raw {
                        push_number(&mut numbers, f64::from(byte), name)?;
                    }
                }
                ((9, Wire::Bytes(packed)), _)
                | ((4, Wire::Bytes(packed)), FLOAT)
                | ((10, Wire::Bytes(packed)), DOUBLE) => {
                    for value in packed.chunks(width) {
                        push_number(&mut numbers, float(value)?, name)?;
                    }
                }
                ((4, Wire::Fixed32(value)), FLOAT) => {
                    push_number(&mut numbers, f64::from(f32::from_le_bytes(value)), name)?;
                }
                ((10, Wire::Fixed64(value)), DOUBLE) => {
                    push_number(&mut numbers, f64::from_le_bytes(value), name)?
                }
                ((5, Wire::Varint(value)), BYTE) => push_number(&mut numbers, value as f64, name)?,
                ((5, Wire::Bytes(mut packed)), BYTE) => {
                    while !packed.is_empty() {
                        push_number(&mut numbers, varint(&mut packed)? as f64, name)?;
                    }
                }
                _ => {}
            }
        }
        Ok(numbers)
    }
}
