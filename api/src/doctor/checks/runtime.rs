//! Which runtime would drive the shards, and why?

use engine::{runtime::RuntimeChoice, sys};

use crate::{config::Loaded, doctor::finding::Finding};

const ALLOW: &str = "allow io_uring (a seccomp profile with io_uring_setup, io_uring_enter and io_uring_register; \
                     kernel.io_uring_disabled = 0), or set engine.runtime = \"thread\", which is as good";

pub(super) fn check(loaded: &Loaded) -> Vec<Finding> {
    let choice = loaded.config.engine.runtime;
    if choice == RuntimeChoice::Thread {
        return vec![Finding::ok("engine.runtime is \"thread\": pinned threads, as asked")];
    }
    if !cfg!(feature = "glommio") {
        return vec![Finding::ok("built without glommio: pinned threads")];
    }
    match sys::probe_uring() {
        Ok(()) => vec![Finding::ok("io_uring is allowed: glommio")],
        Err(cause) if choice == RuntimeChoice::Glommio => vec![Finding::failed(
            format!("engine.runtime is \"glommio\", and the service does not start with it: {cause}"),
            ALLOW,
        )],
        Err(cause) => vec![Finding::warning(format!("pinned threads instead of glommio: {cause}"), ALLOW)],
    }
}
