//! TLS and SASL, with secrets from files and from the environment.

use std::{io::Write, path::Path, time::Duration};

use super::{
    broker,
    market::records,
    world::{World, size},
};
use crate::support::process::Process;

/// The broker's secured listener, and the authority that signed its certificate.
fn secured() -> (String, String) {
    let home = std::env::var("KAFKA_HOME")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../target/kafka").to_owned());
    let servers = broker::servers();
    let (host, port) = servers.split(',').next().unwrap().rsplit_once(':').unwrap();
    (format!("{host}:{}", port.parse::<u16>().unwrap() + 50), format!("{home}/tls/ca.pem"))
}

const PASSWORD: &str = "tick tock";

/// A configuration file with the secured listener; the password as given there.
fn configuration(mechanism: &str, password: &str) -> tempfile::NamedTempFile {
    let (servers, authority) = secured();
    let mut file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    write!(
        file,
        r#"
[kafka]
bootstrap_servers = "{servers}"

[kafka.properties]
"security.protocol" = "sasl_ssl"
"ssl.ca.location" = "{authority}"
"sasl.mechanisms" = "{mechanism}"
"sasl.username" = "engine"
"sasl.password" = "{password}"
"#
    )
    .unwrap();
    file
}

fn start(world: &World, configuration: &Path) -> Process {
    world.engine_with(&["--config", configuration.to_str().unwrap()], "a", |command| {
        // Whatever is logged, no secret is.
        command.env("TEST_KAFKA_PASSWORD", PASSWORD).env("LOG_LEVEL", "debug");
    })
}

#[test]
fn ticks_are_scored_over_tls_with_passwords_from_a_file_and_the_environment() {
    let world = World::new("secure");
    let mut secret = tempfile::NamedTempFile::new().unwrap();
    writeln!(secret, "{PASSWORD}").unwrap();
    let from_file = format!("file:{}", secret.path().display());
    let rounds = [("PLAIN", from_file.as_str()), ("SCRAM-SHA-512", "env:TEST_KAFKA_PASSWORD")];
    let total = size(8_000, 100_000);
    let mut first = records(14, total);
    let second = first.split_off(total / 2);
    for ((mechanism, password), ticks) in rounds.into_iter().zip([first, second]) {
        let file = configuration(mechanism, password);
        let engine = start(&world, file.path());
        world.feed(ticks, 4_000.0).join();
        world.await_all(&[&engine]);
        let log = engine.log_lines().join("\n");
        assert!(!log.contains(PASSWORD), "{log}");
        assert!(engine.terminate().success());
    }
    world.check("PLAIN and SCRAM-SHA-512 over TLS");
}

#[test]
fn a_wrong_password_is_told_and_nothing_ends() {
    let world = World::new("insecure");
    let file = configuration("SCRAM-SHA-512", "tock tick");
    let engine = start(&world, file.path());
    let (_, health) = engine.get_until("/health", Duration::from_secs(40), |_, body| {
        body.to_lowercase().contains("authentication")
    });
    assert!(health.contains(r#""kafka_connected":false"#), "{health}");
    assert!(!engine.log_lines().join("\n").contains("tock tick"));
    assert!(engine.terminate().success());
}
