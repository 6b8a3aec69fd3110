//! Merges the layers: defaults, file, environment, flags.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::{
    check::check,
    environment::{Environment, IGNORED_VARIABLES, OLDER_VARIABLES, PREFIX, older_value},
    sections::{Config, SourceKind},
};

/// The layer that a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    Default,
    /// The file of `--config`.
    File(PathBuf),
    /// A variable of the environment.
    Variable(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Variable(name) => write!(f, "environment {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// The reason why a configuration was refused. A command that gets it ends with exit code 64.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{path} is not TOML: {reason}")]
    NotToml {
        /// The file.
        path: PathBuf,
        /// Line, column and the parser's reason.
        reason: String,
    },
    /// No such key.
    #[error("unknown key {key:?} ({origin}){}", .nearest.as_deref().map(|n| format!("; did you mean {n:?}?")).unwrap_or_default())]
    Unknown {
        /// The key as it was written.
        key: String,
        /// The layer that it was in.
        origin: Origin,
        /// The known key that is nearest to it, unless all are far.
        nearest: Option<String>,
    },
    /// A value of the wrong type or outside its range.
    #[error("{key} ({origin}): {reason}")]
    Invalid {
        /// The key.
        key: String,
        /// The layer that set it.
        origin: Origin,
        /// The rule that the value breaks, and what to write instead.
        reason: String,
    },
    /// Values that exclude each other; the text begins with the key.
    #[error("{0}")]
    Relation(String),
}

impl ConfigError {
    /// The error without any value or line of a file, because any of these may be a secret.
    pub fn place(&self) -> String {
        match self {
            Self::Unreadable { .. } | Self::Unknown { .. } => self.to_string(),
            Self::NotToml { path, .. } => format!("{} is not TOML", path.display()),
            Self::Invalid { key, origin, .. } => format!("{key} ({origin}): its value is refused"),
            Self::Relation(message) => {
                format!("{}: its value is refused", message.split_whitespace().next().unwrap_or_default())
            }
        }
    }
}

/// Whether a key of this name holds a secret.
pub(super) fn is_secret_key(key: &str) -> bool {
    key.ends_with("_token") || key.ends_with("_auth")
}

/// Whether errors must not quote the key's value: properties and tokens may be secrets.
fn is_hidden(key: &str, default: &Value) -> bool {
    default.is_table() || is_secret_key(key)
}

/// The reason in an error that must not quote the value.
fn hidden_reason(default: &Value) -> &'static str {
    if default.is_table() {
        "it is not of names with texts; as a variable write NAME=VALUE,NAME=VALUE (a value with a comma needs a file)"
    } else {
        "it is no text; write it in quotes"
    }
}

/// The effective configuration, with the origin of each value by its dotted key.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// The layer of each value that is not a default, by dotted key.
    pub origins: BTreeMap<String, Origin>,
    /// Variables of the older service that are set and that nothing reads.
    pub ignored_variables: Vec<&'static str>,
}

impl Loaded {
    /// The layer that the value of `key` came from.
    pub fn origin(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&Origin::Default)
    }
}

/// The layers above the defaults.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// The file of `--config`.
    pub file: Option<PathBuf>,
    /// Flags: dotted key, text, the flag's name. The elements of a list are separated by commas. Only for `source.files` is
    /// the text the only element, because a file's name may contain a comma.
    pub flags: Vec<(&'static str, String, &'static str)>,
}

impl Layers {
    /// Merges file, environment and flags over the defaults and checks the result.
    ///
    /// # Errors
    /// [`ConfigError`], which names the key, where it was set and what to do.
    pub fn load(&self, environment: &dyn Environment) -> Result<Loaded, ConfigError> {
        let mut stack = Stack::new();
        if let Some(path) = &self.file {
            stack.lay_file(path)?;
        }
        let variables = environment.variables();
        let value_of =
            |name: &str| variables.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, value)| value);
        for (name, key) in OLDER_VARIABLES {
            if let Some(value) = value_of(name) {
                stack.lay_text(key, &older_value(key, value), Origin::Variable((*name).to_owned()))?;
            }
        }
        for (name, value) in variables.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
            let key = name[PREFIX.len()..].to_ascii_lowercase().replace("__", ".");
            stack.lay_text(&key, value, Origin::Variable(name.clone()))?;
        }
        for (key, text, flag) in &self.flags {
            let origin = Origin::Flag(flag);
            match stack.slot(key) {
                Some(Value::Array(_)) if *key == "source.files" => {
                    stack.lay(key, Value::Array(vec![text.as_str().into()]), origin)?;
                }
                _ => stack.lay_text(key, text, origin)?,
            }
        }
        stack.choose_source();
        check(&stack.config).map_err(ConfigError::Relation)?;
        let ignored = IGNORED_VARIABLES.iter().copied().filter(|name| value_of(name).is_some());
        Ok(Loaded { config: stack.config, origins: stack.origins, ignored_variables: ignored.collect() })
    }
}

/// The values merged so far. Each value is decoded at once, so an error names the key that set it.
struct Stack {
    table: Table,
    config: Config,
    origins: BTreeMap<String, Origin>,
}

impl Stack {
    fn new() -> Self {
        let config = Config::default();
        let table = Table::try_from(&config).expect("the defaults are strings, numbers and lists of them");
        Self { table, config, origins: BTreeMap::new() }
    }

    fn lay_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let table: Table = text.parse().map_err(|e: toml::de::Error| ConfigError::NotToml {
            path: path.to_owned(),
            reason: e.to_string(),
        })?;
        let origin = Origin::File(path.to_owned());
        for (section, value) in table {
            match value {
                Value::Table(keys) if self.table.contains_key(&section) => {
                    for (key, value) in keys {
                        self.lay(&format!("{section}.{key}"), value, origin.clone())?;
                    }
                }
                _ => return Err(self.unknown(section, origin)),
            }
        }
        Ok(())
    }

    /// Sets a key from text, parsed as the type of the key's default.
    fn lay_text(&mut self, key: &str, text: &str, origin: Origin) -> Result<(), ConfigError> {
        let Some(default) = self.slot(key) else {
            return Err(self.unknown(key.to_owned(), origin));
        };
        let value = match default {
            Value::Integer(_) => text.parse().ok().map(Value::Integer),
            Value::Float(_) => text.parse().ok().map(Value::Float),
            Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
            Value::Array(_) => Some(Value::Array(
                text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(|t| t.into()).collect(),
            )),
            Value::Table(_) => text
                .split(',')
                .map(str::trim)
                .filter(|pair| !pair.is_empty())
                .map(|pair| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.into())))
                .collect::<Option<Table>>()
                .map(Value::Table),
            _ => Some(Value::String(text.to_owned())),
        };
        let reason = if is_hidden(key, default) {
            hidden_reason(default).to_owned()
        } else {
            format!("{text:?} is not of type {}", default.type_str())
        };
        match value {
            Some(value) => self.lay(key, value, origin),
            None => Err(ConfigError::Invalid { key: key.to_owned(), origin, reason }),
        }
    }

    fn lay(&mut self, key: &str, value: Value, origin: Origin) -> Result<(), ConfigError> {
        let Some(slot) = self.slot(key) else {
            return Err(self.unknown(key.to_owned(), origin));
        };
        let hidden = is_hidden(key, slot).then(|| hidden_reason(slot));
        // Only the typed structure knows the type of a list's elements, so its decoder checks them; a number is
        // accepted for a number or a text if both make sense.
        *slot = match (&*slot, value) {
            (Value::Float(_), Value::Integer(whole)) => Value::Float(whole as f64),
            (Value::String(_), Value::Integer(number)) if key.ends_with(".speed") => {
                number.to_string().into()
            }
            (Value::String(_), Value::Float(number)) if key.ends_with(".speed") => number.to_string().into(),
            (_, value) => value,
        };
        match self.table.clone().try_into() {
            Ok(config) => self.config = config,
            Err(error) => {
                let written = self.slot(key).and_then(|slot| slot.as_str().map(str::to_owned));
                let reason =
                    hidden.map_or_else(|| with_tip(error.message(), written.as_deref()), str::to_owned);
                return Err(ConfigError::Invalid { key: key.to_owned(), origin, reason });
            }
        }
        self.origins.insert(key.to_owned(), origin);
        Ok(())
    }

    /// If brokers are configured and no source is, read from Kafka.
    fn choose_source(&mut self) {
        if cfg!(feature = "kafka")
            && !self.origins.contains_key("source.kind")
            && self.config.kafka.has_brokers()
        {
            self.config.source.kind = SourceKind::Kafka;
            let origin = self.origins["kafka.bootstrap_servers"].clone();
            self.origins.insert("source.kind".to_owned(), origin);
        }
    }

    fn slot(&mut self, key: &str) -> Option<&mut Value> {
        let (section, key) = key.split_once('.')?;
        self.table.get_mut(section)?.as_table_mut()?.get_mut(key)
    }

    fn unknown(&self, key: String, origin: Origin) -> ConfigError {
        let keys = dotted_keys(&self.table);
        let sections = self.table.keys().map(String::as_str);
        let found = nearest(&key, keys.iter().map(String::as_str).chain(sections)).map(str::to_owned);
        ConfigError::Unknown { key, origin, nearest: found }
    }
}

/// The reason with the word that was meant, if it lists words one of which is near, and with what an address looks like.
fn with_tip(reason: &str, written: Option<&str>) -> String {
    if let Some(written) = written.filter(|_| reason.contains("socket address")) {
        return format!("{written:?} is no address; write ADDRESS:PORT, such as 127.0.0.1:8000");
    }
    let mut quoted = reason.split('`').skip(1).step_by(2);
    let meant = match (reason.starts_with("unknown variant"), quoted.next()) {
        (true, Some(written)) => nearest(written, quoted),
        _ => None,
    };
    meant.map_or_else(|| reason.to_owned(), |meant| format!("{reason}; did you mean {meant:?}?"))
}

/// The candidate with the smallest edit distance to `name`; `None` if that is more than half of the longer name.
fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::levenshtein(name, candidate), candidate))
        .filter(|&(distance, candidate)| distance <= name.len().max(candidate.len()) / 2)
        .min()
        .map(|(_, candidate)| candidate)
}

/// All keys of two levels, `section.key`.
pub(super) fn dotted_keys(table: &Table) -> Vec<String> {
    table
        .iter()
        .filter_map(|(section, value)| Some((section, value.as_table()?)))
        .flat_map(|(section, keys)| keys.keys().map(move |key| format!("{section}.{key}")))
        .collect()
}
