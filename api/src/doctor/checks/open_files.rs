//! Do the connections fit the limit of open files?

use rustix::process::{Resource, getrlimit};

use crate::{config::Loaded, doctor::finding::Finding, http::open_files_wanted};

pub(super) fn check(loaded: &Loaded) -> Vec<Finding> {
    let connections = loaded.config.server.connections_max as u64;
    let wanted = open_files_wanted(connections);
    // The service raises the soft limit to the hard one.
    match getrlimit(Resource::Nofile).maximum {
        Some(most) if most < wanted => vec![Finding::warning(
            format!("{most} files may be open; server.connections_max = {connections} needs {wanted}"),
            "raise the limit (ulimit -Hn, LimitNOFILE, docker run --ulimit nofile), or lower server.connections_max",
        )],
        Some(most) => vec![Finding::ok(format!("{most} may be open, {wanted} are needed"))],
        None => vec![Finding::ok("unlimited")],
    }
}
