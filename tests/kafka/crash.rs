//! The engine dies, or is asked to go.

use super::{
    market::records,
    world::{World, size},
};

#[test]
fn kill_9_under_load_loses_nothing_and_doubles_nothing() {
    let (kills, total) = (size(6, 30), size(24_000, 150_000));
    let world = World::new("kill");
    let feed = world.feed(records(1, total), 2_000.0);
    let mut engine = world.engine("a", &[]);
    for kill in 1..=kills {
        feed.await_sent(total * kill / (kills + 1));
        engine.signal("KILL");
        drop(engine);
        engine = world.engine("a", &[]);
    }
    feed.join();
    world.await_all(&[&engine]);
    assert!(engine.terminate().success());
    world.check(&format!("{kills} kills"));
}
