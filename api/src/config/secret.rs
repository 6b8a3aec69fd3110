//! Secrets: a value, or a reference to the variable or file that holds it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A secret, or a reference to one (`env:NAME`, `file:PATH`). It is never displayed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The value or reference as configured; `None` if it is empty.
    pub fn get(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(&self.0)
    }

    /// Reads the secret if this is a reference. `key` is for messages.
    ///
    /// # Errors
    /// A sentence, if the referenced variable or file is absent or empty.
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

/// The value of `key`, read from the variable or file if it is `env:NAME` or `file:PATH`.
///
/// # Errors
/// A sentence, if there is no such variable or file.
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
