//! The limit on locked memory: io_uring counts its registered buffers against it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The least limit that glommio accepts, even for root.
pub const MEMLOCK_BYTES_MIN: u64 = 512 * 1024;

/// Raises the soft limit to the hard one and returns it in bytes; without a limit it is `u64::MAX`.
///
/// # Errors
/// A sentence with the remedy, if the limit stays below [`MEMLOCK_BYTES_MIN`].
pub fn raise_memlock() -> Result<u64, String> {
    let limit = getrlimit(Resource::Memlock);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let soft = if setrlimit(Resource::Memlock, raised).is_ok() { limit.maximum } else { limit.current };
    let bytes = soft.unwrap_or(u64::MAX);
    if bytes < MEMLOCK_BYTES_MIN {
        return Err(format!(
            "RLIMIT_MEMLOCK is {} KiB and glommio needs {} KiB (docker run --ulimit memlock=-1)",
            bytes / 1024,
            MEMLOCK_BYTES_MIN / 1024
        ));
    }
    Ok(bytes)
}
