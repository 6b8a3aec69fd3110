//! Three brokers, each record on all of them, of which one is away at any time.

use std::time::{Duration, Instant};

use super::{
    broker,
    market::records,
    world::{World, size},
};

/// Nothing else happens in the cluster meanwhile that would tell a client to look again. Whichever broker coordinates
/// the group and the transactions, it is away once while ticks come.
#[test]
fn ticks_are_scored_while_a_broker_stays_away_whichever_it_is() {
    assert_eq!(broker::count(), 3, "this story wants three brokers: tests/kafka.sh start --brokers 3");
    let world = World::new("away");
    let engine = world.engine("a", &[]);
    let total = size(4_000, 100_000);
    let mut all = records(17, total);
    let round = total / (broker::count() + 1);
    world.feed(all.drain(..round).collect(), 5_000.0).join();
    world.await_all(&[&engine]);
    for number in 1..=broker::count() {
        broker::kill(number);
        // The clients have heard by then that it is gone.
        std::thread::sleep(Duration::from_secs(4));
        let next = all.drain(..round.min(all.len())).collect();
        world.feed(next, 5_000.0).join();
        let began = Instant::now();
        world.await_all(&[&engine]);
        println!("broker {number} away: all was committed {:.1} s later", began.elapsed().as_secs_f64());
        broker::revive(number);
        std::thread::sleep(Duration::from_secs(2));
    }
    assert!(engine.terminate().success());
    world.check_sparse("each of three brokers stays away while ticks come");
}

#[test]
fn brokers_that_die_in_turn_are_nobodys_loss() {
    assert_eq!(broker::count(), 3, "this story wants three brokers: tests/kafka.sh start --brokers 3");
    let world = World::new("rolling");
    let (rounds, total) = (size(1, 4), size(24_000, 120_000));
    let feed = world.feed(records(1, total), size(850.0, 1_500.0));
    let first = world.engine("a", &[]);
    let second = world.engine("b", &[("KAFKA__LANES", "2")]);
    let deaths = rounds * broker::count();
    for death in 0..deaths {
        feed.await_sent(total * (death + 1) / (deaths + 1));
        let number = death % broker::count() + 1;
        broker::kill(number);
        // Long enough for another to lead, and to be the coordinator of what this one coordinated.
        std::thread::sleep(Duration::from_secs(4));
        broker::revive(number);
        // In sync again before the next goes: two of three must have each record.
        std::thread::sleep(Duration::from_secs(2));
    }
    feed.join();
    world.await_all(&[&first, &second]);
    for engine in [first, second] {
        let (_, metrics) = engine.get("/metrics").unwrap();
        let restarts = metrics.lines().find(|line| line.starts_with("stormglass_kafka_lane_restarts_total"));
        println!("{}", restarts.unwrap());
        assert!(engine.terminate().success());
    }
    world.check(&format!("{deaths} brokers of three killed in turn"));
}
