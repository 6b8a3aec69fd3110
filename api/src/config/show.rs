//! Prints the effective configuration as TOML that can be read back, with the origin of each value beside it.

use std::fmt::Write;

use toml::{Table, Value};

use super::load::{Loaded, is_secret_key};

/// The configuration with origins. Passwords inside addresses are left out.
pub fn show(loaded: &Loaded) -> String {
    let table = Table::try_from(&loaded.config).expect("a loaded configuration came from such a table");
    let mut text = String::new();
    for (section, value) in &table {
        let keys = value.as_table().into_iter().flatten();
        let _ = writeln!(text, "[{section}]");
        for (key, value) in keys {
            let origin = loaded.origin(&format!("{section}.{key}"));
            let _ = writeln!(text, "{:<44} # {origin}", format!("{key} = {}", without_secrets(key, value)));
        }
        text.push('\n');
    }
    text
}

/// Removes the value of properties that may be secret, unless it is a reference to the secret.
fn without_secrets(key: &str, value: &Value) -> Value {
    let Some(properties) = value.as_table() else {
        return if is_secret_key(key) { hidden(value) } else { without_password(value) };
    };
    let shown = properties
        .iter()
        .map(|(name, value)| (name.clone(), if is_secret(name) { hidden(value) } else { value.clone() }));
    Value::Table(shown.collect())
}

/// Replaces a secret by a mark that it is set; keeps a reference.
fn hidden(value: &Value) -> Value {
    let text = value.as_str().unwrap_or_default();
    let is_reference = ["env:", "file:", "token_file="].iter().any(|prefix| text.starts_with(prefix));
    if is_reference || text.is_empty() { value.clone() } else { "***".into() }
}

/// Whether a property of this name may hold a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    ["password", "secret", "key", "token", "config", "pem"].iter().any(|word| name.contains(word))
}

/// `scheme://user:password@host` with the password replaced.
fn without_password(value: &Value) -> Value {
    let Some((scheme, rest)) = value.as_str().and_then(|text| text.split_once("://")) else {
        return value.clone();
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match authority.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?.0, host))) {
        Some((user, host)) => Value::String(format!("{scheme}://{user}:***@{host}{path}")),
        None => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layers, Origin};

    #[test]
    fn what_is_shown_names_origins_and_no_password() {
        let environment: &[(&str, &str)] = &[
            ("STORMGLASS__SERVER__ADVERTISED_URL", "http://ann:secret@host:8000"),
            ("LOG_LEVEL", "WARNING"),
        ];
        let loaded = Layers::default().load(&environment).unwrap();
        let text = show(&loaded);
        assert!(text.contains("advertised_url = \"http://ann:***@host:8000\""), "{text}");
        assert!(!text.contains("secret"), "{text}");
        assert!(text.contains("# environment LOG_LEVEL"), "{text}");
        assert_eq!(loaded.origin("server.listen"), &Origin::Default);
        assert!(text.parse::<Table>().is_ok(), "{text}");
    }

    #[test]
    fn a_token_is_shown_as_a_place_or_not_at_all() {
        for (given, shown) in [("hidden", "***"), ("env:TOKEN", "env:TOKEN"), ("", "")] {
            let environment: &[(&str, &str)] = &[("STORMGLASS__SERVER__ADMIN_TOKEN", given)];
            let loaded = Layers::default().load(&environment).unwrap();
            let text = show(&loaded);
            assert!(text.contains(&format!("admin_token = \"{shown}\"")), "{text}");
            assert!(!text.contains("hidden") && !format!("{loaded:?}").contains("hidden"));
        }
    }

    #[test]
    fn properties_are_shown_without_secrets() {
        let environment: &[(&str, &str)] = &[(
            "STORMGLASS__KAFKA__PROPERTIES",
            "sasl.password=hidden,sasl.username=ann,ssl.key.password=env:KEY",
        )];
        let text = show(&Layers::default().load(&environment).unwrap());
        assert!(!text.contains("hidden") && text.contains("***"), "{text}");
        assert!(text.contains("ann") && text.contains("env:KEY"), "{text}");
        assert!(text.parse::<Table>().is_ok(), "{text}");
    }
}
