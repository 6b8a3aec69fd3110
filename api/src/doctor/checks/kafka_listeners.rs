//! Can each broker be reached at the address that it advertises? Clients connect there after the first answer.

use engine::kafka::BrokerAddress;

use super::kafka_bootstrap::{Broker, connect};
use crate::doctor::finding::Finding;

pub(super) fn check(broker: &Broker) -> Vec<Finding> {
    let brokers = &broker.report.brokers;
    let unreachable = brokers.iter().filter_map(|at| {
        let address = host_port(at);
        let why = connect(&address).err()?;
        Some(Finding::failed(
            format!("broker {} advertises {address}, which cannot be reached from here: {why}", at.id),
            "give the broker a listener for this network and advertise it (advertised.listeners): clients use the \
             bootstrap address only to be told this one",
        ))
    });
    let found: Vec<Finding> = unreachable.collect();
    if !found.is_empty() {
        return found;
    }
    let addresses: Vec<String> = brokers.iter().map(host_port).collect();
    vec![Finding::ok(format!("reachable as advertised: {}", addresses.join(", ")))]
}

/// `HOST:PORT`, with brackets around an IPv6 address.
fn host_port(at: &BrokerAddress) -> String {
    if at.host.contains(':') && !at.host.starts_with('[') {
        format!("[{}]:{}", at.host, at.port)
    } else {
        format!("{}:{}", at.host, at.port)
    }
}

#[cfg(test)]
mod tests {
    use engine::kafka::{BrokerReport, KafkaSettings};

    use super::*;
    use crate::doctor::finding::Outcome;

    #[test]
    fn an_ipv6_address_is_written_so_that_it_can_be_connected_to() {
        let shown = |host: &str| host_port(&BrokerAddress { id: 1, host: host.to_owned(), port: 9_092 });
        assert_eq!(shown("broker").as_str(), "broker:9092");
        for host in ["fd00::1", "[fd00::1]"] {
            assert_eq!(shown(host).parse::<std::net::SocketAddr>().unwrap().port(), 9_092, "{host}");
        }
    }

    #[test]
    fn an_address_that_leads_nowhere_is_named_with_its_broker() {
        let open = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = |id, port| BrokerAddress { id, host: "127.0.0.1".to_owned(), port };
        let report = |brokers| BrokerReport {
            brokers,
            topics: Vec::new(),
            ticks: Vec::new(),
            standing: Vec::new(),
            group: None,
            held_back: std::collections::BTreeMap::new(),
            ahead: Vec::new(),
        };
        let settings = KafkaSettings::new("127.0.0.1:1", "a", "coinbase");
        let well = at(1, open.local_addr().unwrap().port());
        let broker = Broker { settings, report: report(vec![well.clone(), at(2, closed)]) };
        let found = check(&broker);
        assert_eq!((found.len(), found[0].outcome), (1, Outcome::Failed));
        assert!(found[0].what.starts_with(&format!("broker 2 advertises 127.0.0.1:{closed}")), "{found:?}");
        let broker = Broker { report: report(vec![well]), ..broker };
        assert_eq!(check(&broker)[0].outcome, Outcome::Ok);
    }
}
