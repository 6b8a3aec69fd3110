//! Disks without room: told before the write that matters fails, and while it does.

use std::{
    process::{Command, Output},
    time::{Duration, Instant},
};

use engine::recording::{LogRecord, SeriesSettings, SeriesWriter};
use serde_json::Value;

use crate::support::{
    client::{Connection, HANG},
    full_disk::FullDisk,
    process::Process,
};

/// The service looks at its disks every ten seconds.
const NOTICED: Duration = Duration::from_secs(60);
const TOKEN: &str = "a-token-of-a-test";

fn doctor(variables: &[(&str, &str)]) -> (Output, Vec<Value>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stormglass"));
    command.env_clear().args(["doctor", "--json"]).envs(variables.iter().copied());
    let output = command.env("STORMGLASS__SERVER__LISTEN", "127.0.0.1:0").output().unwrap();
    let findings = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output, findings)
}

fn of<'a>(findings: &'a [Value], check: &str) -> Vec<&'a Value> {
    findings.iter().filter(|finding| finding["check"] == check).collect()
}

#[test]
fn a_doctor_writes_where_it_says_that_can_be_written() {
    let disk = FullDisk::new();
    let (directory, record) = (disk.path(), disk.path().join("active.json"));
    let variables = [
        ("STORMGLASS__KAFKA__STATE_DIRECTORY", directory.to_str().unwrap()),
        ("STORMGLASS__MODEL__RECORD", record.to_str().unwrap()),
    ];
    let (_, findings) = doctor(&variables);
    for check in ["state directory", "model changes"] {
        let found = of(&findings, check)[0];
        let what = found["what"].as_str().unwrap();
        assert_eq!(found["outcome"], "warning", "{found}");
        assert!(what.contains("cannot be written") && what.contains(disk.refusal()), "{found}");
    }
    if disk.is_disk() {
        // A file fits again, and not much more.
        disk.free();
        let (_, findings) = doctor(&variables);
        for check in ["state directory", "model changes"] {
            let found = of(&findings, check)[0];
            assert_eq!(found["outcome"], "warning", "{found}");
            assert!(found["what"].as_str().unwrap().contains("has 0 MiB left"), "{found}");
        }
        assert_eq!(disk.names(), Vec::<String>::new(), "what was tried is removed");
    }
    let roomy = tempfile::tempdir().unwrap();
    let path = roomy.path().join("made/when/needed");
    let (_, findings) = doctor(&[("STORMGLASS__KAFKA__STATE_DIRECTORY", path.to_str().unwrap())]);
    let found = of(&findings, "state directory")[0];
    assert_eq!(found["outcome"], "ok", "{found}");
    assert!(found["what"].as_str().unwrap().contains("can be written: "), "{found}");
    assert_eq!(std::fs::read_dir(roomy.path()).unwrap().count(), 0);
}

fn health(service: &Process) -> Value {
    serde_json::from_str(&service.get("/health").unwrap().1).unwrap()
}

fn failing(service: &Process, key: &str) -> f64 {
    let (_, metrics) = service.get("/metrics").unwrap();
    let series = format!("stormglass_file_writes_failing{{files=\"{key}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&series)).unwrap().parse().unwrap()
}

#[test]
fn a_record_without_room_is_in_health_and_metrics_before_a_change_is_refused_and_until_there_is_room() {
    let disk = FullDisk::new();
    let record = disk.path().join("active.json");
    let service = Process::serve(&["--source", "simulator"], |command| {
        command.env("STORMGLASS__MODEL__RECORD", &record).env("STORMGLASS__SERVER__ADMIN_TOKEN", TOKEN);
    });
    let told = |_: u16, body: &str| body.contains("model.record cannot be written: ");
    let (_, body) = service.get_until("/health", NOTICED, told);
    assert!(body.contains(record.to_str().unwrap()) && body.contains(disk.refusal()), "{body}");
    assert_eq!(health(&service)["status"], "degraded");
    assert_eq!((failing(&service, "model.record"), failing(&service, "kafka.state_directory")), (1.0, 0.0));
    let mut connection = Connection::open(service.address);
    // Whatever the prices of today are: it is the record that is in the way, not the trial on recent rows.
    let body = r#"{"max_flip_rate":1}"#;
    let head =
        format!("host: x\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    connection.send(format!("POST /models/baseline/activate HTTP/1.1\r\n{head}").as_bytes());
    let answer = connection.read();
    assert!(answer.status == 503 && answer.text().contains("nothing was changed"), "{}", answer.text());
    if disk.is_disk() {
        disk.free();
        service.get_until("/health", service.started.elapsed() + NOTICED, |_, body| {
            !body.contains("model.record")
        });
        assert_eq!(failing(&service, "model.record"), 0.0);
        // The folder of the copies, in which nothing half-written is left.
        assert_eq!(disk.names(), ["active.json.d"]);
        assert_eq!(std::fs::read_dir(disk.path().join("active.json.d")).unwrap().count(), 0);
    }
}

#[cfg(feature = "kafka")]
#[test]
fn a_state_directory_without_room_is_in_health_and_metrics() {
    let disk = FullDisk::new();
    let broker = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let service = Process::serve(&["--source", "kafka"], |command| {
        command.env("KAFKA_BOOTSTRAP_SERVERS", broker).env("STORMGLASS__KAFKA__STATE_DIRECTORY", disk.path());
    });
    let told = |_: u16, body: &str| body.contains("kafka.state_directory cannot be written: ");
    let (_, body) = service.get_until("/health", NOTICED, told);
    assert!(body.contains(disk.refusal()), "{body}");
    assert_eq!(failing(&service, "kafka.state_directory"), 1.0);
    let begun = Instant::now();
    let mut log = Vec::new();
    while !log.iter().any(|line: &String| line.contains("state cannot be kept in files")) {
        assert!(begun.elapsed() < HANG, "{log:#?}");
        log.extend(service.log_lines());
        std::thread::yield_now();
    }
}

#[test]
fn a_recording_that_finds_no_room_leaves_no_unfinished_file() {
    let disk = FullDisk::empty();
    let settings = SeriesSettings {
        directory: disk.path(),
        topic: "ticks.raw".to_owned(),
        partitions: 2,
        bytes_max: 64 << 10,
        age_max: Duration::from_secs(3_600),
    };
    if !disk.is_disk() {
        assert!(SeriesWriter::open(settings).is_err());
        return;
    }
    let mut writer = SeriesWriter::open(settings.clone()).unwrap();
    let mut noise = 88_172_645_463_325_252_u64;
    let mut value = || {
        // Bytes that do not pack.
        let bytes = (0..128).flat_map(|_| {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            noise.to_le_bytes()
        });
        bytes.collect::<Vec<u8>>()
    };
    let mut offset = 0;
    let error = loop {
        let record =
            LogRecord { partition: offset as u32 % 2, offset, value: Some(value()), ..LogRecord::default() };
        match writer.write(&record) {
            Ok(()) => offset += 1,
            Err(error) => break error.to_string(),
        }
        assert!(offset < 10_000, "256 KiB hold {offset} KiB of noise");
    };
    assert!(error.contains("ticks.raw.p000") && error.contains("No space left on device"), "{error}");
    drop(writer);
    let names = disk.names();
    assert!(names.iter().all(|name| !name.ends_with(".tmp")), "{names:?}");
    assert!(names.iter().any(|name| name.ends_with(".ndjson.gz")), "what was finished stays: {names:?}");
    assert!(SeriesWriter::open(settings).unwrap().next(0).is_some());
}
