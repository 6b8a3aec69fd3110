//! The commands beside the engine: verify, record and replay, rekey, the dead letters.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use engine::{
    decode::{DecodeOptions, Decoded, decode},
    symbol::default_partition,
};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::AdminOptions,
    message::{Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer},
};
use tempfile::TempDir;

use super::{
    broker,
    market::{Record, records},
    reader,
    world::{World, block_on},
};
use crate::support::fixtures::small_model_bytes;

/// Exit code and output of a command.
pub(super) struct Said {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) errors: String,
}

impl Said {
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{} {}", self.out, self.errors))
    }
}

pub(super) fn stormglass(world: &World, arguments: &[&str]) -> Said {
    stormglass_with(world, arguments, &[])
}

pub(super) fn stormglass_with(world: &World, arguments: &[&str], settings: &[(&str, &str)]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_stormglass"))
        .args(arguments)
        .envs(settings.iter().map(|(key, value)| (format!("STORMGLASS__{key}"), value)))
        .env("KAFKA_BOOTSTRAP_SERVERS", broker::servers())
        .envs(world.topics())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), errors: text(output.stderr) }
}

pub(super) fn succeeds(world: &World, arguments: &[&str]) -> Said {
    let said = stormglass(world, arguments);
    assert_eq!(said.code, Some(0), "{arguments:?}: {} {}", said.out, said.errors);
    said
}

/// An engine that scores what is fed, killed on the way.
fn score(world: &World, seed: u64, total: usize) {
    score_with(world, seed, total, &[]);
}

fn score_with(world: &World, seed: u64, total: usize, settings: &[(&str, &str)]) {
    let feed = world.feed(records(seed, total), total as f64 / 3.0);
    let engine = world.engine("a", settings);
    let deadline = Instant::now() + Duration::from_secs(60);
    let committed =
        || reader::committed(world.group(), &world.topic("ticks")).iter().map(|&o| o.max(0)).sum::<i64>();
    while committed() < (total / 4) as i64 {
        assert!(Instant::now() < deadline, "the engine commits nothing: {:#?}", engine.log_lines());
        // Paces the questions; what is waited for is the answer.
        std::thread::sleep(Duration::from_millis(10));
    }
    engine.signal("KILL");
    drop(engine);
    let engine = world.engine("a", settings);
    feed.join();
    world.await_all(&[&engine]);
    engine.signal("TERM");
    let (status, log) = engine.wait_with_log();
    assert!(status.success(), "{status}: {log:#?}");
}

/// Records a topic to a directory, and gives the pattern of its files.
fn record(world: &World, topic: &str, directory: &Path) -> String {
    let output = directory.to_str().unwrap();
    succeeds(world, &["record", "--source", "kafka", "--topic", topic, "--output", output]);
    format!("{output}/{topic}.*.gz")
}

/// The newest finished file of a partition.
fn file_of(directory: &Path, topic: &str, partition: u32) -> PathBuf {
    let begin = format!("{topic}.p{partition:04}.");
    let paths = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(&begin)).max().unwrap()
}

/// Rewrites a file's lines.
fn edit(path: &Path, change: impl FnOnce(&mut Vec<String>)) {
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    change(&mut lines);
    let mut packed = GzEncoder::new(std::fs::File::create(path).unwrap(), Compression::fast());
    packed.write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
    packed.finish().unwrap();
}

pub(super) fn models() -> TempDir {
    let models = tempfile::tempdir().unwrap();
    std::fs::write(models.path().join("small.sgm"), small_model_bytes("small", -1.5)).unwrap();
    std::fs::write(models.path().join("notes.txt"), "no model").unwrap();
    models
}

#[test]
fn what_engines_wrote_over_a_crash_is_verified_and_one_changed_byte_is_named() {
    let world = World::new("verify");
    score(&world, 41, 6_000);
    let predictions = world.predictions();
    let models = models();
    let models = models.path().to_str().unwrap();
    let of_topics = succeeds(&world, &["verify", "--models", models, "--json"]).json();
    assert_eq!(of_topics["verified"], predictions.len());
    assert_eq!(of_topics["tick_records"], 6_000);
    println!("verified {} of {} predictions over a kill -9", of_topics["verified"], predictions.len());

    let directory = tempfile::tempdir().unwrap();
    let (ticks_topic, predictions_topic) = (world.topic("ticks"), world.topic("predictions"));
    let given = record(&world, &predictions_topic, directory.path());
    let ticks = record(&world, &ticks_topic, directory.path());
    let verify = |more: &[&str]| {
        let arguments = ["verify", "--models", models, "--predictions", &given, "--ticks", &ticks];
        stormglass(&world, &[&arguments, more].concat())
    };
    let sound = verify(&[]);
    assert_eq!(sound.code, Some(0), "{} {}", sound.out, sound.errors);
    assert!(sound.out.contains(&format!("verified         {}\n", predictions.len())), "{}", sound.out);
    let without_model = stormglass(&world, &["verify", "--predictions", &given, "--ticks", &ticks]);
    assert_eq!(without_model.code, Some(1));
    assert!(without_model.out.contains("their model is not in --models"), "{}", without_model.out);

    // One digit of one prediction.
    let path = file_of(directory.path(), &predictions_topic, 2);
    let mut changed = String::new();
    edit(&path, |lines| {
        let (i, at) = lines
            .iter()
            .enumerate()
            .skip(500)
            .find_map(|(i, line)| Some((i, line.find(r#"\"probability\":0."#)? + 19)))
            .unwrap();
        let line: serde_json::Value = serde_json::from_str(&lines[i]).unwrap();
        changed = line["headers"][0]["value"].as_str().unwrap().to_owned();
        let digit = lines[i].as_bytes()[at];
        lines[i].replace_range(at..=at, if digit == b'7' { "3" } else { "7" });
    });
    let report = verify(&["--json"]);
    assert_eq!(report.code, Some(1));
    let body = report.json();
    let first = &body["first_difference"];
    let place = format!("{}:{}:{}", first["partition"], first["offset"], first["index"]);
    assert_eq!((place.as_str(), first["field"].as_str()), (changed.as_str(), Some("probability")));
    assert_eq!((&body["differing"], &body["missing"]), (&1.into(), &0.into()));
    assert!(report.errors.contains("differing at partition 2"), "{}", report.errors);

    // That prediction gone; then one of its symbol's ticks, too.
    edit(&path, |lines| lines.retain(|line| !line.contains(&changed)));
    let body = verify(&["--json"]).json();
    let first = &body["first_difference"];
    let place = format!("{}:{}:{}", first["partition"], first["offset"], first["index"]);
    assert_eq!((first["kind"].as_str(), place.as_str()), (Some("missing"), changed.as_str()));
    edit(&file_of(directory.path(), &ticks_topic, 1), |lines| drop(lines.remove(300)));
    let body = verify(&["--json"]).json();
    assert_eq!(body["first_difference"]["partition"], 1, "{body}");
    assert!(body["differing"].as_u64().unwrap() + body["surplus"].as_u64().unwrap() > 0, "{body}");
    // What cannot be read is an error with its place, not a verdict.
    edit(&path, |lines| lines[3] = "not an envelope".to_owned());
    let broken = verify(&[]);
    assert_eq!(broken.code, Some(1));
    assert!(broken.errors.contains(".gz:4: not a line of a recording"), "{}", broken.errors);
}

#[test]
fn the_faster_mode_and_fewer_predictions_are_verified_as_what_they_promise() {
    let world = World::new("promise");
    // Half a second between commits: what the crash finds uncommitted comes again.
    let settings =
        [("KAFKA__DELIVERY", "at_least_once"), ("KAFKA__EMIT", "1s"), ("KAFKA__COMMIT_INTERVAL_MS", "500")];
    score_with(&world, 46, 5_000, &settings);
    let models = models();
    let arguments = ["verify", "--json", "--models", models.path().to_str().unwrap()];
    let said = stormglass_with(&world, &arguments, &settings);
    assert_eq!(said.code, Some(0), "{} {}", said.out, said.errors);
    let body = said.json();
    let distinct: BTreeSet<_> = world.predictions().into_iter().map(|(source, ..)| source).collect();
    assert_eq!(body["verified"], distinct.len());
    println!(
        "one a second, at least once: {} verified, {} repeats",
        body["verified"], body["repeated_as_promised"]
    );
    // Held against what it does not promise, most are missing.
    let said = stormglass_with(&world, &[&arguments[..], &["--emit", "every_tick"]].concat(), &settings[..1]);
    assert!(said.code == Some(1) && said.json()["missing"].as_u64().unwrap() > 1_000, "{}", said.errors);

    let said = stormglass_with(&world, &arguments, &settings[1..]);
    assert_eq!(said.json()["repeated"], body["repeated_as_promised"], "exactly once allows no repeat");

    // Retention takes one partition's beginning: its states cannot be computed any more, and nobody is blamed.
    let mut cut = TopicPartitionList::new();
    cut.add_partition_offset(&world.topic("ticks"), 0, Offset::Offset(400)).unwrap();
    block_on(world.admin().delete_records(&cut, &AdminOptions::new())).unwrap();
    let body = stormglass_with(&world, &arguments, &settings);
    assert_eq!(body.code, Some(0), "{} {}", body.out, body.errors);
    let body = body.json();
    let lost = distinct.iter().filter(|(partition, ..)| *partition == 0).count();
    let repeats = world.predictions().len() - distinct.len();
    let below = body["not_verifiable"]["below_log_start"]["count"].as_u64().unwrap() as usize;
    assert!((lost..=lost + repeats).contains(&below), "{below} of {lost}");
    assert_eq!(body["verified"], distinct.len() - lost);
}

#[test]
fn lost_topics_come_back_from_the_backup_and_give_the_same_bytes() {
    let world = World::new("backup");
    score(&world, 42, 4_000);
    let (ticks, before) = (reader::read_all(&world.topic("ticks")), world.predictions());
    let directory = tempfile::tempdir().unwrap();
    let pattern = record(&world, &world.topic("ticks"), directory.path());
    let again =
        succeeds(&world, &["record", "--source", "kafka", "--output", directory.path().to_str().unwrap()]);
    assert!(again.out.starts_with("0 records"), "the next run goes on behind: {}", again.out);

    let topics: Vec<String> =
        ["ticks", "predictions", "dlq", "snapshots"].map(|kind| world.topic(kind)).to_vec();
    let names: Vec<&str> = topics.iter().map(String::as_str).collect();
    block_on(world.admin().delete_topics(&names, &AdminOptions::new())).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while names.iter().any(|topic| reader::exists(topic)) {
        assert!(Instant::now() < deadline, "the topics are not deleted");
        // Paces the questions; what is waited for is the answer.
        std::thread::sleep(Duration::from_millis(50));
    }
    let replay = ["replay", "--input", &pattern, "--to", "kafka", "--speed", "max"];
    let said = succeeds(&world, &replay);
    assert!(said.out.starts_with(&format!("{} records delivered", ticks.len())), "{}", said.out);
    let restored = reader::read_all(&world.topic("ticks"));
    assert_eq!(restored.len(), ticks.len());
    for (restored, before) in restored.iter().zip(&ticks) {
        let of =
            |r: &reader::Read| (r.partition, r.offset, r.key.clone(), r.payload.clone(), r.headers.clone());
        assert_eq!(of(restored), of(before));
    }
    let engine = world.engine("a", &[]);
    world.await_all(&[&engine]);
    assert!(engine.terminate().success());
    assert_eq!(world.predictions(), before, "the bytes of the first run");
    // A topic that is alive is not overwritten by its past, and no topic by another's.
    let late = stormglass(&world, &replay);
    assert!(late.code == Some(1) && late.errors.contains("would be late"), "{} {}", late.out, late.errors);
    let given = record(&world, &world.topic("predictions"), directory.path());
    let foreign = stormglass(&world, &["replay", "--input", &given, "--to", "kafka", "--speed", "max"]);
    assert!(foreign.code == Some(64) && foreign.errors.contains("--topic"), "{}", foreign.errors);
    println!(
        "{} ticks brought back from files, {} predictions with the same bytes",
        ticks.len(),
        before.len()
    );
}

fn producer() -> BaseProducer {
    let servers = broker::servers();
    ClientConfig::new().set("bootstrap.servers", servers).set("enable.idempotence", "true").create().unwrap()
}

#[test]
fn a_letter_that_can_be_read_by_now_goes_back_once_for_all_time() {
    let world = World::new("letters");
    score(&world, 43, 2_500);
    let dlq = world.topic("dlq");
    let written = reader::read_all(&dlq).len();
    let list = succeeds(&world, &["dlq", "list", "--json", "--limit", "3"]).json();
    let waiting: u64 =
        list["by_reason"].as_object().unwrap().values().map(|r| r["waiting"].as_u64().unwrap()).sum();
    assert_eq!((waiting as usize, list["newest"].as_array().unwrap().len()), (written, 3));

    // By hand: one that reads, and the ticker of an envelope that reads, while its neighbour was a tick already.
    let tick = r#"{"timestamp":"2026-01-01T00:00:00Z","product_id":"P2-USD","price":"7"}"#;
    let ticker = |name: &str| format!(r#"{{"product_id":"{name}","price":"7.5"}}"#);
    let tickers = [ticker("EA-USD"), ticker("EB-USD")].join(",");
    let envelope = format!(
        r#"{{"channel":"ticker","timestamp":"2026-01-01T00:00:00Z","sequence_num":1,"events":[{{"type":"update","tickers":[{tickers}]}}]}}"#
    );
    let producer = producer();
    let src_topic = world.topic("ticks");
    for (src, value) in [("2:5:", tick), ("3:6:1", &envelope)] {
        let mut headers = OwnedHeaders::new();
        for (key, value) in [("error", "bad_time"), ("src", src), ("src_topic", &src_topic), ("count", "1")] {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        producer
            .send(BaseRecord::to(&dlq).key("P2-USD").payload(value).headers(headers))
            .map_err(|(error, _)| error)
            .unwrap();
    }
    producer.flush(Duration::from_secs(10)).unwrap();

    let ticks_before = reader::read_all(&world.topic("ticks"));
    let replay = |more: &[&str]| succeeds(&world, &[&["dlq", "replay", "--json"], more].concat()).json();
    let dry = replay(&["--dry-run"]);
    assert_eq!((&dry["replayed"], &dry["replayed_before"]), (&2.into(), &0.into()), "{dry}");
    assert_eq!(reader::read_all(&world.topic("ticks")).len(), ticks_before.len());
    let other = replay(&["--reason", "not_json"]);
    assert_eq!(other["replayed"], 0, "{other}");
    let done = replay(&["--reason", "bad_time"]);
    assert_eq!((&done["replayed"], &done["records"]), (&2.into(), &2.into()), "{done}");
    let again = replay(&[]);
    assert_eq!((&again["replayed"], &again["replayed_before"]), (&0.into(), &2.into()), "{again}");
    let unreadable = again["unreadable"].as_object().unwrap();
    let still: u64 = unreadable.values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!((still + again["truncated"].as_u64().unwrap()) as usize, written, "{again}");

    let ticks = reader::read_all(&world.topic("ticks"));
    assert_eq!(ticks.len(), ticks_before.len() + 2);
    let known: BTreeSet<_> = ticks_before.iter().map(|read| (read.partition, read.offset)).collect();
    let new: Vec<_> = ticks.iter().filter(|read| !known.contains(&(read.partition, read.offset))).collect();
    let text = |i: usize| String::from_utf8(new[i].payload.clone().unwrap()).unwrap();
    assert_eq!((new[0].partition, new[0].key.as_str(), text(0).as_str()), (2, "P2-USD", tick));
    assert!(
        new[1].partition == 3 && text(1).contains("EB-USD") && !text(1).contains("EA-USD"),
        "{}",
        text(1)
    );
    let list = succeeds(&world, &["dlq", "list", "--reason", "bad_time"]).out;
    assert!(list.lines().any(|line| line.split_whitespace().eq(["bad_time", "0", "2"])), "{list}");
    println!("{written} letters of the engine stay, 2 of 2 readable ones went back, a second run none");
}

#[test]
fn rekeyed_symbols_lie_in_one_partition_each_in_their_order() {
    let world = World::new("rekey");
    let (from, to) = (world.topic("ticks"), world.topic("keyed"));
    // As the original writes: without a key, over all partitions in turn.
    let producer = producer();
    let all: Vec<Record> = records(44, 3_000);
    // Times of today: a topic keeps records by their own.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    for (i, record) in all.iter().enumerate() {
        let mut new: BaseRecord<'_, [u8], [u8]> =
            BaseRecord::to(&from).partition((i % 4) as i32).timestamp(now + i as i64);
        new.payload = record.payload.as_deref().map(str::as_bytes);
        producer.send(new).map_err(|(error, _)| error).unwrap();
        producer.poll(Duration::ZERO);
    }
    producer.flush(Duration::from_secs(30)).unwrap();
    let said = succeeds(&world, &["rekey", "--from", &from, "--to", &to, "--partitions", "3", "--dlq"]);

    // In the order they were written: what every symbol's records must be, and how many there are.
    let (mut due, mut decoded): (BTreeMap<String, Vec<_>>, _) = (BTreeMap::new(), Decoded::default());
    let mut unreadable = 0;
    for record in &all {
        let value = record.payload.as_deref().unwrap_or_default();
        let outcome = decode(value.as_bytes(), &DecodeOptions::of_venue("coinbase"), &mut decoded);
        unreadable += usize::from(outcome.is_err() || !decoded.rejected().is_empty());
        for ticker in decoded.ticks() {
            due.entry(format!("{}:{}", ticker.venue, ticker.product)).or_default().push(ticker.tick);
        }
    }
    let keyed = reader::read_all(&to);
    let mut found: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for read in &keyed {
        assert_eq!(read.partition, default_partition(&read.key, 3).0, "{}", read.key);
        decode(read.payload.as_deref().unwrap(), &DecodeOptions::of_venue("coinbase"), &mut decoded).unwrap();
        for ticker in decoded.ticks() {
            assert_eq!(format!("{}:{}", ticker.venue, ticker.product), read.key);
            found.entry(read.key.clone()).or_default().push(ticker.tick);
        }
    }
    assert!(found == due, "the ticks of each symbol, in order");
    assert!(due.len() > 8 && unreadable > 5);
    let letters = reader::read_all(&world.topic("dlq"));
    assert_eq!(letters.len(), unreadable, "{}", said.out);
    assert!(letters.iter().all(|letter| letter.header("src_topic") == Some(from.as_str())));

    let refused = stormglass(&world, &["rekey", "--from", &from, "--to", &to]);
    assert!(refused.code == Some(1) && refused.errors.contains("--append"), "{}", refused.errors);
    println!(
        "{} records of {} symbols, each in its partition and order; {}",
        keyed.len(),
        due.len(),
        said.out
    );
}

#[test]
fn a_recording_that_follows_loses_nothing_to_a_crash() {
    let world = World::new("follow");
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().to_str().unwrap();
    // Files of a megabyte: some are finished before the crash.
    let arguments = ["record", "--source", "kafka", "--output", output, "--rotate-mb", "1"];
    let start = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stormglass"));
        command.args(arguments).arg("--follow").env("KAFKA_BOOTSTRAP_SERVERS", broker::servers());
        command.envs(world.topics()).spawn().unwrap()
    };
    let mut recorder = start();
    world.feed(records(45, 30_000), 1e9).join();
    let deadline = Instant::now() + Duration::from_secs(30);
    while std::fs::read_dir(directory.path())
        .unwrap()
        .filter(|e| is_finished(&e.as_ref().unwrap().path()))
        .count()
        < 2
    {
        assert!(Instant::now() < deadline, "no file is finished");
        // Paces the looks; what is waited for is the file.
        std::thread::sleep(Duration::from_millis(20));
    }
    recorder.kill().unwrap();
    recorder.wait().unwrap();
    succeeds(&world, &arguments);
    let recording = engine::recording::Recording::open(&[format!("{output}/*.gz")]).unwrap();
    use engine::recording::PartitionedLog;
    let mut kept = Vec::new();
    for records in recording.read(&recording.partitions()).unwrap() {
        for record in records {
            let record = record.unwrap();
            kept.push((record.partition, record.offset, record.value));
        }
    }
    let all: Vec<_> = reader::read_all(&world.topic("ticks"))
        .into_iter()
        .map(|r| (r.partition, r.offset, r.payload))
        .collect();
    assert!(kept == all, "{} of {}", kept.len(), all.len());
    // It ends by a signal, and what it has read lies in finished files.
    let other = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_stormglass"));
    command.args(["record", "--source", "kafka", "--follow", "--output", other.path().to_str().unwrap()]);
    let mut recorder =
        command.env("KAFKA_BOOTSTRAP_SERVERS", broker::servers()).envs(world.topics()).spawn().unwrap();
    while std::fs::read_dir(other.path()).unwrap().count() < 2 {
        assert!(Instant::now() < deadline, "nothing is written");
        std::thread::sleep(Duration::from_millis(20));
    }
    Command::new("kill").args(["-TERM", &recorder.id().to_string()]).status().unwrap();
    assert!(recorder.wait().unwrap().success());
    let names = || std::fs::read_dir(other.path()).unwrap().map(|entry| entry.unwrap().path());
    assert!(names().any(|path| is_finished(&path)));
    assert!(!names().any(|path| path.extension().is_some_and(|extension| extension == "tmp")));
}

fn is_finished(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}
