//! The limit on locked memory: io_uring counts its registered buffers against it.
#![allow(unsafe_code)]

use std::io;

/// What glommio insists on, even for root.
pub const MEMLOCK_BYTES_MIN: u64 = 512 * 1024;

/// Raises the soft limit to the hard one and returns it in bytes.
///
/// # Errors
/// A sentence when the limit stays below [`MEMLOCK_BYTES_MIN`], with the way out.
pub fn raise_memlock() -> Result<u64, String> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel writes one rlimit through a pointer to one.
    if unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut limit) } != 0 {
        return Err(format!("RLIMIT_MEMLOCK cannot be read: {}", io::Error::last_os_error()));
    }
    if limit.rlim_cur < limit.rlim_max {
        let raised = libc::rlimit { rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max };
        // SAFETY: the kernel reads one rlimit through a pointer to one.
        if unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const raised) } == 0 {
            limit = raised;
        }
    }
    if limit.rlim_cur < MEMLOCK_BYTES_MIN {
        return Err(format!(
            "RLIMIT_MEMLOCK is {} KiB and glommio needs {} KiB (docker run --ulimit memlock=-1)",
            limit.rlim_cur / 1024,
            MEMLOCK_BYTES_MIN / 1024
        ));
    }
    Ok(limit.rlim_cur)
}
