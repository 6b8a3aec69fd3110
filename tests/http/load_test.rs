//! `stormglass load-test`: it passes on a service that is well, and on no other.

use std::{
    io::Write,
    net::TcpListener,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{
    client::HANG,
    process::Process,
    service::{Service, Setup},
};

/// Far beyond what a loaded machine needs: these stories are about answers, not about times.
const PATIENT: [&str; 2] = ["--p95-ms", "60000"];

fn load_test(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stormglass")).arg("load-test").args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(output)))
}

/// A file of rows of the small model's features.
fn rows() -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::with_suffix(".csv").unwrap();
    write!(file, "alpha,beta,gamma\n1,2,3\n0.5,-1,0\n-2,0.25,9\n").unwrap();
    file
}

#[test]
fn a_service_that_is_well_passes_with_all_of_its_symbols() {
    let service = Process::serve(&["--source", "simulator"], |_| ());
    service.get_until("/readyz", HANG, |status, _| status == 200);
    let url = format!("http://{}", service.address);
    let arguments = [&["--url", &url, "--rate", "100", "--duration", "1s"], &PATIENT[..]].concat();
    let output = load_test(&[&arguments[..], &["--json"]].concat());
    let report = report(&output);
    assert_eq!(output.status.code(), Some(0), "{report}");
    assert_eq!(
        (&report["passed"], &report["due"], &report["right"]),
        (&true.into(), &100.into(), &100.into())
    );
    assert_eq!((&report["inputs_distinct"], &report["answered_by_status"]["200"]), (&3.into(), &100.into()));
    assert_eq!(report["failures"], serde_json::json!({}));
    let times = &report["latency_ms"];
    let ordered = ["p50", "p90", "p95", "p99", "p999", "max"].map(|name| times[name].as_f64().unwrap());
    assert!(ordered[0] > 0.0 && ordered.is_sorted(), "{times}");

    let said = text(&load_test(&[&arguments[..], &["--requests", "7"]].concat()));
    assert!(said.contains("7 due, 7 sent, 7 right") && said.contains("passed: p95"), "{said}");
}

#[test]
fn rows_of_a_file_are_posted_in_turn() {
    let (service, rows) = (Service::plain(), rows());
    let url = format!("http://{}", service.address);
    let file = rows.path().to_str().unwrap();
    let arguments =
        [&["--url", &url, "--rows", file, "--rate", "200", "--requests", "20", "--json"], &PATIENT[..]]
            .concat();
    let output = load_test(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let report = report(&output);
    assert_eq!((&report["inputs_distinct"], &report["right"]), (&3.into(), &20.into()));
}

#[test]
fn a_service_without_a_model_does_not_pass() {
    let (service, rows) = (Service::start(Setup { model: None, ..Setup::default() }), rows());
    let url = format!("http://{}", service.address);
    let file = rows.path().to_str().unwrap();
    for inputs in [&["--rows", file][..], &[]] {
        let arguments =
            [&["--url", &url, "--rate", "200", "--requests", "20", "--json"], inputs, &PATIENT].concat();
        let output = load_test(&arguments);
        let report = report(&output);
        assert_eq!(output.status.code(), Some(1), "{report}");
        assert_eq!((&report["right"], &report["answered_by_status"]["503"]), (&0.into(), &20.into()));
        assert!(text(&output).contains("success is 0.00 %"), "{}", text(&output));
    }
}

#[test]
fn a_slow_service_does_not_pass() {
    let rows = rows();
    let file = rows.path().to_str().unwrap();
    let service = Service::with(|config| config.server.deadline_ms = 200);
    let url = format!("http://{}", service.address);
    service.shard.hold.set(true);
    let arguments =
        [&["--url", &url, "--rows", file, "--rate", "100", "--requests", "10", "--json"], &PATIENT[..]]
            .concat();
    let output = load_test(&arguments);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert_eq!(report(&output)["answered_by_status"]["504"], 10);
    service.shard.hold.set(false);
    // In time for every deadline but the one that nothing meets.
    let output = load_test(&[
        "--url",
        &url,
        "--rows",
        file,
        "--rate",
        "50",
        "--requests",
        "10",
        "--p95-ms",
        "0.000001",
    ]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("more than 0.000001 ms"), "{}", text(&output));
}

#[test]
fn nobody_there_and_bad_flags_are_told_at_once() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{address}");
    let output = load_test(&["--url", &url]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains(&format!("nobody listens at {url}")), "{}", text(&output));
    for (arguments, words) in [
        (&["--rate", "0"][..], "--rate"),
        (&["--rate", "1e-30"], "--rate"),
        (&["--duration", "soon"], "--duration"),
        (&["--url", "https://localhost"], "not http://"),
        (&["--success", "101"], "--success"),
        (&["--connections", "0"], "--connections"),
        (&["--rows", "/no/such/file.csv"], "/no/such/file.csv"),
    ] {
        let output = load_test(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {}", text(&output));
        assert!(text(&output).contains(words), "{}", text(&output));
    }
}

#[test]
fn an_interrupt_prints_what_there_is_and_is_no_pass() {
    let service = Service::plain();
    let url = format!("http://{}", service.address);
    let child = Command::new(env!("CARGO_BIN_EXE_stormglass"))
        .args(["load-test", "--url", &url, "--rate", "100", "--duration", "1h"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let asked = |metrics: &str| {
        metrics.lines().any(|line| {
            line.starts_with("http_requests_total")
                && line.contains("/predict/{symbol}")
                && !line.ends_with(" 0")
        })
    };
    while !asked(service.get("/metrics").text()) {
        assert!(begun.elapsed() < HANG, "no request came");
        // Paces the questions; what is waited for is the answer.
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("it was interrupted before its end"), "{}", text(&output));
    assert!(text(&output).contains("200: "), "{}", text(&output));
}
