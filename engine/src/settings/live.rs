//! `[live]`: which venues' own feeds are read, and how patient their connections are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Seconds, positive, unset};

/// The names of the venues whose live feeds can be read. A build without the feature `live` knows the names, too.
pub const LIVE_VENUES: [&str; 8] =
    ["coinbase", "coinbase-exchange", "binance", "binance-usdm", "kraken", "bybit", "okx", "hyperliquid"];

/// The longest time of which trades are asked for before the live stream begins.
const BACKFILL_S_MAX: f64 = 86_400.0;
/// The most products of one venue.
const PRODUCTS_MAX: usize = 5_000;

/// `[live]`: live feeds of venues.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LiveSettings {
    /// The venues, of [`LIVE_VENUES`].
    pub venues: Vec<String>,
    /// The products as the venue writes them, `venue:product`, or `product` for every venue in `venues`. A venue for which
    /// none is named takes its default products.
    pub products: Vec<String>,
    /// The seconds of past trades that are asked for by REST at the start, and over a gap after a reconnect; 0 = none.
    pub backfill_s: Seconds,
    /// Other WebSocket addresses by venue, such as of a mirror: `{ binance = "wss://data-stream.binance.vision/ws" }`.
    pub urls: BTreeMap<String, String>,
    /// Other REST addresses by venue, without a path.
    pub rest_urls: BTreeMap<String, String>,
    /// A PEM file of certificate authorities that are trusted beside the built-in ones.
    #[serde(with = "unset")]
    pub ca_file: Option<String>,
    /// The products of one connection at most; `None` (0 in a file) = as the venue recommends.
    #[serde(with = "unset")]
    pub products_per_connection: Option<usize>,
    /// The time to reach a venue, TLS and the WebSocket's handshake included.
    pub connect_timeout_s: Seconds,
    /// The time for a venue to confirm its subscriptions, and to answer one REST request.
    pub subscribe_timeout_s: Seconds,
    /// A connection on which nothing at all came for this long is asked by a ping. If nothing comes for as long again, it
    /// is dead and is opened anew.
    pub silence_s: Seconds,
    /// The time before the first try to reconnect. Each further try waits twice as long.
    pub reconnect_min_s: Seconds,
    /// The longest time before a try to reconnect.
    pub reconnect_max_s: Seconds,
    /// A second connection takes over from one of this age; 0 = before the venue's own limit, where it has one.
    pub lifetime_s: Seconds,
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self {
            venues: Vec::new(),
            products: Vec::new(),
            backfill_s: Seconds::whole(0),
            urls: BTreeMap::new(),
            rest_urls: BTreeMap::new(),
            ca_file: None,
            products_per_connection: None,
            connect_timeout_s: Seconds::whole(10),
            subscribe_timeout_s: Seconds::whole(10),
            silence_s: Seconds::whole(10),
            reconnect_min_s: Seconds::new(0.5).expect("half a second is within a year"),
            reconnect_max_s: Seconds::whole(30),
            lifetime_s: Seconds::whole(0),
        }
    }
}

impl LiveSettings {
    /// Checks the bounds, and that each name is one of a venue.
    ///
    /// # Errors
    /// The key that is outside, and what to do.
    pub fn check(&self) -> Result<(), String> {
        for (key, seconds) in [
            ("live.connect_timeout_s", self.connect_timeout_s),
            ("live.subscribe_timeout_s", self.subscribe_timeout_s),
            ("live.silence_s", self.silence_s),
            ("live.reconnect_min_s", self.reconnect_min_s),
        ] {
            positive(key, seconds.get())?;
        }
        if self.reconnect_max_s < self.reconnect_min_s {
            return Err("live.reconnect_max_s is less than live.reconnect_min_s; make it larger".to_owned());
        }
        if self.backfill_s.get() > BACKFILL_S_MAX {
            return Err(format!(
                "live.backfill_s is {}; it is at most {BACKFILL_S_MAX}, a day",
                self.backfill_s.get()
            ));
        }
        let known = LIVE_VENUES.join(", ");
        let names = [
            ("live.venues", self.venues.iter().collect::<Vec<_>>()),
            ("live.urls", self.urls.keys().collect()),
            ("live.rest_urls", self.rest_urls.keys().collect()),
        ];
        for (key, name) in names.iter().flat_map(|(key, names)| names.iter().map(move |name| (key, name))) {
            if !LIVE_VENUES.contains(&name.as_str()) {
                return Err(format!("{key}: {name:?} is no venue with a live feed; there are {known}"));
            }
        }
        if self.venues.iter().any(|venue| venue == "coinbase")
            && self.venues.iter().any(|venue| venue == "coinbase-exchange")
        {
            return Err(
                "live.venues: coinbase and coinbase-exchange are one market under one name; choose one"
                    .to_owned(),
            );
        }
        for (at, venue) in self.venues.iter().enumerate() {
            if self.venues[..at].contains(venue) {
                return Err(format!("live.venues names {venue:?} twice"));
            }
        }
        self.check_products()
    }

    fn check_products(&self) -> Result<(), String> {
        if self.products.len() > PRODUCTS_MAX {
            return Err(format!(
                "live.products has {} products; it is at most {PRODUCTS_MAX}",
                self.products.len()
            ));
        }
        for product in &self.products {
            let (venue, name) = split(product);
            if let Some(venue) = venue.filter(|venue| !self.venues.iter().any(|named| named == venue)) {
                return Err(format!("live.products: {product:?} is of {venue}, which is not in live.venues"));
            }
            if name.is_empty()
                || !name.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
            {
                return Err(format!(
                    "live.products: {product:?} is not a product; write it as the venue does"
                ));
            }
        }
        Ok(())
    }

    /// The products of a venue, each once; none if no product was named for it.
    pub fn products_of(&self, venue: &str) -> Vec<String> {
        let mut products: Vec<String> = Vec::new();
        for product in &self.products {
            let (of, name) = split(product);
            if of.is_none_or(|of| of == venue) && !products.iter().any(|known| known == name) {
                products.push(name.to_owned());
            }
        }
        products
    }
}

/// The venue that a product names, if it names one, and the product.
fn split(product: &str) -> (Option<&str>, &str) {
    match product.split_once(':') {
        Some((venue, name)) if LIVE_VENUES.contains(&venue) => (Some(venue), name),
        _ => (None, product),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(venues: &[&str], products: &[&str]) -> LiveSettings {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        LiveSettings { venues: owned(venues), products: owned(products), ..LiveSettings::default() }
    }

    #[test]
    fn a_product_belongs_to_the_venue_it_names_or_to_all() {
        let settings =
            with(&["coinbase", "kraken"], &["coinbase:BTC-USD", "ETH-USD", "kraken:BTC/USD", "ETH-USD"]);
        assert_eq!(settings.check(), Ok(()));
        assert_eq!(settings.products_of("coinbase"), ["BTC-USD", "ETH-USD"]);
        assert_eq!(settings.products_of("kraken"), ["ETH-USD", "BTC/USD"]);
        assert_eq!(with(&["hyperliquid"], &["xyz:TSLA"]).products_of("hyperliquid"), ["xyz:TSLA"]);
    }

    #[test]
    fn names_and_bounds_are_checked() {
        let refused = |settings: LiveSettings| settings.check().unwrap_err();
        assert!(refused(with(&["coinbse"], &[])).starts_with("live.venues: \"coinbse\" is no venue"));
        assert!(refused(with(&["okx"], &["kraken:BTC/USD"])).contains("not in live.venues"));
        assert!(refused(with(&["okx"], &["BTC USDT"])).contains("is not a product"));
        assert!(refused(with(&["coinbase", "coinbase-exchange"], &[])).contains("choose one"));
        let long = LiveSettings { backfill_s: Seconds::new(90_000.0).unwrap(), ..LiveSettings::default() };
        assert!(refused(long).starts_with("live.backfill_s is 90000"));
        let backwards =
            LiveSettings { reconnect_max_s: Seconds::new(0.1).unwrap(), ..LiveSettings::default() };
        assert!(refused(backwards).starts_with("live.reconnect_max_s"));
    }
}
