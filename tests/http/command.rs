//! The binary itself: its exit codes, its configuration, its signals.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, ChildStderr, Command, Output, Stdio},
    time::{Duration, Instant},
};

use engine::{cpu::CpuRequest, sys};
use model::{
    MemberDraft, ModelDraft, ModelInfo,
    linear::{LinearDraft, LinearTerm},
    schema::FeatureName,
};

use crate::support::{
    client::{Connection, HANG},
    fixtures::small_model_bytes,
    process::{self, Process},
};

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

/// The subcommands that help lists.
fn subcommands() -> Vec<String> {
    let (_, help) = output(&["--help"], &[]);
    let list = help.split("Commands:").nth(1).unwrap().split("\n\n").next().unwrap();
    let first = |line: &str| line.split_whitespace().next().unwrap_or_default().to_owned();
    list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")).map(first).collect()
}

#[test]
fn shells_and_man_know_every_subcommand_and_help_fits_100_columns() {
    let names = subcommands();
    assert!(names.len() >= 16 && names.iter().any(|name| name == "serve"), "{names:?}");
    for shell in ["bash", "zsh", "fish"] {
        let (output, script) = output(&["completions", shell], &[]);
        assert!(
            output.status.success() && names.iter().all(|name| script.contains(name.as_str())),
            "{shell}"
        );
    }
    let mut bash = Command::new("bash");
    bash.args(["-n", "/dev/stdin"]).stdin(Stdio::piped());
    let mut checked = bash.spawn().unwrap();
    let (_, script) = output(&["completions", "bash"], &[]);
    std::io::Write::write_all(&mut checked.stdin.take().unwrap(), script.as_bytes()).unwrap();
    assert!(checked.wait().unwrap().success(), "bash reads its script");

    let directory = tempfile::tempdir().unwrap();
    let pages = directory.path().join("man1");
    let (written, text) = output(&["man", "--output", pages.to_str().unwrap()], &[]);
    assert!(written.status.success(), "{text}");
    for name in names.iter().filter(|name| *name != "help") {
        let page = std::fs::read_to_string(pages.join(format!("stormglass-{name}.1"))).unwrap();
        assert!(page.contains(".TH") && page.contains("OPTIONS"), "{name}");
        let (_, help) = output(&[name, "--help"], &[]);
        assert!(name == "help" || help.contains("Example"), "{name} shows no example");
        let list = help.split("Example").next().unwrap();
        let wide: Vec<&str> = list.lines().filter(|line| line.chars().count() > 100).collect();
        assert!(wide.is_empty(), "{name}: {wide:?}");
    }
    let (_, first) = output(&["man"], &[]);
    assert!(first.contains(".TH stormglass 1") && first.contains("stormglass\\-serve(1)"), "{first}");
    let (_, address) = output(&["serve", "--listen", "8000x"], &[]);
    assert!(
        address.contains(r#""8000x" is no address; write ADDRESS:PORT, such as 127.0.0.1:8000"#),
        "{address}"
    );
    let (_, tip) = output(&["serve", "--source", "simulatr"], &[]);
    assert!(tip.contains("did you mean \"simulator\"?"), "{tip}");
}

#[test]
fn top_shows_the_symbols_of_a_service_the_likeliest_spike_first() {
    let service = Process::serve(&["--source", "simulator"], |_| ());
    service
        .get_until("/predict/BTC-USD", Duration::from_secs(60), |_, body| body.contains(r#""status":"ok""#));
    let (shown, table) = output(&["top", "--once", "--url", &format!("http://{}", service.address)], &[]);
    assert!(shown.status.success(), "{table}");
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0][..3], ["symbol", "price", "probability"]);
    assert_eq!((lines.len(), lines[4][..2].join(" ")), (5, "3 symbols,".to_owned()), "{table}");
    let probabilities: Vec<f64> = lines[1..4].iter().filter_map(|line| line[2].parse().ok()).collect();
    assert!(!probabilities.is_empty() && probabilities.is_sorted_by(|a, b| a >= b), "{table}");
    assert!(lines[1..4].iter().all(|line| line[0].starts_with("simulator:")), "{table}");
    assert!(service.terminate().success());
    let (gone, text) = output(&["top", "--url", "http://127.0.0.1:9"], &[]);
    assert!(gone.status.code() == Some(1) && text.contains("does not answer"), "{text}");
}

#[test]
fn a_port_alone_and_a_model_alone_are_enough_for_serve() {
    let directory = tempfile::tempdir().unwrap();
    let model = directory.path().join("mine.sgm");
    std::fs::write(&model, small_model_bytes("mine", -1.5)).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let arguments = ["serve", model.to_str().unwrap(), "--source", "none", "--listen", &port.to_string()];
    let mut child = stormglass(&arguments, &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let started = Instant::now();
    let version = loop {
        match process::get(address, "/version") {
            Some((200, body)) => break body,
            _ => assert!(started.elapsed() < HANG && child.try_wait().unwrap().is_none()),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(version.contains("mine"), "{version}");
    let ended = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(ended.success() && child.wait().unwrap().success());
    let (both, text) = output(&["serve", "a.sgm", "--model", "b.sgm"], &[]);
    assert!(both.status.code() == Some(64) && text.contains("cannot be used with"), "{text}");
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

/// A small model that carries these self-test rows.
fn draft(rows: Vec<f32>) -> ModelDraft {
    let features = vec![FeatureName::new("alpha", 1), FeatureName::new("beta", 2)];
    let info = ModelInfo { horizon_s: 60, tau_bp: 0.4, ..ModelInfo::new("tiny", "7", "ml", features) };
    let term =
        LinearTerm { coefficient: 1.0, low: -10.0, high: 10.0, imputed: 0.0, missing_coefficient: 0.25 };
    let linear = LinearDraft { terms: vec![term; 2], intercept: 0.1 };
    ModelDraft::new(info, vec![(1.0, MemberDraft::Linear(linear))]).unwrap().with_self_test(rows)
}

/// `bytes` with another answer in its self-test, under checksums that hold: what another build would have written.
fn with_another_answer(mut bytes: Vec<u8>, answer: f64) -> Vec<u8> {
    let at =
        bytes.windows(8).rposition(|window| window == answer.to_le_bytes()).expect("the answer is there");
    bytes[at] ^= 1;
    let sections = u32::from_le_bytes(bytes[24..28].try_into().unwrap()) as usize;
    let table_end = 64 + 32 * sections;
    for entry in (64..table_end).step_by(32) {
        let field = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
        let (start, length) = (field(entry + 8), field(entry + 16));
        let checksum = crc32c::crc32c(&bytes[start..start + length]);
        bytes[entry + 24..entry + 28].copy_from_slice(&checksum.to_le_bytes());
    }
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..60]), &bytes[64..table_end]);
    bytes[60..64].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

#[test]
fn verifying_a_model_rescores_the_rows_it_carries() {
    let row = [1.5_f32, -0.25];
    let sound = draft(row.to_vec());
    let answer = sound.predict_raw(&row)[0];
    let bytes = sound.to_bytes().unwrap();
    for (bytes, exit, words) in [
        (bytes.clone(), 0, "sound; 1 self-test rows give the embedded bits"),
        (draft(Vec::new()).to_bytes().unwrap(), 0, "the file carries no self-test rows"),
        (with_another_answer(bytes.clone(), answer), 1, "row 0 gives raw score"),
        (bytes[..bytes.len() - 1].to_vec(), 1, "its header says"),
    ] {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        let (output, text) = output(&["model", "verify", file.path().to_str().unwrap()], &[]);
        assert_eq!(output.status.code(), Some(exit), "{text}");
        assert!(text.contains(words), "{words:?} is not in {text}");
    }
}

/// Name and allowed CPUs of each front thread that runs.
fn front_threads(process: u32) -> Vec<(String, String)> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let mut fronts: Vec<(String, String)> = threads
        .filter_map(|thread| {
            let read = |file: &str| std::fs::read_to_string(thread.as_ref().ok()?.path().join(file)).ok();
            let (name, status) = (read("comm")?, read("status")?);
            let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
            name.starts_with("front-").then(|| (name.trim().to_owned(), allowed.trim().to_owned()))
        })
        .collect();
    fronts.sort();
    fronts
}

#[test]
fn the_front_has_the_threads_and_cpus_that_the_engine_planned() {
    for fronts in [1, 2] {
        let served = Served::start(&[("STORMGLASS__SERVER__FRONT_THREADS", &fronts.to_string())]);
        let request = CpuRequest { shards: None, fronts: Some(fronts), spin: Duration::ZERO };
        let plan = engine::cpu::plan(&sys::allowed_cpus().unwrap(), sys::cpu_quota(), &request);
        let as_planned = |threads: &[(String, String)]| {
            let is_on = |(thread, cpu): (&(String, String), &Option<usize>)| {
                cpu.is_none_or(|cpu| thread.1 == cpu.to_string())
            };
            threads.len() == plan.front_cpus.len() && threads.iter().zip(&plan.front_cpus).all(is_on)
        };
        // A thread names and pins itself when it begins.
        let begun = Instant::now();
        let mut threads = front_threads(served.child.id());
        while !as_planned(&threads) {
            assert!(begun.elapsed() < HANG, "{threads:?} is not {:?}", plan.front_cpus);
            std::thread::yield_now();
            threads = front_threads(served.child.id());
        }
    }
}
