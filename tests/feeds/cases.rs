//! The records in `tests/golden/ticks`, through the real binary: each file's ticks, what is said of them, and what is refused.
//! The README there names the sources. Every value here was read in the file, not in what the program printed.

use std::{path::Path, process::Command};

/// A kept file and what it must give.
#[derive(Clone, Copy, Default)]
struct Case {
    file: &'static str,
    flags: &'static [&'static str],
    /// The sum, as far as the place of the first record that cannot be read.
    sum: &'static str,
    /// Ticks by symbol, in the order of the symbols' names.
    symbols: &'static [(&'static str, usize)],
    /// Ticks with a buyer as taker, with a seller, and with neither.
    sides: [usize; 3],
    /// The first tick as [`told`] writes it, and the last.
    first: &'static str,
    last: &'static str,
    /// All that is said of the file besides the sum.
    said: &'static [&'static str],
}

struct Done {
    code: Option<i32>,
    out: String,
    said: String,
}

fn stormglass(arguments: &[&str], reorder_ms: u64) -> Done {
    let output = Command::new(env!("CARGO_BIN_EXE_stormglass"))
        .args(arguments)
        .env("STORMGLASS__SOURCE__REORDER_MS", reorder_ms.to_string())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code(), out: text(output.stdout), said: text(output.stderr) }
}

fn kept(file: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/ticks/");
    let path = format!("{path}{file}");
    assert!(Path::new(&path).is_file(), "{path} is absent");
    path
}

fn replayed(file: &str, flags: &[&str]) -> Done {
    let arguments = ["replay", "--input", &kept(file), "--to", "stdout", "--speed", "max"];
    stormglass(&[&arguments[..], flags].concat(), 0)
}

/// A tick as `TIME VENUE:PRODUCT PRICE size SIZE SIDE bid BID x SIZE ask ASK x SIZE #ID quote`, with the parts that it has.
fn told(line: &str) -> String {
    let tick: serde_json::Value = serde_json::from_str(line).unwrap();
    let of = |name: &str| {
        let text = match tick.get(name)? {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let is_fraction =
            text.contains('.') && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        Some(if is_fraction { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text })
    };
    let after =
        |before: &str, name: &str| of(name).map_or_else(String::new, |value| format!("{before}{value}"));
    [
        after("", "timestamp"),
        after(" ", "venue"),
        after(":", "product_id"),
        after(" ", "price"),
        after(" size ", "last_size"),
        after(" ", "side"),
        after(" bid ", "best_bid"),
        after(" x ", "best_bid_quantity"),
        after(" ask ", "best_ask"),
        after(" x ", "best_ask_quantity"),
        after(" #", "trade_id"),
        after(" ", "type"),
    ]
    .concat()
}

fn hold(cases: &[Case]) {
    for case in cases {
        let Case { file, flags, sum, .. } = *case;
        let done = replayed(file, flags);
        let ticks: Vec<String> = done.out.lines().map(told).collect();
        let count = ticks.len();
        assert_eq!(done.code, Some(i32::from(count == 0)), "{file} {flags:?}: {}", done.said);
        let mut said: Vec<String> = done.said.lines().map(|line| line.replace(&kept(file), file)).collect();
        let found = said.remove(0);
        let is_the_sum = if sum.ends_with(file) { found.starts_with(sum) } else { found == sum };
        assert!(is_the_sum, "{file} {flags:?}: {found}\nshould be {sum}");
        if count == 0 {
            assert!(said.pop().unwrap().starts_with("stormglass: no tick came of "), "{}", done.said);
        }
        let said: Vec<&str> = said
            .iter()
            .map(|line| line.strip_prefix(file).and_then(|line| line.strip_prefix(": ")).expect(line))
            .collect();
        assert_eq!(said, case.said, "{file} {flags:?}");

        let mut symbols = std::collections::BTreeMap::<&str, usize>::new();
        ticks.iter().for_each(|tick| *symbols.entry(tick.split(' ').nth(1).unwrap()).or_default() += 1);
        assert!(symbols.into_iter().eq(case.symbols.iter().copied()), "{file} {flags:?}: {ticks:?}");
        let with = |side: &str| ticks.iter().filter(|tick| tick.split(' ').any(|word| word == side)).count();
        let (buys, sells) = (with("buy"), with("sell"));
        assert_eq!([buys, sells, count - buys - sells], case.sides, "{file} {flags:?}");
        assert_eq!(ticks.first().map_or("", |tick| tick), case.first, "{file} {flags:?}");
        assert_eq!(ticks.last().map_or("", |tick| tick), case.last, "{file} {flags:?}");
    }
}

const SECONDS: &str = "its times are seconds since 1970, by their digits or the header";
const MILLISECONDS: &str = "its times are milliseconds since 1970, by their digits or the header";
const MICROSECONDS: &str = "its times are microseconds since 1970, by their digits or the header";
const NANOSECONDS: &str = "its times are nanoseconds since 1970, by their digits or the header";
const UNSIGNED: &str = "no size has a sign, so the taker's sides are inferred";

/// What is said of a file whose name holds a product behind a word that is no known venue.
macro_rules! venue_of_the_settings {
    ($product:literal, $word:literal) => {
        concat!(
            "its trades are taken for those of coinbase:",
            $product,
            ", the product by its name, the venue by source.venue, because its name begins with no known venue: set \
             source.symbol where that is wrong (",
            $word,
            ")"
        )
    };
}

#[test]
fn trades_without_a_header_are_read_by_the_files_name_and_digits() {
    const OF_TWENTY: Case = Case {
        file: "",
        flags: &[],
        sum: "20 records read, 20 ticks",
        symbols: &[("coinbase:BTC-USD", 20)],
        sides: [0, 0, 20],
        first: "2020-01-01T00:00:00Z coinbase:BTC-USD 7160 size 0.01",
        last: "2020-01-01T00:00:09.5Z coinbase:BTC-USD 7161 size 0.06",
        said: &[],
    };
    const OF_TWO_HUNDRED: Case = Case {
        sum: "200 records read, 200 ticks",
        symbols: &[("coinbase:BTC-USD", 200)],
        sides: [0, 0, 200],
        last: "2020-01-01T00:01:06.199Z coinbase:BTC-USD 7160.4 size 0.04",
        ..OF_TWENTY
    };
    hold(&[
        Case {
            file: "kraken_XBTUSD_time-and-sales.csv",
            symbols: &[("kraken:XBTUSD", 200)],
            first: "2020-01-01T00:00:00Z kraken:XBTUSD 7160 size 0.01",
            last: "2020-01-01T00:01:06Z kraken:XBTUSD 7160.4 size 0.04",
            said: &[SECONDS, "its trades are taken for those of kraken:XBTUSD, by its name", UNSIGNED],
            ..OF_TWO_HUNDRED
        },
        Case {
            file: "bitcoincharts_bitstampUSD_x.csv",
            sum: "50 records read, 50 ticks",
            symbols: &[("bitstamp:BTCUSD", 50)],
            sides: [0, 0, 50],
            first: "2020-01-01T00:00:00Z bitstamp:BTCUSD 7160 size 0.01",
            last: "2020-01-01T00:00:16Z bitstamp:BTCUSD 7160.9 size 0.01",
            said: &[
                SECONDS,
                "its trades are taken for those of bitstamp:BTCUSD, as bitcoincharts names its files",
                UNSIGNED,
            ],
            ..OF_TWENTY
        },
        Case {
            file: "us_BTC-USD_trades.csv.gz",
            last: "2020-01-01T00:01:06Z coinbase:BTC-USD 7160.4 size 0.04",
            said: &[SECONDS, venue_of_the_settings!("BTC-USD", "us"), UNSIGNED],
            ..OF_TWO_HUNDRED
        },
        Case {
            file: "ums_BTC-USD_trades.csv.gz",
            said: &[MILLISECONDS, venue_of_the_settings!("BTC-USD", "ums"), UNSIGNED],
            ..OF_TWO_HUNDRED
        },
        Case {
            file: "uus_BTC-USD_trades.csv.gz",
            said: &[MICROSECONDS, venue_of_the_settings!("BTC-USD", "uus"), UNSIGNED],
            ..OF_TWO_HUNDRED
        },
        Case {
            file: "uns_BTC-USD_trades.csv.gz",
            said: &[NANOSECONDS, venue_of_the_settings!("BTC-USD", "uns"), UNSIGNED],
            ..OF_TWO_HUNDRED
        },
        Case {
            file: "useconds_BTC-USD_float.csv",
            sum: "100 records read, 100 ticks",
            symbols: &[("coinbase:BTC-USD", 100)],
            sides: [0, 0, 100],
            last: "2020-01-01T00:00:33Z coinbase:BTC-USD 7160 size 0.02",
            said: &[SECONDS, venue_of_the_settings!("BTC-USD", "useconds"), UNSIGNED],
            ..OF_TWENTY
        },
        Case {
            file: "bitstamp_btc_usd_2020.csv",
            symbols: &[("bitstamp:btc_usd", 20)],
            first: "2020-01-01T00:00:00Z bitstamp:btc_usd 7160 size 0.01",
            last: "2020-01-01T00:00:09.5Z bitstamp:btc_usd 7161 size 0.06",
            said: &[
                MILLISECONDS,
                "its trades are taken for those of bitstamp:btc_usd, by its name",
                UNSIGNED,
            ],
            ..OF_TWENTY
        },
        Case {
            file: "bitstamp_btc_usd_2020.csv",
            flags: &["--symbol", "x:Y-Z"],
            symbols: &[("x:Y-Z", 20)],
            first: "2020-01-01T00:00:00Z x:Y-Z 7160 size 0.01",
            last: "2020-01-01T00:00:09.5Z x:Y-Z 7161 size 0.06",
            said: &[MILLISECONDS, "its trades are taken for those of x:Y-Z, as source.symbol says", UNSIGNED],
            ..OF_TWENTY
        },
        Case {
            file: "ticks_BTCUSD_20251108.csv",
            symbols: &[("coinbase:BTCUSD", 20)],
            first: "2020-01-01T00:00:00Z coinbase:BTCUSD 7160 size 0.01",
            last: "2020-01-01T00:00:09.5Z coinbase:BTCUSD 7161 size 0.06",
            said: &[MILLISECONDS, venue_of_the_settings!("BTCUSD", "ticks"), UNSIGNED],
            ..OF_TWENTY
        },
        Case {
            file: "trades_2024_01_BTC-USD.csv",
            said: &[MILLISECONDS, venue_of_the_settings!("BTC-USD", "trades"), UNSIGNED],
            ..OF_TWENTY
        },
        // `isBuyerMaker`, the last column but one, says that the taker sold.
        Case {
            file: "binance_BTCUSDT_trades-2025-01-01.csv",
            sum: "2 records read, 2 ticks",
            symbols: &[("binance:BTCUSDT", 2)],
            sides: [1, 1, 0],
            first: "2025-01-01T00:00:00.021893Z binance:BTCUSDT 93576 size 0.00019 sell #4359523171",
            last: "2025-01-01T00:00:00.121893Z binance:BTCUSDT 93576.01 size 0.002 buy #4359523172",
            said: &[MICROSECONDS, "its trades are taken for those of binance:BTCUSDT, by its name"],
            ..OF_TWENTY
        },
        Case {
            file: "BTCUSDT-trades-2024-01-01.csv",
            sum: "2 records read, 2 ticks",
            symbols: &[("binance:BTCUSDT", 2)],
            sides: [1, 1, 0],
            first: "2024-01-01T00:00:00Z binance:BTCUSDT 42283.58 size 0.00077 sell #3354823456",
            last: "2024-01-01T00:00:00.013Z binance:BTCUSDT 42283.59 size 0.001 buy #3354823457",
            said: &[
                MILLISECONDS,
                "its trades are taken for those of binance:BTCUSDT, as Binance names its public files",
            ],
            ..OF_TWENTY
        },
    ]);
}

#[test]
fn tables_with_a_header_are_read_as_it_says() {
    hold(&[
        Case {
            file: "swapped_BTC-USD_x.csv",
            sum: "21 records read, 20 ticks; 1 without a tick (header)",
            symbols: &[("coinbase:BTC-USD", 20)],
            sides: [0, 0, 20],
            first: "2026-04-04T03:00:00Z coinbase:BTC-USD 67000.5 size 0.01",
            last: "2026-04-04T03:00:09.5Z coinbase:BTC-USD 67005.5 size 0.06",
            said: &[
                "its header is obeyed: time in column 1, size in column 2, price in column 3",
                MILLISECONDS,
                venue_of_the_settings!("BTC-USD", "swapped"),
                UNSIGNED,
            ],
            ..Case::default()
        },
        Case {
            file: "coinbase_BTC-USD_foai10min.csv.gz",
            sum: "501 records read, 500 ticks; 1 without a tick (header)",
            symbols: &[("coinbase:BTC-USD", 500)],
            sides: [0, 0, 500],
            first: "2025-11-17T23:33:18.135099Z coinbase:BTC-USD 91749.99 size 0.00915181",
            last: "2025-11-17T23:34:19.066854Z coinbase:BTC-USD 91773.98 size 0.00447749",
            said: &[
                "its header is obeyed: time in column 1, price in column 2, size in column 3",
                "its trades are taken for those of coinbase:BTC-USD, by its name",
                UNSIGNED,
            ],
            ..Case::default()
        },
        Case {
            file: "sample_ticks.csv",
            flags: &["--symbol", "kraken:XBTUSD"],
            sum: "5 records read, 4 ticks; 1 without a tick (header)",
            symbols: &[("kraken:XBTUSD", 4)],
            sides: [0, 0, 4],
            first: "2024-01-01T00:00:00Z kraken:XBTUSD 43000.12 size 0.05",
            last: "2024-01-01T00:00:03Z kraken:XBTUSD 43010 size 0.15",
            said: &[
                "its header is obeyed: time in column 1, price in column 2, size in column 3",
                "its trades are taken for those of kraken:XBTUSD, as source.symbol says",
                UNSIGNED,
            ],
        },
        // Trades are numbered by text, of which the number is XXH3's hash.
        Case {
            file: "bitmex_trades_XBTUSD.csv",
            sum: "11 records read, 10 ticks; 1 without a tick (header)",
            symbols: &[("bitmex:XBTUSD", 10)],
            sides: [0, 10, 0],
            first: "2020-03-01T00:00:03.145Z bitmex:XBTUSD 8531.5 size 2152 sell #5294729813349461915",
            last: "2020-03-01T00:00:03.276Z bitmex:XBTUSD 8531.5 size 1 sell #8808398118011522617",
            said: &[
                "each line names its product",
                "its header is obeyed: venue in column 1, symbol in column 2, time in column 3, trade_id in column 5, \
                 side in column 6, price in column 7, size in column 8",
                MICROSECONDS,
            ],
            ..Case::default()
        },
        Case {
            file: "huobi-dm-swap_quotes_BTC-USD.csv",
            sum: "11 records read, 10 ticks; 1 without a tick (header)",
            symbols: &[("huobi-dm-swap:BTC-USD", 10)],
            sides: [0, 0, 10],
            first: "2020-05-01T00:00:01.099Z huobi-dm-swap:BTC-USD 8629.25 bid 8629.2 x 806 ask 8629.3 x 5494 quote",
            last: "2020-05-01T00:00:01.814Z huobi-dm-swap:BTC-USD 8629.25 bid 8629.2 x 847 ask 8629.3 x 5411 quote",
            said: &[
                "each line names its product",
                "its header is obeyed: venue in column 1, symbol in column 2, time in column 3, ask_size in column 5, \
                 ask in column 6, bid in column 7, bid_size in column 8",
                MICROSECONDS,
            ],
            ..Case::default()
        },
    ]);
    let done = replayed("sample_ticks.csv", &[]);
    assert!(done.code == Some(1) && done.said.contains("whose trades are these?"), "{}", done.said);
}

/// The prices are 8-byte numbers of nine decimals: 123,400,000,000 is 123.4. All times are 0.
#[cfg(feature = "parquet")]
#[test]
fn a_table_of_another_tool_is_read_where_its_times_are_believed() {
    const HEADER: &str = "its header is obeyed: price in column 1, size in column 2, side in column 3, trade_id in column 4, \
                          time in column 5, symbol in column 7, venue in column 8";
    hold(&[
        Case {
            file: "nautilus_trades.parquet",
            flags: &["--time-unit", "ns"],
            sum: "101 records read, 100 ticks; 1 without a tick (header)",
            symbols: &[("SIM:EUR/USD", 100)],
            sides: [100, 0, 0],
            first: "1970-01-01T00:00:00Z SIM:EUR/USD 123.4 size 500 buy #123456",
            last: "1970-01-01T00:00:00Z SIM:EUR/USD 123.4 size 500 buy #123456",
            said: &[
                "each line names its product",
                HEADER,
                "its times are nanoseconds since 1970, as source.time_unit says",
            ],
        },
        Case {
            file: "nautilus_trades.parquet",
            sum: "101 records read, 0 ticks; 100 too_early, first at nautilus_trades.parquet",
            said: &["each line names its product", HEADER],
            ..Case::default()
        },
    ]);
}

#[test]
fn messages_of_coinbase_give_every_trade_with_the_takers_side() {
    // The public trades name the maker's side.
    const TWO_TRADES: Case = Case {
        file: "",
        flags: &[],
        sum: "2 records read, 2 ticks",
        symbols: &[("coinbase:BTC-USD", 2)],
        sides: [1, 1, 0],
        first: "2026-04-07T14:30:02.789012Z coinbase:BTC-USD 68900.5 size 0.0015 sell #995098700",
        last: "2026-04-07T14:30:02.8Z coinbase:BTC-USD 68900 size 0.05 buy #995098701",
        said: &[],
    };
    const TICKER: &str = "2026-04-07T14:30:03Z coinbase:BTC-USD 68900.5 bid 68900 x 1.5 ask 68901 x 0.5";
    const ONE_TICKER: Case = Case {
        sum: "1 records read, 1 ticks",
        symbols: &[("coinbase:BTC-USD", 1)],
        sides: [0, 0, 1],
        first: TICKER,
        last: TICKER,
        ..TWO_TRADES
    };
    let without = |file, sum| Case { file, sum, ..Case::default() };
    hold(&[
        Case { file: "cbat_ws_market_trades.ndjson", sum: "1 records read, 2 ticks", ..TWO_TRADES },
        Case { file: "cbat_trades_flat.ndjson", ..TWO_TRADES },
        Case { file: "cbat_trades_flat_timestamp.ndjson", ..TWO_TRADES },
        // The newest trade comes first in the file.
        Case {
            file: "cbat_http_ticker.ndjson",
            sum: "1 records read, 3 ticks",
            symbols: &[("coinbase:BTC-USD", 3)],
            sides: [2, 1, 0],
            first: "2026-04-07T00:28:57.296283Z coinbase:BTC-USD 68924.94 size 0.01450854 sell #995098661",
            last: "2026-04-07T00:28:58.544778Z coinbase:BTC-USD 68923.67 size 0.00064 buy #995098663",
            ..TWO_TRADES
        },
        Case { file: "cbat_ws_ticker.ndjson", ..ONE_TICKER },
        Case { file: "cbat_ws_ticker_pretty.json", ..ONE_TICKER },
        Case { file: "cbat_ticker_batch.ndjson", ..ONE_TICKER },
        Case {
            file: "cb_exchange_rest_ticker.ndjson",
            flags: &["--symbol", "coinbase:BTC-USD"],
            first: "2026-04-04T03:19:18.995Z coinbase:BTC-USD 67000.5 size 0.00698254 bid 66999.5 ask 67001.5 #86326522",
            last: "2026-04-04T03:19:18.995Z coinbase:BTC-USD 67000.5 size 0.00698254 bid 66999.5 ask 67001.5 #86326522",
            ..ONE_TICKER
        },
        without(
            "cb_exchange_rest_ticker.ndjson",
            "1 records read, 0 ticks; 1 missing_field, first at cb_exchange_rest_ticker.ndjson",
        ),
        without("cbat_ws_heartbeats.ndjson", "1 records read, 0 ticks; 1 without a tick (heartbeat)"),
        without("cbat_ws_subscriptions.ndjson", "1 records read, 0 ticks; 1 without a tick (subscription)"),
        without("cbat_ws_l2_data_snapshot.ndjson", "1 records read, 0 ticks; 1 without a tick (book)"),
        without("cbat_ws_l2_data_update.ndjson", "1 records read, 0 ticks; 1 without a tick (book)"),
        without("cbat_error.ndjson", "2 records read, 0 ticks; 2 venue_error, first at cbat_error.ndjson"),
    ]);
    let refused = replayed("cbat_error.ndjson", &[]).said;
    assert!(refused.contains("the venue reports an error: \"authentication failure\""), "{refused}");
}

#[test]
fn messages_of_other_venues_and_tools_are_read_as_theirs() {
    let one = |file, symbols, sides, tick, said| Case {
        file,
        flags: &[],
        sum: "1 records read, 1 ticks",
        symbols,
        sides,
        first: tick,
        last: tick,
        said,
    };
    const TWENTY_OF_CCXT: Case = Case {
        file: "",
        flags: &[],
        sum: "20 records read, 20 ticks",
        symbols: &[("coinbase:BTC/USDT", 20)],
        sides: [10, 10, 0],
        first: "2025-01-01T00:00:00.123Z coinbase:BTC/USDT 93576 size 0.01 sell #100",
        last: "2025-01-01T00:00:07.723Z coinbase:BTC/USDT 93595 size 0.01 buy #119",
        said: &[MILLISECONDS],
    };
    const TWO_OF_KRAKEN: Case = Case {
        file: "",
        flags: &[],
        sum: "1 records read, 2 ticks",
        symbols: &[("kraken:BTC/USD", 2)],
        sides: [1, 1, 0],
        first: "2023-10-06T17:35:55.440295Z kraken:BTC/USD 105944.2 size 0.00027625 buy #10218208",
        last: "2023-10-06T17:35:56.123456Z kraken:BTC/USD 105910.5 size 0.0001246 sell #10218209",
        said: &[],
    };
    hold(&[
        // Most messages are changes of books. Quotes of `bookTicker` have no time.
        Case {
            file: "cf_binance.ndjson.gz",
            sum: "265 records read, 2 ticks; 177 without a tick (book); 2 without a tick (candles); 84 without a tick \
                  (untimed)",
            symbols: &[("binance:LRCBTC", 1), ("binance:NKNUSDT", 1)],
            sides: [2, 0, 0],
            first: "2021-10-12T00:28:43.963Z binance:NKNUSDT 0.3528 size 58 buy #15683430",
            last: "2021-10-12T00:28:54.486Z binance:LRCBTC 0.00000638 size 177 buy #9213679",
            said: &[MILLISECONDS],
            ..Case::default()
        },
        Case {
            file: "cf_bitstamp.ndjson.gz",
            sum: "747 records read, 10 ticks; 717 without a tick (book); 20 without a tick (subscription)",
            symbols: &[("bitstamp:ethusd", 10)],
            sides: [1, 9, 0],
            first: "2022-01-05T00:48:19.596Z bitstamp:ethusd 3805.44 size 0.0792 buy #216000477",
            last: "2022-01-05T00:48:41.269Z bitstamp:ethusd 3800.8 size 2.73248242 sell #216000506",
            said: &[MICROSECONDS],
            ..Case::default()
        },
        one(
            "nt_binance_bookticker.ndjson",
            &[("binance:BNBUSDT", 1)],
            [0, 0, 1],
            "2019-09-09T07:34:20.891Z binance:BNBUSDT 25.35855 bid 25.3519 x 31.21 ask 25.3652 x 40.66 quote",
            &[MILLISECONDS],
        ),
        Case {
            flags: &["--symbol", "binance:BTCUSDT"],
            ..one(
                "nt_binance_rest_trades.ndjson",
                &[("binance:BTCUSDT", 1)],
                [0, 1, 0],
                "2017-07-12T13:19:09.59Z binance:BTCUSDT 4.000001 size 12 sell #28457",
                &[MILLISECONDS],
            )
        },
        Case {
            file: "nt_binance_rest_trades.ndjson",
            sum: "1 records read, 0 ticks; 1 missing_field, first at nt_binance_rest_trades.ndjson",
            ..Case::default()
        },
        Case { file: "nt_kraken2_trade.ndjson", ..TWO_OF_KRAKEN },
        Case { file: "nt_kraken2_flat.ndjson", sum: "2 records read, 2 ticks", ..TWO_OF_KRAKEN },
        one(
            "nt_kraken2_ticker.ndjson",
            &[("kraken:BTC/USD", 1)],
            [0, 0, 1],
            "2022-12-25T09:30:59.123456Z kraken:BTC/USD 105899.4 bid 105944.2 x 2.5 ask 105944.3 x 3.2",
            &[],
        ),
        one(
            "nt_tardis_trade.ndjson",
            &[("bitmex:XBTUSD", 1)],
            [0, 1, 0],
            "2019-10-23T10:32:49.669Z bitmex:XBTUSD 7996 size 50 sell #5662747321144718587",
            &[],
        ),
        Case {
            file: "alpaca.ndjson",
            sum: "2 records read, 2 ticks",
            symbols: &[("alpaca:BTC/USD", 2)],
            sides: [1, 0, 1],
            first: "2025-01-01T00:00:00.123456789Z alpaca:BTC/USD 93576.01 size 0.01 buy #123",
            last: "2025-01-01T00:00:00.2Z alpaca:BTC/USD 93576.5 bid 93576 x 0.5 ask 93577 x 0.4 quote",
            ..Case::default()
        },
        Case { file: "ccxt_trades.ndjson", ..TWENTY_OF_CCXT },
        Case { file: "ccxt_trades.json", sum: "1 records read, 20 ticks", ..TWENTY_OF_CCXT },
        Case {
            file: "ccxt_trades.ndjson",
            flags: &["--venue", "okx"],
            symbols: &[("okx:BTC/USDT", 20)],
            first: "2025-01-01T00:00:00.123Z okx:BTC/USDT 93576 size 0.01 sell #100",
            last: "2025-01-01T00:00:07.723Z okx:BTC/USDT 93595 size 0.01 buy #119",
            ..TWENTY_OF_CCXT
        },
        Case {
            file: "cryptofeed_trades.ndjson",
            sum: "5 records read, 5 ticks",
            symbols: &[("coinbase:BTC-USD", 5)],
            sides: [5, 0, 0],
            first: "2026-04-04T03:19:18.995Z coinbase:BTC-USD 67223.5 size 0.01 buy #900",
            last: "2026-04-04T03:19:22.995Z coinbase:BTC-USD 67227.5 size 0.01 buy #904",
            said: &[SECONDS],
            ..Case::default()
        },
    ]);
    // Times of 1970, as Binance's documentation prints them, are believed where their unit is given.
    for file in ["nt_binance_trade.ndjson", "nt_binance_aggtrade.ndjson"] {
        let tick = "1970-01-02T10:17:36.785Z binance:BTCUSDT 0.001 size 100 sell #5933014";
        let symbols = &[("binance:BTCUSDT", 1)];
        let said = &["its times are milliseconds since 1970, as source.time_unit says"];
        hold(&[Case { flags: &["--time-unit", "ms"], ..one(file, symbols, [0, 1, 0], tick, said) }]);
        let done = replayed(file, &[]);
        let sum = "1 records read, 0 ticks; 1 too_early, first at ";
        assert!(done.code == Some(1) && done.said.starts_with(sum), "{}", done.said);
    }
}

#[test]
fn records_that_tools_wrap_are_unwrapped_or_said_to_be_wrapped() {
    const WRAPPED: Case = Case {
        file: "",
        flags: &[],
        sum: "2 records read, 2 ticks",
        symbols: &[("coinbase:BTC-USD", 2)],
        sides: [0, 0, 2],
        first: "2026-04-04T03:19:18.995321Z coinbase:BTC-USD 67223.5 bid 67223.49 ask 67223.5",
        last: "2026-04-04T03:19:19.995321Z coinbase:BTC-USD 67223.5 bid 67223.49 ask 67223.5",
        said: &[],
    };
    hold(&[
        Case { file: "connect_schema.ndjson", ..WRAPPED },
        Case { file: "debezium.ndjson", ..WRAPPED },
        Case { file: "kcat_J.ndjson", ..WRAPPED },
        Case {
            file: "kcc_keyed.txt",
            sum: "2 records read, 0 ticks; 2 not_json, first at kcc_keyed.txt",
            ..Case::default()
        },
        Case {
            file: "kcc_ts_keyed.txt",
            sum: "2 records read, 0 ticks; 2 not_json, first at kcc_ts_keyed.txt",
            ..Case::default()
        },
    ]);
    for (file, key) in
        [("kcc_keyed.txt", r#""BTC-USD""#), ("kcc_ts_keyed.txt", r#""CreateTime:1775272758995\tBTC-USD""#)]
    {
        let said = replayed(file, &[]).said;
        assert!(said.contains(&format!("JSON behind the text {key}; write the JSON alone")), "{said}");
    }
}

#[test]
fn ticks_as_people_write_them_keep_every_field() {
    const OF_FIVE: Case = Case {
        file: "",
        flags: &[],
        sum: "5 records read, 5 ticks",
        symbols: &[("coinbase:BTC-USD", 5)],
        sides: [0, 0, 5],
        first: "2026-04-04T03:19:00.5Z coinbase:BTC-USD 67000.5",
        last: "2026-04-04T03:19:04.5Z coinbase:BTC-USD 67000.5",
        said: &[],
    };
    hold(&[
        Case { file: "own_symbol_key.ndjson", ..OF_FIVE },
        Case { file: "own_time_key.ndjson", ..OF_FIVE },
        Case {
            file: "own_local_nozone.ndjson",
            first: "2026-04-04T05:19:00.5Z coinbase:BTC-USD 67000.5",
            last: "2026-04-04T05:19:04.5Z coinbase:BTC-USD 67000.5",
            said: &["its times name no zone, and are read in the zone Z, as source.assume_tz says"],
            ..OF_FIVE
        },
        Case {
            file: "own_local_nozone.ndjson",
            flags: &["--assume-tz", "+02:00"],
            said: &["its times name no zone, and are read in the zone +02:00, as source.assume_tz says"],
            ..OF_FIVE
        },
        Case {
            file: "own_epoch_ms.ndjson",
            first: "2026-04-04T03:19:18.995Z coinbase:BTC-USD 67000.5",
            last: "2026-04-04T03:19:18.999Z coinbase:BTC-USD 67000.5",
            said: &[MILLISECONDS],
            ..OF_FIVE
        },
        Case {
            file: "own_epoch_s_text.ndjson",
            first: "2026-04-04T03:19:18.9Z coinbase:BTC-USD 67000.5",
            last: "2026-04-04T03:19:18.9Z coinbase:BTC-USD 67000.5",
            said: &[SECONDS],
            ..OF_FIVE
        },
        Case {
            file: "own_binance_novenue.ndjson",
            symbols: &[("binance:BTCUSDT", 5)],
            first: "2026-04-04T05:19:00.5Z binance:BTCUSDT 67000.5",
            last: "2026-04-04T05:19:04.5Z binance:BTCUSDT 67000.5",
            ..OF_FIVE
        },
        Case {
            file: "own_bid_ask_size.ndjson",
            sum: "40 records read, 40 ticks",
            symbols: &[("coinbase:BTC-USD", 40)],
            sides: [40, 0, 0],
            first: "2026-04-04T03:19:00.5Z coinbase:BTC-USD 67000.5 size 0.5 buy bid 66999.5 ask 67001.5",
            last: "2026-04-04T03:19:39.5Z coinbase:BTC-USD 67004.5 size 0.5 buy bid 66999.5 ask 67001.5",
            ..OF_FIVE
        },
        Case {
            file: "names.ndjson",
            sum: "3 records read, 3 ticks",
            symbols: &[("coinbase:BTC-USD", 3)],
            sides: [3, 0, 0],
            first: "2026-04-04T03:00:00Z coinbase:BTC-USD 67000.5 size 0.5 buy bid 67000 x 1 ask 67001 x 2",
            last: "2026-04-04T03:00:02Z coinbase:BTC-USD 67000.5 size 0.5 buy bid 67000 x 1 ask 67001 x 2",
            ..OF_FIVE
        },
        // The quantity is a trillion; a side that nobody knows, or none, is none.
        Case {
            file: "opt.ndjson",
            sum: "3 records read, 3 ticks",
            symbols: &[("coinbase:BABYDOGE-USD", 1), ("coinbase:BTC-USD", 2)],
            sides: [0, 0, 3],
            first: "2026-04-04T03:00:00Z coinbase:BTC-USD 67000.5",
            last: "2026-04-04T03:00:00Z coinbase:BTC-USD 67000.5",
            ..OF_FIVE
        },
        Case {
            file: "mog10.ndjson.gz",
            sum: "4,000 records read, 4,000 ticks",
            symbols: &[("coinbase:MOG-USD", 4_000)],
            sides: [0, 0, 4_000],
            first: "2026-04-04T03:00:00Z coinbase:MOG-USD 0.0000008712 bid 0.0000008711 ask 0.0000008713",
            last: "2026-04-04T03:16:39.75Z coinbase:MOG-USD 0.0000008776 bid 0.0000008775 ask 0.0000008777",
            ..OF_FIVE
        },
        // A mark of the byte order before the first record; an ending in capitals.
        Case {
            file: "bom.ndjson",
            sum: "20 records read, 20 ticks",
            symbols: &[("coinbase:BTC-USD", 20)],
            sides: [0, 0, 20],
            first: "2026-04-04T03:00:00Z coinbase:BTC-USD 67000.5",
            last: "2026-04-04T03:00:09.5Z coinbase:BTC-USD 67005.5",
            ..OF_FIVE
        },
        Case {
            file: "UPPER.NDJSON.GZ",
            sum: "400 records read, 400 ticks",
            symbols: &[("coinbase:BTC-USD", 400)],
            sides: [0, 0, 400],
            first: "2026-04-04T03:00:00Z coinbase:BTC-USD 67000.5",
            last: "2026-04-04T03:03:19.5Z coinbase:BTC-USD 67000.5",
            ..OF_FIVE
        },
    ]);
    let opt = replayed("opt.ndjson", &[]).out;
    assert_eq!(
        told(opt.lines().nth(1).unwrap()),
        "2026-04-04T03:00:00Z coinbase:BABYDOGE-USD 0.00000002 size 1000000000000"
    );
}

#[cfg(feature = "parquet")]
mod features {
    use std::{fs::File, io::Read};

    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::{Field, Row},
    };

    use super::*;

    fn rows(path: &Path) -> Vec<Row> {
        let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
        reader.get_row_iter(None).unwrap().map(Result::unwrap).collect()
    }

    fn field<'a>(row: &'a Row, name: &str) -> &'a Field {
        row.get_column_iter().find(|(column, _)| *column == name).unwrap().1
    }

    /// Rows of the file's features, and the sum.
    fn made(input: &str, flags: &[&str], reorder_ms: u64) -> (Vec<Row>, String) {
        let directory = tempfile::tempdir().unwrap();
        let output = directory.path().join("rows.parquet");
        let arguments = ["features", "--input", input, "--output", output.to_str().unwrap()];
        let done = stormglass(&[&arguments[..], flags].concat(), reorder_ms);
        assert_eq!(done.code, Some(0), "{}", done.said);
        (rows(&output), done.said)
    }

    /// Logarithms of prices are whole billionths, so that a feature of returns may differ by that rounding, and no other may.
    #[test]
    fn the_features_of_a_price_below_a_millionth_are_those_of_the_same_path_in_cents() {
        let mut text = String::new();
        flate2::read::GzDecoder::new(File::open(kept("mog10.ndjson.gz")).unwrap())
            .read_to_string(&mut text)
            .unwrap();
        // All prices are 0.000000 and four digits: this moves their points by four places.
        let scaled = text.replace("\"0.000000", "\"0.00");
        assert_eq!(scaled.len(), text.len() - 3 * 4 * 4_000, "every price was found");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("scaled.ndjson");
        std::fs::write(&path, scaled).unwrap();
        let (small, _) = made(&kept("mog10.ndjson.gz"), &[], 0);
        let (large, said) = made(path.to_str().unwrap(), &[], 0);
        assert_eq!((small.len(), large.len()), (199, 199), "{said}");
        let (mut columns, mut moved) = (0, 0);
        for (small, large) in small.iter().zip(&large) {
            for ((name, small), (_, large)) in small.get_column_iter().zip(large.get_column_iter()) {
                let of_returns = !name.starts_with("spr")
                    && (name.ends_with("_tau")
                        || [
                            "lv10_60",
                            "lv60_300",
                            "lv300_1800",
                            "park60",
                            "jump300",
                            "burst60",
                            "semi60",
                            "z60",
                            "az10",
                            "az300",
                        ]
                        .contains(&name.as_str()));
                match (small, large) {
                    (Field::Float(small), Field::Float(large)) if of_returns => {
                        let is_near = small == large || (small - large).abs() < 1e-5;
                        assert!(is_near || small.is_nan() && large.is_nan(), "{name}: {small} {large}");
                        moved += usize::from(small.is_finite());
                    }
                    (Field::Float(small), Field::Float(large)) => {
                        assert!(small.to_bits() == large.to_bits(), "{name}: {small} {large}");
                    }
                    _ => assert_eq!(small, large, "{name}"),
                }
                columns += 1;
            }
        }
        assert!(columns > 199 * 30 && moved > 199 * 5, "{columns} {moved}: the comparison would be hollow");
    }

    #[test]
    fn a_lone_trade_at_a_hundredfold_price_makes_no_spike() {
        let (rows, said) =
            made(&kept("jump100x.ndjson.gz"), &["--labels", "--threshold-bp", "1", "--horizon-s", "60"], 0);
        let sum = "400 records read, 400 ticks; of the ticks 399 accepted, 1 outlier, 399 sides_inferred\n";
        assert_eq!(said, sum);
        let labelled: Vec<&Row> =
            rows.iter().filter(|row| matches!(field(row, "spike"), Field::Bool(_))).collect();
        assert!(labelled.len() > 20, "{} labelled rows", labelled.len());
        for row in labelled {
            assert_eq!(field(row, "spike"), &Field::Bool(false), "{row}");
            // All other prices are equal.
            assert!(matches!(field(row, "realised_bp"), Field::Double(value) if *value == 0.0), "{row}");
        }
    }

    /// Of 2,000 ticks 537 are not older than all before them.
    #[test]
    fn ticks_out_of_order_are_put_into_order_or_their_loss_is_said() {
        let path = kept("outoforder.ndjson.gz");
        let (_, said) = made(&path, &[], 0);
        assert!(said.contains("2,000 ticks; of the ticks 537 accepted, 1,463 late"), "{said}");
        let (_, said) = made(&path, &[], 5_000);
        assert!(said.contains("2,000 ticks; of the ticks 2,000 accepted, 2,000 sides_inferred"), "{said}");
    }
}
