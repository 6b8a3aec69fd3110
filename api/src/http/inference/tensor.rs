//! Reads a tensor's numbers: of a declared type, from JSON or bytes.

use std::fmt;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::http::rows::kind_of;

/// The types that a feature may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Datatype {
    Int8,
    Int16,
    Int32,
    Int64,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Fp32,
    Fp64,
}

impl Datatype {
    const NAMES: [(Self, &'static str, usize); 10] = [
        (Self::Int8, "INT8", 1),
        (Self::Int16, "INT16", 2),
        (Self::Int32, "INT32", 4),
        (Self::Int64, "INT64", 8),
        (Self::Uint8, "UINT8", 1),
        (Self::Uint16, "UINT16", 2),
        (Self::Uint32, "UINT32", 4),
        (Self::Uint64, "UINT64", 8),
        (Self::Fp32, "FP32", 4),
        (Self::Fp64, "FP64", 8),
    ];

    /// Parses a type's name.
    ///
    /// # Errors
    /// A sentence with the names that exist.
    pub(in crate::http) fn named(text: &str) -> Result<Self, String> {
        let found = Self::NAMES.iter().find(|(_, name, _)| *name == text);
        found.map(|(datatype, ..)| *datatype).ok_or_else(|| {
            format!("datatype {text:?} is not taken; send one of {}", Self::names().join(", "))
        })
    }

    /// All names.
    pub(in crate::http) fn names() -> Vec<&'static str> {
        Self::NAMES.iter().map(|(_, name, _)| *name).collect()
    }

    /// The type that a model compares, which metadata report.
    pub(in crate::http) fn of_model(reads_doubles: bool) -> Self {
        if reads_doubles { Self::Fp64 } else { Self::Fp32 }
    }

    fn row(self) -> &'static (Self, &'static str, usize) {
        Self::NAMES.iter().find(|(datatype, ..)| *datatype == self).expect("every type has its line")
    }

    pub(in crate::http) fn name(self) -> &'static str {
        self.row().1
    }

    pub(in crate::http) fn size_bytes(self) -> usize {
        self.row().2
    }

    /// The number in little-endian bytes, as many as [`size_bytes`](Self::size_bytes).
    fn of_bytes(self, bytes: &[u8]) -> f64 {
        macro_rules! number {
            ($type:ty) => {
                <$type>::from_le_bytes(bytes.try_into().expect("chunks are of the type's size")) as f64
            };
        }
        match self {
            Self::Int8 => number!(i8),
            Self::Int16 => number!(i16),
            Self::Int32 => number!(i32),
            Self::Int64 => number!(i64),
            Self::Uint8 => number!(u8),
            Self::Uint16 => number!(u16),
            Self::Uint32 => number!(u32),
            Self::Uint64 => number!(u64),
            Self::Fp32 => number!(f32),
            Self::Fp64 => number!(f64),
        }
    }

    /// The number in a JSON value; NaN for null.
    fn of_json(self, json: &str) -> Result<f64, String> {
        match json.as_bytes().first() {
            Some(b'n') => return Ok(f64::NAN),
            Some(b'-' | b'0'..=b'9') => {}
            _ => return Err(format!("has {} for a number", kind_of(json))),
        }
        let whole = |low: i128, high: i128| match json.parse::<i128>() {
            Ok(value) if (low..=high).contains(&value) => Ok(value as f64),
            _ => Err(format!("has a number that {} does not hold", self.name())),
        };
        match self {
            Self::Int8 => whole(i8::MIN.into(), i8::MAX.into()),
            Self::Int16 => whole(i16::MIN.into(), i16::MAX.into()),
            Self::Int32 => whole(i32::MIN.into(), i32::MAX.into()),
            Self::Int64 => whole(i64::MIN.into(), i64::MAX.into()),
            Self::Uint8 => whole(0, u8::MAX.into()),
            Self::Uint16 => whole(0, u16::MAX.into()),
            Self::Uint32 => whole(0, u32::MAX.into()),
            Self::Uint64 => whole(0, u64::MAX.into()),
            Self::Fp32 => Ok(f64::from(json.parse::<f64>().unwrap_or(f64::INFINITY) as f32)),
            Self::Fp64 => Ok(json.parse().unwrap_or(f64::INFINITY)),
        }
    }
}

/// The numbers in `bytes`, whose length is a multiple of the type's size.
pub(in crate::http) fn read_binary(datatype: Datatype, bytes: &[u8]) -> Vec<f64> {
    bytes.chunks_exact(datatype.size_bytes()).map(|number| datatype.of_bytes(number)).collect()
}

/// The numbers of a JSON tensor: one flat list in row-major order, or nested lists as `shape` requires.
///
/// # Errors
/// The fault. No more is read than the shape has room for.
pub(in crate::http) fn read_json(
    datatype: Datatype,
    shape: &[usize],
    data: &RawValue,
) -> Result<Vec<f64>, String> {
    let mut numbers = Numbers { datatype, shape, count: shape.iter().product(), values: Vec::new() };
    numbers.level(0, data.get())?;
    if numbers.values.len() != numbers.count {
        return Err(format!("has {} numbers for shape {shape:?}", numbers.values.len()));
    }
    Ok(numbers.values)
}

struct Numbers<'a> {
    datatype: Datatype,
    shape: &'a [usize],
    /// Number of elements, from the shape.
    count: usize,
    values: Vec<f64>,
}

impl Numbers<'_> {
    fn level(&mut self, depth: usize, json: &str) -> Result<(), String> {
        if !json.starts_with('[') {
            return Err(format!("has {} for a list", kind_of(json)));
        }
        let mut problem = None;
        let walk = Level { numbers: self, depth, problem: &mut problem };
        let walked = serde_json::Deserializer::from_str(json).deserialize_seq(walk);
        match (problem, walked) {
            (Some(problem), _) => Err(problem),
            (None, Err(error)) => Err(error.to_string()),
            (None, Ok(())) => Ok(()),
        }
    }

    /// Reads one item of a list at `depth`; returns whether it was a list itself.
    fn item(&mut self, depth: usize, json: &str) -> Result<bool, String> {
        let is_list = json.starts_with('[');
        if is_list {
            if depth + 1 >= self.shape.len() {
                return Err(format!("is nested deeper than shape {:?}", self.shape));
            }
            self.level(depth + 1, json)?;
        } else {
            if self.values.len() == self.count {
                return Err(format!("has more numbers than shape {:?}", self.shape));
            }
            self.values.push(self.datatype.of_json(json)?);
        }
        Ok(is_list)
    }
}

/// The list at one depth of a tensor.
struct Level<'n, 'a, 'p> {
    numbers: &'n mut Numbers<'a>,
    depth: usize,
    problem: &'p mut Option<String>,
}

impl<'de> Visitor<'de> for Level<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { numbers, depth, problem } = self;
        let mut fail = |why: String| {
            *problem = Some(why);
            serde::de::Error::custom("the tensor is wrong")
        };
        let (mut count, mut of_lists) = (0, None);
        while let Some(item) = items.next_element::<&RawValue>()? {
            count += 1;
            let is_list = numbers.item(depth, item.get()).map_err(&mut fail)?;
            if *of_lists.get_or_insert(is_list) != is_list {
                return Err(fail("mixes lists and numbers".to_owned()));
            }
        }
        // One flat list may hold a tensor of any shape; nested lists must have the shape's lengths.
        let is_flat = depth == 0 && of_lists != Some(true);
        let shape = numbers.shape;
        let is_whole =
            shape.get(depth) == Some(&count) && (of_lists == Some(true) || depth + 1 == shape.len());
        if is_flat || is_whole { Ok(()) } else { Err(fail(format!("is not nested as shape {shape:?} says"))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(datatype: Datatype, shape: &[usize], data: &str) -> Result<Vec<f64>, String> {
        read_json(datatype, shape, serde_json::from_str(data).unwrap())
    }

    #[test]
    fn flat_and_nested_lists_give_the_same_numbers() {
        let expected = vec![1.0, 2.5, -3.0, 4.0];
        for data in ["[1,2.5,-3,4e0]", "[[1,2.5],[-3,4]]"] {
            assert_eq!(json(Datatype::Fp64, &[2, 2], data).unwrap(), expected);
        }
        for data in ["[1,2]", "[[1],[2]]"] {
            assert_eq!(json(Datatype::Int8, &[2, 1], data).unwrap(), [1.0, 2.0]);
        }
        assert!(json(Datatype::Fp32, &[2], "[null,1]").unwrap()[0].is_nan());
        assert_eq!(json(Datatype::Fp32, &[1], "[0.1]").unwrap(), [f64::from(0.1_f32)]);
        assert_eq!(json(Datatype::Fp64, &[1], "[0.1]").unwrap(), [0.1]);
        assert_eq!(json(Datatype::Uint64, &[1], "[18446744073709551615]").unwrap(), [u64::MAX as f64]);
    }

    #[test]
    fn what_contradicts_shape_or_type_is_refused() {
        for (datatype, shape, data, word) in [
            (Datatype::Fp32, &[2, 2][..], "[1,2,3]", "3 numbers for shape [2, 2]"),
            (Datatype::Fp32, &[2, 2], "[1,2,3,4,5]", "more numbers"),
            (Datatype::Fp32, &[2, 2], "[[1,2,3],[4]]", "not nested"),
            (Datatype::Fp32, &[2, 2], "[[1,2]]", "not nested"),
            (Datatype::Fp32, &[2, 2], "[[1,2],3,4]", "mixes"),
            (Datatype::Fp32, &[2, 2], "[[[1],[2]],[3,4]]", "deeper"),
            (Datatype::Fp32, &[2], "[[1],[2]]", "deeper"),
            (Datatype::Fp32, &[1], "3", "a number for a list"),
            (Datatype::Fp32, &[1], "[\"1\"]", "a string for a number"),
            (Datatype::Int8, &[1], "[128]", "INT8 does not hold"),
            (Datatype::Uint8, &[1], "[-1]", "UINT8 does not hold"),
            (Datatype::Int64, &[1], "[1.5]", "INT64 does not hold"),
        ] {
            let refused = json(datatype, shape, data).unwrap_err();
            assert!(refused.contains(word), "{data}: {refused}");
        }
    }

    #[test]
    fn bytes_are_little_endian() {
        assert_eq!(read_binary(Datatype::Int16, &[1, 0, 255, 255]), [1.0, -1.0]);
        assert_eq!(read_binary(Datatype::Fp64, &0.1_f64.to_le_bytes()), [0.1]);
        assert_eq!(read_binary(Datatype::Fp32, &0.1_f32.to_le_bytes()), [f64::from(0.1_f32)]);
        assert_eq!(read_binary(Datatype::Uint64, &u64::MAX.to_le_bytes()), [u64::MAX as f64]);
    }
}
