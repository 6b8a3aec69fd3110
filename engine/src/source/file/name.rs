//! What a file's name says: whether it is a csv, and whose trades it holds.

use std::path::Path;

use crate::decode::{TradeLineSymbol, venues};

/// Currencies that prices are quoted in: a part of a name that ends with one is a product.
const QUOTES: [&str; 19] = [
    "usdt", "usdc", "busd", "fdusd", "tusd", "usd", "eur", "gbp", "jpy", "krw", "brl", "aud", "cad", "chf",
    "sgd", "btc", "xbt", "eth", "bnb",
];

/// Words in names of files that are no currency, though one may follow.
const WORDS: [&str; 16] = [
    "agg", "book", "candles", "data", "feed", "l2", "perp", "quotes", "raw", "sample", "spot", "swap",
    "tick", "ticks", "trade", "trades",
];

/// Endings of packed files, in small letters.
const PACKED: [&str; 7] = [".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz", ".zip"];

/// Endings of tables, without the dot.
const TABLES: [&str; 3] = ["csv", "tsv", "parquet"];

/// The name without folders, packing and ending; `None` if it is not that of a table.
pub(super) fn csv_stem(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let lower = name.to_ascii_lowercase();
    let packed = PACKED.iter().find(|ending| lower.ends_with(*ending)).map_or(0, |ending| ending.len());
    let unpacked = &name[..name.len() - packed];
    let (stem, ending) = unpacked.rsplit_once('.')?;
    TABLES.iter().any(|table| ending.eq_ignore_ascii_case(table)).then(|| stem.to_owned())
}

/// The symbol in the name of a csv, and how it was found. `venue` is that of names which hold no known one.
pub(super) fn symbol_of(stem: &str, venue: &str) -> Option<(TradeLineSymbol, String)> {
    if let Some(product) = binance_dump(stem) {
        let symbol = TradeLineSymbol::new("binance", product)?;
        return Some((symbol, "as Binance names its public files".to_owned()));
    }
    let parts: Vec<&str> = stem.split('_').collect();
    if let Some((venue, product)) = parts.iter().find_map(|part| bitcoincharts_dump(part)) {
        let symbol = TradeLineSymbol::new(venue, &product)?;
        return Some((symbol, "as bitcoincharts names its files".to_owned()));
    }
    let known = parts.first().and_then(|first| venues::known(first));
    let rest = if known.is_some() { &parts[1..] } else { &parts[..] };
    // With two parts alone, `trades_january.csv` would pass for a venue and a product.
    let product = product_in(rest).or_else(|| {
        known.and_then(|_| rest.first().filter(|_| rest.len() >= 2)).map(|&part| part.to_owned())
    })?;
    let symbol = TradeLineSymbol::new(known.unwrap_or(venue), &product)?;
    let how = match known {
        Some(_) => "by its name".to_owned(),
        None => format!(
            "the product by its name, the venue by source.venue, because its name begins with no known venue: \
             set source.symbol where that is wrong ({})",
            parts[0]
        ),
    };
    Some((symbol, how))
}

/// The product of `BTCUSDT-trades-2024-01-01` and `BTCUSDT-aggTrades-2024-01`.
fn binance_dump(stem: &str) -> Option<&str> {
    let (product, rest) = stem.split_once('-')?;
    let (kind, date) = rest.split_once('-')?;
    let is_product =
        !product.is_empty() && product.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let is_date =
        matches!(date.len(), 7 | 10) && date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    (is_product && matches!(kind, "trades" | "aggTrades") && is_date).then_some(product)
}

/// The venue and the product of `bitstampUSD`: bitcoins, in the currency that follows the venue's name in capitals.
fn bitcoincharts_dump(part: &str) -> Option<(&'static str, String)> {
    let currency = part.len().checked_sub(3).and_then(|at| part.get(at..))?;
    let venue = venues::known(&part[..part.len() - 3])?;
    let is_currency = currency.bytes().all(|byte| byte.is_ascii_uppercase());
    is_currency.then(|| (venue, format!("BTC{currency}")))
}

/// The first part, or pair of parts, that names what is traded and what it is paid with: `BTC-USD`, `XBTUSD`, `btc_usd`.
fn product_in(parts: &[&str]) -> Option<String> {
    parts.iter().enumerate().find_map(|(i, &part)| {
        if let Some(&next) = parts.get(i + 1)
            && QUOTES.contains(&next.to_ascii_lowercase().as_str())
            && is_currency(part)
        {
            return Some(format!("{part}_{next}"));
        }
        is_pair(part).then(|| part.to_owned())
    })
}

/// Whether a part of a name may be a currency's code.
fn is_currency(text: &str) -> bool {
    (2..=12).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && !text.bytes().all(|byte| byte.is_ascii_digit())
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// Whether a part of a name is a currency and what it is paid with. Words in small letters end with a currency by chance,
/// but not with dollars.
fn is_pair(part: &str) -> bool {
    let lower = part.to_ascii_lowercase();
    QUOTES.iter().any(|quote| {
        let Some(base) = lower.strip_suffix(quote) else { return false };
        let divided = base.ends_with(['-', '.']);
        let is_certain =
            divided || quote.contains("usd") || !part.bytes().any(|byte| byte.is_ascii_lowercase());
        is_certain && is_currency(base.trim_end_matches(['-', '.']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_venue_is_guessed_that_is_no_known_venue() {
        for (stem, expected) in [
            ("kraken_XBTUSD_time-and-sales", "kraken:XBTUSD"),
            ("Kraken_XBT_x", "kraken:XBT"),
            ("bitmex_XBTUSD_trades_20180101_60h", "bitmex:XBTUSD"),
            ("us_BTC-USD_trades", "v:BTC-USD"),
            ("ticks_BTCUSD_20251108", "v:BTCUSD"),
            ("bitstamp_btc_usd_2020", "bitstamp:btc_usd"),
            ("BTC_USD_2024", "v:BTC_USD"),
            ("bitcoincharts_bitstampUSD_x", "bitstamp:BTCUSD"),
            ("krakenEUR", "kraken:BTCEUR"),
            ("trades_2024_01_BTC-USD", "v:BTC-USD"),
            ("COINBASE_SPOT_BTC_USD", "coinbase:BTC_USD"),
            ("bitmex_trades_XBTUSD", "bitmex:XBTUSD"),
            ("BTC-USD", "v:BTC-USD"),
            ("BTCUSDT-trades-2024-01-01", "binance:BTCUSDT"),
            ("1000PEPEUSDT-aggTrades-2024-01", "binance:1000PEPEUSDT"),
            ("binance_BTCUSDT_trades-2025-01-01", "binance:BTCUSDT"),
        ] {
            let (symbol, _) = symbol_of(stem, "v").expect(stem);
            assert_eq!(format!("{}:{}", symbol.venue(), symbol.product()), expected, "{stem}");
        }
        for stem in [
            "trades",
            "trades_january",
            "ticks_btc",
            "tooth_beneth_x",
            "sample_ticks",
            "2020_usd",
            "kraken",
            "a_b_c",
            "",
            "_",
        ] {
            assert_eq!(symbol_of(stem, "v"), None, "{stem}");
        }
    }

    #[test]
    fn endings_are_read_in_capitals_too() {
        let stem = |name: &str| csv_stem(Path::new(name));
        for name in ["d/a.csv", "a.CSV.GZ", "a.csv.zst", "a.csv.zstd"] {
            assert_eq!(stem(name).as_deref(), Some("a"), "{name}");
        }
        for name in ["a.ndjson", "a.csv.bak", "csv", "a.gz", "é.gz"] {
            assert_eq!(stem(name), None, "{name}");
        }
    }
}
