//! The binary itself: its exit codes, its configuration, its signals.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, ChildStderr, Command, Output, Stdio},
};

use crate::support::client::Connection;

fn stormglass(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stormglass"));
    command.env_clear().args(arguments).envs(variables.iter().copied());
    command
}

fn output(arguments: &[&str], variables: &[(&str, &str)]) -> (Output, String) {
    let output = stormglass(arguments, variables).output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output, text)
}

#[test]
fn a_wrong_setting_exits_64_and_is_named_with_its_neighbour() {
    for (arguments, variables, words) in [
        (&["config", "show"][..], &[("STORMGLASS__SERVER__LISTNE", "x")][..], "\"server.listen\""),
        (
            &["config", "show"],
            &[("STORMGLASS__SERVER__DEADLINE_MS", "soon")],
            "STORMGLASS__SERVER__DEADLINE_MS",
        ),
        (&["serve", "--source", "carrier-pigeon"], &[], "flag --source"),
        (&["serve", "--no-such-flag"], &[], "--no-such-flag"),
        (&["config", "show"], &[("MODEL_VARIANT", "best")], "MODEL_VARIANT"),
        (&["config", "show", "--config", "/no/such/file"], &[], "/no/such/file"),
    ] {
        let (output, text) = output(arguments, variables);
        assert_eq!(output.status.code(), Some(64), "{arguments:?} {variables:?}: {text}");
        assert!(text.contains(words), "{words} is not in {text}");
    }
}

#[test]
fn what_is_in_force_is_shown_with_its_origin() {
    let (output, text) =
        output(&["config", "show"], &[("STORMGLASS__PREDICT__ROWS_MAX", "5"), ("LOG_LEVEL", "DEBUG")]);
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("rows_max = 5 ") && text.contains("# environment STORMGLASS__PREDICT__ROWS_MAX"),
        "{text}"
    );
    assert!(text.contains("level = \"debug\"") && text.contains("# environment LOG_LEVEL"), "{text}");
}

#[test]
fn help_has_examples_and_a_healthcheck_without_a_service_fails() {
    assert!(output(&["--help"], &[]).1.contains("Examples:"));
    assert!(output(&["--version"], &[]).1.starts_with("stormglass "));
    let (output, text) = output(&["healthcheck", "--address", "127.0.0.1:1"], &[]);
    assert_eq!(output.status.code(), Some(1), "{text}");
}

/// Ends the child even when the test fails.
struct Served {
    child: Child,
    address: SocketAddr,
    log: BufReader<ChildStderr>,
}

impl Served {
    fn start(variables: &[(&str, &str)]) -> Self {
        let mut command = stormglass(&["serve", "--source", "none", "--listen", "127.0.0.1:0"], variables);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "the service ended at its start");
            let record: serde_json::Value =
                serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
            if let Some(address) = record["address"].as_str() {
                break address.parse().unwrap();
            }
        };
        Self { child, address, log }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_model_that_cannot_be_read_is_said_and_sigterm_is_a_clean_end() {
    let mut served = Served::start(&[("MODEL_PATH", "/no/such/model.pkl")]);
    let health = Connection::open(served.address).get("/health");
    assert_eq!(health.status, 503);
    assert!(health.text().contains("Model not loaded: "), "{}", health.text());
    let address = served.address.to_string();
    assert_eq!(output(&["healthcheck", "--address", &address], &[]).0.status.code(), Some(1));
    let pid = rustix::process::Pid::from_child(&served.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(served.child.wait().unwrap().code(), Some(0));
    let rest: Vec<String> = served.log.by_ref().lines().map(Result::unwrap).collect();
    assert!(rest.iter().any(|line| line.contains("SIGTERM")), "{rest:?}");
}
