//! Several instances are one service: whichever is asked, the owner's answer comes.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    market::{PARTITIONS, Record, records},
    reader,
    world::World,
};
use crate::support::{
    client::{Answer, Connection},
    process::Process,
};

pub(super) const LIMIT: Duration = Duration::from_secs(60);
/// Answers that take long on a loaded machine are answers all the same.
pub(super) const PATIENT: (&str, &str) = ("SERVER__DEADLINE_MS", "9000");

fn connect(engine: &Process) -> Connection {
    Connection::open(engine.address)
}

fn json_of(engine: &Process, path: &str) -> Value {
    let answer = connect(engine).get(path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

/// The answer's text but for its age, which differs from one moment to the next.
pub(super) fn ageless(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("\"age_ms\":") {
        out.push_str(before);
        rest = behind.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    out + rest
}

/// The symbols with state in an instance, with the partition of each.
fn own(engine: &Process) -> BTreeMap<String, u64> {
    let body = json_of(engine, "/symbols");
    let of = |symbol: &Value| {
        (symbol["symbol"].as_str().unwrap().to_owned(), symbol["partition"].as_u64().unwrap())
    };
    body["symbols"].as_array().unwrap().iter().map(of).collect()
}

/// Waits until each instance has so many partitions, and knows of all other symbols with whom they are.
fn await_shared(engines: &[&Process], partitions: usize) {
    for engine in engines {
        engine.get_until("/livez", engine.started.elapsed() + LIMIT, |status, _| status == 200);
    }
    let began = Instant::now();
    loop {
        let owned: Vec<BTreeMap<String, u64>> = engines.iter().map(|engine| own(engine)).collect();
        let urls: BTreeMap<&str, String> = engines
            .iter()
            .zip(&owned)
            .flat_map(|(engine, own)| {
                own.keys().map(|symbol| (symbol.as_str(), format!("http://{}", engine.address)))
            })
            .collect();
        let is_shared = |(engine, own): (&&Process, &BTreeMap<String, u64>)| {
            let told = json_of(engine, "/symbols?all");
            let told: BTreeMap<&str, Option<&str>> = told["elsewhere"]
                .as_array()
                .unwrap()
                .iter()
                .map(|symbol| (symbol["symbol"].as_str().unwrap(), symbol["url"].as_str()))
                .collect();
            let others = urls.iter().filter(|(symbol, _)| !own.contains_key(**symbol));
            own.values().collect::<BTreeSet<_>>().len() == partitions
                && told == others.map(|(symbol, url)| (*symbol, Some(url.as_str()))).collect()
        };
        if engines.iter().zip(&owned).all(is_shared) {
            return;
        }
        let logs = || engines.iter().map(|engine| engine.log_lines()).collect::<Vec<_>>();
        assert!(began.elapsed() < LIMIT, "{owned:?}; logs: {:#?}", logs());
        // Paces the questions; what is waited for is the answer.
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Two instances with two partitions each, and no more ticks to come.
fn two(world: &World, settings: &[(&str, &str)]) -> (Process, Process) {
    let feed = world.feed(records(31, 4_000), 4_000.0);
    let first = world.engine("a", &[("LOG__LEVEL", "debug"), PATIENT]);
    feed.join();
    world.await_all(&[&first]);
    let second = world.engine("b", &[settings, &[PATIENT]].concat());
    await_shared(&[&first, &second], 2);
    (first, second)
}

fn body_of(symbols: &[&str]) -> String {
    json!({ "symbols": symbols }).to_string()
}

fn post(engine: &Process, symbols: &[&str]) -> Answer {
    connect(engine).post("/predict", body_of(symbols).as_bytes())
}

/// The items of a list's answer, each as its own text but for its age.
fn items(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["predictions"].as_array().unwrap().iter().map(|item| ageless(&item.to_string())).collect()
}

#[test]
fn any_instance_gives_the_owners_answer_and_without_an_owner_says_so_until_there_is_one() {
    let world = World::new("owners");
    let (first, second) = two(&world, &[]);
    let (here, there) = (own(&first), own(&second));
    assert!(here.len() > 4 && there.len() > 4, "{here:?} {there:?}");
    assert!(here.keys().all(|symbol| !there.contains_key(symbol)));

    // One by one, the same bytes from either.
    for symbol in here.keys().chain(there.keys()) {
        let product = symbol.split_once(':').unwrap().1;
        for path in [
            format!("/predict/{symbol}?horizon_s=60"),
            format!("/predict/{product}"),
            format!("/symbols/{symbol}/features"),
        ] {
            let answers = [&first, &second].map(|engine| connect(engine).get(&path));
            assert_eq!(answers[0].status, 200, "{path}: {}", answers[0].text());
            assert_eq!(answers[1].status, 200, "{path}: {}", answers[1].text());
            assert_eq!(ageless(answers[0].text()), ageless(answers[1].text()), "{path}");
            assert_eq!(answers[0].header("content-type"), answers[1].header("content-type"));
        }
    }

    // A list in the order asked, mixed, with names that nobody has.
    let mut mixed: Vec<&str> = Vec::new();
    for (a, b) in here.keys().zip(there.keys()) {
        mixed.extend([b.as_str(), a.as_str(), "NO-SUCH"]);
    }
    let lists = [&first, &second].map(|engine| post(engine, &mixed));
    assert_eq!(items(&lists[0]), items(&lists[1]));
    for (name, item) in mixed.iter().zip(lists[0].json()["predictions"].as_array().unwrap()) {
        assert_eq!(item["symbol"].as_str(), Some(*name));
        assert_eq!(item["status"] == 404, *name == "NO-SUCH", "{item}");
    }
    let foreign = there.keys().next().unwrap();
    let explained = json!({ "symbols": [foreign], "explain": true }).to_string();
    let explained = connect(&first).post("/predict", explained.as_bytes()).json();
    assert!(explained["predictions"][0].get("explanation").is_some(), "{explained}");
    let unknown = json!({ "symbols": [foreign], "model": "other@1" }).to_string();
    assert_eq!(connect(&first).post("/predict", unknown.as_bytes()).status, 404);

    // What identifies a request goes along, and a question that was forwarded goes no further.
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let native = here.keys().next().unwrap();
    let headers = format!("x-request-id: asked-b-1\r\ntraceparent: {trace}\r\n");
    let answer = connect(&second).get_with(&format!("/predict/{native}"), &headers);
    assert_eq!((answer.status, answer.header("x-request-id")), (200, Some("asked-b-1")));
    let log = first.log_lines();
    assert!(log.iter().any(|line| line.contains("asked-b-1") && line.contains(trace)), "{log:#?}");
    let forwarded = "x-stormglass-forwarded: 1\r\n";
    for path in [format!("/predict/{native}"), "/predict/NO-SUCH".to_owned()] {
        let answer = connect(&second).get_with(&path, forwarded);
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{}", answer.text());
    }
    let answer = connect(&second).post_with("/predict", forwarded, &body_of(&[native, foreign]));
    let both = answer.json();
    assert_eq!(
        (&both["predictions"][0]["status"], &both["predictions"][1]["symbol"]),
        (&json!(503), &json!(foreign))
    );

    // The owner dies. Who is left says whose the symbol was, then answers by itself, from the state of the log.
    let before = ageless(connect(&second).get(&format!("/predict/{foreign}")).text());
    second.signal("KILL");
    let killed = Instant::now();
    drop(second);
    let answer = connect(&first).get(&format!("/predict/{foreign}"));
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{}", answer.text());
    assert!(answer.text().contains("instance b"), "{}", answer.text());
    let list = post(&first, &[foreign, native]).json();
    assert_eq!(
        (&list["predictions"][0]["status"], &list["predictions"][1]["symbol"]),
        (&json!(503), &json!(native))
    );
    let limit = first.started.elapsed() + LIMIT;
    let (_, after) = first.get_until(&format!("/predict/{foreign}"), limit, |status, _| {
        assert!(status == 200 || status == 503, "{status}");
        status == 200
    });
    assert_eq!(ageless(&after), before);
    println!(
        "a killed owner's symbol was answered by the survivor after {:.1} s",
        killed.elapsed().as_secs_f64()
    );
    let (_, metrics) = first.get("/metrics").unwrap();
    assert!(!metrics.contains(r#"stormglass_http_forwards_total{outcome="answered"} 0"#), "{metrics}");
    assert!(!metrics.contains(r#"stormglass_http_forwards_total{outcome="unanswered"} 0"#), "{metrics}");
    assert!(first.terminate().success());
    world.check("one of two instances is killed");
}

/// The records of a topic with one partition, as key and JSON.
fn told(world: &World, kind: &str) -> Vec<(String, Value)> {
    let record = |read: reader::Read| (read.key, serde_json::from_slice(&read.payload.unwrap()).unwrap());
    reader::read_all(&world.topic(kind)).into_iter().map(record).collect()
}

#[test]
fn clients_are_sent_to_the_owner_where_that_is_set_and_the_topics_tell_what_happened() {
    let world = World::new("redirect");
    let (first, second) = two(&world, &[("KAFKA__FOREIGN_SYMBOLS", "redirect")]);
    let (here, there) = (own(&first), own(&second));
    let at = |path: &str| format!("http://{}{path}", first.address);
    let (native, others) =
        (there.keys().next().unwrap(), here.keys().map(String::as_str).collect::<Vec<_>>());
    let symbol = others[0];
    for (path, expected) in [
        (
            format!("/predict/{symbol}?horizon_s=60"),
            format!("/predict/{}?horizon_s=60", symbol.replace(':', "%3A")),
        ),
        (format!("/symbols/{symbol}/features"), format!("/symbols/{}/features", symbol.replace(':', "%3A"))),
    ] {
        let answer = connect(&second).get(&path);
        assert_eq!((answer.status, answer.header("location")), (307, Some(at(&expected).as_str())));
        assert_eq!(connect(&first).get(&expected).status, 200, "it is answered there");
    }
    let answer = post(&second, &others);
    assert_eq!((answer.status, answer.header("location")), (307, Some(at("/predict").as_str())));
    // With one of its own it merges instead.
    let mixed = [native, symbol];
    assert_eq!(items(&post(&second, &mixed)), items(&post(&first, &mixed)));
    assert_eq!(connect(&second).get(&format!("/predict/{native}")).status, 200);

    // The newest record of a partition is its owner's.
    let (claims, newest): (BTreeMap<String, Value>, BTreeMap<String, Value>) =
        told(&world, "owners").into_iter().partition(|(key, _)| key.starts_with("name:"));
    for (instance, engine) in [("a", &first), ("b", &second)] {
        let claim = &claims[&format!("name:{}-{instance}-0", world.group())];
        assert_eq!(claim["url"], json!(format!("http://{}", engine.address)));
    }
    assert_eq!((claims.len(), newest.len()), (2, PARTITIONS));
    for (partition, record) in &newest {
        let (instance, engine, own) =
            if record["instance"] == "a" { ("a", &first, &here) } else { ("b", &second, &there) };
        assert_eq!((&record["instance"], &record["lane"]), (&json!(instance), &json!(0)));
        assert_eq!(record["url"], json!(format!("http://{}", engine.address)));
        let listed: BTreeSet<&str> =
            record["symbols"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        let partition: u64 = partition.parse().unwrap();
        let expected = own.iter().filter(|(_, p)| **p == partition).map(|(name, _)| name.as_str());
        assert_eq!(listed, expected.collect());
    }

    // One model, told once a partition with its first prediction, although the owner changed.
    let models = told(&world, "models");
    let mut first_scored: BTreeMap<u32, u64> = BTreeMap::new();
    for (source, ..) in world.predictions() {
        first_scored.entry(source.0).or_insert(source.1);
    }
    let expected: BTreeMap<String, Value> = first_scored
        .into_iter()
        .map(|(partition, offset)| {
            (
                partition.to_string(),
                json!({"from_offset": offset, "sha256": world.model_sha256(), "variant": "ml"}),
            )
        })
        .collect();
    assert_eq!(models.len(), PARTITIONS);
    assert_eq!(models.into_iter().collect::<BTreeMap<_, _>>(), expected);

    let limit = first.started.elapsed() + LIMIT;
    let written = r#"stormglass_kafka_events_total{outcome="dropped"} 0"#;
    first.get_until("/metrics", limit, |_, body| body.contains(written));
    assert!(first.terminate().success());
    assert!(second.terminate().success());
    let events = told(&world, "events");
    let of = |instance: &str, kind: &str| -> Vec<&Value> {
        let wanted = |event: &&Value| event["instance"] == instance && event["kind"] == kind;
        events.iter().map(|(_, event)| event).filter(wanted).collect()
    };
    assert_eq!(of("a", "partitions_taken")[0]["partitions"], json!([0, 1, 2, 3]));
    let given_back = of("a", "partitions_given_back");
    assert_eq!((given_back.len(), &given_back[0]["lost"]), (1, &json!(false)), "{events:#?}");
    assert_eq!(of("b", "partitions_taken")[0]["partitions"], given_back[0]["partitions"]);
    assert_eq!(of("a", "restored").len(), PARTITIONS);
    let restored = of("b", "restored");
    assert!(restored.iter().all(|event| event["from"] == "snapshots"), "{restored:?}");
    assert_eq!(restored.len(), 2);
    assert!(events.iter().all(|(key, event)| event["instance"] == json!(key)));
    world.check("a second instance joins");
}

#[test]
fn a_frozen_owner_that_wakes_with_a_record_in_hand_does_not_become_the_owner_by_it() {
    let world = World::new("frozen");
    let slow = [("KAFKA__COMMIT_INTERVAL_MS", "2000"), PATIENT];
    let feed = world.feed(records(33, 2_000), 4_000.0);
    let frozen = world.engine("a", &slow);
    feed.join();
    world.await_all(&[&frozen]);
    let other = world.engine("b", &[PATIENT]);
    await_shared(&[&frozen, &other], 2);
    let partitions: BTreeSet<u64> = own(&frozen).into_values().collect();

    // A new symbol in each partition: the owner has scored it and has its record still to commit.
    let new = |partition: usize| Record {
        partition,
        key: format!("NEW{partition}"),
        payload: Some(format!(
            r#"{{"timestamp":"2026-01-01T01:00:00Z","product_id":"NEW{partition}-USD","price":"1"}}"#
        )),
    };
    world.feed((0..PARTITIONS).map(new).collect(), 1_000.0).join();
    let limit = frozen.started.elapsed() + LIMIT;
    let is_here = |body: &str| partitions.iter().all(|p| body.contains(&format!("NEW{p}-USD")));
    frozen.get_until("/symbols", limit, |_, body| is_here(body));
    frozen.signal("STOP");
    let named = |engine: &str| {
        let of = |(partition, record): (String, Value)| {
            let is_named = record["instance"] == engine && record["symbols"].to_string().contains("NEW");
            is_named.then(|| partition.parse::<u64>().unwrap())
        };
        told(&world, "owners").into_iter().filter_map(of).collect::<BTreeSet<u64>>()
    };
    assert_eq!(named("a"), BTreeSet::new(), "it was frozen before its commit");
    other.get_until("/metrics", other.started.elapsed() + LIMIT, |_, body| {
        body.contains("stormglass_kafka_partitions 4\n")
    });
    world.await_all(&[&other]);
    let began = Instant::now();
    while named("b").len() < PARTITIONS {
        assert!(began.elapsed() < LIMIT, "{:?}", told(&world, "owners"));
    }
    frozen.signal("CONT");
    await_shared(&[&frozen, &other], 2);
    let newest: BTreeMap<String, Value> = told(&world, "owners").into_iter().collect();
    for (engine, instance) in [(&frozen, "a"), (&other, "b")] {
        for (symbol, partition) in own(engine) {
            let record = &newest[&partition.to_string()];
            assert_eq!(record["instance"], instance, "{symbol}");
            assert!(record["symbols"].as_array().unwrap().contains(&json!(symbol)), "{record}");
        }
    }
    let metrics = frozen.get("/metrics").unwrap().1;
    let refused = metrics.lines().filter(|line| line.starts_with("stormglass_kafka_transactions_total"));
    println!("a frozen owner woke: {:?}", refused.collect::<Vec<_>>());
    assert!(frozen.terminate().success());
    assert!(other.terminate().success());
}
