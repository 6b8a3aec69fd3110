//! A day of a live feed in seconds, with a cut every hour, in five ways in turn. Nothing stays of what ended.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use super::{exchange::Peer, *};
use crate::support::process::Process;

/// The trades of a day, one every five seconds.
const TRADES: u64 = 17_280;
const HOURS: u64 = 24;
/// The first trade, in milliseconds since 1970.
const BEGIN_MS: u64 = 1_775_000_000_000;
/// What a process may grow by between the eighth hour, when its windows are full, and the end of the day.
const GROWTH_MIB_MAX: u64 = 24;

fn trade(id: u64) -> String {
    let (price, time) = (67_000 + id * 7_919 % 100, BEGIN_MS + id * 5_000);
    format!(
        r#"{{"e":"aggTrade","E":{time},"s":"BTCUSDT","a":{id},"p":"{price}.50","q":"0.01","f":{id},"l":{id},"T":{time},"m":{}}}"#,
        id.is_multiple_of(3)
    )
}

/// Sends the trades as they happen until the hour is over, and ends in one of five ways; every sixth connection stays until
/// another takes over from it.
fn hour(number: usize, peer: &mut Peer, newest: &AtomicU64, trades: u64) {
    peer.hear();
    peer.send(r#"{"result":null,"id":0}"#);
    let mut sent = newest.load(Relaxed);
    let end = (sent / (TRADES / HOURS) + 1) * (TRADES / HOURS);
    while !peer.is_over() {
        let last = newest.load(Relaxed);
        for id in sent + 1..=last {
            peer.send(&trade(id));
        }
        sent = last;
        if number % 6 < 5 && sent >= end && sent < trades {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    match number % 6 {
        0 => peer.close(1001, "going away"),
        1 => peer.close(1012, "service restart"),
        2 => peer.send_raw(b"\xff\xff\xff this is no frame"),
        // A frame of 200 bytes of which three come.
        3 => peer.send_raw(&[0x81, 0x7e, 0x00, 0xc8, b'a', b'b', b'c']),
        _ => {}
    }
}

fn open_files(service: &Process) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", service.id())).unwrap().count()
}

/// The sum of a counter over all its labels.
fn counted(service: &Process, name: &str) -> u64 {
    let metrics = service.get("/metrics").unwrap().1;
    let of_name = metrics
        .lines()
        .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
    of_name.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap() as u64).sum()
}

#[test]
fn a_day_of_cuts_loses_nothing_uncounted_and_leaks_nothing() {
    let days = if std::env::var("STORMGLASS_LONG").is_ok_and(|long| !long.is_empty()) { 5 } else { 1 };
    let trades = TRADES * days;
    let newest = Arc::new(AtomicU64::new(0));
    let clock = newest.clone();
    let exchange = Exchange::start(move |number, peer| hour(number, peer, &clock, trades));
    let service = Process::serve(&["--source", "binance", "--products", "BTCUSDT"], |command| {
        command.env("STORMGLASS__LIVE__URLS", format!("binance={}", exchange.url()));
        command.env("STORMGLASS__LIVE__SILENCE_S", "0.3");
        command.env("STORMGLASS__LIVE__RECONNECT_MIN_S", "0.01");
        command.env("STORMGLASS__LIVE__RECONNECT_MAX_S", "0.05");
        command.env("STORMGLASS__LIVE__LIFETIME_S", "0.8");
    });
    let is_live = || counted(&service, "stormglass_live_messages_total") > 0;
    until("it is live", || service.get("/livez").is_some() && is_live());
    let mut before = None;
    while newest.load(Relaxed) < trades {
        newest.fetch_add(2, Relaxed);
        if before.is_none() && newest.load(Relaxed) > TRADES / 3 {
            before = Some((service.resident_mib(), open_files(&service)));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    // A trade came, or it is missing by the numbers of those that came. One that overtook another where two sockets overlap
    // makes the other missing for a moment.
    let ticks = || counted(&service, "stormglass_ticks_total");
    let missing = || counted(&service, "stormglass_live_missing_total");
    until("every trade is counted", || ticks() + missing() >= trades);
    let (ticks, missing) = (ticks(), missing());
    let reconnects = counted(&service, "stormglass_live_reconnects_total");
    let (resident, files) = before.unwrap();
    let resident_now = service.resident_mib();
    println!(
        "{days} day(s): {trades} trades, {ticks} came, {missing} missing, {reconnects} reconnects; {resident} MiB at eight \
         hours, {resident_now} at the end"
    );
    assert!(ticks <= trades && missing < trades / 4, "{ticks} of {trades}, {missing} missing");
    assert!(reconnects >= HOURS / 2, "{reconnects}");
    assert!(resident_now <= resident + GROWTH_MIB_MAX, "{resident} MiB, then {resident_now}");
    until("the sockets of old connections are closed", || open_files(&service) <= files + 1);
    assert!(service.terminate().success());
}
