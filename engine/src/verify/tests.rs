//! Logs made here, then hurt in every way that has a name.

use std::collections::BTreeMap;

use super::*;
use crate::{
    decode::{DecodeOptions, Decoded, decode},
    encode::encode,
    message::{Batch, BatchReply, Epoch, Message, PartitionOrder, PartitionWork, RoutedTick, ShardReply},
    metrics::ShardMetrics,
    shard::{NoOut, ShardCore},
    sim::{Faults, SimConfig, SimSymbol, Simulator},
    symbol::{Offset, Partition, Position, SymbolKey},
};

/// A log in memory.
#[derive(Clone, Debug, Default)]
struct Memory(BTreeMap<u32, Vec<LogRecord>>);

impl Memory {
    fn one(&mut self) -> &mut Vec<LogRecord> {
        self.0.entry(3).or_default()
    }
}

impl PartitionedLog for Memory {
    fn topic(&self) -> &str {
        "memory"
    }
    fn partitions(&self) -> Vec<u32> {
        self.0.keys().copied().collect()
    }
    fn first_offset(&self, partition: u32) -> Option<u64> {
        Some(self.0.get(&partition)?.first()?.offset)
    }
    fn length(&self, partition: u32) -> u64 {
        self.0.get(&partition).map_or(0, |records| records.len() as u64)
    }
    fn read(&self, partitions: &[u32]) -> Result<Vec<PartitionRecords>, LogError> {
        let of = |partition| -> PartitionRecords {
            let records = self.0.get(partition).cloned().unwrap_or_default();
            Box::new(records.into_iter().map(Ok))
        };
        Ok(partitions.iter().map(of).collect())
    }
}

struct NoModels;

impl Models for NoModels {
    fn find(&mut self, _: &str) -> Option<Arc<Model>> {
        None
    }
}

fn settings() -> VerifySettings {
    VerifySettings {
        state: StateSettings::default(),
        emit: Emit::EveryTick,
        at_least_once: false,
        baseline: None,
        records: RecordRules { format: RecordFormat::json("coinbase".to_owned()), ..RecordRules::default() },
    }
}

/// Two symbols over a bad feed, on partition 3.
fn ticks(count: usize) -> Memory {
    let faults =
        Faults { repeated_share: 0.01, late_share: 0.01, silences_per_hour: 10.0, ..Faults::default() };
    let symbols = ["A-USD", "B-USD"].map(SimSymbol::named).to_vec();
    let market = SimConfig { symbols, faults, ..SimConfig::default() };
    let mut log = Memory::default();
    let mut text = String::new();
    for (i, (symbol, tick)) in Simulator::new(market).take(count).enumerate() {
        encode("coinbase", ["A-USD", "B-USD"][symbol], &tick, &mut text);
        let value = if i == 50 { "not json" } else { &text };
        let value = Some(value.as_bytes().to_vec());
        log.one().push(LogRecord { partition: 3, offset: i as u64, value, ..LogRecord::default() });
    }
    log
}

/// What a lane writes of the ticks from `read_from` on: nothing before `committed`.
fn score(ticks: &Memory, read_from: u64, committed: u64, new_origin: bool, emit: Emit) -> Vec<LogRecord> {
    let mut core = ShardCore::new(StateSettings::default(), None, Arc::new(ShardMetrics::default()));
    let (reply, replies) = crossbeam::channel::bounded(1);
    let (partition, epoch, names) = (Partition(3), Epoch::next(), SymbolTable::default());
    let mut step = |message| core.step(std::time::Instant::now(), &mut vec![message], &mut NoOut);
    let new_origin_before = Offset(if new_origin { committed } else { 0 });
    let work = PartitionWork::Open { new_origin_before, emit_from: Offset(committed) };
    step(Message::Partition(PartitionOrder { partition, epoch, work }));
    let (mut written, mut decoded) = (Vec::new(), Decoded::default());
    for record in ticks.0[&3].iter().filter(|record| record.offset >= read_from) {
        let value = record.value.as_deref().unwrap();
        if decode(value, &DecodeOptions::of_venue("coinbase"), &mut decoded).is_err() {
            continue;
        }
        let ticker = decoded.ticks().next().unwrap();
        let symbol = names.intern(ticker.venue, ticker.product).unwrap();
        let key = SymbolKey { partition, symbol: symbol.id };
        let position = Position { partition, offset: Offset(record.offset), index: 0 };
        let ticks = vec![RoutedTick { key, position, epoch, tick: ticker.tick }];
        let reply = Some(BatchReply { to: reply.clone(), shard: 0, emit });
        step(Message::Ticks(Batch { new_symbols: vec![symbol.clone()], ticks, reply }));
        let Ok(ShardReply::Predictions(outputs)) = replies.try_recv() else { panic!("no answer") };
        if !outputs.entries.is_empty() {
            written.push(LogRecord {
                partition: 3,
                key: Some(symbol.name.as_bytes().to_vec()),
                value: Some(outputs.bytes),
                headers: vec![("src".to_owned(), Some(format!("3:{}:0", record.offset).into_bytes()))],
                ..LogRecord::default()
            });
        }
    }
    written
}

/// The predictions as a log of their own.
fn log(records: impl IntoIterator<Item = LogRecord>) -> Memory {
    let mut log = Memory::default();
    log.one();
    for (i, record) in records.into_iter().enumerate() {
        log.one().push(LogRecord { offset: i as u64, ..record });
    }
    log
}

fn verify_with(settings: &VerifySettings, ticks: &Memory, predictions: &Memory) -> Report {
    Verifier::new(settings, &mut NoModels).verify(ticks, predictions, &|_| None, &mut || {}).unwrap()
}

fn verify(ticks: &Memory, predictions: &Memory) -> Report {
    verify_with(&settings(), ticks, predictions)
}

fn rewritten(record: &LogRecord, from: &str, to: &str) -> LogRecord {
    let text = String::from_utf8(record.value.clone().unwrap()).unwrap();
    assert!(text.contains(from), "{from} in {text}");
    LogRecord { value: Some(text.replacen(from, to, 1).into_bytes()), ..record.clone() }
}

fn at(record: &LogRecord) -> Place {
    let (offset, index) = Found::new(record.clone()).at.unwrap();
    Place { partition: 3, offset, index }
}

#[test]
fn what_a_lane_writes_is_verified_and_ticks_behind_it_are_counted_apart() {
    let ticks = ticks(3_000);
    let written = score(&ticks, 0, 0, false, Emit::EveryTick);
    assert!((2_800..2_990).contains(&written.len()), "{} of 3000", written.len());
    let report = verify(&ticks, &log(written.clone()));
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(
        (report.verified, report.predictions, report.tick_records_behind),
        (written.len() as u64, report.verified, 0)
    );
    let report = verify(&ticks, &log(written[..1_000].to_vec()));
    assert!(
        report.is_sound() && report.verified == 1_000 && report.tick_records_behind > 1_900,
        "{report:?}"
    );
    // The group has committed them all: the rest is missing.
    let all = |_| Some(Committed { offset: 3_000, origin: Some(0) });
    let cut = log(written[..1_000].to_vec());
    let settings = settings();
    let report = Verifier::new(&settings, &mut NoModels).verify(&ticks, &cut, &all, &mut || {}).unwrap();
    assert_eq!((report.verified, report.missing), (1_000, written.len() as u64 - 1_000));
    // Even where none is left.
    let none = Memory::default();
    let report = Verifier::new(&settings, &mut NoModels).verify(&ticks, &none, &all, &mut || {}).unwrap();
    assert_eq!((report.verified, report.missing), (0, written.len() as u64));
    // An offset beyond all numbers is no harm.
    let mut far = written.clone();
    far[5].headers[0].1 = Some(format!("3:{}:0", u64::MAX).into_bytes());
    let report = verify(&ticks, &log(far));
    assert!(!report.is_sound() && report.verified > 0, "{report:?}");
}

#[test]
fn one_change_is_found_and_named() {
    let ticks = ticks(3_000);
    let written = score(&ticks, 0, 0, false, Emit::EveryTick);
    let hash_at = |record: &LogRecord| {
        let text = String::from_utf8(record.value.clone().unwrap()).unwrap();
        let begin = text.find("features_hash\":\"").unwrap() + 16;
        text[begin..begin + 16].to_owned()
    };
    for i in [0, 1, 1_500, written.len() - 1] {
        for (from, to, field) in [
            (hash_at(&written[i]), "0000000000000000".to_owned(), "receipt.features_hash"),
            (
                "\"state_from\":\"origin\"".to_owned(),
                "\"state_from\":\"new_origin\"".to_owned(),
                "receipt.state_from",
            ),
            ("\"index\":0".to_owned(), "\"index\":1".to_owned(), "receipt.index"),
            ("\"horizon_s\":null".to_owned(), "\"horizon_s\":60".to_owned(), "horizon_s"),
        ] {
            let mut changed = written.clone();
            changed[i] = rewritten(&written[i], &from, &to);
            let report = verify(&ticks, &log(changed));
            let difference = report.first_difference.clone().unwrap();
            assert_eq!(
                (difference.kind, difference.place, difference.field.as_str()),
                (Kind::Differing, at(&written[i]), field)
            );
            assert_eq!(
                (report.verified, report.differing),
                (written.len() as u64 - 1, 1),
                "record {i}, {field}"
            );
        }
    }
    let mut changed = written.clone();
    changed[9].key = Some(b"coinbase:C-USD".to_vec());
    assert_eq!(verify(&ticks, &log(changed)).first_difference.unwrap().field, "key");
    let mut changed = written.clone();
    changed[9].value = Some(b"{}".to_vec());
    let report = verify(&ticks, &log(changed));
    assert_eq!((report.differing, report.missing, report.surplus), (1, 0, 0));
    let mut changed = written;
    changed[9].headers[0].1 = Some(b"2:9:0".to_vec());
    let report = verify(&ticks, &log(changed));
    assert_eq!(
        (report.differing, report.missing, report.first_difference.unwrap().field.as_str()),
        (1, 1, "src")
    );
}

#[test]
fn what_is_missing_repeated_or_too_much_is_named() {
    let ticks = ticks(2_000);
    let written = score(&ticks, 0, 0, false, Emit::EveryTick);
    let total = written.len() as u64;
    let mut less = written.clone();
    let gone = less.remove(700);
    let report = verify(&ticks, &log(less));
    assert_eq!((report.verified, report.missing), (total - 1, 1));
    assert_eq!(report.first_difference.map(|d| (d.kind, d.place)), Some((Kind::Missing, at(&gone))));

    let mut more = written.clone();
    more.insert(720, written[700].clone());
    let report = verify(&ticks, &log(more.clone()));
    assert_eq!((report.verified, report.repeated), (total, 1));
    assert_eq!(report.first_difference.map(|d| (d.kind, d.place)), Some((Kind::Repeated, at(&written[700]))));
    let loose = VerifySettings { at_least_once: true, ..settings() };
    let report = verify_with(&loose, &ticks, &log(more.clone()));
    assert!(report.is_sound() && report.repeated_as_promised == 1, "{report:?}");
    more[720] = rewritten(&more[720], "\"probability\":null", "\"probability\":0.5");
    assert_eq!(verify_with(&loose, &ticks, &log(more)).differing, 1);

    // The ticks' topic was created again: the predictions of the one before lie in front of those of the present ticks.
    let of_before = |record| rewritten(record, "\"probability\":null", "\"probability\":0.25");
    let before: Vec<LogRecord> = written[..900].iter().map(of_before).collect();
    let report = verify(&ticks, &log([&before[..], &written[..]].concat()));
    assert_eq!((report.verified, report.surplus), (total, 900), "{report:?}");
    assert_eq!((report.differing, report.missing, report.repeated), (0, 0, 0), "{report:?}");
    assert_eq!(report.first_difference.map(|d| (d.kind, d.place)), Some((Kind::Surplus, at(&written[0]))));

    // The tick is gone: its prediction comes from nowhere, and those behind it saw it.
    let mut fewer = ticks.clone();
    fewer.one().retain(|record| record.offset != at(&written[700]).offset);
    let report = verify(&fewer, &log(written.clone()));
    assert_eq!(report.first_difference.map(|d| (d.kind, d.place)), Some((Kind::Surplus, at(&written[700]))));
    assert!(report.differing > 0);

    // All of one symbol's.
    let is_a = |record: &LogRecord| record.key.as_deref() == Some(b"coinbase:A-USD");
    let of_b: Vec<LogRecord> = written.iter().filter(|record| !is_a(record)).cloned().collect();
    assert!(!is_a(&written[0]) || !is_a(&written[1]));
    let report = verify(&ticks, &log(of_b.clone()));
    assert_eq!(report.verified, of_b.len() as u64);
    let read_since = at(&of_b[0]).offset;
    let due = written
        .iter()
        .filter(|r| is_a(r) && at(r).offset >= read_since && at(r).offset <= at(of_b.last().unwrap()).offset);
    assert_eq!(report.missing, due.count() as u64);
}

#[test]
fn state_that_was_lost_and_begun_anew_is_followed() {
    let ticks = ticks(3_000);
    // Read up to 2,000; then the state is lost, the log begins at 1,200, and all from there is read silently.
    let mut written: Vec<LogRecord> = score(&ticks, 0, 0, false, Emit::EveryTick);
    written.retain(|record| at(record).offset < 2_000);
    written.extend(score(&ticks, 1_200, 2_000, true, Emit::EveryTick));
    let report = verify(&ticks, &log(written.clone()));
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(report.verified, written.len() as u64);
    // Once retention has taken the beginning, only the second life can be judged.
    let mut younger = ticks.clone();
    younger.one().retain(|record| record.offset >= 1_200);
    let report = verify(&younger, &log(written.clone()));
    let second = written.iter().filter(|record| at(record).offset >= 2_000).count() as u64;
    assert_eq!((report.verified, report.is_sound()), (second, true), "{report:?}");
    assert_eq!(report.not_verifiable[&Reason::BelowLogStart].count, written.len() as u64 - second);
    // Retention of the predictions: older ticks are not held against anybody.
    let mut cut = log(written);
    cut.one().drain(..500);
    let report = verify(&ticks, &cut);
    assert!(report.is_sound() && report.missing == 0, "{report:?}");
}

#[test]
fn other_modes_settings_and_models_are_told_apart() {
    let ticks = ticks(2_000);
    let seconds = score(&ticks, 0, 0, false, Emit::EverySecond);
    let every_second = VerifySettings { emit: Emit::EverySecond, ..settings() };
    let report = verify_with(&every_second, &ticks, &log(seconds.clone()));
    assert!(report.is_sound() && report.verified == seconds.len() as u64, "{report:?}");
    assert!(seconds.len() < 1_500);
    assert!(verify(&ticks, &log(seconds.clone())).missing > 0);

    let mut other = settings();
    other.state.gaps.quoted_ns += 1;
    let report = verify_with(&other, &ticks, &log(seconds.clone()));
    assert_eq!(report.not_verifiable[&Reason::OtherSettings].count, seconds.len() as u64);
    assert!(!report.is_sound());

    let mut written = score(&ticks, 0, 0, false, Emit::EveryTick);
    written[3] = rewritten(&written[3], "\"model\":null", "\"model\":{\"sha256\":\"ab\"}");
    written[3].headers.push(("model".to_owned(), Some(b"ab".to_vec())));
    let report = verify(&ticks, &log(written.clone()));
    assert_eq!(
        (report.verified, report.not_verifiable[&Reason::NoModel].count),
        (written.len() as u64 - 1, 1)
    );
    written[3].headers[1].1 = Some(b"cd".to_vec());
    assert_eq!(verify(&ticks, &log(written)).first_difference.unwrap().field, "header model");
}

#[test]
fn predictions_behind_the_ticks_wait_for_them() {
    let ticks = ticks(1_000);
    let written = score(&ticks, 0, 0, false, Emit::EveryTick);
    let mut early = ticks;
    early.one().truncate(600);
    let report = verify(&early, &log(written.clone()));
    let behind = written.iter().filter(|record| at(record).offset >= 600).count() as u64;
    assert_eq!(report.not_verifiable[&Reason::BehindTicks].count, behind);
    assert_eq!(report.verified, written.len() as u64 - behind);
}
