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

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The broker's report, and the settings that it was asked with.
pub(in crate::doctor) struct Broker {
    pub(super) settings: KafkaSettings,
    pub(super) report: BrokerReport,
}

/// Asks the configured broker for its report; `None` if Kafka is not configured. An error says why no broker answers.
pub(in crate::doctor) fn query_broker(config: &Config) -> Option<Result<Broker, String>> {
    let servers = servers(config)?;
    // A client that reaches no broker would retry until its timeout.
    if servers.iter().all(|server| connect(server).is_err()) {
        return Some(Err("none of the addresses can be connected to".to_owned()));
    }
    Some(wiring::kafka_settings(config).and_then(|settings| {
        let report = kafka::look(&settings).map_err(|error| error.to_string())?;
        Ok(Broker { settings, report })
    }))
}

/// The bootstrap addresses that a client uses: the property `bootstrap.servers` outranks `kafka.bootstrap_servers`.
/// `None` if Kafka is not configured.
fn servers(config: &Config) -> Option<Vec<String>> {
    let kafka = &config.kafka;
    if !kafka.has_brokers() {
        return None;
    }
    // A reference that cannot be resolved is reported by the check of the settings.
    let property =
        kafka.properties.get("bootstrap.servers").map(|value| resolve("", value).unwrap_or_default());
    let list = property.as_ref().unwrap_or(&kafka.bootstrap_servers);
    Some(list.split(',').map(|server| server.trim().to_owned()).collect())
}

/// Opens a TCP connection to `HOST:PORT` and closes it. An error says why it cannot be opened.
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

pub(super) fn check(context: &Context) -> Vec<Finding> {
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
        // The connections that failed are reported above.
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
