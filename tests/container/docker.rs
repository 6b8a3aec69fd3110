//! The engine that `tests/containers.sh` started, and containers that end with their test.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Command, Output},
    sync::OnceLock,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::files;
use crate::support::client::HANG;

/// Tag of the image, which is built once for all stories.
pub(super) const IMAGE: &str = "stormglass:stories";
/// The commit that the labels are told.
pub(super) const REVISION: &str = "0123456789abcdef";
/// Longer than a container ever takes to be as it should.
const PATIENCE: Duration = Duration::from_secs(60);

/// `docker`, asking the stories' own engine.
pub(super) fn docker(arguments: &[&str]) -> Command {
    let mut command = Command::new("docker");
    ask_own_engine(&mut command).args(arguments);
    command
}

/// Points a client at the stories' engine, whatever the user's own settings say.
pub(super) fn ask_own_engine(command: &mut Command) -> &mut Command {
    let socket = std::env::var("STORMGLASS_TEST_CONTAINERS")
        .expect("these stories need a container engine; `tests/run.sh container` starts one");
    command.env("DOCKER_HOST", format!("unix://{socket}")).env_remove("DOCKER_CONTEXT")
}

/// Standard output of a command that must succeed.
pub(super) fn said(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", words(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Both streams.
pub(super) fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The image of the binary under test, by the Dockerfile's target for a binary that is built already.
pub(super) fn image() -> &'static str {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let context = tempfile::tempdir().unwrap();
        std::fs::copy(env!("CARGO_BIN_EXE_stormglass"), context.path().join("stormglass")).unwrap();
        std::fs::copy(files::path("LICENSE"), context.path().join("LICENSE")).unwrap();
        let (file, revision) = (files::path("deploy/Dockerfile"), format!("REVISION={REVISION}"));
        let arguments =
            ["build", "--network", "host", "--target", "prebuilt", "--build-arg", &revision, "-t", IMAGE];
        said(docker(&arguments).arg("-f").arg(file).arg(context.path()));
    });
    IMAGE
}

/// The flags of `docker run` that compose.yaml and the manifests stand for.
pub(super) fn hardened() -> Vec<String> {
    let flags = "--read-only --tmpfs /tmp:size=64m,mode=1777 --cap-drop ALL --security-opt no-new-privileges --pids-limit 512";
    flags.split(' ').map(str::to_owned).collect()
}

/// The shipped profile of system calls, as a flag.
pub(super) fn shipped_profile() -> Vec<String> {
    profile(&files::path("deploy/seccomp.json"))
}

pub(super) fn profile(file: &Path) -> Vec<String> {
    vec!["--security-opt".to_owned(), format!("seccomp={}", file.display())]
}

/// A container, removed with the test.
pub(super) struct Container {
    name: String,
    /// Where its port 8000 is published on loopback.
    pub(super) address: SocketAddr,
}

impl Container {
    /// Runs the image with these flags and arguments; `name` is the test's own.
    pub(super) fn run(name: &str, flags: &[String], arguments: &[&str]) -> Self {
        let address = free_address();
        let published = format!("127.0.0.1:{}:8000", address.port());
        let name = format!("story-{name}");
        let mut command = docker(&["run", "-d", "--name", &name, "--network", "stories", "-p", &published]);
        said(command.args(flags).arg(image()).args(arguments));
        Self { name, address }
    }

    /// Asks until `enough` accepts the answer.
    pub(super) fn get_until(&self, path: &str, enough: impl Fn(u16, &str) -> bool) -> String {
        let mut accepted = String::new();
        wait(&format!("{path} of {}", self.name), || {
            let answer = try_get(self.address, path);
            let is_enough = answer.as_ref().is_some_and(|(status, body)| enough(*status, body));
            check(is_enough, || format!("{answer:?}; {}", self.log()))?;
            accepted = answer.map(|(_, body)| body).unwrap_or_default();
            Ok(())
        });
        accepted
    }

    /// A probability for this symbol, which a service has once its simulator has made its history.
    pub(super) fn prediction(&self, symbol: &str) -> Value {
        let ok = |_, body: &str| body.contains(r#""status":"ok""#);
        serde_json::from_str(&self.get_until(&format!("/predict/{symbol}"), ok)).unwrap()
    }

    pub(super) fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get_until(path, |status, _| status == 200)).unwrap()
    }

    pub(super) fn log(&self) -> String {
        words(&docker(&["logs", &self.name]).output().unwrap())
    }

    /// One field of `docker inspect`, by a Go template.
    pub(super) fn inspect(&self, template: &str) -> String {
        said(&mut docker(&["inspect", "--format", template, &self.name]))
    }

    /// Waits until the engine says so of its health.
    pub(super) fn wait_for_health(&self, health: &str) {
        wait(&format!("{} to be {health}", self.name), || {
            let is = self.inspect("{{.State.Health.Status}}");
            check(is == health, || self.inspect("{{json .State.Health}}") + &self.log())
        });
    }

    /// A command in it.
    pub(super) fn execute(&self, command: &[&str]) -> Output {
        docker(&["exec", &self.name]).args(command).output().unwrap()
    }

    /// `docker stop` with this grace; its exit code, and whether the engine had to kill it.
    pub(super) fn stop(&self, grace_s: u32) -> i32 {
        said(&mut docker(&["stop", "-t", &grace_s.to_string(), &self.name]));
        self.inspect("{{.State.ExitCode}}").parse().unwrap()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = docker(&["rm", "-f", "-v", &self.name]).output();
    }
}

/// A port that is free, taken and given back: the engine binds it a moment later.
pub(super) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// One answer's status and body; by HTTP/1.0, whose bodies come in one piece. `None` while nothing listens: the
/// engine's proxy accepts before the service does, and closes such a connection without a word.
pub(super) fn try_get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(HANG)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nhost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// Waits until something is so; what it says instead is shown where it never is.
pub(super) fn wait(what: &str, mut look: impl FnMut() -> Result<(), String>) {
    let limit = Instant::now() + PATIENCE;
    while let Err(instead) = look() {
        assert!(Instant::now() < limit, "waited {PATIENCE:?} for {what}: {instead}");
        // Paces the questions; what is waited for is the answer.
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// `Ok` if it holds, else what is said instead.
pub(super) fn check(holds: bool, instead: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(instead()) }
}
