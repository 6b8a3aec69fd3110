//! Is the port free, and if not, who answers there?

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener, ToSocketAddrs},
};

use crate::{
    client::{Target, reachable},
    doctor::{
        context::{Context, NoService},
        finding::Finding,
    },
};

pub(super) fn check(context: &Context) -> Vec<Finding> {
    let Ok(loaded) = &context.loaded else {
        return vec![Finding::skipped("the configuration does not load")];
    };
    let address = loaded.config.server.listen;
    let another = "end it, or set server.listen (--listen) to another port";
    match TcpListener::bind(address) {
        Ok(_) => vec![Finding::ok(format!("{address} is free"))],
        Err(error) if error.kind() == ErrorKind::AddrInUse => match (&context.service, &context.url) {
            (Ok(service), _) if leads_to(&service.target, address) => {
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

/// Whether a request to `target` reaches a service that listens at `listen`: its host resolves to that address or, if
/// the service listens at all addresses, to one of this machine.
fn leads_to(target: &Target, listen: SocketAddr) -> bool {
    // An address of this machine is one that can be bound.
    let is_ours = |address: SocketAddr| TcpListener::bind((address.ip(), 0)).is_ok();
    let is_it = |address: SocketAddr| {
        address.port() == listen.port()
            && (address.ip() == reachable(listen).ip() || listen.ip().is_unspecified() && is_ours(address))
    };
    target.authority().to_socket_addrs().is_ok_and(|mut addresses| addresses.any(is_it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_the_one_here_by_whatever_name_it_was_called() {
        let leads = |url: &str, listen: &str| leads_to(&Target::parse(url).unwrap(), listen.parse().unwrap());
        assert!(leads("http://localhost:8000", "127.0.0.1:8000"));
        assert!(leads("http://127.0.0.1:8000", "0.0.0.0:8000"));
        assert!(leads("http://localhost:8000", "0.0.0.0:8000"));
        assert!(leads("http://127.0.0.2:8000", "0.0.0.0:8000"), "all of 127 is this machine");
        assert!(!leads("http://localhost:8001", "0.0.0.0:8000"));
        assert!(!leads("http://127.0.0.2:8000", "127.0.0.1:8000"));
        // An address that is reserved for documentation.
        assert!(!leads("http://192.0.2.1:8000", "0.0.0.0:8000"));
    }
}
