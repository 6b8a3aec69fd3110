//! A clock that wrong ticks have set: in the engine, its twin and the features' oracle alike.

use super::{
    StateSettings, SymbolState,
    twin::{check, ticks_of},
};
use crate::{
    prediction::StateFrom,
    scoring::Scoring,
    symbol::{Offset, Partition, Position},
    tick::Tick,
};

#[test]
fn a_clock_that_wrong_ticks_set_is_outvoted_and_a_right_one_is_not() {
    let at = |second: i64| {
        let sized_trade_with_quote = (1 << 1) | (1 << 33) | (1 << 40) | (1 << 47);
        let tick = ticks_of(&[(second * 1_000, second % 7, sized_trade_with_quote)], true)[0];
        Tick { trade_id: None, ..tick }
    };
    const DAYS: i64 = 400_000;
    let run = |seconds: &[i64]| {
        let ticks: Vec<Tick> = seconds.iter().map(|&second| at(second)).collect();
        check(&ticks, 50).unwrap();
        let settings = StateSettings::default();
        let mut state = SymbolState::new(0, StateFrom::Origin, &settings);
        let mut effects = Vec::new();
        for (i, tick) in ticks.iter().enumerate() {
            let position = Position { partition: Partition(0), offset: Offset(i as u64), index: 0 };
            state.accept(tick, position, &settings, &Scoring::default(), &mut effects);
        }
        (state.origin, state.clock().unwrap().second() - at(0).event_time.second())
    };
    let chain = |parts: &[std::ops::Range<i64>]| -> Vec<i64> { parts.iter().cloned().flatten().collect() };
    let wrong = DAYS..DAYS + 2;
    assert_eq!(run(&chain(&[0..100, wrong.clone(), 100..163])), (0, DAYS + 1), "63 do not outvote it");
    assert_eq!(
        run(&chain(&[0..100, wrong.clone(), 100..400])),
        (165, 399),
        "64 do, and all that follow enter"
    );
    assert_eq!(run(&chain(&[wrong.clone(), 0..300])).1, 299, "at the birth too");
    let believed = DAYS..DAYS + 66;
    assert_eq!(run(&chain(&[0..100, believed, 100..400])), (0, DAYS + 65), "a believed clock stays");
    let back_and_forth: Vec<i64> = (0..200).map(|i| if i % 2 == 0 { 200 } else { 150 }).collect();
    let unordered = [chain(&[0..100, wrong]), back_and_forth].concat();
    assert_eq!(run(&unordered), (0, DAYS + 1), "ticks without an order of their own outvote nothing");
}
