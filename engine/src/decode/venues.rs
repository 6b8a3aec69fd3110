//! The venues that are known by name: a name that is none of them is not guessed to be a venue.

use std::borrow::Cow;

/// Venues as they are written here: in small letters.
pub const KNOWN: [&str; 36] = [
    "ascendex",
    "backpack",
    "binance",
    "binanceus",
    "bingx",
    "bitfinex",
    "bitflyer",
    "bitget",
    "bithumb",
    "bitmart",
    "bitmex",
    "bitso",
    "bitstamp",
    "bitvavo",
    "bybit",
    "cex",
    "coinbase",
    "coinex",
    "cryptocom",
    "deribit",
    "dydx",
    "gateio",
    "gemini",
    "hitbtc",
    "htx",
    "huobi",
    "hyperliquid",
    "kraken",
    "kucoin",
    "lbank",
    "mexc",
    "okcoin",
    "okx",
    "phemex",
    "poloniex",
    "upbit",
];

/// The known venue that `name` writes, in capitals or not.
pub fn known(name: &str) -> Option<&'static str> {
    KNOWN.into_iter().find(|venue| venue.eq_ignore_ascii_case(name))
}

/// A venue's name as it is written here; that of an unknown one stays as it is.
pub(super) fn canonical(name: Option<Cow<'_, str>>) -> Option<Cow<'_, str>> {
    let name = name?;
    if name.bytes().any(|byte| byte.is_ascii_uppercase())
        && let Some(venue) = known(&name)
    {
        return Some(Cow::Borrowed(venue));
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_venue_has_one_name_and_an_unknown_one_keeps_its_own() {
        let of = |name: &'static str| canonical(Some(Cow::Borrowed(name))).unwrap().into_owned();
        assert_eq!(of("COINBASE"), "coinbase");
        assert_eq!(of("Binance"), "binance");
        assert_eq!(of("binance"), "binance");
        assert_eq!(of("MyVenue"), "MyVenue");
        assert_eq!(known("ticks"), None);
        assert!(KNOWN.is_sorted() && KNOWN.iter().all(|venue| *venue == venue.to_ascii_lowercase()));
    }
}
