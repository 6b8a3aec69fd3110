//! `stormglass record`: what a source brings is kept in files that are read back as the same ticks.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

fn stormglass(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_stormglass")).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The ticks of files as `replay` prints them.
fn ticks(glob: &str) -> String {
    let (code, out, errors) = stormglass(&["replay", "--input", glob, "--to", "stdout", "--speed", "max"]);
    assert_eq!(code, Some(0), "{errors}");
    out
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn records_are_kept_as_they_came_and_lines_of_csv_as_ticks() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let heartbeat = r#"{"channel":"heartbeats","timestamp":"2026-04-04T03:00:00Z","sequence_num":0}"#;
    let record = |i: u32| {
        let (minute, second) = (i / 60, i % 60);
        format!(
            r#"{{"time":"2026-04-04T03:{minute:02}:{second:02}Z","symbol":"BTC-USD","price":{}.50}}"#,
            67_000 + i % 7
        )
    };
    let lines: Vec<String> = std::iter::once(heartbeat.to_owned()).chain((0..600).map(record)).collect();
    std::fs::write(path("in.ndjson"), lines.join("\n")).unwrap();
    let csv: String = (0..600).map(|i| format!("{},7160.{i},0.01\n", 1_577_836_800 + i)).collect();
    std::fs::write(path("kraken_XBTUSD_x.csv"), csv).unwrap();
    let record = |input: &str, output: &str, more: &[&str]| {
        let source = format!("file:{}", path(input));
        let arguments = ["record", "--source", &source, "--speed", "max", "--output", output];
        stormglass(&[&arguments, more].concat())
    };

    let (code, out, errors) = record("in.ndjson", &path("json"), &["--name", "ticks_BTCUSD"]);
    assert!(code == Some(0) && out.starts_with("601 records in 1 files"), "{out} {errors}");
    assert!(errors.contains("601 records read, 600 ticks"), "{errors}");
    let kept = files(&directory.path().join("json"));
    let name = kept[0].file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("ticks_BTCUSD_20") && name.ends_with(".ndjson") && name.len() == 35, "{name}");
    assert_eq!(std::fs::read_to_string(&kept[0]).unwrap(), lines.join("\n") + "\n");
    assert_eq!(ticks(&path("json/*")), ticks(&path("in.ndjson")));

    let (code, out, errors) = record("kraken_XBTUSD_x.csv", &path("csv"), &["--compress", "zstd"]);
    assert!(code == Some(0) && out.starts_with("600 records in 1 files"), "{out} {errors}");
    let kept = files(&directory.path().join("csv"));
    assert!(kept.len() == 1 && kept[0].to_str().unwrap().ends_with(".ndjson.zst"), "{kept:?}");
    assert_eq!(ticks(&path("csv/*")), ticks(&path("kraken_XBTUSD_x.csv")));

    // What a setting says is in the recording, which needs the setting no more.
    let (code, out, errors) = record("in.ndjson", &path("named"), &["--venue", "myvenue"]);
    assert!(code == Some(0) && out.starts_with("600 records in 1 files"), "{out} {errors}");
    assert!(ticks(&path("named/*")).lines().all(|tick| tick.contains(r#""venue":"myvenue""#)));
    // Ticks that are put into order are kept in that order, each once.
    let mut turned = lines.clone();
    turned[1..].chunks_mut(2).for_each(<[String]>::reverse);
    std::fs::write(path("turned.ndjson"), turned.join("\n")).unwrap();
    std::fs::write(path("order.toml"), "[source]\nreorder_ms = 2000\n").unwrap();
    let (code, out, errors) = record("turned.ndjson", &path("ordered"), &["--config", &path("order.toml")]);
    assert!(code == Some(0) && out.starts_with("600 records in 1 files"), "{out} {errors}");
    assert_eq!(ticks(&path("ordered/*")), ticks(&path("in.ndjson")));
}

#[test]
fn a_signal_ends_a_recording_with_a_whole_file() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().to_str().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_stormglass"))
        .args(["record", "--source", "simulator", "--speed", "100", "--flush-s", "1", "--output", output])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    // The history is written as soon as it is there.
    while !files(directory.path()).iter().any(|file| file.metadata().is_ok_and(|file| file.len() > 100_000)) {
        assert!(started.elapsed() < Duration::from_secs(60) && child.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(files(directory.path())[0].to_str().unwrap().ends_with(".ndjson.part"));
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let kept = files(directory.path());
    assert!(kept.len() == 1 && kept[0].to_str().unwrap().ends_with(".ndjson"), "{kept:?}");
    let content = std::fs::read_to_string(&kept[0]).unwrap();
    let lines = content.lines().count();
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(content.ends_with("}\n") && said.starts_with(&format!("{lines} records in 1 files")), "{said}");
    // They are simulated, and stay so.
    assert!(content.lines().all(|line| line.contains(r#""venue":"simulator""#)));
}

#[test]
fn what_cannot_be_recorded_is_refused_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().to_str().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let kafka = ["--bootstrap-servers", "127.0.0.1:1"];
    for (arguments, code, said) in [
        (&["--source", "simulator"][..], 64, "--output"),
        (&["--source", "none", "--output", output], 64, "name a source"),
        (&[&["--source", "simulator", "--to", "kafka"], &kafka[..]].concat(), 64, "--allow-simulated"),
        (&["--source", "simulator", "--output", output, "--follow"], 64, "--follow"),
        (&["--source", "simulator", "--output", file.to_str().unwrap()], 1, file.to_str().unwrap()),
        (&["--source", "file:/nowhere/*", "--output", output], 64, "matches no file"),
    ] {
        let (found, _, errors) = stormglass(&[&["record"], arguments].concat());
        assert!(found == Some(code) && errors.contains(said), "{arguments:?}: {found:?} {errors}");
    }
    assert_eq!(files(directory.path()), [file], "no empty file stays");
}
