//! Records as venues, tools and people write them, through the real binary: read as what they are, or refused by name,
//! and summed up at the end.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use crate::support::process::Process;

const LIMIT: Duration = Duration::from_secs(60);

/// Exit code and output of a command.
pub(super) struct Done {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) errors: String,
}

fn stormglass(arguments: &[&str]) -> Done {
    let output = Command::new(env!("CARGO_BIN_EXE_stormglass")).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code(), out: text(output.stdout), errors: text(output.stderr) }
}

pub(super) fn replayed(input: &Path) -> Done {
    stormglass(&["replay", "--input", input.to_str().unwrap(), "--to", "stdout", "--speed", "max"])
}

fn write(directory: &TempDir, name: &str, content: &str) -> PathBuf {
    let path = directory.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

/// A tick of our own shape in the first hour of a day.
fn tick(second: u32) -> String {
    let (minute, second) = (second / 60, second % 60);
    format!(
        "{{\"timestamp\":\"2026-04-04T03:{minute:02}:{second:02}Z\",\"product_id\":\"BTC-USD\",\"price\":\"67000.5\"}}\n"
    )
}

/// The fields of every tick that was printed.
fn ticks(done: &Done) -> Vec<serde_json::Value> {
    done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_csv_is_read_by_its_header_its_digits_and_its_signs() {
    let directory = tempfile::tempdir().unwrap();
    for (unit, times) in [
        ("seconds", ["1577836800", "1577836801"]),
        ("seconds", ["1577836800.000", "1577836801.250"]),
        ("milliseconds", ["1577836800000", "1577836801000"]),
        ("microseconds", ["1577836800000000", "1577836801000000"]),
        ("nanoseconds", ["1577836800000000000", "1577836801000000000"]),
    ] {
        let lines = times.map(|time| format!("{time},7160.40,0.01\n")).concat();
        let done = replayed(&write(&directory, "kraken_XBTUSD_x.csv", &lines));
        let ticks = ticks(&done);
        assert_eq!((done.code, ticks.len()), (Some(0), 2), "{}", done.errors);
        for tick in &ticks {
            assert!(tick["timestamp"].as_str().unwrap().starts_with("2020-01-01T00:00:0"), "{tick}");
            assert_eq!(tick["venue"], "kraken");
            assert_eq!(tick.get("side"), None, "{tick}");
        }
        for said in
            [&*format!("its times are {unit} since 1970"), "no size has a sign", "2 records read, 2 ticks"]
        {
            assert!(done.errors.contains(said), "{}", done.errors);
        }
    }
    let swapped = "timestamp,amount,price\n1775271600000,0.01,67000.5\n1775271600500,-0.02,67001.5\n";
    let done = replayed(&write(&directory, "swapped_BTC-USD_x.csv", swapped));
    let sides: Vec<_> =
        ticks(&done).iter().map(|tick| (tick["price"].clone(), tick["side"].clone())).collect();
    assert_eq!(sides, [("67000.50000000".into(), "buy".into()), ("67001.50000000".into(), "sell".into())]);
    assert!(
        done.errors.contains("the venue by source.venue, because its name begins with no known venue"),
        "{}",
        done.errors
    );

    let dump = "3354823456,42283.58000000,0.00077000,32.55835660,1704067200000,True,True\n\
                3354823457,42283.59000000,0.00100000,42.28359000,1704067200013,False,True\n";
    let done = replayed(&write(&directory, "BTCUSDT-trades-2024-01-01.csv", dump));
    let read: Vec<_> =
        ticks(&done).iter().map(|tick| (tick["side"].clone(), tick["trade_id"].clone())).collect();
    assert_eq!(read, [("sell".into(), 3_354_823_456_u64.into()), ("buy".into(), 3_354_823_457_u64.into())]);
    assert!(ticks(&done).iter().all(|tick| tick["venue"] == "binance" && tick["product_id"] == "BTCUSDT"));

    let done = replayed(&write(&directory, "x_BTC-USD_y.csv", "timestamp,bid,volume\n1775271600000,1,2\n"));
    assert!(
        done.code == Some(1) && done.errors.contains("columns timestamp, bid, volume"),
        "{}",
        done.errors
    );
    let done = replayed(&write(&directory, "x_BTC-USD_y.csv", "timestamp_ms,price,size\n1577836800,1,2\n"));
    assert!(done.code == Some(1) && done.errors.contains("1 too_early, first at"), "{}", done.errors);
}

/// No trade of an unsigned file is taken for a buy: the tick rule decides, and says how often.
#[test]
fn sides_that_no_sign_tells_are_inferred_and_counted() {
    let directory = tempfile::tempdir().unwrap();
    let line =
        |i: u32| format!("{},{},0.01\n", 1_577_836_800 + i, if i.is_multiple_of(2) { 7_160 } else { 7_161 });
    let input = write(&directory, "kraken_XBTUSD_x.csv", &(0..200).map(line).collect::<String>());
    let output = directory.path().join("rows.parquet");
    let done =
        stormglass(&["features", "--input", input.to_str().unwrap(), "--output", output.to_str().unwrap()]);
    assert_eq!(done.code, Some(0), "{}", done.errors);
    assert!(done.out.contains("rows from 200 ticks"), "{}", done.out);
    // The first trade has nothing to be compared with.
    let inferred = ["200 accepted, 200 sides_inferred", "200 accepted, 199 sides_inferred"];
    assert!(inferred.iter().any(|said| done.errors.contains(said)), "{}", done.errors);
}

#[test]
fn nothing_that_is_not_read_vanishes() {
    let directory = tempfile::tempdir().unwrap();
    let bybit = r#"{"topic":"execution","id":"a","creationTime":1672304486868,"data":[]}"#;
    let refused = r#"{"type":"error","message":"authentication failure"}"#;
    let input =
        write(&directory, "a.ndjson", &[format!("{bybit}\n").repeat(3), format!("{refused}\n")].concat());
    let output = directory.path().join("rows.parquet");
    let input = input.to_str().unwrap();
    let to = ["--output", output.to_str().unwrap()];
    for command in [
        [&["features", "--input", input][..], &to].concat(),
        [&["train", "--input", input][..], &to].concat(),
        vec!["evaluate", "--input", input],
        vec!["replay", "--input", input, "--to", "stdout", "--speed", "max"],
    ] {
        let done = stormglass(&command);
        assert_eq!((done.code, done.out.as_str()), (Some(1), ""), "{command:?}: {}", done.errors);
        for said in [
            "4 records read, 0 ticks; 3 unknown_shape, first at ",
            "a.ndjson:1: the record has no known shape",
            "a Bybit `execution` message",
            "1 venue_error, first at ",
            "a.ndjson:4: the venue reports an error: \"authentication failure\"",
            "no tick came of 4 records",
        ] {
            assert!(done.errors.contains(said), "{command:?}: {} should hold {said:?}", done.errors);
        }
        assert!(done.errors.lines().count() <= 2, "one sum, and the failure: {}", done.errors);
    }
    assert!(!output.exists(), "nothing was made of nothing");
}

#[test]
fn every_pattern_names_a_file_and_files_come_in_their_natural_order() {
    let directory = tempfile::tempdir().unwrap();
    (1..=10).for_each(|part| {
        _ = write(
            &directory,
            &format!("part{part}.ndjson"),
            &(0..40).map(|i| tick(40 * part + i)).collect::<String>(),
        )
    });
    let glob = |pattern: &str| directory.path().join(pattern).to_str().unwrap().to_owned();
    let output = glob("rows.parquet");
    let features = |inputs: &[String]| {
        let inputs = inputs.iter().map(String::as_str);
        stormglass(
            &["features", "--output", &output, "--input"].into_iter().chain(inputs).collect::<Vec<_>>(),
        )
    };
    let done = features(&[glob("part*")]);
    assert!(done.code == Some(0) && done.out.contains("from 400 ticks"), "{} {}", done.out, done.errors);
    assert_eq!(done.errors, "400 records read, 400 ticks; of the ticks 400 accepted, 400 sides_inferred\n");
    let done = features(&[glob("part*"), glob("other*")]);
    assert!(done.code == Some(1) && done.errors.contains("other*\" matches no file"), "{}", done.errors);
    let done = features(&[glob("part10*"), glob("part2*")]);
    assert_eq!(done.code, Some(0), "{}", done.errors);
    for said in [
        "of the ticks 40 accepted, 40 late",
        "part2.ndjson: 40 of its 40 ticks are late, because a file before it is newer",
    ] {
        assert!(done.errors.contains(said), "{}", done.errors);
    }
}

#[test]
fn a_report_holds_the_same_sum() {
    let directory = tempfile::tempdir().unwrap();
    let line = |second: u32| {
        let price = 67_000.0
            + f64::from(second * 7_919 % 101)
            + if second % 1_500 < 200 { f64::from(second % 7) * 40.0 } else { 0.0 };
        format!("{},{price:.1},0.01\n", 1_775_271_600 + second)
    };
    let lines = (0..20_000).map(line).collect::<String>() + "1775271600,1,1\nbroken,1\n";
    let input = write(&directory, "kraken_BTC-USD_x.csv", &lines);
    let report = directory.path().join("report.json");
    let evaluated = stormglass(&[
        "evaluate",
        "--variant",
        "baseline",
        "--folds",
        "2",
        "--draws",
        "20",
        "--warm-up-s",
        "600",
        "--input",
        input.to_str().unwrap(),
        "--json",
        report.to_str().unwrap(),
    ]);
    assert_eq!(evaluated.code, Some(0), "{}", evaluated.errors);
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    let ticks = &report["ticks"];
    assert_eq!((&ticks["records"], &ticks["ticks"]), (&20_002.into(), &20_001.into()), "{ticks}");
    assert_eq!(
        (&ticks["outcomes"]["accepted"], &ticks["outcomes"]["late"]),
        (&20_000.into(), &1.into()),
        "{ticks}"
    );
    assert_eq!(
        ticks["unreadable"]["unknown_header"]["count"]
            .as_u64()
            .or(ticks["unreadable"]["column_count"]["count"].as_u64()),
        Some(1)
    );
    assert!(
        report["data"].as_str().unwrap().starts_with("20000 of 20001 ticks of kraken_BTC-USD_x.csv"),
        "{report}"
    );
}

#[test]
fn the_service_warns_of_what_it_cannot_read_and_sums_up_at_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let lines: String =
        (0..300).map(|i| if i % 3 == 0 { "{\"topic\":1}\n".to_owned() } else { tick(i) }).collect();
    let input = write(
        &directory,
        "mixed.ndjson",
        &(lines + r#"{"channel":"heartbeats","sequence_num":1,"events":[]}"#),
    );
    let service =
        Process::serve(&["--source", &format!("file:{}", input.display()), "--speed", "max"], |_| ());
    // Whoever hears of the end sees all counts.
    let (_, body) = service.get_until("/sources", LIMIT, |_, body| body.contains(r#""state":"finished""#));
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let source = &body["sources"][0];
    assert_eq!(source["ticks"]["accepted"], 200, "{source}");
    let sum = source["sum"].as_str().unwrap();
    assert!(sum.starts_with("301 records read, 200 ticks; 100 unknown_shape, first at "), "{sum}");
    assert!(sum.contains("1 without a tick (heartbeat)") && sum.contains("200 accepted"), "{sum}");
    let (_, metrics) = service.get("/metrics").unwrap();
    assert!(metrics.contains("stormglass_records_without_tick_total{kind=\"heartbeat\"} 1\n"), "{metrics}");
    assert!(metrics.contains("stormglass_unreadable_total{reason=\"unknown_shape\"} 100\n"));
    let warned: Vec<String> =
        service.log_lines().into_iter().filter(|line| line.contains("a record cannot be read")).collect();
    assert_eq!(warned.len(), 1, "the first, and no line for each: {warned:?}");
    for said in
        ["\"level\":\"WARN\"", "mixed.ndjson:1", "unknown_shape", "an object with the keys topic; no `price`"]
    {
        assert!(warned[0].contains(said), "{warned:?} should hold {said}");
    }
}

#[test]
fn a_service_that_can_read_nothing_says_so_with_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let input = write(&directory, "foreign.ndjson", &"{\"topic\":1}\n".repeat(7));
    let service =
        Process::serve(&["--source", &format!("file:{}", input.display()), "--speed", "max"], |_| ());
    service.get_until("/sources", LIMIT, |_, body| body.contains(r#""state":"finished""#));
    let (code, body) = service.get("/health").unwrap();
    let health: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((code, &health["status"]), (200, &"degraded".into()), "{health}");
    assert_eq!(health["feed"]["state"], "all_unreadable", "{health}");
    assert!(body.contains("all records are unreadable: unknown_shape (7 of 7)"), "{health}");
    let empty = write(&directory, "empty.ndjson", "");
    let service =
        Process::serve(&["--source", &format!("file:{}", empty.display()), "--speed", "max"], |_| ());
    service.get_until("/sources", LIMIT, |_, body| body.contains(r#""state":"finished""#));
    let (_, body) = service.get("/health").unwrap();
    assert!(body.contains("no tick has ever come from the source file"), "{body}");
    assert!(body.contains(r#""state":"no_tick_yet""#), "{body}");
}

/// Both channels of Coinbase Exchange tell of every trade: it counts once.
#[test]
fn a_trade_that_two_channels_tell_of_is_taken_once() {
    let directory = tempfile::tempdir().unwrap();
    let both = |i: u32| {
        let common = format!(
            r#""product_id":"BTC-USD","trade_id":{},"price":"67000.5","time":"2026-04-04T03:00:{:02}.5Z""#,
            100 + i,
            i
        );
        format!(
            "{{\"type\":\"match\",\"side\":\"sell\",\"size\":\"0.5\",{common}}}\n{{\"type\":\"ticker\",\"side\":\"buy\",\"last_size\":\"0.5\",{common}}}\n"
        )
    };
    let input = write(&directory, "both.ndjson", &(0..50).map(both).collect::<String>());
    let output = directory.path().join("rows.parquet");
    let done =
        stormglass(&["features", "--input", input.to_str().unwrap(), "--output", output.to_str().unwrap()]);
    assert_eq!(done.errors, "100 records read, 100 ticks; of the ticks 50 accepted, 50 repeated\n");
}

#[test]
fn a_lone_price_a_hundred_times_too_high_is_held_and_said() {
    let directory = tempfile::tempdir().unwrap();
    let wrong = tick(200).replace("67000.5", "6700050");
    let lines: String =
        (0..400).map(|second| if second == 200 { wrong.clone() } else { tick(second) }).collect();
    let input = write(&directory, "ticks.ndjson", &lines);
    let (input, output) = (input.to_str().unwrap(), directory.path().join("rows.parquet"));
    let features = |more: &[&str]| {
        let output = output.to_str().unwrap();
        stormglass(&[&["features", "--input", input, "--output", output], more].concat())
    };
    let done = features(&[]);
    let sum = "400 records read, 400 ticks; of the ticks 399 accepted, 1 outlier, 399 sides_inferred";
    assert!(done.errors.starts_with(sum), "{}", done.errors);
    assert!(replayed(Path::new(input)).out.contains("6700050"), "a replay hands on what was recorded");
}

#[test]
fn a_price_is_printed_as_the_venue_wrote_it() {
    let directory = tempfile::tempdir().unwrap();
    let line = |second, price: &str, size: &str| {
        tick(second).replace("67000.5\"", &format!("{price}\",\"last_size\":\"{size}\""))
    };
    let lines = [line(0, "0.0000008712", "1000000000000"), line(1, "0.000000000087", "0.5")].concat();
    let found = ticks(&replayed(&write(&directory, "ticks.ndjson", &lines)));
    let of = |i: usize, name: &str| found[i][name].as_str().unwrap().trim_end_matches('0').to_owned();
    assert_eq!([of(0, "price"), of(1, "price")], ["0.0000008712", "0.000000000087"]);
    assert_eq!(found[0]["last_size"], "1000000000000");
}

#[test]
fn a_pipe_with_a_name_is_replayed_once_and_whole() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("ticks.ndjson");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let content: String = (0..40).map(tick).collect();
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::write(pipe, content)
    });
    // If the pipe is opened twice, the second time nobody writes to it.
    let output = Command::new("timeout")
        .args([
            "60",
            env!("CARGO_BIN_EXE_stormglass"),
            "replay",
            "--to",
            "stdout",
            "--speed",
            "max",
            "--input",
        ])
        .arg(&pipe)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.as_str()), (Some(0), "40 records read, 40 ticks\n"));
    assert_eq!(output.stdout.iter().filter(|&&byte| byte == b'\n').count(), 40);
    writer.join().unwrap().unwrap();
}
