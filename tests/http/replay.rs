//! `stormglass replay` to what is no broker.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use engine::{
    encode::encode,
    recording::{LogRecord, SeriesSettings, SeriesWriter},
    sim::{SimConfig, SimSymbol, Simulator},
};
use tempfile::TempDir;

use crate::support::process::Process;

const LIMIT: Duration = Duration::from_secs(60);

/// Lines of our own shape: a quoted symbol for so many ticks.
fn lines(count: usize) -> Vec<String> {
    let market = SimConfig { symbols: vec![SimSymbol::named("A-USD")], ..SimConfig::default() };
    let line = |(_, tick)| {
        let mut text = String::new();
        encode("coinbase", "A-USD", &tick, &mut text);
        text
    };
    Simulator::new(market).take(count).map(line).collect()
}

fn file(directory: &Path, name: &str, lines: &[String]) -> PathBuf {
    let path = directory.join(name);
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
    path
}

/// Exit code, and what was printed.
fn replay(input: &str, more: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_stormglass"))
        .args(["replay", "--input", input, "--speed", "max"])
        .args(more)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn ticks_are_posted_as_the_rows_that_the_engine_makes_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let input = file(directory.path(), "ticks.ndjson", &lines(3_000));
    let input = input.to_str().unwrap();
    let service = |missing: &str| {
        let service = Process::serve(&["--source", "none"], |command| {
            command.env("STORMGLASS__PREDICT__MISSING", missing);
        });
        service.get_until("/livez", LIMIT, |status, _| status == 200);
        service
    };
    let lenient = service("nan");
    let url = format!("http://{}", lenient.address);
    let (code, out, errors) = replay(input, &["--to", "http", "--url", &url, "--rows-per-request", "100"]);
    assert_eq!(code, Some(0), "{out} {errors}");
    assert!(out.starts_with("3000 ticks, 3000 rows in 30 requests: 30 answered 200; 0 unreadable"), "{out}");
    let (_, metrics) = lenient.get("/metrics").unwrap();
    let answered: f64 = metrics
        .lines()
        .filter(|line| line.starts_with("predictions_total{"))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum();
    assert_eq!(answered, 3_000.0, "the service has scored them all");

    // Features that are still warming have no value: a service that wants all of them says which.
    let strict = service("error");
    let url = format!("http://{}", strict.address);
    let (code, out, errors) = replay(input, &["--to", "http", "--url", &url, "--rows-per-request", "1000"]);
    assert!(code == Some(1) && out.contains("answered 422"), "{out}");
    assert!(errors.contains("first refusal") && errors.contains("lv300_1800"), "{errors}");
    for (url, words) in
        [("https://localhost", "http://"), ("localhost", "http://"), ("http://127.0.0.1:9", "answer")]
    {
        let (code, _, errors) = replay(input, &["--to", "http", "--url", url]);
        assert!(code != Some(0) && errors.contains(words), "{url}: {errors}");
    }
    assert_eq!(replay(input, &["--to", "http"]).0, Some(64), "a URL is needed");
}

#[test]
fn times_without_a_zone_are_read_in_the_zone_that_is_given() {
    let directory = tempfile::tempdir().unwrap();
    let tick = |time: &str| format!(r#"{{"timestamp":"{time}","product_id":"A-USD","price":"1"}}"#);
    let ticks = ["2026-04-04T10:00:00", "2026-04-04T10:00:01Z", "2026-04-04 12:00:02"].map(tick);
    let input = file(directory.path(), "ticks.ndjson", &ticks);
    let times = |more: &[&str]| {
        let (code, out, errors) = replay(input.to_str().unwrap(), &[&["--to", "stdout"], more].concat());
        assert_eq!(code, Some(0), "{errors}");
        let time = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["timestamp"].as_str().unwrap()[11..].to_owned()
        };
        out.lines().map(time).collect::<Vec<_>>()
    };
    assert_eq!(times(&[]), ["10:00:00Z", "10:00:01Z", "12:00:02Z"]);
    assert_eq!(times(&["--assume-tz", "+02:00"]), ["08:00:00Z", "10:00:01Z", "10:00:02Z"]);
    assert_eq!(times(&["--assume-tz", "-05:30"])[0], "15:30:00Z");
    let (code, _, errors) =
        replay(input.to_str().unwrap(), &["--to", "stdout", "--assume-tz", "Europe/Berlin"]);
    assert!(code == Some(64) && errors.contains("+02:00"), "{errors}");
}

/// A recording of these lines as `stormglass record` writes it, on two partitions in turn.
fn recording(lines: &[String]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = SeriesWriter::open(SeriesSettings {
        directory: directory.path().to_owned(),
        topic: "ticks.raw".to_owned(),
        partitions: 2,
        bytes_max: 100_000,
        age_max: LIMIT,
    })
    .unwrap();
    for (i, line) in lines.iter().enumerate() {
        let (partition, offset) = ((i % 2) as u32, (i / 2) as u64);
        let (value, timestamp_ms) = (Some(line.clone().into_bytes()), Some(i as i64));
        writer.write(&LogRecord { partition, offset, timestamp_ms, value, ..LogRecord::default() }).unwrap();
    }
    writer.finish_all().unwrap();
    directory
}

#[test]
fn what_was_recorded_from_a_topic_is_read_like_any_recording_partitions_merged_by_time() {
    let lines = lines(2_000);
    let directory = recording(&lines);
    let pattern = format!("{}/*.gz", directory.path().display());
    let (code, out, errors) = replay(&pattern, &["--to", "stdout"]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(out.lines().eq(lines.iter().map(String::as_str)), "every tick, in the order of their times");
    // A source takes it, too.
    let service = Process::serve(&["--source", &format!("file:{pattern}"), "--speed", "max"], |_| {});
    service.get_until("/symbols", LIMIT, |_, body| body.contains("A-USD"));
}
