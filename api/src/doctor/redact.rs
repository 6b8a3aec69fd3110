//! Removes secrets from text that leaves the machine.

use crate::config::{Config, secret::resolve, show::is_secret};

/// Shorter secrets are not searched for, since they are everywhere in ordinary text. The configuration is printed
/// without secrets in any case.
const SECRET_CHARS_MIN: usize = 3;

/// The secrets of a configuration.
#[derive(Debug, Default)]
pub(super) struct Redactor {
    /// The longest first, since one may contain another.
    secrets: Vec<String>,
}

impl Redactor {
    /// Collects the values of secret settings, also those that they refer to, and the passwords in URLs.
    pub(super) fn new(config: &Config) -> Self {
        let mut secrets = Vec::new();
        for (name, value) in &config.kafka.properties {
            if is_secret(name) {
                secrets.extend(values_of(value));
            }
        }
        for secret in [&config.server.admin_token, &config.source.schema_registry_auth] {
            secrets.extend(secret.get().into_iter().flat_map(values_of));
        }
        secrets.extend(config.server.advertised_url.as_deref().and_then(password_of));
        // Each secret also in the form in which JSON escapes it.
        let written = |secret: &String| {
            let json = serde_json::to_string(secret).ok()?;
            Some(json.trim_matches('"').to_owned())
        };
        let escaped: Vec<String> = secrets.iter().filter_map(written).collect();
        secrets.extend(escaped);
        secrets.retain(|secret| secret.chars().count() >= SECRET_CHARS_MIN);
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Self { secrets }
    }

    /// Replaces each secret by `***`.
    pub(super) fn redact(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }
}

/// The value itself or what it refers to, trimmed; nothing if that cannot be read.
fn values_of(value: &str) -> Vec<String> {
    let at_place = value.strip_prefix("token_file=").map(|path| format!("file:{path}"));
    // A secret that cannot be read occurs in no text.
    let referred = resolve("", at_place.as_deref().unwrap_or(value)).ok();
    referred.map(|secret| secret.trim().to_owned()).into_iter().collect()
}

/// The password in `scheme://user:password@host/path`.
fn password_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let (authority, _) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user, _) = authority.rsplit_once('@')?;
    Some(user.split_once(':')?.1.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layers;

    #[test]
    fn passwords_of_properties_references_and_addresses_are_taken_out() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, b"from-file\n").unwrap();
        let properties = format!(
            "sasl.password=hunter2,ssl.key.password=file:{},ssl.keystore.password=s3cr\"et,sasl.username=ann",
            file.path().display()
        );
        let environment: &[(&str, &str)] = &[
            ("STORMGLASS__KAFKA__PROPERTIES", &properties),
            ("STORMGLASS__SERVER__ADVERTISED_URL", "http://ann:hunter3@host:8000"),
        ];
        let config = Layers::default().load(&environment).unwrap().config;
        let text =
            Redactor::new(&config).redact(r#"ann hunter2 hunter3 from-file s3cr"et "s3cr\"et" hunter"#);
        assert_eq!(text, r#"ann *** *** *** *** "***" hunter"#);
    }
}
