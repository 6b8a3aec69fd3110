//! The keys of `[source]` that say how records are read where they do not tell it themselves.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::decode::{EpochUnit, Mapping, SHAPES, Shape, TimeSettings, Zone};

/// How records are read where they do not tell it themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FormatPin {
    /// Told by the name and the content of each file, and by the content of each record.
    #[default]
    Auto,
    /// Lines of csv, or rows of a Parquet table.
    Csv,
    /// JSON of any shape.
    Json,
    /// JSON of this shape.
    Shape(&'static Shape),
}

/// The unit of times that are numbers; `None` if their digits are to tell it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeUnit(pub Option<EpochUnit>);

/// How records are read where they do not tell it themselves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordSettings {
    /// The format of records; by default it is told by their content.
    pub format: FormatPin,
    /// The column, or the pointer into JSON, of each field of a tick that is not known by its name.
    pub columns: Mapping,
    /// The unit of times that are numbers.
    pub time_unit: TimeUnit,
    /// The zone of times that name none.
    pub assume_tz: Zone,
}

impl RecordSettings {
    /// How times are read that do not tell it themselves.
    pub fn times(&self) -> TimeSettings {
        TimeSettings { unit: self.time_unit.0, zone: self.assume_tz }
    }
}

impl FromStr for FormatPin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "" | "auto" => Self::Auto,
            "csv" | "parquet" => Self::Csv,
            "json" => Self::Json,
            name => match Shape::named(name) {
                Some(shape) => Self::Shape(shape),
                None => {
                    let shapes: Vec<&str> = SHAPES.iter().map(|shape| shape.name).collect();
                    return Err(format!(
                        "{name:?} is no format; write auto, csv, parquet, json or one of the shapes {}",
                        shapes.join(", ")
                    ));
                }
            },
        })
    }
}

impl fmt::Display for FormatPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Shape(shape) => shape.name,
        })
    }
}

/// The units by their short names.
const UNITS: [(&str, EpochUnit); 4] = [
    ("s", EpochUnit::Seconds),
    ("ms", EpochUnit::Milliseconds),
    ("us", EpochUnit::Microseconds),
    ("ns", EpochUnit::Nanoseconds),
];

impl FromStr for TimeUnit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if matches!(text, "" | "auto") {
            return Ok(Self(None));
        }
        let unit = UNITS.into_iter().find(|(name, _)| *name == text);
        unit.map(|(_, unit)| Self(Some(unit)))
            .ok_or_else(|| format!("{text:?} is no unit of time; write auto, s, ms, us or ns"))
    }
}

impl fmt::Display for TimeUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = UNITS.into_iter().find(|(_, unit)| Some(*unit) == self.0);
        f.write_str(name.map_or("auto", |(name, _)| name))
    }
}

/// Reads and writes a type as its text.
macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

as_text!(FormatPin, TimeUnit, Zone);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_is_written_as_it_is_read_and_says_what_it_takes() {
        for name in ["auto", "csv", "json", "stormglass"] {
            assert_eq!(name.parse::<FormatPin>().unwrap().to_string(), name);
        }
        for name in ["auto", "s", "ms", "us", "ns"] {
            assert_eq!(name.parse::<TimeUnit>().unwrap().to_string(), name);
        }
        assert!("xml".parse::<FormatPin>().unwrap_err().contains("one of the shapes"));
        assert!("minutes".parse::<TimeUnit>().unwrap_err().contains("auto, s, ms, us or ns"));
    }
}
