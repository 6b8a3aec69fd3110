//! A user who has only the rights that it is given: those that RUNBOOK names are enough, and one that is missing is named.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
};
use tempfile::NamedTempFile;

use super::{
    broker,
    market::{PARTITIONS, records},
    reader,
    recreated::positions,
    secure::configuration_with,
    stuck::{LAG, await_metric, waiting},
    tools::{Said, models},
    world::World,
};
use crate::support::process::Process;

const LIMIT: Duration = Duration::from_secs(60);
/// The kinds of topics that an engine has.
const TOPICS: [&str; 7] = ["ticks", "predictions", "snapshots", "dlq", "owners", "models", "events"];

/// Gives the user rights or takes them away, by Kafka's own tool.
fn change(verb: &str, what: &[String], operations: &[&str]) {
    let (servers, what) = (broker::servers(), what.iter().map(String::as_str));
    let mut arguments =
        vec!["--bootstrap-server", &servers, verb, "--force", "--allow-principal", "User:limited"];
    arguments.extend(what);
    arguments.extend(operations.iter().flat_map(|operation| ["--operation", operation]));
    broker::tool("org.apache.kafka.tools.AclCommand", &arguments);
}

fn topics(world: &World, kinds: &[&str]) -> Vec<String> {
    kinds.iter().flat_map(|kind| ["--topic".to_owned(), world.topic(kind)]).collect()
}

fn group(world: &World) -> Vec<String> {
    vec!["--group".to_owned(), world.group().to_owned()]
}

/// A world with all topics and the rights that RUNBOOK names; on topics of these kinds only.
fn world_with_rights(name: &str, kinds: &[&str]) -> World {
    let world = World::new(name);
    for (kind, partitions) in TOPICS[1..].iter().zip([PARTITIONS as i32, PARTITIONS as i32, 1, 1, 1, 1]) {
        world.create(&world.topic(kind), partitions);
    }
    change("--add", &topics(&world, kinds), &["Describe", "Read", "Write"]);
    change("--add", &group(&world), &["Read"]);
    let ids = ["--transactional-id", &format!("{}-", world.group()), "--resource-pattern-type", "prefixed"];
    change("--add", &ids.map(str::to_owned), &["Write", "Describe"]);
    world
}

/// The configuration of the user.
fn configuration() -> NamedTempFile {
    configuration_with("PLAIN", "\"sasl.username\" = \"limited\"\n\"sasl.password\" = \"tick tock\"")
}

fn engine(world: &World, configuration: &NamedTempFile) -> Process {
    world.engine_with(&["--config", configuration.path().to_str().unwrap()], "a", |_| ())
}

/// A command of the user.
fn tool(world: &World, configuration: &NamedTempFile, arguments: &[&str]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_stormglass"))
        .args(arguments)
        .env("STORMGLASS_CONFIG", configuration.path())
        .env("STORMGLASS__SERVER__LISTEN", "127.0.0.1:0")
        .envs(world.topics())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), errors: text(output.stderr) }
}

fn await_health(engine: &Process, words: &[&str]) -> String {
    let limit = engine.started.elapsed() + LIMIT;
    engine.get_until("/health", limit, |_, body| words.iter().all(|words| body.contains(words))).1
}

#[test]
fn the_rights_that_the_runbook_names_are_enough_and_whoever_looks_moves_no_offset() {
    let world = world_with_rights("rights", &TOPICS);
    let file = configuration();
    let running = engine(&world, &file);
    world.feed(records(71, 3_000), 4_000.0).join();
    world.await_all(&[&running]);
    assert!(running.terminate().success());
    world.check("a user with the rights that RUNBOOK names");

    let before = positions(&world);
    let directory = tempfile::tempdir().unwrap();
    let models = models();
    let ticks = world.topic("ticks");
    for arguments in [
        &["verify", "--models", models.path().to_str().unwrap()][..],
        &["dlq", "list"],
        &["record", "--source", "kafka", "--topic", &ticks, "--output", directory.path().to_str().unwrap()],
    ] {
        let said = tool(&world, &file, arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {} {}", said.out, said.errors);
    }
    let findings = tool(&world, &file, &["doctor", "--json"]).json();
    for finding in findings.as_array().unwrap() {
        let is_kafka = finding["check"].as_str().unwrap().starts_with("kafka");
        assert!(!is_kafka || finding["outcome"] != "failed", "{finding}");
    }
    assert_eq!(positions(&world), before, "offsets and what is written beside them");
    let any: BaseConsumer = ClientConfig::new().set("bootstrap.servers", broker::servers()).create().unwrap();
    let groups = any.fetch_group_list(None, LIMIT).unwrap();
    let of_world: Vec<(&str, usize)> = groups
        .groups()
        .iter()
        .filter(|group| group.name().starts_with(world.group()))
        .map(|group| (group.name(), group.members().len()))
        .collect();
    assert_eq!(of_world, [(world.group(), 0)], "whoever reads beside the lanes is in no group");
}

#[test]
fn a_right_that_is_taken_away_is_named_and_what_waits_is_counted_until_it_is_given_back() {
    let world = world_with_rights("withdrawn", &TOPICS);
    let file = configuration();
    let mut running = engine(&world, &file);
    let mut more = records(72, 4_000);
    let mut feed = |count: usize| {
        let rest = more.split_off(count);
        world.feed(std::mem::replace(&mut more, rest), 1e9).join();
    };
    feed(600);
    world.await_all(&[&running]);
    await_metric(&running, LAG, 0);

    let ticks = topics(&world, &["ticks"]);
    for (what, operations, words) in [
        (&ticks, &["Read"][..], "Topic authorization failed"),
        (&group(&world), &["Read"][..], "Group authorization failed"),
    ] {
        change("--remove", what, operations);
        feed(500);
        let health = await_health(&running, &["held up", words]);
        assert_eq!(waiting(&world), 500, "nothing is committed meanwhile");
        await_metric(&running, LAG, 500);
        println!("without {operations:?} on {what:?} /health says: {health}");
        change("--add", what, operations);
        world.await_all(&[&running]);
        await_metric(&running, LAG, 0);
    }

    // How much waits cannot be known, that something does must be told.
    change("--remove", &ticks, &["Describe", "Read", "Write"]);
    feed(500);
    await_health(&running, &["may not see it"]);
    await_metric(&running, LAG, 1);
    change("--add", &ticks, &["Describe", "Read", "Write"]);
    world.await_all(&[&running]);
    await_metric(&running, LAG, 0);

    // One that never was in the group knows of no commit: all that the log holds may wait.
    change("--remove", &group(&world), &["Read"]);
    assert!(running.terminate().success());
    feed(500);
    running = engine(&world, &file);
    await_health(&running, &["Group authorization failed"]);
    await_metric(&running, LAG, reader::ends(&world.topic("ticks")).iter().sum());
    change("--add", &group(&world), &["Read"]);
    world.await_all(&[&running]);
    await_metric(&running, LAG, 0);
    assert!(running.terminate().success());
    world.check_sparse("rights that were taken away and given back");
}

#[test]
fn an_owners_topic_that_takes_no_claim_is_named_with_the_brokers_reason() {
    let world = world_with_rights("claimless", &TOPICS);
    change("--remove", &topics(&world, &TOPICS), &["Write"]);
    let file = configuration();
    let running = engine(&world, &file);
    let words = format!("{} did not take the claim", world.topic("owners"));
    let health = await_health(&running, &[&words, "authorization failed"]);
    assert!(!health.contains("PurgeQueue"), "{health}");
    println!("without WRITE on the owners' topic /health says: {health}");
    assert!(!running.log_lines().iter().any(|line| line.contains(r#""target":"librdkafka""#)));
    assert!(running.terminate().success());
}

#[test]
fn a_topic_that_the_user_may_not_see_is_not_said_to_be_absent() {
    let world = world_with_rights("unseen", &TOPICS[1..]);
    let file = configuration();
    let began = Instant::now();
    let running = engine(&world, &file);
    let ticks = world.topic("ticks");
    let health = await_health(&running, &[&ticks, "is absent, or this user may not see it"]);
    println!("of a topic that it may not see after {:?} /health says: {health}", began.elapsed());
    for arguments in [&["verify"][..], &["record", "--source", "kafka", "--output", "/nowhere"]] {
        let said = tool(&world, &file, arguments);
        assert_ne!(said.code, Some(0));
        assert!(said.errors.contains("this user may not see it"), "{arguments:?}: {}", said.errors);
    }
    let findings = tool(&world, &file, &["doctor", "--json"]).json();
    let mut of_topics = findings.as_array().unwrap().iter().filter(|f| f["check"] == "kafka topics");
    let is_told = of_topics.any(|finding| {
        let what = finding["what"].as_str().unwrap();
        finding["outcome"] == "failed" && what.contains(&ticks) && what.contains("may not see it")
    });
    assert!(is_told, "{findings}");
    assert!(running.terminate().success());
}
