//! Types of values that cannot be wrong once they are read.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A time span in seconds: finite, at least zero, at most a year.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Seconds(f64);

impl Seconds {
    const MAX: f64 = 366.0 * 86_400.0;

    /// `None` unless `0 <= seconds <= one year`.
    pub fn new(seconds: f64) -> Option<Self> {
        (0.0..=Self::MAX).contains(&seconds).then_some(Self(seconds))
    }

    /// In seconds.
    pub fn get(self) -> f64 {
        self.0
    }

    /// In whole nanoseconds, which a year's fit.
    pub fn nanos(self) -> i64 {
        (self.0 * 1e9) as i64
    }

    /// As the standard library's type.
    pub fn duration(self) -> Duration {
        Duration::from_secs_f64(self.0)
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Self::new(seconds)
            .ok_or_else(|| de::Error::custom(format!("{seconds} is not between 0 and a year of seconds")))
    }
}

/// How fast recorded or made-up time passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// This many times real time, above zero.
    Times(f64),
    /// As fast as the engine takes it.
    Max,
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.parse::<f64>() {
            Ok(times) if times > 0.0 && times.is_finite() => Ok(Self::Times(times)),
            _ => Err(format!("{text:?} is no speed; give a number above 0, or \"max\"")),
        }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Times(times) => write!(f, "{times}"),
            Self::Max => f.write_str("max"),
        }
    }
}

impl Serialize for Speed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Speed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A partition fixed to a shard, written `partition:shard`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The partition.
    pub partition: u32,
    /// The shard it is fixed to.
    pub shard: usize,
}

impl FromStr for Pin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once(':').and_then(|(partition, shard)| {
            Some(Self { partition: partition.trim().parse().ok()?, shard: shard.trim().parse().ok()? })
        });
        parsed.ok_or_else(|| format!("{text:?} is no pin; write \"partition:shard\", such as \"3:0\""))
    }
}

impl Serialize for Pin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}:{}", self.partition, self.shard))
    }
}

impl<'de> Deserialize<'de> for Pin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Text that may be absent: `""` in files and environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Optional(String);

impl Optional {
    /// What was given, if anything was.
    pub fn get(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(&self.0)
    }
}

/// Text that is never shown: as it stands, or where it is (`env:NAME`, `file:PATH`).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// What was given, if anything was.
    pub fn get(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(&self.0)
    }

    /// The secret itself. `key` is for messages.
    ///
    /// # Errors
    /// When it is not where it is said to be, or empty there.
    pub fn resolved(&self, key: &str) -> Result<Self, String> {
        let Some(given) = self.get() else { return Ok(Self::default()) };
        match resolve(key, given)? {
            secret if secret.is_empty() => Err(format!("{key} refers to an empty secret")),
            secret => Ok(Self(secret)),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "none" } else { "***" })
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// What a value says, or what `env:NAME` or `file:PATH` refers to.
///
/// # Errors
/// When it is not there.
pub fn resolve(key: &str, value: &str) -> Result<String, String> {
    if let Some(variable) = value.strip_prefix("env:") {
        return std::env::var(variable)
            .map_err(|_| format!("{key} refers to the variable {variable}, which is not set"));
    }
    if let Some(path) = value.strip_prefix("file:") {
        return std::fs::read_to_string(path)
            .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
            .map_err(|error| format!("{key} refers to {path}: {error}"));
    }
    Ok(value.to_owned())
}

impl From<&str> for Optional {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_where_it_is_and_never_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "hidden\n").unwrap();
        let place = format!("file:{}", file.path().display());
        for given in ["hidden", &place] {
            let secret = Secret::from(given).resolved("server.admin_token").unwrap();
            assert_eq!(secret.get(), Some("hidden"));
            assert_eq!(format!("{secret:?}"), "***");
        }
        assert_eq!(Secret::default().resolved("k").unwrap().get(), None);
        std::fs::write(file.path(), "\n").unwrap();
        for (given, words) in [
            (&*place, "empty"),
            ("file:/no/such/file", "/no/such/file"),
            ("env:STORMGLASS_NO_SUCH", "not set"),
        ] {
            let error = Secret::from(given).resolved("server.admin_token").unwrap_err();
            assert!(error.starts_with("server.admin_token") && error.contains(words), "{error}");
        }
    }
}
