//! OKX, public channels without a key.
//!
//! The channel `trades` gives the trades of a taker at one price. The venue closes a connection on which nothing passed for
//! 30 seconds, answers the text `ping` with `pong`, and announces a close by the notice 64008. A connection may ask 480
//! times an hour, and 3 connections may be opened in a second.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Ping, Venue, text};
use crate::source::live::backfill::{Direction, Page, PastTrades, Query, past_trade};

pub(super) static VENUE: Venue = Venue {
    name: "okx",
    symbol_venue: "okx",
    url: "wss://ws.okx.com:8443/ws/v5/public",
    default_products: &["BTC-USDT", "ETH-USDT", "SOL-USDT"],
    products_per_connection: 200,
    products_per_request: 50,
    request_spacing: Duration::from_millis(350),
    connect_spacing: Duration::from_millis(400),
    lifetime: None,
    ping: Some(Ping { every: Duration::from_secs(20), text: "ping", pong: "pong" }),
    has_heartbeat: false,
    // A message may stand for several trades, and names the last one's id.
    has_dense_trade_ids: false,
    subscribe,
    answer,
    past_trades: Some(PastTrades {
        url: "https://www.okx.com",
        spacing: Duration::from_millis(110),
        direction: Direction::NewestFirst,
        request: |query: &Query<'_>| {
            let before = query.cursor.map(|id| format!("&after={id}")).unwrap_or_default();
            format!("/api/v5/market/history-trades?instId={}&limit=100{before}", query.product)
        },
        page,
    }),
};

fn subscribe(products: &[String], _: u64) -> Vec<String> {
    let topics: Vec<Value> =
        products.iter().map(|product| json!({"channel": "trades", "instId": product})).collect();
    vec![json!({"op": "subscribe", "args": topics}).to_string()]
}

fn answer(message: &Value) -> Answer {
    match text(message, "event") {
        "subscribe" => Answer::Products(vec![text(&message["arg"], "instId").to_owned()]),
        "error" => {
            let words = text(message, "msg");
            // The venue names the product only in its sentence: `… instId:XX-USDT doesn't exist`.
            let product = words.split_once("instId:").map(|(_, rest)| {
                rest.chars().take_while(|&c| c.is_ascii_alphanumeric() || c == '-').collect::<String>()
            });
            let products = product.into_iter().filter(|product| !product.is_empty()).collect();
            Answer::Refused { products, request: None, words: format!("{} {words}", text(message, "code")) }
        }
        "notice" => {
            let words = format!("{} {}", text(message, "code"), text(message, "msg"));
            if text(message, "code") == "64008" { Answer::Leaving(words) } else { Answer::Notice(words) }
        }
        _ => Answer::None,
    }
}

/// `{"code": "0", "data": [{"tradeId", "px", "sz", "side", "ts"}]}`, newest first; the side is the taker's.
fn page(body: &Value, _: &Query<'_>) -> Result<Page, String> {
    if text(body, "code") != "0" {
        return Err(format!("{} {}", text(body, "code"), text(body, "msg")));
    }
    let rows = body["data"].as_array().ok_or("no list under \"data\"")?;
    let read = |trade: &Value| {
        let is_sale = match text(trade, "side") {
            "buy" => Some(false),
            "sell" => Some(true),
            _ => None,
        };
        past_trade(&trade["ts"], &trade["px"], &trade["sz"], is_sale, &trade["tradeId"])
    };
    let trades = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let cursor = trades.last().map(|trade| trade.id.clone());
    Ok(Page { trades, cursor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_documented_answers_are_understood() {
        // API v5, "WebSocket": "Subscribe", "Connect", "Notification".
        let confirmed =
            r#"{"event":"subscribe","arg":{"channel":"trades","instId":"BTC-USDT"},"connId":"accb8e21"}"#;
        assert_eq!(VENUE.read_answer(confirmed.as_bytes()), Answer::Products(vec!["BTC-USDT".to_owned()]));
        let refusal = r#"{"event":"error","code":"60018","msg":"Wrong URL or channel:trades,instId:XX-USDT doesn't exist. Please use the correct URL, channel and parameters referring to API document.","connId":"a4d3ae55"}"#;
        let Answer::Refused { products, words, .. } = VENUE.read_answer(refusal.as_bytes()) else { panic!() };
        assert_eq!(products, ["XX-USDT"]);
        assert!(words.starts_with("60018 Wrong URL or channel"));
        let notice = r#"{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade. Please reconnect.","connId":"a4d3ae55"}"#;
        assert!(matches!(VENUE.read_answer(notice.as_bytes()), Answer::Leaving(_)));
        assert_eq!(VENUE.read_answer(b"pong"), Answer::Pong);
    }
}
