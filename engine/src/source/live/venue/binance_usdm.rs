//! Binance USD-M futures, market data without a key: as spot, with the limits of futures. The venue routes streams by the
//! path of the connection: `aggTrade` comes on `/market` only, and nothing says so on another path.

use std::time::Duration;

use super::{
    Venue,
    binance::{answer, page, past_request, subscribe},
};
use crate::source::live::backfill::{Direction, PastTrades, Query};

pub(super) static VENUE: Venue = Venue {
    name: "binance-usdm",
    symbol_venue: "binance-usdm",
    url: "wss://fstream.binance.com/market/ws",
    default_products: &["BTCUSDT", "ETHUSDT", "SOLUSDT"],
    products_per_connection: 200,
    products_per_request: 100,
    request_spacing: Duration::from_millis(150),
    connect_spacing: Duration::from_millis(1_100),
    lifetime: Some(Duration::from_secs(23 * 3_600)),
    ping: None,
    has_heartbeat: false,
    has_dense_trade_ids: true,
    subscribe,
    answer,
    past_trades: Some(PastTrades {
        url: "https://fapi.binance.com",
        // A page weighs 20, and 2,400 a minute are allowed.
        spacing: Duration::from_millis(550),
        direction: Direction::OldestFirst,
        request: |query: &Query<'_>| past_request("/fapi/v1/aggTrades", query),
        page,
    }),
};
