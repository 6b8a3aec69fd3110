//! Does the configuration load, and is a variable set that nothing reads?

use crate::doctor::{context::Context, finding::Finding};

pub(super) fn check(context: &Context) -> Vec<Finding> {
    let loaded = match &context.loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            return vec![Finding::failed(
                error.to_string(),
                "`serve` ends with 64 for this. config/stormglass.toml lists every key with its unit; `stormglass config \
                 show` prints what is in force once it loads",
            )];
        }
    };
    let loads = match loaded.origins.len() {
        0 => Finding::ok("it loads: all defaults"),
        keys => Finding::ok(format!("it loads: {keys} keys are set")),
    };
    let ignored = loaded.ignored_variables.iter().map(|variable| {
        let fix = "nothing in this version reads it: leave it out, or do not rely on it";
        Finding::warning(format!("{variable} is set and not used"), fix)
    });
    std::iter::once(loads).chain(ignored).collect()
}
