//! Each venue's protocol, as its documentation shows it: requests within the limits, confirmations, refusals, pings, ticks.

use std::{
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use engine::live_report::ConnectionState;
use serde_json::{Value, json};

use super::{exchange::Peer, *};

/// Products of a request, as the venue's documentation writes requests.
fn products_of(venue: &str, request: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = |value: &Value| value.as_array().unwrap().iter().map(text).collect::<Vec<_>>();
    match venue {
        "coinbase" => {
            assert_eq!(request["type"], "subscribe");
            if request["channel"] == "heartbeats" { Vec::new() } else { list(&request["product_ids"]) }
        }
        "coinbase-exchange" => {
            assert_eq!(request["channels"], json!(["ticker", "heartbeat"]));
            list(&request["product_ids"])
        }
        "binance" | "binance-usdm" => {
            assert_eq!(request["method"], "SUBSCRIBE");
            let streams = list(&request["params"]);
            streams.iter().map(|stream| stream.strip_suffix("@aggTrade").unwrap().to_uppercase()).collect()
        }
        "kraken" => {
            assert_eq!(
                (&request["method"], &request["params"]["channel"]),
                (&json!("subscribe"), &json!("trade"))
            );
            list(&request["params"]["symbol"])
        }
        "bybit" => {
            let topics = list(&request["args"]);
            assert!(topics.len() <= 10, "a request of spot takes 10 topics");
            topics.iter().map(|topic| topic.strip_prefix("publicTrade.").unwrap().to_owned()).collect()
        }
        "okx" => {
            let topics = request["args"].as_array().unwrap();
            topics.iter().map(|topic| text(&topic["instId"])).collect()
        }
        "hyperliquid" => vec![text(&request["subscription"]["coin"])],
        other => panic!("{other}"),
    }
}

/// What the venue answers to a request for these products, all of which it has.
fn confirmations(venue: &str, request: &Value, products: &[String]) -> Vec<String> {
    let id = &request["id"];
    match venue {
        "coinbase" => vec![json!({"channel": "subscriptions", "timestamp": "2026-04-04T03:00:00Z", "sequence_num": 0, "events": [{"subscriptions": {"ticker": products}}]}).to_string()],
        "coinbase-exchange" => vec![json!({"type": "subscriptions", "channels": [{"name": "ticker", "product_ids": products, "account_ids": null}]}).to_string()],
        "binance" | "binance-usdm" => vec![json!({"result": null, "id": id}).to_string()],
        "kraken" => products.iter().map(|product| json!({"method": "subscribe", "result": {"channel": "trade", "snapshot": false, "symbol": product}, "success": true, "time_in": "2023-09-25T09:21:10.428340Z", "time_out": "2023-09-25T09:21:10.428375Z", "req_id": request["req_id"]}).to_string()).collect(),
        "bybit" => vec![json!({"success": true, "ret_msg": "subscribe", "conn_id": "2324d924", "req_id": request["req_id"], "op": "subscribe"}).to_string()],
        "okx" => products.iter().map(|product| json!({"event": "subscribe", "arg": {"channel": "trades", "instId": product}, "connId": "accb8e21"}).to_string()).collect(),
        "hyperliquid" => products.iter().map(|product| json!({"channel": "subscriptionResponse", "data": {"method": "subscribe", "subscription": {"type": "trades", "coin": product}}}).to_string()).collect(),
        other => panic!("{other}"),
    }
}

/// How the venue refuses a request in which one product is unknown.
fn refusal(venue: &str, request: &Value, product: &str) -> String {
    match venue {
        "coinbase" => json!({"type": "error", "message": "invalid product"}).to_string(),
        "coinbase-exchange" => json!({"type": "error", "message": "Failed to subscribe", "reason": format!("{product} is not a valid product")}).to_string(),
        "binance" | "binance-usdm" => json!({"code": 2, "msg": "Invalid request: invalid stream", "id": request["id"]}).to_string(),
        "kraken" => json!({"error": format!("Currency pair not supported {product}"), "method": "subscribe", "success": false, "symbol": product, "req_id": request["req_id"], "time_in": "2023-09-25T09:21:10.428340Z", "time_out": "2023-09-25T09:21:10.428375Z"}).to_string(),
        "bybit" => json!({"success": false, "ret_msg": format!("Invalid symbol :[publicTrade.{product}]"), "conn_id": "x", "req_id": request["req_id"], "op": "subscribe"}).to_string(),
        "okx" => json!({"event": "error", "code": "60018", "msg": format!("Wrong URL or channel:trades,instId:{product} doesn't exist. Please use the correct URL, channel and parameters referring to API document."), "connId": "a4d3ae55"}).to_string(),
        "hyperliquid" => json!({"channel": "error", "data": format!("Invalid subscription {{\"type\":\"trades\",\"coin\":\"{product}\"}}")}).to_string(),
        other => panic!("{other}"),
    }
}

/// Whether the venue refuses a whole request for one of its products.
fn refuses_whole_requests(venue: &str) -> bool {
    matches!(venue, "coinbase" | "binance" | "binance-usdm" | "bybit")
}

/// Confirms whatever is asked for, and stays.
pub(super) fn confirm(venue: &str, peer: &mut Peer) {
    while let Some(text) = peer.hear() {
        let Ok(request) = serde_json::from_str::<Value>(&text) else { continue };
        if request["op"] == "ping" || request["method"] == "ping" {
            continue;
        }
        let products = products_of(venue, &request);
        if !products.is_empty() {
            confirmations(venue, &request, &products).iter().for_each(|answer| peer.send(answer));
        }
    }
}

const VENUES: [&str; 8] =
    ["coinbase", "coinbase-exchange", "binance", "binance-usdm", "kraken", "bybit", "okx", "hyperliquid"];

#[test]
fn every_venue_is_asked_within_its_limits_and_its_confirmations_are_understood() {
    for venue in VENUES {
        let exchange = Exchange::start(move |_, peer| confirm(venue, peer));
        let names: Vec<String> = (0..23).map(|number| format!("P{number}-USD")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut settings = settings(venue, &names, &exchange);
        settings.silence_s = Seconds::whole(10);
        let feed = Feed::start(&settings);
        feed.until(&format!("{venue} is live"), |connection| connection.state() == ConnectionState::Live);
        assert_eq!(feed.connection().standing().refused, BTreeMap::new(), "{venue}");
    }
}

#[test]
fn a_refused_product_is_named_with_the_venues_words_and_the_others_are_read() {
    for venue in VENUES {
        let exchange = Exchange::start(move |_, peer| {
            while let Some(text) = peer.hear() {
                let request: Value = serde_json::from_str(&text).unwrap();
                let products = products_of(venue, &request);
                let (bad, good): (Vec<_>, Vec<_>) =
                    products.into_iter().partition(|product| product == "NONE-USD");
                if !bad.is_empty() {
                    peer.send(&refusal(venue, &request, "NONE-USD"));
                }
                if !good.is_empty() && (bad.is_empty() || !refuses_whole_requests(venue)) {
                    confirmations(venue, &request, &good).iter().for_each(|answer| peer.send(answer));
                }
            }
        });
        let mut settings = settings(venue, &["A-USD", "NONE-USD", "B-USD"], &exchange);
        settings.silence_s = Seconds::whole(10);
        settings.subscribe_timeout_s = Seconds::whole(10);
        let feed = Feed::start(&settings);
        feed.until(&format!("{venue} is live"), |connection| connection.state() == ConnectionState::Live);
        let refused = feed.connection().standing().refused;
        assert_eq!(refused.keys().collect::<Vec<_>>(), ["NONE-USD"], "{venue}");
        assert!(feed.report.troubles()[0].starts_with(&format!("{venue} refuses NONE-USD: ")), "{venue}");
    }
}

#[test]
fn a_venue_that_refuses_everything_is_asked_again_seldom() {
    let exchange = Exchange::start(|_, peer| {
        while let Some(text) = peer.hear() {
            let request: Value = serde_json::from_str(&text).unwrap();
            let product = products_of("kraken", &request).remove(0);
            peer.send(&refusal("kraken", &request, &product));
        }
    });
    let mut settings = settings("kraken", &["NONE/USD"], &exchange);
    settings.reconnect_max_s = Seconds::new(0.6).unwrap();
    let feed = Feed::start(&settings);
    feed.until("it is refused", |connection| connection.standing().reason.is_some());
    let (reason, begun) = (feed.connection().standing().reason.unwrap(), Instant::now());
    assert_eq!(reason, "every product was refused: Currency pair not supported NONE/USD");
    feed.until("it is asked again", |connection| connection.reconnects.load(Relaxed) >= 1);
    assert!(begun.elapsed() >= Duration::from_millis(250), "half of the longest wait at least");
}

#[test]
fn pings_of_the_venues_own_are_sent_and_their_answers_are_no_records() {
    for (venue, product, ping, pong) in [
        ("okx", "BTC-USDT", "ping", "pong"),
        (
            "bybit",
            "BTCUSDT",
            r#"{"op":"ping"}"#,
            r#"{"success":true,"ret_msg":"pong","conn_id":"4657","req_id":"","op":"ping"}"#,
        ),
        ("hyperliquid", "BTC", r#"{"method":"ping"}"#, r#"{"channel":"pong"}"#),
    ] {
        let exchange = Exchange::start(move |_, peer| {
            let request = peer.hear_json();
            let products = products_of(venue, &request);
            confirmations(venue, &request, &products).iter().for_each(|answer| peer.send(answer));
            while let Some(text) = peer.hear() {
                assert_eq!(text, ping);
                peer.send(pong);
            }
        });
        let mut settings = settings(venue, &[product], &exchange);
        settings.silence_s = Seconds::new(0.1).unwrap();
        let feed = Feed::start(&settings);
        feed.until("answers to pings", |connection| connection.messages.load(Relaxed) >= 6);
        assert_eq!(
            feed.connection().reconnects.load(Relaxed),
            0,
            "{venue}: a quiet market is no dead socket"
        );
        let events = feed.end().events;
        assert_eq!(events.len(), 1, "{venue}: of the confirmation only: {events:?}");
    }
}

#[test]
fn an_announced_close_is_followed_by_a_second_connection_before_it_comes() {
    for (venue, product, notice) in [
        (
            "okx",
            "BTC-USDT",
            r#"{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade. Please reconnect.","connId":"a4d3ae55"}"#,
        ),
        ("binance", "BTCUSDT", r#"{"e":"serverShutdown","E":1770123456789}"#),
    ] {
        let exchange = Exchange::start(move |number, peer| {
            let request = peer.hear_json();
            let products = products_of(venue, &request);
            confirmations(venue, &request, &products).iter().for_each(|answer| peer.send(answer));
            if number == 0 {
                peer.send(notice);
            }
            peer.linger();
        });
        let mut settings = settings(venue, &[product], &exchange);
        settings.silence_s = Seconds::new(0.3).unwrap();
        let feed = Feed::start(&settings);
        feed.until("another takes over", |connection| connection.reconnects.load(Relaxed) == 1);
        assert_eq!(feed.connection().standing().reason, None, "{venue}: nothing was lost");
        assert_eq!(exchange.connected(), 2, "{venue}");
    }
}

#[test]
fn maintenance_is_shown() {
    let exchange = Exchange::start(|_, peer| {
        peer.send(r#"{"channel":"status","data":[{"api_version":"v2","connection_id":12393906104898154338,"system":"maintenance","version":"2.0.0"}],"type":"update"}"#);
        confirm("kraken", peer);
    });
    let feed = Feed::start(&settings("kraken", &["BTC/USD"], &exchange));
    feed.until("a notice", |connection| {
        connection.standing().notice.is_some_and(|notice| notice.contains("maintenance"))
    });
}

#[test]
fn many_products_are_shared_out_among_connections() {
    let exchange = Exchange::start(|_, peer| confirm("coinbase-exchange", peer));
    let names: Vec<String> = (0..25).map(|number| format!("P{number}-USD")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut settings = settings("coinbase-exchange", &names, &exchange);
    settings.silence_s = Seconds::whole(10);
    settings.products_per_connection = Some(10);
    let feed = Feed::start(&settings);
    until("three live connections", || {
        let connections = feed.report.connections();
        connections.len() == 3
            && connections.iter().all(|connection| connection.state() == ConnectionState::Live)
    });
    assert_eq!(feed.report.connections().iter().map(|c| c.products.len()).collect::<Vec<_>>(), [10, 10, 5]);
}
