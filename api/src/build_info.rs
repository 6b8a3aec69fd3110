//! Version and commit of this build.

/// Version of the crate, as `0.1.0`.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Hash of the commit that this was built from, or `unknown`.
pub(crate) const SHA: &str = env!("STORMGLASS_SHA");
/// Version and commit, as `--version` prints them after the name.
pub(crate) const LONG_VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("STORMGLASS_SHA"), ")");

/// Time of that commit, RFC 3339; `None` if it is not known.
pub(crate) fn commit_time() -> Option<String> {
    match env!("STORMGLASS_BUILT_EPOCH_S").parse() {
        Ok(0) | Err(_) => None,
        Ok(second) => jiff::Timestamp::from_second(second).ok().map(|time| time.to_string()),
    }
}
