//! Hyperliquid, without a key.
//!
//! `trades` gives each trade of a coin; a message asks for one coin. The venue closes a connection on which it has sent
//! nothing for 60 seconds, takes 2,000 messages a minute, and tells no past trades: a start has no backfill.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Ping, Venue, refused, text};

pub(super) static VENUE: Venue = Venue {
    name: "hyperliquid",
    symbol_venue: "hyperliquid",
    url: "wss://api.hyperliquid.xyz/ws",
    default_products: &["BTC", "ETH", "SOL"],
    products_per_connection: 200,
    products_per_request: 1,
    request_spacing: Duration::from_millis(35),
    connect_spacing: Duration::from_millis(2_100),
    lifetime: None,
    ping: Some(Ping { every: Duration::from_secs(30), text: r#"{"method":"ping"}"#, pong: "" }),
    has_heartbeat: false,
    has_dense_trade_ids: false,
    subscribe,
    answer,
    past_trades: None,
};

fn subscribe(products: &[String], _: u64) -> Vec<String> {
    let ask =
        |coin: &String| json!({"method": "subscribe", "subscription": {"type": "trades", "coin": coin}});
    products.iter().map(|coin| ask(coin).to_string()).collect()
}

fn answer(message: &Value) -> Answer {
    match text(message, "channel") {
        "subscriptionResponse" => {
            Answer::Products(vec![text(&message["data"]["subscription"], "coin").to_owned()])
        }
        "pong" => Answer::Pong,
        "error" => {
            let words = text(message, "data");
            // The venue repeats the request that it refuses: `Invalid subscription {"type":"trades","coin":"XX"}`.
            let coin = words.find('{').and_then(|at| serde_json::from_str::<Value>(&words[at..]).ok());
            let coin = coin.as_ref().map_or("", |request| {
                let inner = request.get("subscription").unwrap_or(request);
                text(inner, "coin")
            });
            match coin {
                "" => refused(words),
                coin => Answer::Refused {
                    products: vec![coin.to_owned()],
                    request: None,
                    words: words.to_owned(),
                },
            }
        }
        _ => Answer::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_documented_answers_are_understood() {
        // API, "Websocket", "Subscriptions" and "Timeouts and heartbeats".
        let confirmed = r#"{"channel":"subscriptionResponse","data":{"method":"subscribe","subscription":{"type":"trades","coin":"SOL"}}}"#;
        assert_eq!(VENUE.read_answer(confirmed.as_bytes()), Answer::Products(vec!["SOL".to_owned()]));
        assert_eq!(VENUE.read_answer(br#"{"channel":"pong"}"#), Answer::Pong);
        let refusal =
            br#"{"channel":"error","data":"Invalid subscription {\"type\":\"trades\",\"coin\":\"XX\"}"}"#;
        let Answer::Refused { products, .. } = VENUE.read_answer(refusal) else { panic!() };
        assert_eq!(products, ["XX"]);
    }
}
