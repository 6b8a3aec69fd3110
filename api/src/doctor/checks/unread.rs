//! Is something set that nothing reads?

use crate::{
    config::{Loaded, unread::unread},
    doctor::finding::Finding,
};

pub(super) fn look(loaded: &Loaded) -> Vec<Finding> {
    let found: Vec<Finding> = unread(loaded)
        .into_iter()
        .map(|(key, origin)| {
            let section = key.split('.').next().unwrap_or_default();
            let kind = loaded.config.source.kind.name();
            let why = if section == "kafka" {
                format!("the source is {kind} (source.kind): name kafka there, or leave this out")
            } else {
                "nothing in this version reads it: leave it out, or do not rely on it".to_owned()
            };
            Finding::warning(format!("{key} is set ({origin}) and not used"), why)
        })
        .collect();
    if found.is_empty() { vec![Finding::ok("everything that is set is read")] } else { found }
}
