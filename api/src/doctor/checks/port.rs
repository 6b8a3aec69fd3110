//! Is the port free, and if not, who answers there?

use std::{io::ErrorKind, net::TcpListener};

use crate::{
    client::reachable,
    doctor::{
        context::{Context, NoService},
        finding::Finding,
    },
};

pub(super) fn look(context: &Context) -> Vec<Finding> {
    let Ok(loaded) = &context.loaded else {
        return vec![Finding::skipped("the configuration does not load")];
    };
    let address = loaded.config.server.listen;
    let another = "end it, or set server.listen (--listen) to another port";
    match TcpListener::bind(address) {
        Ok(_) => vec![Finding::ok(format!("{address} is free"))],
        Err(error) if error.kind() == ErrorKind::AddrInUse => match (&context.service, &context.url) {
            (Ok(service), _) if service.target == reachable(address).into() => {
                vec![Finding::ok(format!("the service has {address}"))]
            }
            (Err(NoService::Silent(_, why)), None) => {
                vec![Finding::failed(format!("{address} is in use by something else: {why}"), another)]
            }
            _ => vec![Finding::warning(format!("{address} is in use"), another)],
        },
        Err(error) if error.kind() == ErrorKind::PermissionDenied => vec![Finding::failed(
            format!("{address}: {error}"),
            "ports below 1024 need a right that the service's user has not: take another (server.listen)",
        )],
        Err(error) => vec![Finding::failed(
            format!("{address}: {error}"),
            "server.listen must be an address of this machine; 0.0.0.0 is all of them",
        )],
    }
}
