//! What differs between venues: one file a venue, one list.
//!
//! A venue file says how its products are subscribed to, what its answers mean, what it wants of a connection, and how its
//! REST tells past trades. It holds no state and opens no socket. Ticks are not read here: a message is a record, and
//! [`decode`](crate::decode) reads it as it reads a line of a recorded file.

mod binance;
mod binance_usdm;
mod bybit;
mod coinbase;
mod coinbase_exchange;
mod hyperliquid;
mod kraken;
mod okx;

use std::time::Duration;

use serde_json::Value;

use super::backfill::PastTrades;

/// Every venue with a live feed, in the order of [`LIVE_VENUES`](crate::settings::LIVE_VENUES).
pub(super) static VENUES: [&Venue; 8] = [
    &coinbase::VENUE,
    &coinbase_exchange::VENUE,
    &binance::VENUE,
    &binance_usdm::VENUE,
    &kraken::VENUE,
    &bybit::VENUE,
    &okx::VENUE,
    &hyperliquid::VENUE,
];

/// How one venue's feed works.
pub(super) struct Venue {
    /// The name as a source.
    pub(super) name: &'static str,
    /// The venue in the names of its symbols.
    pub(super) symbol_venue: &'static str,
    /// Where its WebSocket is.
    pub(super) url: &'static str,
    /// BTC, ETH and SOL against the dollar, as the venue writes them.
    pub(super) default_products: &'static [&'static str],
    /// Products of one connection, within the venue's limit.
    pub(super) products_per_connection: usize,
    /// Products of one request, within the venue's limit.
    pub(super) products_per_request: usize,
    /// The time between two messages to the venue, within its limit.
    pub(super) request_spacing: Duration,
    /// The time between the openings of two connections, within the venue's limit.
    pub(super) connect_spacing: Duration,
    /// The age at which a second connection takes over, where the venue cuts old ones.
    pub(super) lifetime: Option<Duration>,
    /// The message that the venue wants now and then from a client, and how often.
    pub(super) ping: Option<Ping>,
    /// Whether a message comes every few seconds however quiet the market is, so that a socket without one is dead even if it
    /// answers pings.
    pub(super) has_heartbeat: bool,
    /// Whether the trade ids of a product have no holes, so that a hole is a loss.
    pub(super) has_dense_trade_ids: bool,
    /// The messages that ask for these products, as request number `request`.
    pub(super) subscribe: fn(products: &[String], request: u64) -> Vec<String>,
    /// What a message says that is no tick.
    pub(super) answer: fn(message: &Value) -> Answer,
    /// How past trades are asked for, where the venue tells them.
    pub(super) past_trades: Option<PastTrades>,
}

/// A ping of the venue's own, beside those of the WebSocket.
pub(super) struct Ping {
    pub(super) every: Duration,
    pub(super) text: &'static str,
    /// The answer, where it is no JSON.
    pub(super) pong: &'static str,
}

/// What a message that holds no tick says to the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing.
    None,
    /// These products are subscribed to.
    Products(Vec<String>),
    /// All products of this request are.
    Request(u64),
    /// Some are not.
    Refused {
        /// Those that the venue names.
        products: Vec<String>,
        /// The request, if the venue names it.
        request: Option<u64>,
        /// The venue's words.
        words: String,
    },
    /// The answer to a ping of the venue's own.
    Pong,
    /// The venue will soon close the connection.
    Leaving(String),
    /// Something that people should see, such as maintenance.
    Notice(String),
}

impl Venue {
    /// The venue of this name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        VENUES.into_iter().find(|venue| venue.name == name)
    }

    /// What a message that holds no tick says.
    pub(super) fn read_answer(&self, message: &[u8]) -> Answer {
        if !message.is_empty() && self.ping.as_ref().is_some_and(|ping| ping.pong.as_bytes() == message) {
            return Answer::Pong;
        }
        serde_json::from_slice(message).map_or(Answer::None, |message| (self.answer)(&message))
    }
}

/// The text under a key, or "".
fn text<'a>(message: &'a Value, key: &str) -> &'a str {
    message.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The texts of a list.
fn texts(list: &Value) -> Vec<String> {
    let elements = list.as_array().map(Vec::as_slice).unwrap_or_default();
    elements.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A refusal that names nothing but its words.
fn refused(words: &str) -> Answer {
    Answer::Refused { products: Vec::new(), request: None, words: words.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::LIVE_VENUES;

    #[test]
    fn the_list_is_that_of_the_settings_and_each_venue_asks_for_its_default_products() {
        assert_eq!(VENUES.map(|venue| venue.name), LIVE_VENUES);
        for venue in VENUES {
            let products: Vec<String> =
                venue.default_products.iter().map(|&product| product.to_owned()).collect();
            assert_eq!(products.len(), 3, "{}", venue.name);
            let messages = (venue.subscribe)(&products[..venue.products_per_request.min(3)], 7).concat();
            assert!(
                messages.contains(products[0].as_str()) || messages.contains(&products[0].to_lowercase()),
                "{messages}"
            );
            assert!(venue.url.starts_with("wss://"));
            assert!(venue.products_per_connection >= venue.products_per_request, "{}", venue.name);
        }
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for venue in VENUES {
            for message in ["", "[]", "7", "{}", "null", r#"{"channel":7}"#, r#"{"event":[]}"#] {
                assert_eq!(venue.read_answer(message.as_bytes()), Answer::None, "{} {message}", venue.name);
            }
        }
    }
}
