//! Binance spot, market data without a key.
//!
//! `aggTrade` is a trade of one taker at one price. Its ids have no holes and are those of `GET /api/v3/aggTrades`, so past
//! and live trades are of one kind. The quotes of spot (`bookTicker`) name no time and are left out. A connection lives
//! 24 hours, takes 1,024 streams, and 5 messages a second; the venue pings every 20 seconds.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Venue, text};
use crate::source::live::backfill::{Direction, Page, PastTrades, Query, past_trade};

pub(super) static VENUE: Venue = Venue {
    name: "binance",
    symbol_venue: "binance",
    url: "wss://stream.binance.com:9443/ws",
    default_products: &["BTCUSDT", "ETHUSDT", "SOLUSDT"],
    products_per_connection: 500,
    products_per_request: 100,
    request_spacing: Duration::from_millis(300),
    connect_spacing: Duration::from_millis(1_100),
    lifetime: Some(Duration::from_secs(23 * 3_600)),
    ping: None,
    has_heartbeat: false,
    has_dense_trade_ids: true,
    subscribe,
    answer,
    past_trades: Some(PastTrades {
        url: "https://api.binance.com",
        // A page weighs 4, and 6,000 a minute are allowed.
        spacing: Duration::from_millis(60),
        direction: Direction::OldestFirst,
        request: |query: &Query<'_>| past_request("/api/v3/aggTrades", query),
        page,
    }),
};

pub(super) fn subscribe(products: &[String], request: u64) -> Vec<String> {
    let streams: Vec<String> =
        products.iter().map(|product| format!("{}@aggTrade", product.to_lowercase())).collect();
    vec![json!({"method": "SUBSCRIBE", "params": streams, "id": request}).to_string()]
}

pub(super) fn answer(message: &Value) -> Answer {
    if text(message, "e") == "serverShutdown" {
        return Answer::Leaving("the server is about to shut down".to_owned());
    }
    let request = message.get("id").and_then(Value::as_u64);
    // An error is at the top or under "error", by endpoint.
    let error = message.get("error").unwrap_or(message);
    match (request, error.get("code")) {
        (_, Some(code)) if !text(error, "msg").is_empty() => {
            let words = format!("{code} {}", text(error, "msg"));
            Answer::Refused { products: Vec::new(), request, words }
        }
        (Some(request), None) if message.get("result") == Some(&Value::Null) => Answer::Request(request),
        _ => Answer::None,
    }
}

/// The path of the page after the cursor, which is the id of the trade before it, or of the first page.
pub(super) fn past_request(path: &str, query: &Query<'_>) -> String {
    let from = match query.cursor {
        Some(id) => format!("fromId={id}"),
        None => format!("startTime={}", query.from_ns.div_euclid(1_000_000)),
    };
    format!("{path}?symbol={}&{from}&limit=1000", query.product)
}

/// `[{"a": id, "p": price, "q": quantity, "T": milliseconds, "m": whether the buyer was the maker, …}]`, oldest first.
pub(super) fn page(body: &Value, _: &Query<'_>) -> Result<Page, String> {
    let rows = body.as_array().ok_or("no list of trades")?;
    let read =
        |trade: &Value| past_trade(&trade["T"], &trade["p"], &trade["q"], trade["m"].as_bool(), &trade["a"]);
    let trades = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let newest = rows.last().and_then(|trade| trade["a"].as_u64());
    Ok(Page { trades, cursor: newest.map(|id| (id + 1).to_string()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_documented_answers_are_understood() {
        // WebSocket Streams, "Live Subscribing/Unsubscribing to streams" and "Error Messages".
        assert_eq!(VENUE.read_answer(br#"{"result":null,"id":3}"#), Answer::Request(3));
        let refusal = br#"{"code":2,"msg":"Invalid request: unknown variant `SUBSCRIBEE`","id":3}"#;
        let words = "2 Invalid request: unknown variant `SUBSCRIBEE`".to_owned();
        let refused = Answer::Refused { products: Vec::new(), request: Some(3), words };
        assert_eq!(VENUE.read_answer(refusal), refused);
        let leaving = VENUE.read_answer(br#"{"e":"serverShutdown","E":1770123456789}"#);
        assert!(matches!(leaving, Answer::Leaving(_)));
        assert_eq!(
            subscribe(&["BTCUSDT".to_owned()], 3),
            [r#"{"id":3,"method":"SUBSCRIBE","params":["btcusdt@aggTrade"]}"#]
        );
    }
}
