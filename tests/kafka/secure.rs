//! TLS and SASL, with secrets from files and from the environment.

use std::{
    io::Write,
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    broker,
    market::records,
    world::{World, size},
};
use crate::support::process::Process;

/// The broker's secured listener, and the authority that signed its certificate.
pub(super) fn secured() -> (String, String) {
    let home = std::env::var("KAFKA_HOME")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../target/kafka").to_owned());
    let servers = broker::servers();
    let (host, port) = servers.split(',').next().unwrap().rsplit_once(':').unwrap();
    (format!("{host}:{}", port.parse::<u16>().unwrap() + 50), format!("{home}/tls/ca.pem"))
}

const PASSWORD: &str = "tick tock";

/// A configuration file with the secured listener; the password as given there.
fn configuration(mechanism: &str, password: &str) -> tempfile::NamedTempFile {
    let user = format!("\"sasl.username\" = \"engine\"\n\"sasl.password\" = \"{password}\"");
    configuration_with(mechanism, &user)
}

pub(super) fn configuration_with(mechanism: &str, more: &str) -> tempfile::NamedTempFile {
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
{more}
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

/// A token that nobody signed, good for so long.
fn token(lifetime: Duration) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = format!(r#"{{"sub":"engine","iat":{now},"exp":{}}}"#, now + lifetime.as_secs());
    format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(claims))
}

#[test]
fn a_token_file_lets_in_and_is_read_again_before_its_token_runs_out() {
    let world = World::new("token");
    let file = tempfile::NamedTempFile::new().unwrap();
    let lifetime = Duration::from_secs(12);
    std::fs::write(file.path(), token(lifetime)).unwrap();
    let began = Instant::now();
    // As whoever keeps it fresh does, in time: it is read anew after four fifths.
    let (path, fresh) = (file.path().to_owned(), token(Duration::from_secs(3_600)));
    let keeper = std::thread::spawn({
        let fresh = fresh.clone();
        move || {
            std::thread::sleep(lifetime / 2);
            std::fs::write(path, fresh).unwrap();
        }
    });
    let place = format!("\"sasl.oauthbearer.config\" = \"token_file={}\"", file.path().display());
    let configuration = configuration_with("OAUTHBEARER", &place);
    let engine = start(&world, configuration.path());
    let mut first = records(16, size(4_000, 100_000));
    let second = first.split_off(first.len() / 2);
    world.feed(first, 4_000.0).join();
    world.await_all(&[&engine]);
    keeper.join().unwrap();
    std::thread::sleep((lifetime + Duration::from_secs(1)).saturating_sub(began.elapsed()));
    // The broker asks for it at the next connection, and takes none that has run out.
    broker::kill(1);
    broker::revive(1);
    world.feed(second, 4_000.0).join();
    world.await_all(&[&engine]);
    let log = engine.log_lines().join("\n");
    assert!(!log.contains(&fresh), "a token is a secret, too");
    assert!(engine.terminate().success());
    world.check("OAUTHBEARER, by a token that was replaced");
}
