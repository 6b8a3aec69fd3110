//! Coinbase Exchange, market data without a key.
//!
//! The channel `ticker` gives each match with its size, side, trade id and the quote. `heartbeat` comes every second for
//! each product. A subscription is due within 5 seconds of connecting.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Venue, text, texts};
use crate::source::live::backfill::{Direction, Page, PastTrades, Query, past_trade};

pub(super) static VENUE: Venue = Venue {
    name: "coinbase-exchange",
    symbol_venue: "coinbase",
    url: "wss://ws-feed.exchange.coinbase.com",
    default_products: &["BTC-USD", "ETH-USD", "SOL-USD"],
    products_per_connection: 250,
    products_per_request: 100,
    request_spacing: Duration::from_millis(50),
    connect_spacing: Duration::from_millis(250),
    lifetime: None,
    ping: None,
    has_heartbeat: true,
    // The ticker leaves matches out where many come at once.
    has_dense_trade_ids: false,
    subscribe,
    answer,
    past_trades: Some(PastTrades {
        url: "https://api.exchange.coinbase.com",
        spacing: Duration::from_millis(120),
        direction: Direction::NewestFirst,
        request: |query: &Query<'_>| {
            let before = query.cursor.map(|id| format!("&after={id}")).unwrap_or_default();
            format!("/products/{}/trades?limit=1000{before}", query.product)
        },
        page,
    }),
};

fn subscribe(products: &[String], _: u64) -> Vec<String> {
    vec![
        json!({"type": "subscribe", "product_ids": products, "channels": ["ticker", "heartbeat"]})
            .to_string(),
    ]
}

fn answer(message: &Value) -> Answer {
    match text(message, "type") {
        "subscriptions" => {
            let channels = message["channels"].as_array().map(Vec::as_slice).unwrap_or_default();
            let tickers = channels.iter().filter(|channel| text(channel, "name") == "ticker");
            Answer::Products(tickers.flat_map(|channel| texts(&channel["product_ids"])).collect())
        }
        "error" => {
            let reason = text(message, "reason");
            // The one message in which the venue names a product.
            let product = reason.strip_suffix(" is not a valid product").map(str::to_owned);
            let words = format!("{}: {reason}", text(message, "message"));
            Answer::Refused { products: product.into_iter().collect(), request: None, words }
        }
        _ => Answer::None,
    }
}

/// `[{"trade_id", "side", "size", "price", "time"}]`, newest first; the side is the maker's.
fn page(body: &Value, _: &Query<'_>) -> Result<Page, String> {
    let rows = body.as_array().ok_or("no list of trades")?;
    let read = |trade: &Value| {
        let is_sale = match text(trade, "side") {
            "buy" => Some(true),
            "sell" => Some(false),
            _ => None,
        };
        past_trade(&trade["time"], &trade["price"], &trade["size"], is_sale, &trade["trade_id"])
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
        // Exchange WebSocket feed, "Subscribe" and "Errors".
        let confirmed = r#"{"type":"subscriptions","channels":[{"name":"ticker","product_ids":["ETH-USD","BTC-USD"],"account_ids":null},{"name":"heartbeat","product_ids":["ETH-USD"]}]}"#;
        let products = Answer::Products(vec!["ETH-USD".to_owned(), "BTC-USD".to_owned()]);
        assert_eq!(VENUE.read_answer(confirmed.as_bytes()), products);
        let refusal =
            r#"{"type":"error","message":"Failed to subscribe","reason":"XX-USD is not a valid product"}"#;
        let words = "Failed to subscribe: XX-USD is not a valid product".to_owned();
        let products = vec!["XX-USD".to_owned()];
        assert_eq!(VENUE.read_answer(refusal.as_bytes()), Answer::Refused { products, request: None, words });
    }
}
