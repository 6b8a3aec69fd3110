//! Coinbase Advanced Trade, market data without a key.
//!
//! The channel `ticker` gives a message for each match, with the quote: the ticks of recorded sessions.
//! `market_trades` tells the same trades once more, so it is left out: each would count twice. `heartbeats` comes every
//! second. A subscription is due within 5 seconds of connecting; a client may send 8 messages a second.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Venue, refused, text, texts};
use crate::source::live::backfill::{Direction, Page, PastTrades, Query, past_trade};

pub(super) static VENUE: Venue = Venue {
    name: "coinbase",
    symbol_venue: "coinbase",
    url: "wss://advanced-trade-ws.coinbase.com",
    default_products: &["BTC-USD", "ETH-USD", "SOL-USD"],
    products_per_connection: 250,
    products_per_request: 50,
    request_spacing: Duration::from_millis(150),
    connect_spacing: Duration::from_millis(250),
    lifetime: None,
    ping: None,
    has_heartbeat: true,
    has_dense_trade_ids: false,
    subscribe,
    answer,
    past_trades: Some(PastTrades {
        url: "https://api.coinbase.com",
        spacing: Duration::from_millis(120),
        direction: Direction::NewestFirst,
        request: |query: &Query<'_>| {
            // Whole seconds: the second that a page breaks off in is asked for again, and what repeats is dropped.
            let (start, end) =
                (query.from_ns.div_euclid(1_000_000_000), query.until_ns.div_euclid(1_000_000_000) + 1);
            let product = query.product;
            format!("/api/v3/brokerage/market/products/{product}/ticker?limit=1000&start={start}&end={end}")
        },
        page,
    }),
};

fn subscribe(products: &[String], request: u64) -> Vec<String> {
    let mut messages =
        vec![json!({"type": "subscribe", "channel": "ticker", "product_ids": products}).to_string()];
    if request == 0 {
        messages.push(json!({"type": "subscribe", "channel": "heartbeats"}).to_string());
    }
    messages
}

fn answer(message: &Value) -> Answer {
    match (text(message, "channel"), text(message, "type")) {
        ("subscriptions", _) => {
            let events = message["events"].as_array().map(Vec::as_slice).unwrap_or_default();
            let products = events.iter().flat_map(|event| texts(&event["subscriptions"]["ticker"]));
            Answer::Products(products.collect())
        }
        (_, "error") => refused(text(message, "message")),
        _ => Answer::None,
    }
}

/// `{"trades": [{"trade_id", "product_id", "price", "size", "time", "side", …}], …}`, newest first; the side is the maker's.
fn page(body: &Value, _: &Query<'_>) -> Result<Page, String> {
    let trades = body["trades"].as_array().ok_or("no list under \"trades\"")?;
    let read = |trade: &Value| {
        let is_sale = match text(trade, "side") {
            "BUY" => Some(true),
            "SELL" => Some(false),
            _ => None,
        };
        past_trade(&trade["time"], &trade["price"], &trade["size"], is_sale, &trade["trade_id"])
    };
    let trades = trades.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Page { trades, cursor: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_documented_answers_are_understood() {
        // Advanced Trade WebSocket, "Subscriptions" and the first messages of a recorded session.
        let confirmed = r#"{"channel":"subscriptions","timestamp":"2026-04-05T22:35:13.925350911Z","sequence_num":1,"events":[{"subscriptions":{"ticker":["BTC-USD"]}}]}"#;
        assert_eq!(VENUE.read_answer(confirmed.as_bytes()), Answer::Products(vec!["BTC-USD".to_owned()]));
        let refusal = r#"{"type":"error","message":"authentication failure"}"#;
        assert_eq!(VENUE.read_answer(refusal.as_bytes()), refused("authentication failure"));
        let heartbeat = r#"{"channel":"heartbeats","timestamp":"2023-06-23T20:31:26.122969572Z","sequence_num":0,"events":[{"current_time":"2023-06-23 20:31:56.121961769 +0000 UTC m=+91717.525857105","heartbeat_counter":3049}]}"#;
        assert_eq!(VENUE.read_answer(heartbeat.as_bytes()), Answer::None);
    }

    #[test]
    fn heartbeats_are_asked_for_once() {
        let products = ["BTC-USD".to_owned()];
        assert_eq!(subscribe(&products, 0).len(), 2);
        assert_eq!(
            subscribe(&products, 1),
            [r#"{"channel":"ticker","product_ids":["BTC-USD"],"type":"subscribe"}"#]
        );
    }
}
