//! Checks the folders and secrets that a configuration refers to. Without them `serve` ends with 64; `doctor` reports
//! it before.
//!
//! This is not part of loading, because a folder or a secret may appear and disappear while the configuration stays.

use std::path::Path;

use super::sections::{Config, SourceKind};

/// Checks that `model.directory` is a folder.
///
/// # Errors
/// A sentence, if it is not a folder, with what to do.
pub fn check_model_directory(config: &Config) -> Result<(), String> {
    match config.model.directory.as_deref() {
        Some(directory) if !Path::new(directory).is_dir() => Err(format!(
            "model.directory is {directory:?}, which is no folder; make it, or leave the key out"
        )),
        _ => Ok(()),
    }
}

/// Checks that the admin token can be read.
///
/// # Errors
/// A sentence with the place where it was expected; never the token itself.
pub fn check_admin_token(config: &Config) -> Result<(), String> {
    config.server.admin_token.resolved("server.admin_token").map(|_| ())
}

/// A warning if `model.record` is set and not read, or if activations are allowed and not recorded.
pub fn record_warning(config: &Config) -> Option<&'static str> {
    let has_token = config.server.admin_token.get().is_some();
    match (config.model.record.as_deref(), config.source.kind) {
        (Some(_), SourceKind::Kafka) => {
            Some("model.record is not read: with Kafka the configuration says which model scores")
        }
        (None, kind) if has_token && kind != SourceKind::Kafka => {
            Some("model.record is not set: a model that is activated answers until the process ends")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layers;

    fn config(variables: &[(&str, &str)]) -> Config {
        Layers::default().load(&variables).unwrap().config
    }

    #[test]
    fn a_folder_or_a_token_that_is_not_there_is_told() {
        let absent = config(&[
            ("STORMGLASS__MODEL__DIRECTORY", "/no/such/folder"),
            ("STORMGLASS__SERVER__ADMIN_TOKEN", "env:STORMGLASS_NO_SUCH"),
        ]);
        assert!(
            check_model_directory(&absent).unwrap_err().contains("\"/no/such/folder\", which is no folder")
        );
        assert!(check_admin_token(&absent).unwrap_err().contains("STORMGLASS_NO_SUCH, which is not set"));
        let there =
            config(&[("STORMGLASS__MODEL__DIRECTORY", "/"), ("STORMGLASS__SERVER__ADMIN_TOKEN", "hidden")]);
        assert_eq!((check_model_directory(&there), check_admin_token(&there)), (Ok(()), Ok(())));
        assert_eq!(check_model_directory(&Config::default()), Ok(()));
        assert!(record_warning(&there).unwrap().contains("not set"));
        assert_eq!(record_warning(&Config::default()), None);
    }
}
