//! Which build this is.

/// Version of the crate, `0.1.0`.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit it was built from, or `unknown`.
pub(crate) const SHA: &str = env!("STORMGLASS_SHA");
/// What `--version` prints after the name.
pub(crate) const LONG_VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("STORMGLASS_SHA"), ")");

/// The time of that commit, RFC 3339; `None` where it is not known.
pub(crate) fn built() -> Option<String> {
    match env!("STORMGLASS_BUILT_EPOCH_S").parse() {
        Ok(0) | Err(_) => None,
        Ok(second) => jiff::Timestamp::from_second(second).ok().map(|time| time.to_string()),
    }
}
