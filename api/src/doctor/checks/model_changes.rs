//! Do the model directory, the admin token and the record file, which changes of the model need, exist and work?

use std::path::Path;

use crate::{
    config::{Loaded, places, sections::SourceKind},
    disk::parent_directory,
    doctor::{finding::Finding, writable::check_writable},
};

pub(super) fn check(loaded: &Loaded) -> Vec<Finding> {
    let config = &loaded.config;
    let mut found = Vec::new();
    if let Err(why) = places::check_model_directory(config) {
        let origin = loaded.origin("model.directory");
        found.push(Finding::failed(
            format!("{why} ({origin})"),
            "`serve` ends with 64 for this: make the folder, mount it into the container, or leave model.directory out",
        ));
    }
    if let Err(why) = places::check_admin_token(config) {
        found.push(Finding::failed(
            why,
            "`serve` ends with 64 for this: set the variable, or mount the file, that server.admin_token refers to",
        ));
    }
    if let Some(warning) = places::record_warning(config) {
        found.push(Finding::warning(
            warning,
            "where a change of the model is to last, set model.record to a file on a disk that stays (without Kafka), or \
             model.path to the model",
        ));
    }
    let record =
        config.model.record.as_deref().filter(|_| config.source.kind != SourceKind::Kafka).map(Path::new);
    if let Some(Err(why)) = record.map(|path| check_writable(parent_directory(path))) {
        found.push(Finding::warning(
            format!("model.record: {why}"),
            "free some room or move model.record: while the record cannot be written every change of the model is refused",
        ));
    }
    if found.is_empty() {
        found.push(Finding::ok(match config.server.admin_token.get() {
            Some(_) => "what changes of the model need is there",
            None => "server.admin_token is not set: nobody can change the model while it runs",
        }));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Layers, doctor::finding::Outcome};

    #[test]
    fn what_ends_a_start_with_64_is_a_failure_before_it() {
        let outcomes = |variables: &[(&str, &str)]| -> Vec<Outcome> {
            check(&Layers::default().load(&variables).unwrap()).iter().map(|found| found.outcome).collect()
        };
        let absent: &[_] = &[
            ("STORMGLASS__MODEL__DIRECTORY", "/no/such/folder"),
            ("STORMGLASS__MODEL__RECORD", "/tmp/record.json"),
            ("STORMGLASS__SERVER__ADMIN_TOKEN", "file:/no/such/token"),
        ];
        assert_eq!(outcomes(absent), [Outcome::Failed, Outcome::Failed]);
        assert_eq!(outcomes(&[("STORMGLASS__SERVER__ADMIN_TOKEN", "hidden")]), [Outcome::Warning]);
        assert_eq!(outcomes(&[]), [Outcome::Ok]);
    }
}
