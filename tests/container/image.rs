//! The image in a real engine: what it is, what it may do, and how it ends.

use engine::sys;
use serde_json::{Value, json};

use super::{
    docker::{Container, IMAGE, REVISION, docker, hardened, image, profile, said, shipped_profile, words},
    files,
};
use crate::support::{not_run::not_run, process::send};

/// The shipped profile without its last permission: what the engines' own defaults are, as far as io_uring goes.
fn profile_without_io_uring() -> (tempfile::NamedTempFile, Vec<String>) {
    let mut shipped = files::document("deploy/seccomp.json");
    let rules = shipped["syscalls"].as_array_mut().unwrap();
    let before = rules.len();
    rules.retain(|rule| !files::list(&rule["names"]).contains(&json!("io_uring_setup")));
    assert_eq!(rules.len(), before - 1);
    let file = tempfile::NamedTempFile::new().unwrap();
    serde_json::to_writer(&file, &shipped).unwrap();
    let flags = profile(file.path());
    (file, flags)
}

/// Whether this machine itself lets a process have io_uring.
#[track_caller]
fn host_has_io_uring() -> bool {
    match sys::probe_uring() {
        Ok(()) => true,
        Err(why) => {
            not_run(&format!("no glommio: {why}"));
            false
        }
    }
}

#[test]
fn the_image_says_what_it_is() {
    image();
    let inspected = said(&mut docker(&["image", "inspect", IMAGE]));
    let inspected: Value = serde_json::from_str(&inspected).unwrap();
    let config = &inspected[0]["Config"];
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["StopSignal"], "SIGTERM");
    assert_eq!(config["Entrypoint"], json!(["/usr/local/bin/stormglass"]));
    assert_eq!(config["Cmd"], json!(["serve"]));
    assert_eq!(config["ExposedPorts"], json!({"8000/tcp": {}}));
    assert_eq!(config["Healthcheck"]["Test"], json!(["CMD", "/usr/local/bin/stormglass", "healthcheck"]));
    let label = |name: &str| config["Labels"][format!("org.opencontainers.image.{name}")].clone();
    assert_eq!((label("title"), label("revision")), (json!("stormglass"), json!(REVISION)));
    assert_eq!(
        (label("version"), label("licenses")),
        (json!(env!("CARGO_PKG_VERSION")), json!("Apache-2.0"))
    );
    let version = said(&mut docker(&["run", "--rm", IMAGE, "--version"]));
    assert!(version.starts_with("stormglass "), "{version}");
}

#[test]
fn hardened_it_serves_on_glommio_is_healthy_and_stops_with_0() {
    let container = Container::run("hardened", &[hardened(), shipped_profile()].concat(), &[]);
    container.get_until("/readyz", |status, _| status == 200);
    assert_eq!(container.prediction("BTC-USD")["simulated"], true);
    let rows = send(container.address, "POST", "/predict", r#"{"symbols":["BTC-USD","ETH-USD"]}"#).unwrap();
    assert_eq!(rows.0, 200, "{}", rows.1);
    if host_has_io_uring() {
        assert_eq!(container.json("/version")["runtime"], "glommio", "{}", container.log());
    }
    container.wait_for_health("healthy");
    // Who it is, and that nothing is to be had.
    assert_eq!(words(&container.execute(&["id", "-u"])).trim(), "65532");
    let status = words(&container.execute(&["cat", "/proc/1/status"]));
    for line in ["CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
        assert!(status.contains(line), "{line} is not in {status}");
    }
    for command in [&["touch", "/etc/x"][..], &["touch", "/usr/local/bin/x"], &["unshare", "--user", "true"]]
    {
        assert!(!container.execute(command).status.success(), "{command:?} was let");
    }
    assert!(container.execute(&["touch", "/tmp/x"]).status.success());
    // The signal ends it, not the engine's patience.
    assert_eq!(container.stop(30), 0, "{}", container.log());
    let log = container.log();
    assert!(log.contains("SIGTERM") && log.contains("\"stopped\""), "{log}");
    for line in log.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("not a JSON line, {e}: {line}"));
    }
}

#[test]
fn where_a_profile_refuses_io_uring_it_serves_on_threads_and_says_why() {
    let (_file, refusing) = profile_without_io_uring();
    let container = Container::run("refused", &[hardened(), refusing].concat(), &[]);
    container.get_until("/readyz", |status, _| status == 200);
    let version = container.json("/version");
    assert_eq!(version["runtime"], "thread");
    assert!(version["runtime_reason"].as_str().unwrap().contains("seccomp"), "{version}");
    let log = container.log();
    let said = log.lines().find(|line| line.contains("glommio cannot run here"));
    assert!(said.is_some_and(|line| line.contains("WARN") && line.contains("seccomp")), "{log}");
    let metrics = container.get_until("/metrics", |status, _| status == 200);
    assert!(metrics.contains(r#"stormglass_runtime_info{runtime="thread","#), "{metrics}");
    container.prediction("BTC-USD");
    container.wait_for_health("healthy");
    assert_eq!(container.stop(30), 0);
}

#[test]
fn under_the_engines_own_profile_it_serves_on_either() {
    let container = Container::run("default", &hardened(), &[]);
    container.get_until("/readyz", |status, _| status == 200);
    let version = container.json("/version");
    let engine = said(&mut docker(&["version", "--format", "{{.Server.Version}}"]));
    println!(
        "the default profile of Docker {engine}: {} ({})",
        version["runtime"], version["runtime_reason"]
    );
    assert!(version["runtime"] == "glommio" || version["runtime"] == "thread", "{version}");
    container.prediction("BTC-USD");
}

#[test]
fn with_too_little_lockable_memory_it_serves_on_threads_and_says_why() {
    let limit = ["--ulimit", "memlock=65536:65536"].map(str::to_owned).to_vec();
    let container = Container::run("memlock", &[hardened(), shipped_profile(), limit].concat(), &[]);
    container.get_until("/readyz", |status, _| status == 200);
    let version = container.json("/version");
    assert_eq!(version["runtime"], "thread");
    if host_has_io_uring() {
        assert!(version["runtime_reason"].as_str().unwrap().contains("RLIMIT_MEMLOCK"), "{version}");
    }
}

#[test]
fn a_model_that_is_not_there_is_unhealthy_and_says_so_while_the_process_stays() {
    let quick =
        "--health-interval 1s --health-start-period 0s --health-retries 1 -e MODEL_PATH=/models/none.sgm";
    let flags: Vec<String> = quick.split(' ').map(str::to_owned).collect();
    let container = Container::run("modelless", &[hardened(), flags].concat(), &[]);
    let health = container.get_until("/health", |status, _| status == 503);
    assert!(health.contains("Model not loaded") && health.contains("/models/none.sgm"), "{health}");
    container.wait_for_health("unhealthy");
    assert_eq!(container.stop(30), 0);
}

#[test]
fn a_broker_that_is_away_does_not_end_it() {
    let settings = "-e KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1 -e STORMGLASS__READY__WARM_WAIT_S=0 \
                    -e STORMGLASS__KAFKA__STATE_DIRECTORY=/var/lib/stormglass -v /var/lib/stormglass";
    let flags: Vec<String> = settings.split_whitespace().map(str::to_owned).collect();
    let container = Container::run("brokerless", &[hardened(), shipped_profile(), flags].concat(), &[]);
    container.get_until("/readyz", |status, _| status == 200);
    assert_eq!(container.json("/health")["kafka_connected"], false);
    assert!(
        container.execute(&["touch", "/var/lib/stormglass/x"]).status.success(),
        "state cannot be written"
    );
    assert_eq!(container.stop(30), 0, "{}", container.log());
}

#[test]
fn a_wrong_setting_ends_it_with_64_and_a_failed_start_with_1() {
    image();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("stormglass.toml");
    std::fs::write(&file, "[server]\nlistne = \"0.0.0.0:8000\"\n").unwrap();
    // The container's user is nobody here.
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mounted = format!("{}:/etc/stormglass.toml:ro", file.display());
    for (flags, exit, word) in [
        (&["-v", &mounted, "-e", "STORMGLASS_CONFIG=/etc/stormglass.toml"][..], 64, "server.listen"),
        (&["-e", "STORMGLASS__SERVER__LISTNE=x"], 64, "server.listen"),
        (&["-e", "STORMGLASS__SERVER__LISTEN=192.0.2.1:8000"], 1, "192.0.2.1:8000"),
    ] {
        let output =
            docker(&["run", "--rm", "--network", "stories"]).args(flags).arg(IMAGE).output().unwrap();
        assert_eq!(output.status.code(), Some(exit), "{flags:?}: {}", words(&output));
        assert!(words(&output).contains(word), "{flags:?}: {}", words(&output));
    }
}
