//! Does a broker answer at the addresses that are configured, and let us in?

use std::{
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use engine::kafka::{self, BrokerReport, KafkaSettings};

use crate::{
    config::{Config, secret::resolve},
    doctor::{context::Context, finding::Finding},
    wiring,
};

/// Time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// What the broker showed.
pub(in crate::doctor) struct Broker {
    pub(super) settings: KafkaSettings,
    pub(super) report: BrokerReport,
}

/// Looks; `None` where Kafka is not configured.
pub(in crate::doctor) fn broker(config: &Config) -> Option<Result<Broker, String>> {
    let servers = servers(config)?;
    // A client that finds nobody asks for as long as it may.
    if servers.iter().all(|server| connect(server).is_err()) {
        return Some(Err("none of the addresses can be connected to".to_owned()));
    }
    Some(wiring::kafka_settings(config).and_then(|settings| {
        let report = kafka::look(&settings).map_err(|error| error.to_string())?;
        Ok(Broker { settings, report })
    }))
}

/// The addresses that a client has: a property of its own outranks the key. `None` where Kafka is not configured.
fn servers(config: &Config) -> Option<Vec<String>> {
    let kafka = &config.kafka;
    if !kafka.has_brokers() {
        return None;
    }
    // One whose place is empty is told by the check of the settings.
    let property =
        kafka.properties.get("bootstrap.servers").map(|value| resolve("", value).unwrap_or_default());
    let list = property.as_ref().unwrap_or(&kafka.bootstrap_servers);
    Some(list.split(',').map(|server| server.trim().to_owned()).collect())
}

/// Connects and goes away again.
pub(super) fn connect(server: &str) -> Result<(), String> {
    let addresses = server.to_socket_addrs().map_err(|error| match server.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => format!("{host} is no known host: {error}"),
        _ => "it is not host:port".to_owned(),
    })?;
    let mut why = "its name has no address".to_owned();
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(_) => return Ok(()),
            Err(error) => why = format!("{address}: {error}"),
        }
    }
    Err(why)
}

pub(super) fn look(context: &Context) -> Vec<Finding> {
    let (Ok(loaded), Some(broker)) = (&context.loaded, &context.broker) else {
        return vec![Finding::skipped("Kafka is not configured")];
    };
    let servers = servers(&loaded.config).unwrap_or_default();
    let mut found: Vec<Finding> = Vec::new();
    let mut silent = 0;
    for server in &servers {
        if let Err(why) = connect(server) {
            silent += 1;
            let what = format!("no connection to {server}: {why}");
            let fix = "start the broker, or fix KAFKA_BOOTSTRAP_SERVERS; inside a container, localhost is the container";
            found.push(if silent == servers.len() {
                Finding::failed(what, fix)
            } else {
                Finding::warning(what, fix)
            });
        }
    }
    match broker {
        Ok(broker) => found.push(Finding::ok(format!(
            "{} broker(s) answer by way of {}",
            broker.report.brokers.len(),
            servers.join(",")
        ))),
        // Already told.
        Err(_) if silent == servers.len() => {}
        Err(why) => found.push(Finding::failed(
            why.clone(),
            "the port is open but no broker lets us in: check security.protocol, mechanism, password and certificate \
             authority in [kafka.properties], and that this is Kafka's port for clients",
        )),
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layers;

    #[test]
    fn the_list_that_a_client_has_is_the_one_that_is_tried() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "third:3,fourth:4\n").unwrap();
        let place = format!("bootstrap.servers=file:{}", file.path().display());
        let of = |properties: &str| {
            let variables: &[(&str, &str)] = &[
                ("KAFKA_BOOTSTRAP_SERVERS", "first:1, second:2"),
                ("STORMGLASS__KAFKA__PROPERTIES", properties),
            ];
            servers(&Layers::default().load(&variables).unwrap().config).unwrap()
        };
        assert_eq!(of(""), ["first:1", "second:2"]);
        assert_eq!(of("bootstrap.servers=other:9"), ["other:9"]);
        assert_eq!(of(&place), ["third:3", "fourth:4"]);
        assert_eq!(servers(&Config::default()), None);
    }
}
