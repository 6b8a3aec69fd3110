//! Bybit v5, spot, market data without a key.
//!
//! The topic `publicTrade` gives each trade. A request takes 10 topics of spot; the venue wants a ping every 20 seconds. Its
//! REST tells the last 60 trades of a product and none before them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Ping, Venue, text};
use crate::source::live::backfill::{Direction, Page, PastTrades, Query, past_trade};

pub(super) static VENUE: Venue = Venue {
    name: "bybit",
    symbol_venue: "bybit",
    url: "wss://stream.bybit.com/v5/public/spot",
    default_products: &["BTCUSDT", "ETHUSDT", "SOLUSDT"],
    products_per_connection: 200,
    products_per_request: 10,
    request_spacing: Duration::from_millis(100),
    connect_spacing: Duration::from_millis(700),
    lifetime: None,
    ping: Some(Ping { every: Duration::from_secs(20), text: r#"{"op":"ping"}"#, pong: "" }),
    has_heartbeat: false,
    has_dense_trade_ids: false,
    subscribe,
    answer,
    past_trades: Some(PastTrades {
        url: "https://api.bybit.com",
        spacing: Duration::from_millis(100),
        direction: Direction::OnePage,
        request: |query: &Query<'_>| {
            format!("/v5/market/recent-trade?category=spot&symbol={}&limit=60", query.product)
        },
        page,
    }),
};

fn subscribe(products: &[String], request: u64) -> Vec<String> {
    let topics: Vec<String> = products.iter().map(|product| format!("publicTrade.{product}")).collect();
    vec![json!({"op": "subscribe", "args": topics, "req_id": request.to_string()}).to_string()]
}

fn answer(message: &Value) -> Answer {
    match (text(message, "op"), message.get("success").and_then(Value::as_bool)) {
        ("ping", _) | ("pong", _) => Answer::Pong,
        ("subscribe", Some(is_success)) => {
            let request = text(message, "req_id").parse().ok();
            match request {
                Some(request) if is_success => Answer::Request(request),
                _ if is_success => Answer::None,
                _ => {
                    let words = text(message, "ret_msg").to_owned();
                    Answer::Refused { products: Vec::new(), request, words }
                }
            }
        }
        _ => Answer::None,
    }
}

/// `{"retCode": 0, "result": {"list": [{"execId", "price", "size", "side", "time", …}]}}`, newest first; the side is the
/// taker's.
fn page(body: &Value, _: &Query<'_>) -> Result<Page, String> {
    let rows = body["result"]["list"].as_array().ok_or_else(|| text(body, "retMsg").to_owned())?;
    let read = |trade: &Value| {
        let is_sale = match text(trade, "side") {
            "Buy" => Some(false),
            "Sell" => Some(true),
            _ => None,
        };
        past_trade(&trade["time"], &trade["price"], &trade["size"], is_sale, &trade["execId"])
    };
    Ok(Page { trades: rows.iter().map(read).collect::<Result<_, _>>()?, cursor: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_documented_answers_are_understood() {
        // v5 WebSocket, "Connect": "Subscribe", "Heartbeat".
        let confirmed = r#"{"success":true,"ret_msg":"subscribe","conn_id":"2324d924-aa4d-45b0-a858-7b8be29ab52b","req_id":"10001","op":"subscribe"}"#;
        assert_eq!(VENUE.read_answer(confirmed.as_bytes()), Answer::Request(10001));
        let refusal = r#"{"success":false,"ret_msg":"Invalid symbol :[publicTrade.XXUSDT]","conn_id":"x","req_id":"2","op":"subscribe"}"#;
        let words = "Invalid symbol :[publicTrade.XXUSDT]".to_owned();
        let refused = Answer::Refused { products: Vec::new(), request: Some(2), words };
        assert_eq!(VENUE.read_answer(refusal.as_bytes()), refused);
        let pong = r#"{"success":true,"ret_msg":"pong","conn_id":"465772b1-7630-4fdc-a492-e003e6f0f260","req_id":"","op":"ping"}"#;
        assert_eq!(VENUE.read_answer(pong.as_bytes()), Answer::Pong);
    }
}
