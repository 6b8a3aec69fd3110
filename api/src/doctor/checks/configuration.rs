//! Does the configuration load?

use crate::doctor::{context::Context, finding::Finding};

pub(super) fn look(context: &Context) -> Vec<Finding> {
    match &context.loaded {
        Ok(loaded) if loaded.origins.is_empty() => vec![Finding::ok("it loads: all defaults")],
        Ok(loaded) => vec![Finding::ok(format!("it loads: {} keys are set", loaded.origins.len()))],
        Err(error) => vec![Finding::failed(
            error.to_string(),
            "`serve` ends with 64 for this. config/stormglass.toml lists every key with its unit; `stormglass config show` \
             prints what is in force once it loads",
        )],
    }
}
