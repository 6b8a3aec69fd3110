//! Runtime: the service as a user starts it: quickly ready, on threads where io_uring is refused, cleanly ended.

use std::{os::unix::process::CommandExt, time::Duration};

use serde_json::Value;

use crate::support::process::{Process, send};

fn value(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

fn is_ok(status: u16, body: &str) -> bool {
    status == 200 && value(body)["status"] == "ok"
}

#[test]
fn a_prediction_is_ok_within_five_seconds_of_the_start() {
    let service = Process::serve(&[], |_| ());
    let (after, body) = service.get_until("/predict/BTC-USD", Duration::from_secs(5), is_ok);
    let prediction = value(&body);
    assert_eq!(prediction["symbol"], "simulator:BTC-USD");
    assert_eq!(prediction["simulated"], true);
    assert_eq!(prediction["tau_source"], "own", "two hours of history are pre-rolled: {prediction}");
    let probability = prediction["probability"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&probability));
    println!("status ok {after:?} after the start, probability {probability}");
    assert!(service.terminate().success(), "SIGTERM ends it with exit code 0");
}

#[test]
fn a_live_prediction_is_explained_by_the_row_that_it_scored() {
    let service = Process::serve(&[], |_| ());
    service.get_until("/predict/BTC-USD", Duration::from_secs(20), is_ok);
    let question = r#"{"symbols":["BTC-USD","ETH-USD"],"explain":true}"#;
    let (status, body) = send(service.address, "POST", "/predict", question).unwrap();
    assert_eq!(status, 200, "{body}");
    let predictions = value(&body)["predictions"].as_array().unwrap().clone();
    assert_eq!(predictions.len(), 2);
    for prediction in &predictions {
        let explanation = &prediction["explanation"];
        let parts = explanation["contributions"].as_object().unwrap_or_else(|| panic!("{prediction}"));
        let sum: f64 = parts.values().map(|part| part.as_f64().unwrap()).sum();
        let raw = explanation["raw_score"].as_f64().unwrap();
        assert!((explanation["base_value"].as_f64().unwrap() + sum - raw).abs() < 1e-9, "{explanation}");
        assert!(parts.values().any(|part| part.as_f64() != Some(0.0)), "{explanation}");
    }
    println!("{}", predictions[0]["explanation"]);
}

#[test]
fn the_baseline_answers_as_the_baseline() {
    let service = Process::serve(&[], |command| {
        command.env("MODEL_VARIANT", "baseline");
    });
    let (_, body) = service.get_until("/predict/ETH-USD", Duration::from_secs(20), is_ok);
    assert_eq!(value(&body)["model"]["variant"], "baseline");
    let version = value(&service.get("/version").unwrap().1);
    assert_eq!(version["model_variant"], "baseline");
}

#[test]
fn without_a_model_it_starts_and_says_so() {
    let service = Process::serve(&[], |command| {
        command.env("MODEL_PATH", "/nonexistent/model.sgm");
    });
    let (_, body) = service.get_until("/predict/BTC-USD", Duration::from_secs(20), |status, _| status == 503);
    assert!(body.contains("Model not loaded"), "{body}");
    let health = value(&service.get("/health").unwrap().1);
    assert_eq!(health["model_loaded"], false);
    assert!(health["reasons"].to_string().contains("/nonexistent/model.sgm"), "{health}");
}

#[test]
fn where_io_uring_is_refused_threads_take_over() {
    let service = Process::serve(&[], |command| {
        #[allow(unsafe_code)]
        // SAFETY: between fork and exec only two prctl calls run, on memory of their own frame.
        unsafe {
            command.pre_exec(refuse_io_uring);
        }
    });
    let (_, body) = service.get_until("/version", Duration::from_secs(20), |status, _| status == 200);
    assert_eq!(value(&body)["runtime"], "thread", "{body}");
    service.get_until("/predict/BTC-USD", Duration::from_secs(20), is_ok);
    let (_, metrics) = service.get("/metrics").unwrap();
    let runtime =
        metrics.lines().find(|line| line.starts_with("stormglass_runtime_info{")).unwrap_or_default();
    assert!(runtime.contains(r#"runtime="thread""#), "{runtime}");
    let log = service.log_lines().join("\n");
    assert!(log.contains("io_uring"), "the log does not name the refusal: {log}");
    println!("{runtime}");
}

/// What Docker's default profile does: io_uring_setup gives EPERM.
fn refuse_io_uring() -> std::io::Result<()> {
    const LOAD_SYSCALL: u16 = 0x20;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const ALLOW: u32 = 0x7fff_0000;
    const REFUSE: u32 = 0x0005_0000;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut program = [
        step(LOAD_SYSCALL, 0, 0, 0),
        step(JUMP_IF_EQUAL, 0, 1, libc::SYS_io_uring_setup as u32),
        step(RETURN, 0, 0, REFUSE | libc::EPERM as u32),
        step(RETURN, 0, 0, ALLOW),
    ];
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    #[allow(unsafe_code)]
    // SAFETY: both calls take integers and a pointer to a program that outlives them.
    let refused = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
            || libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) != 0
    };
    if refused { Err(std::io::Error::last_os_error()) } else { Ok(()) }
}
