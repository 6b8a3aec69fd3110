//! Is the limit of locked memory high enough for glommio's rings?

use engine::{runtime::RuntimeChoice, sys::MEMLOCK_BYTES_MIN};
use rustix::process::{Resource, getrlimit};

use crate::{config::Loaded, doctor::finding::Finding};

pub(super) fn check(loaded: &Loaded) -> Vec<Finding> {
    let choice = loaded.config.engine.runtime;
    if choice == RuntimeChoice::Thread || !cfg!(feature = "glommio") {
        return vec![Finding::ok("not needed by pinned threads")];
    }
    // The service raises the soft limit to the hard one.
    let most = getrlimit(Resource::Memlock).maximum;
    let kib = |bytes: u64| bytes / 1_024;
    match most {
        None => vec![Finding::ok("unlimited")],
        Some(most) if most >= MEMLOCK_BYTES_MIN => {
            vec![Finding::ok(format!(
                "{} KiB may be locked; {} are needed",
                kib(most),
                kib(MEMLOCK_BYTES_MIN)
            ))]
        }
        Some(most) => {
            let what =
                format!("{} KiB may be locked and glommio needs {}", kib(most), kib(MEMLOCK_BYTES_MIN));
            let fix = "raise it (docker run --ulimit memlock=-1, LimitMEMLOCK=infinity), or set engine.runtime = \"thread\"";
            if choice == RuntimeChoice::Glommio {
                vec![Finding::failed(what, fix)]
            } else {
                vec![Finding::warning(what, fix)]
            }
        }
    }
}
