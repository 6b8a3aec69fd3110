//! Commands of documents, run. A document is a session: its `sh` blocks run in order, each in a shell of its own as in a new
//! terminal, in one scratch folder beside a service on simulated prices. `stormglass serve` takes that service's place.
//!
//! Three programs are stood in for: `stormglass` is the binary under test and `serve` returns once it is ready; `cargo run
//! --release --` is `stormglass`; `curl` fails on an answer of 4xx or 5xx. `localhost:8000` is where the service listens.

use std::{fs, io::Write, net::TcpListener, os::unix::fs::PermissionsExt, path::Path, process::Command};

use api::shipped;
use engine::{
    encode::encode,
    sim::{SimConfig, Simulator},
};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde_json::{Map, Value, json};

use super::markdown::{Document, guides, root};
use crate::support::process::Process;

/// Hours of simulated ticks in `ticks/`: enough to learn from.
const HOURS: i64 = 6;

const STORMGLASS: &str = r#"#!/bin/bash
arguments=("${@//localhost:8000/$ADDRESS}")
[ "$1" = serve ] || exec "$BINARY" "${arguments[@]}"
"$SESSION/bin/stop" || exit 1
setsid "$BINARY" "${arguments[@]}" >"$SESSION/log" 2>&1 </dev/null &
echo $! >"$SESSION/process"
for _ in $(seq 400); do
    "$BINARY" healthcheck --address "$ADDRESS" >/dev/null 2>&1 && exit 0
    kill -0 "$(cat "$SESSION/process")" || break
    sleep 0.1
done
echo "the service does not get ready" >&2
tail -n 5 "$SESSION/log" >&2
kill -0 "$(cat "$SESSION/process")" 2>/dev/null || rm "$SESSION/process"
exit 1
"#;

const STOP: &str = r#"#!/bin/bash
[ -f "$SESSION/process" ] || exit 0
process=$(cat "$SESSION/process")
rm "$SESSION/process"
kill -TERM "$process" || exit 1
for _ in $(seq 300); do
    kill -0 "$process" 2>/dev/null || exit 0
    sleep 0.1
done
echo "the service does not end" >&2
exit 1
"#;

const CARGO: &str = r#"#!/bin/bash
[ "$1 $2 $3" = "run --release --" ] || { echo "cargo $*: not in a session" >&2; exit 99; }
shift 3
exec stormglass "$@"
"#;

const CURL: &str = r#"#!/bin/bash
PATH="${PATH#*:}"
arguments=("${@//localhost:8000/$ADDRESS}")
[[ " $* " = *" -f "* ]] || arguments+=(--fail-with-body)
[ "$1" = -N ] || exec curl -sS --max-time 20 "${arguments[@]}"
# A stream has no end; something of it must come.
answer=$(curl -sS --max-time 3 "${arguments[@]}")
[ $? = 28 ] && [ -n "$answer" ]
"#;

struct Session {
    folder: tempfile::TempDir,
    address: String,
}

impl Session {
    fn start() -> Self {
        // A free port, taken and given back: the service binds it a moment later.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let session = Self { folder: tempfile::tempdir().unwrap(), address };
        let at = |name: &str| session.folder.path().join(name);
        for folder in ["bin", "ticks"] {
            fs::create_dir(at(folder)).unwrap();
        }
        for (name, text) in [("stormglass", STORMGLASS), ("stop", STOP), ("cargo", CARGO), ("curl", CURL)] {
            let path = at("bin").join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        ticks(&at("ticks/simulated.ndjson.gz"));
        rows(session.folder.path());
        fs::copy(root().join("model/shipped/baseline.sgm"), at("mine.sgm")).unwrap();
        fs::write(at("model.json"), unpacked("tests/golden/models/xgb_bin_100x6.json.gz")).unwrap();
        for day in ["20180101", "20180102", "20180103"] {
            packed(&at(&format!("{day}.csv.gz")), &day_of_bitmex(day));
        }
        session
    }

    fn run(&self, script: &str) -> Result<String, String> {
        let at = |name: &str| self.folder.path().join(name);
        let path = format!("{}:{}", at("bin").display(), std::env::var("PATH").unwrap());
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", script])
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", path)
            .env("SESSION", self.folder.path())
            .env("BINARY", env!("CARGO_BIN_EXE_stormglass"))
            .env("ADDRESS", &self.address)
            .env("STORMGLASS__SERVER__LISTEN", &self.address)
            // Nobody has to notice here that a service leaves.
            .env("STORMGLASS__SERVER__SHUTDOWN_GRACE_S", "0")
            .output()
            .unwrap();
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        // A reader like `head` may close a pipe before its writer is done: SIGPIPE.
        if output.status.success() || output.status.code() == Some(141) { Ok(said) } else { Err(said) }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let stopped = self.run("\"$SESSION/bin/stop\"");
        if !std::thread::panicking() {
            stopped.unwrap();
        }
    }
}

fn unpacked(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    std::io::copy(&mut GzDecoder::new(fs::File::open(root().join(name)).unwrap()), &mut bytes).unwrap();
    bytes
}

fn packed(path: &Path, text: &str) {
    let mut file = GzEncoder::new(fs::File::create(path).unwrap(), Compression::fast());
    file.write_all(text.as_bytes()).unwrap();
    file.finish().unwrap();
}

fn ticks(path: &Path) {
    let market = SimConfig::default();
    let end_s = market.start.second() + HOURS * 3_600;
    let products: Vec<String> = market.symbols.iter().map(|symbol| symbol.product.clone()).collect();
    let (mut text, mut line) = (String::new(), String::new());
    for (symbol, tick) in Simulator::new(market).take_while(|(_, tick)| tick.event_time.second() < end_s) {
        encode("coinbase", &products[symbol], &tick, &mut line);
        text.push_str(&line);
        text.push('\n');
    }
    packed(path, &text);
}

/// Rows for the shipped model, and for the model of XGBoost.
fn rows(folder: &Path) {
    let model = shipped::model(shipped::DEFAULT_VARIANT).unwrap().unwrap();
    let row: Map<String, Value> =
        model.info().features.iter().map(|name| (name.to_string(), json!(0.1))).collect();
    for (name, body) in [
        ("rows.json", json!({"rows": [row, row]})),
        ("explain.json", json!({"rows": [row], "explain": true})),
        ("frame.json", json!({"dataframe_records": [row]})),
    ] {
        fs::write(folder.join(name), body.to_string()).unwrap();
    }
    let inputs = String::from_utf8(unpacked("tests/golden/inputs.csv.gz")).unwrap();
    let first: Vec<&str> = inputs.lines().take(5).collect();
    fs::write(folder.join("rows.csv"), first.join("\n")).unwrap();
}

/// A day of trades in the form of BitMEX's public archive.
fn day_of_bitmex(day: &str) -> String {
    let date = format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..]);
    let mut text =
        "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional\n"
            .to_owned();
    for second in 0..50 {
        let side = if second % 3 == 0 { "Sell" } else { "Buy" };
        for symbol in ["XBTUSD", "ETHH18"] {
            text.push_str(&format!(
                "{date}D00:00:{second:02}.029000000,{symbol},{side},100,13924.5,PlusTick,x,1,0.1,100\n"
            ));
        }
    }
    text
}

/// Runs what a document shows.
fn hold(name: &str) {
    let document = Document::read(name);
    let session = Session::start();
    session.run("stormglass serve").unwrap_or_else(|said| panic!("the session's own service: {said}"));
    let mut count = 0;
    for block in document.blocks().iter().filter(|block| block.kind == "sh") {
        count += 1;
        if let Err(said) = session.run(&block.text) {
            panic!("{name}:{}:\n{}\n{said}", block.line, block.text);
        }
    }
    println!("{name}: {count} blocks");
    assert!(count > 0, "{name} has no block that runs");
}

/// Documents with blocks that run, one test each.
macro_rules! sessions {
    ($($test:ident: $name:literal,)*) => {
        $(#[test] fn $test() { hold($name); })*
        const SESSIONS: &[&str] = &[$($name),*];
    };
}

sessions! {
    the_commands_of_the_readme_run: "README.md",
    the_commands_of_the_runbook_run: "RUNBOOK.md",
    the_commands_about_capacity_run: "docs/capacity.md",
    the_commands_about_changing_the_model_run: "docs/changing-the-model.md",
    the_commands_about_configuration_run: "docs/configuration.md",
    the_commands_about_data_run: "docs/data.md",
    the_commands_about_learning_run: "docs/learning.md",
    the_commands_about_metrics_run: "docs/metrics.md",
    the_commands_about_models_run: "docs/models.md",
    the_commands_about_protocols_run: "docs/protocols.md",
    the_commands_about_quality_and_drift_run: "docs/quality-and-drift.md",
    the_commands_about_ticks_run: "docs/ticks.md",
}

#[test]
fn every_document_with_commands_that_run_is_run() {
    for document in guides() {
        let runs = document.blocks().iter().any(|block| block.kind == "sh");
        assert_eq!(runs, SESSIONS.contains(&document.name.as_str()), "{}", document.name);
    }
}

#[test]
fn a_command_that_breaks_is_noticed() {
    let session = Session::start();
    session
        .run("cargo run --release -- serve --source simulator\ncurl localhost:8000/predict/BTC-USD")
        .unwrap();
    for broken in [
        "curl localhost:8000/predict/NO-SUCH-SYMBOL",
        "curl localhost:8000/predict -d '{}'",
        "stormglass model inspect none.sgm | cat",
        "stormglass serve --source 'file:none/*'",
        "cargo install --path api",
        "false; true",
    ] {
        assert!(session.run(broken).is_err(), "{broken}");
    }
}

/// The fields of an object, those of objects inside it too.
fn fields(value: &Value, prefix: &str, found: &mut Vec<String>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        found.push(format!("{prefix}{key}"));
        fields(value, &format!("{prefix}{key}."), found);
    }
}

#[test]
fn the_answer_in_the_readme_is_one_and_each_of_its_fields_is_explained() {
    let readme = Document::read("README.md");
    let block = readme.blocks().into_iter().find(|block| block.kind == "json").unwrap();
    let shown: Value = serde_json::from_str(&block.text).unwrap();
    let service = Process::serve(&["--source", "simulator"], |_| ());
    let is_answer = |status, body: &str| status == 200 && body.contains(r#""status":"ok""#);
    let limit = std::time::Duration::from_secs(60);
    let (_, answer) = service.get_until("/predict/BTC-USD", limit, is_answer);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    fields(&shown, "", &mut ours);
    fields(&answer, "", &mut theirs);
    assert_eq!(ours, theirs);
    let explained: Vec<String> = readme.code().into_iter().map(|(_, word)| word).collect();
    for field in shown.as_object().unwrap().keys() {
        assert!(explained.contains(field), "README.md does not explain {field}");
    }
}

#[test]
fn every_configuration_in_a_document_is_accepted() {
    let mut count = 0;
    for document in guides() {
        for block in document.blocks().into_iter().filter(|block| block.kind == "toml") {
            count += 1;
            let file = tempfile::NamedTempFile::new().unwrap();
            fs::write(file.path(), &block.text).unwrap();
            let shown = Command::new(env!("CARGO_BIN_EXE_stormglass"))
                .env_clear()
                .env("KAFKA_PASSWORD", "secret")
                .args([Path::new("config"), Path::new("show"), Path::new("--config"), file.path()])
                .output()
                .unwrap();
            assert!(shown.status.success(), "{}:{}: {shown:?}", document.name, block.line);
        }
    }
    assert!(count > 0);
}
