//! Kraken, WebSocket API v2, market data without a key.
//!
//! The channel `trade` gives each trade with its size, side and an id without holes. The channel `ticker` tells the same
//! trades once more, so it is left out. A heartbeat comes every second once something is subscribed to; the channel
//! `status` tells of maintenance without being asked.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Venue, text};
use crate::source::live::backfill::{Direction, Page, PastTrades, Query, past_trade};

pub(super) static VENUE: Venue = Venue {
    name: "kraken",
    symbol_venue: "kraken",
    url: "wss://ws.kraken.com/v2",
    default_products: &["BTC/USD", "ETH/USD", "SOL/USD"],
    products_per_connection: 250,
    products_per_request: 50,
    request_spacing: Duration::from_millis(100),
    // 150 openings in 10 minutes are allowed.
    connect_spacing: Duration::from_millis(4_000),
    lifetime: None,
    ping: None,
    has_heartbeat: true,
    has_dense_trade_ids: true,
    subscribe,
    answer,
    past_trades: Some(PastTrades {
        url: "https://api.kraken.com",
        spacing: Duration::from_millis(1_050),
        direction: Direction::OldestFirst,
        request: |query: &Query<'_>| {
            let since = query.cursor.map_or_else(|| query.from_ns.to_string(), str::to_owned);
            format!("/0/public/Trades?pair={}&since={since}&count=1000", rest_pair(query.product))
        },
        page,
    }),
};

fn subscribe(products: &[String], request: u64) -> Vec<String> {
    let params = json!({"channel": "trade", "symbol": products, "snapshot": false});
    vec![json!({"method": "subscribe", "params": params, "req_id": request}).to_string()]
}

fn answer(message: &Value) -> Answer {
    if text(message, "channel") == "status" {
        let system = message["data"].get(0).map_or("", |data| text(data, "system"));
        return match system {
            "" | "online" => Answer::None,
            system => Answer::Notice(format!("the venue's system is in {system}")),
        };
    }
    if text(message, "method") != "subscribe" {
        return Answer::None;
    }
    let request = message.get("req_id").and_then(Value::as_u64);
    if message.get("success") == Some(&Value::Bool(true)) {
        return Answer::Products(vec![text(&message["result"], "symbol").to_owned()]);
    }
    let named = text(message, "symbol");
    let products = if named.is_empty() { Vec::new() } else { vec![named.to_owned()] };
    Answer::Refused { products, request, words: text(message, "error").to_owned() }
}

/// The pair as REST writes it: `BTC/USD` is `XBTUSD` there.
fn rest_pair(product: &str) -> String {
    let (base, quote) = product.split_once('/').unwrap_or((product, ""));
    let base = match base {
        "BTC" => "XBT",
        "DOGE" => "XDG",
        other => other,
    };
    format!("{base}{quote}")
}

/// `{"error": [], "result": {PAIR: [[price, volume, seconds, "b" or "s", …, …, id]], "last": cursor}}`, oldest first.
fn page(body: &Value, _: &Query<'_>) -> Result<Page, String> {
    if let Some(error) = body["error"].get(0) {
        return Err(error.to_string());
    }
    let result = body["result"].as_object().ok_or("no \"result\"")?;
    let rows = result.iter().find(|(key, _)| *key != "last").and_then(|(_, rows)| rows.as_array());
    let read = |row: &Value| {
        let is_sale = match row[3].as_str() {
            Some("b") => Some(false),
            Some("s") => Some(true),
            _ => None,
        };
        past_trade(&row[2], &row[0], &row[1], is_sale, &row[6])
    };
    let trades = rows.ok_or("no list of trades")?.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Page { trades, cursor: result.get("last").and_then(Value::as_str).map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_documented_answers_are_understood() {
        // WebSocket v2, "Trade": "Subscribe Acknowledgement"; "Status".
        let confirmed = r#"{"method":"subscribe","result":{"channel":"trade","snapshot":true,"symbol":"MATIC/USD"},"success":true,"time_in":"2023-09-25T09:21:10.428340Z","time_out":"2023-09-25T09:21:10.428375Z"}"#;
        assert_eq!(VENUE.read_answer(confirmed.as_bytes()), Answer::Products(vec!["MATIC/USD".to_owned()]));
        let refusal = r#"{"error":"Currency pair not supported XX/USD","method":"subscribe","req_id":2,"success":false,"symbol":"XX/USD","time_in":"2023-09-25T09:21:10.428340Z"}"#;
        let words = "Currency pair not supported XX/USD".to_owned();
        let refused = Answer::Refused { products: vec!["XX/USD".to_owned()], request: Some(2), words };
        assert_eq!(VENUE.read_answer(refusal.as_bytes()), refused);
        let maintenance = r#"{"channel":"status","data":[{"api_version":"v2","connection_id":1,"system":"maintenance","version":"2.0.0"}],"type":"update"}"#;
        assert!(
            matches!(VENUE.read_answer(maintenance.as_bytes()), Answer::Notice(words) if words.contains("maintenance"))
        );
        assert_eq!((rest_pair("BTC/USD"), rest_pair("ETH/EUR")), ("XBTUSD".to_owned(), "ETHEUR".to_owned()));
    }
}
