//! Records that nobody can read: huge ones, and more of them than a good producer writes.

use std::time::Duration;

use super::{
    market::{Record, records},
    reader,
    world::{World, size},
};

const LIMIT: Duration = Duration::from_secs(40);

fn unreadable(partition: usize, key: &str, payload: &str) -> Record {
    Record { partition, key: key.to_owned(), payload: Some(payload.to_owned()) }
}

#[test]
fn a_record_as_large_as_a_broker_takes_becomes_a_letter_that_it_takes_too() {
    let world = World::new("huge");
    let (key, payload) = ("k".repeat(600_000), "p".repeat(440_000));
    let mut all = records(51, size(3_000, 100_000));
    all.insert(1_000, unreadable(1, &key, &payload));
    let engine = world.engine("a", &[]);
    world.feed(all, 4_000.0).join();
    world.await_all(&[&engine]);
    let (_, metrics) = engine.get("/metrics").unwrap();
    assert!(metrics.contains("stormglass_kafka_lane_restarts_total 0\n"), "{metrics}");
    assert!(engine.terminate().success());
    world.check("a key of 600,000 bytes and a payload of 440,000");
    let letters = reader::read_all(&world.topic("dlq"));
    let (cut, whole): (Vec<_>, Vec<_>) =
        letters.iter().partition(|letter| letter.header("truncated_key_sha256").is_some());
    assert!(cut.len() == 1 && whole.len() > 5);
    assert_eq!(cut[0].payload.as_deref(), Some(payload.as_bytes()), "this fits");
    assert!(key.starts_with(&cut[0].key) && (1_000..100_000).contains(&cut[0].key.len()));
    // Of the whole key, by sha256sum.
    let sha256 = "1408dbb693dc8a953b9f741785ab2eeca333161b998a20ad6fc43053e566bda2";
    assert_eq!(cut[0].header("truncated_key_sha256"), Some(sha256));
}

#[test]
fn past_the_poison_limit_a_partition_pauses_and_says_so_and_goes_on_after_a_restart() {
    let world = World::new("poison");
    // Those behind the limit count again after the restart, with what the market has: fewer than the limit together.
    let mut all: Vec<Record> = (0..110).map(|_| unreadable(2, "P2-USD", "{}")).collect();
    all.extend(records(52, size(2_000, 100_000)));
    let engine = world.engine("a", &[]);
    world.feed(all, 4_000.0).join();
    let (_, health) = engine.get_until("/health", LIMIT, |_, body| body.contains("1 partitions are paused"));
    assert!(health.contains(r#""status":"degraded""#), "{health}");
    // The others are served to their end.
    let topic = world.topic("ticks");
    let is_served = |partition: usize| {
        reader::committed(world.group(), &topic)[partition] == reader::ends(&topic)[partition]
    };
    let began = std::time::Instant::now();
    while ![0, 1, 3].into_iter().all(is_served) {
        assert!(began.elapsed() < LIMIT, "the other partitions are held up");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(reader::committed(world.group(), &topic)[2], 101, "one more than the limit");
    let (_, metrics) = engine.get("/metrics").unwrap();
    assert!(metrics.contains("stormglass_kafka_partitions_paused 1\n"), "{metrics}");
    let log = engine.log_lines().join("\n");
    assert!(log.contains("too many records cannot be read") && log.contains(r#""offset":100"#), "{log}");
    assert!(engine.terminate().success());
    // As the runbook says.
    let engine = world.engine("a", &[]);
    world.await_all(&[&engine]);
    assert!(engine.terminate().success());
    world.check_sparse("110 unreadable records in a row, and a restart");
}

#[test]
fn what_no_shape_knows_becomes_a_letter_that_says_what_it_looks_like() {
    let world = World::new("unknown");
    let strange = [
        (
            r#"{"topic":"execution","id":"a","creationTime":1,"data":[]}"#,
            "unknown_shape",
            "a Bybit `execution` message",
        ),
        (
            r#"{"specversion":"1.0","type":"tick","source":"s","data":{"price":1}}"#,
            "unknown_shape",
            "CloudEvents",
        ),
        (r#"{"channel":"userFills","data":[]}"#, "unknown_shape", "the keys channel, data"),
        (r#"{"type":"error","message":"authentication failure"}"#, "venue_error", "authentication failure"),
        ("\0\0\0\0\u{7}\u{2}\u{e}BTC-USD", "not_json", "a Schema Registry frame"),
    ];
    let heartbeat = r#"{"channel":"heartbeats","sequence_num":0,"events":[]}"#;
    let mut all = records(53, 3_000);
    for (i, payload) in strange.iter().map(|(payload, ..)| *payload).chain([heartbeat]).enumerate() {
        all.insert(50 * (i + 1), unreadable(1, "P1-USD", payload));
    }
    let engine = world.engine("a", &[]);
    world.feed(all, 4_000.0).join();
    world.await_all(&[&engine]);
    let (_, metrics) = engine.get("/metrics").unwrap();
    assert!(metrics.contains("stormglass_unreadable_total{reason=\"venue_error\"} 1\n"), "{metrics}");
    let log = engine.log_lines().join("\n");
    assert!(log.contains("a record cannot be read") && log.contains("partition 1, offset "), "{log}");
    assert!(engine.terminate().success());
    world.check_sparse("records of no known shape");
    let letters = reader::read_all(&world.topic("dlq"));
    let of =
        |payload: &str| letters.iter().find(|letter| letter.payload.as_deref() == Some(payload.as_bytes()));
    for (payload, error, text) in strange {
        let letter = of(payload).unwrap_or_else(|| panic!("no letter for {payload}"));
        assert_eq!(letter.header("error"), Some(error), "{payload}");
        let said = letter.header("error_text").unwrap();
        assert!(said.contains(text), "{said} should hold {text}");
    }
    assert!(of(heartbeat).is_none(), "a kind that is known by name");
}
