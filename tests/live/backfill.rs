//! Past trades by REST: before the live ones, oldest first, each once; and over a gap.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::*;

/// Milliseconds since 1970-01-01.
fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// The value of a key of a path's query.
fn parameter(path: &str, key: &str) -> Option<u64> {
    let query = path.split_once('?')?.1;
    query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('=')?.parse().ok())
}

/// The trade `id` of a market with ten trades a second, of which the newest at `start_ms` is 100,000.
fn time_of(id: u64, start_ms: u64) -> u64 {
    start_ms + id * 100 - 10_000_000
}

/// `GET /products/{product}/trades` of Coinbase Exchange: pages of 1,000, newest first, by id.
fn exchange_page(path: &str, start_ms: u64) -> String {
    let newest = parameter(path, "after").map_or(100_000, |after| after - 1);
    let trades = (newest.saturating_sub(999)..=newest).rev().map(|id| {
        let time = jiff::Timestamp::from_millisecond(time_of(id, start_ms) as i64).unwrap();
        json!({"trade_id": id, "side": "sell", "size": "0.01", "price": "67000.12", "time": time.to_string()})
    });
    Value::Array(trades.collect()).to_string()
}

/// A ticker of Coinbase Exchange.
fn match_of(id: u64, start_ms: u64) -> String {
    let time = jiff::Timestamp::from_millisecond(time_of(id, start_ms) as i64).unwrap();
    format!(
        r#"{{"type":"ticker","sequence":{id},"product_id":"BTC-USD","price":"67000.5","best_bid":"67000.1","best_bid_size":"1","best_ask":"67000.9","best_ask_size":"1","side":"buy","time":"{time}","trade_id":{id},"last_size":"0.02"}}"#
    )
}

const CONFIRMED: &str =
    r#"{"type":"subscriptions","channels":[{"name":"ticker","product_ids":["BTC-USD"],"account_ids":null}]}"#;

#[test]
fn past_trades_come_before_the_live_ones_and_each_once() {
    let start_ms = now_ms();
    let rest = Exchange::rest(move |path| (200, exchange_page(path, start_ms)));
    let exchange = Exchange::start(move |_, peer| {
        peer.hear();
        peer.send(CONFIRMED);
        // Live trades come while past ones are asked for, some of which REST tells, too.
        for id in 99_990..=100_010 {
            peer.send(&match_of(id, start_ms));
        }
        peer.linger();
    });
    let mut settings = settings("coinbase-exchange", &["BTC-USD"], &exchange);
    settings.silence_s = Seconds::whole(10);
    settings.rest_urls.insert("coinbase-exchange".to_owned(), format!("http://{}", rest.address));
    settings.backfill_s = Seconds::whole(600);
    let feed = Feed::start(&settings);
    until("the newest trade", || feed.taken.lock().unwrap().ids().last() == Some(&100_010));
    let connection = feed.connection();
    let taken = feed.end();
    let ids = taken.ids();
    let first = ids[0];
    assert_eq!(ids, (first..=100_010).collect::<Vec<_>>(), "oldest first, no hole, none twice");
    // Ten minutes of ten a second.
    assert!((93_990..=94_010).contains(&first), "{first}");
    assert_eq!(connection.backfilled.load(Relaxed), 99_990 - first);
    let past = taken.ticks[0].1;
    assert_eq!(past.price.value(), 67_000.12);
    assert_eq!(past.side, Some(engine::tick::Side::Buy), "REST tells the maker's side");
    assert_eq!(taken.ticks[0].0, "coinbase:BTC-USD");
}

#[test]
fn a_gap_after_a_reconnect_is_filled() {
    let start_ms = now_ms();
    let rest = Exchange::rest(move |path| (200, exchange_page(path, start_ms)));
    let exchange = Exchange::start(move |number, peer| {
        peer.hear();
        peer.send(CONFIRMED);
        if number == 0 {
            peer.send(&match_of(99_000, start_ms));
            // Until the client has it, and has asked for what was before.
            std::thread::sleep(std::time::Duration::from_millis(1_500));
            return peer.close(1012, "service restart");
        }
        peer.send(&match_of(99_950, start_ms));
        peer.linger();
    });
    let mut settings = settings("coinbase-exchange", &["BTC-USD"], &exchange);
    settings.silence_s = Seconds::whole(10);
    settings.rest_urls.insert("coinbase-exchange".to_owned(), format!("http://{}", rest.address));
    settings.backfill_s = Seconds::whole(200);
    let feed = Feed::start(&settings);
    until("the newest trade", || feed.taken.lock().unwrap().ids().last() == Some(&99_950));
    let ids = feed.end().ids();
    assert_eq!(ids, (ids[0]..=99_950).collect::<Vec<_>>());
}

#[test]
fn a_rest_that_limits_and_fails_is_asked_again_and_then_given_up_aloud() {
    let start_ms = now_ms();
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = tries.clone();
    // The first request is refused for its rate, every page after the first one fails for good.
    let rest = Exchange::rest(move |path| match (counted.fetch_add(1, Relaxed), path.contains("after")) {
        (0, _) => (429, "Public rate limit exceeded".to_owned()),
        (_, false) => (200, exchange_page(path, start_ms)),
        (_, true) => (400, r#"{"message":"cursor is too old"}"#.to_owned()),
    });
    let exchange = Exchange::start(move |_, peer| {
        peer.hear();
        peer.send(CONFIRMED);
        peer.send(&match_of(100_001, start_ms));
        peer.linger();
    });
    let mut settings = settings("coinbase-exchange", &["BTC-USD"], &exchange);
    settings.silence_s = Seconds::whole(10);
    settings.rest_urls.insert("coinbase-exchange".to_owned(), format!("http://{}", rest.address));
    settings.backfill_s = Seconds::whole(600);
    let feed = Feed::start(&settings);
    feed.until_ticks(1_001);
    let connection = feed.connection();
    assert_eq!(connection.backfills_failed.load(Relaxed), 1);
    let notice = connection.standing().notice.unwrap();
    assert!(notice.contains("400") && notice.contains("cursor is too old"), "{notice}");
    assert_eq!(
        feed.end().ids(),
        (99_001..=100_001).collect::<Vec<_>>(),
        "what came stays, and the live trade follows"
    );
}

/// Trades of one kind of page, by venue: what each REST answers, as its documentation shows.
fn page_of(venue: &str, path: &str, start_ms: u64) -> String {
    let ids = |newest: u64, count: u64| newest + 1 - count..=newest;
    match venue {
        "coinbase" => {
            assert!(
                path.starts_with("/api/v3/brokerage/market/products/BTC-USD/ticker?limit=1000&start="),
                "{path}"
            );
            // Unix seconds; the newest thousand of them.
            let until_ms = parameter(path, "end").unwrap() * 1_000;
            let newest = (100_000..)
                .take_while(|&id| time_of(id, start_ms) <= until_ms)
                .last()
                .map_or(0, |id| id.min(100_000));
            let newest = newest.max(
                (90_000..=100_000).take_while(|&id| time_of(id, start_ms) <= until_ms).last().unwrap_or(0),
            );
            let from_ms = parameter(path, "start").unwrap() * 1_000;
            let trades = ids(newest, 1_000).rev().filter(|&id| time_of(id, start_ms) >= from_ms).map(|id| {
                let time = jiff::Timestamp::from_millisecond(time_of(id, start_ms) as i64).unwrap();
                json!({"trade_id": id.to_string(), "product_id": "BTC-USD", "price": "67000.12", "size": "0.01", "time": time.to_string(), "side": "SELL", "bid": "", "ask": ""})
            });
            json!({"trades": trades.collect::<Vec<_>>(), "best_bid": "67000.1", "best_ask": "67000.2"})
                .to_string()
        }
        "binance" | "binance-usdm" => {
            let first = parameter(path, "fromId").unwrap_or_else(|| {
                let from_ms = parameter(path, "startTime").unwrap();
                (90_000..).find(|&id| time_of(id, start_ms) >= from_ms).unwrap()
            });
            let trades = (first..=100_000).take(1_000).map(|id| {
                json!({"a": id, "p": "67000.12", "q": "0.01", "f": id, "l": id, "T": time_of(id, start_ms), "m": false, "M": true})
            });
            Value::Array(trades.collect()).to_string()
        }
        "kraken" => {
            assert!(path.starts_with("/0/public/Trades?pair=XBTUSD&since="), "{path}");
            let since_ns = parameter(path, "since").unwrap();
            let rows: Vec<Value> = (90_000..=100_000)
                .filter(|&id| time_of(id, start_ms) * 1_000_000 > since_ns)
                .take(1_000)
                .map(|id| json!(["67000.12", "0.01", time_of(id, start_ms) as f64 / 1e3, "b", "l", "", id]))
                .collect();
            let last_ms = rows
                .last()
                .map_or(since_ns / 1_000_000, |row| (row[2].as_f64().unwrap() * 1e3).round() as u64);
            let last = (last_ms * 1_000_000).to_string();
            json!({"error": [], "result": {"XXBTZUSD": rows, "last": last}}).to_string()
        }
        "bybit" => {
            let list = ids(100_000, 60).rev().map(|id| {
                json!({"execId": id.to_string(), "symbol": "BTCUSDT", "price": "67000.12", "size": "0.01", "side": "Buy", "time": time_of(id, start_ms).to_string(), "isBlockTrade": false})
            });
            json!({"retCode": 0, "retMsg": "OK", "result": {"category": "spot", "list": list.collect::<Vec<_>>()}}).to_string()
        }
        "okx" => {
            let newest = parameter(path, "after").map_or(100_000, |after| after - 1);
            let data = ids(newest, 100).rev().map(|id| {
                json!({"instId": "BTC-USDT", "side": "buy", "sz": "0.01", "px": "67000.12", "tradeId": id.to_string(), "ts": time_of(id, start_ms).to_string()})
            });
            json!({"code": "0", "msg": "", "data": data.collect::<Vec<_>>()}).to_string()
        }
        other => panic!("{other}"),
    }
}

#[test]
fn each_venues_pages_are_read_to_the_first_trade_that_is_wanted() {
    let start_ms = now_ms();
    for (venue, product) in [
        ("coinbase", "BTC-USD"),
        ("binance", "BTCUSDT"),
        ("binance-usdm", "BTCUSDT"),
        ("kraken", "BTC/USD"),
        ("bybit", "BTCUSDT"),
        ("okx", "BTC-USDT"),
    ] {
        let rest = Exchange::rest(move |path| (200, page_of(venue, path, start_ms)));
        let exchange = Exchange::start(move |_, peer| super::venues::confirm(venue, peer));
        let mut settings = settings(venue, &[product], &exchange);
        settings.silence_s = Seconds::whole(10);
        settings.rest_urls.insert(venue.to_owned(), format!("http://{}", rest.address));
        settings.backfill_s = Seconds::whole(250);
        let feed = Feed::start(&settings);
        until(&format!("the newest trade of {venue}"), || {
            feed.taken.lock().unwrap().ids().last() == Some(&100_000)
        });
        let connection = feed.connection();
        let taken = feed.end();
        let ids = taken.ids();
        assert_eq!(ids, (ids[0]..=100_000).collect::<Vec<_>>(), "{venue}");
        let tick = taken.ticks[0].1;
        assert_eq!((tick.price.value(), tick.size.unwrap().value()), (67_000.12, 0.01), "{venue}");
        assert_eq!(tick.side, Some(engine::tick::Side::Buy), "{venue}");
        assert_eq!(taken.ticks[0].0, format!("{venue}:{product}"));
        if venue == "bybit" {
            assert_eq!(ids.len(), 60, "all that the venue tells");
            assert!(connection.standing().notice.unwrap().contains("the last 60 trades only"));
        } else {
            assert_eq!(time_of(100_000, start_ms), start_ms);
            // 250 s of ten a second, and the time that the test took to come here.
            assert!((97_490..=99_000).contains(&ids[0]), "{venue}: {}", ids[0]);
            assert_eq!(connection.backfills_failed.load(Relaxed), 0, "{venue}");
        }
    }
}
