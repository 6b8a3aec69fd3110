//! Csv, tables and JSON that a user maps, through the real binary: as people keep them, with the right values.

use std::process::Command;

use crate::support::real_data::real_data;

/// Exit code, the ticks in our own shape, and what was said.
struct Done {
    code: Option<i32>,
    ticks: Vec<String>,
    said: String,
}

fn stormglass(input: &str, flags: &[&str]) -> Done {
    let arguments = ["replay", "--input", input, "--to", "stdout", "--speed", "max"];
    let output = Command::new(env!("CARGO_BIN_EXE_stormglass")).args(arguments).args(flags).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let ticks = text(output.stdout).lines().map(str::to_owned).collect();
    Done { code: output.status.code(), ticks, said: text(output.stderr) }
}

/// Replays a kept file, whose first tick must hold these texts.
#[track_caller]
fn holds(file: &str, flags: &[&str], ticks: usize, first: &[&str]) {
    let Some(path) = real_data(&format!("../cases/ticks/{file}")) else { return };
    let done = stormglass(path.to_str().unwrap(), flags);
    assert_eq!((done.code, done.ticks.len()), (Some(0), ticks), "{file}: {}", done.said);
    for text in first {
        assert!(done.ticks[0].contains(text), "{file}: {} should hold {text}", done.ticks[0]);
    }
}

#[test]
fn recorded_tables_are_read_by_their_headers_or_forms() {
    const SECOND: &str = "2020-01-01T00:00:00Z";
    let kraken = ["\"kraken\"", "\"XBTUSD\"", SECOND, "7160", "0.01"];
    holds("kraken_XBTUSD_time-and-sales.csv", &[], 4_000, &kraken);
    holds("bitcoincharts_bitstampUSD_x.csv", &[], 50, &["\"bitstamp\"", "\"BTCUSD\"", SECOND, "7160"]);
    for file in ["us", "ums", "uus", "uns"] {
        holds(&format!("{file}_BTC-USD_trades.csv.gz"), &[], 1_000, &["\"BTC-USD\"", SECOND]);
    }
    holds("useconds_BTC-USD_float.csv", &[], 100, &["\"BTC-USD\"", SECOND]);
    holds("swapped_BTC-USD_x.csv", &[], 300, &["67000.5", "0.01"]);
    holds(
        "binance_BTCUSDT_trades-2025-01-01.csv",
        &[],
        2,
        &["2025-01-01T00:00:00.021893Z", "\"sell\"", "93576"],
    );
    holds(
        "BTCUSDT-trades-2024-01-01.csv",
        &[],
        2,
        &["\"binance\"", "2024-01-01T00:00:00Z", "\"sell\"", "42283.58"],
    );
    let tardis = ["\"bitmex\"", "\"XBTUSD\"", "2020-03-01T00:00:03.145Z", "\"sell\"", "8531.5", "2152"];
    holds("bitmex_trades_XBTUSD.csv", &[], 10, &tardis);
    // Tardis' quotes: no trade, and the middle of the quote.
    let quotes = ["\"huobi-dm-swap\"", "\"quote\"", "8629.2", "8629.3", "8629.25", "5494", "806"];
    holds("huobi-dm-swap_quotes_BTC-USD.csv", &[], 10, &quotes);
    holds("coinbase_BTC-USD_foai10min.csv.gz", &[], 4_337, &["2025-11-17T23:33:18.135099Z", "91749.99"]);
    holds(
        "sample_ticks.csv",
        &["--symbol", "kraken:XBTUSD"],
        4,
        &["2024-01-01T00:00:00Z", "43000.12", "\"kraken\""],
    );
    holds("bitstamp_btc_usd_2020.csv", &["--symbol", "x:Y-Z"], 400, &["\"x\"", "\"Y-Z\""]);
    // Times of 1970 in a test table: believed only with their unit.
    let nautilus = ["1970-01-01T00:00:00Z", "\"EUR/USD\"", "\"SIM\"", "12.34", "50", "\"buy\""];
    holds("nautilus_trades.parquet", &["--time-unit", "ns"], 100, &nautilus[..3]);
    holds("cbat_ws_ticker_pretty.json", &[], 1, &["68900.50"].map(|price| price.trim_end_matches('0')));
}

#[test]
fn a_mapping_of_our_own_keys_gives_what_the_shape_gives() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("own.ndjson");
    let tick = |second: u32| {
        format!(
            r#"{{"timestamp":"2026-04-04T03:19:{second:02}Z","venue":"kraken","product_id":"A/B","price":"67223.500000001","best_bid":67223.49,"best_ask":"67223.51","best_bid_quantity":"0.5","best_ask_quantity":1,"last_size":"1e-3","side":"sell","trade_id":{second}}}"#
        ) + "\n"
    };
    std::fs::write(&path, (0..5).map(tick).collect::<String>()).unwrap();
    let input = path.to_str().unwrap();
    let mapping = "time=/timestamp,venue=/venue,symbol=/product_id,price=/price,bid=/best_bid,ask=/best_ask,\
                   bid_size=/best_bid_quantity,ask_size=/best_ask_quantity,size=/last_size,side=/side,trade_id=/trade_id";
    let (shape, mapped) = (stormglass(input, &[]), stormglass(input, &["--columns", mapping]));
    assert_eq!((shape.ticks.len(), shape.code), (5, Some(0)), "{}", shape.said);
    assert_eq!(shape.ticks, mapped.ticks, "{}", mapped.said);
    assert_eq!(shape.ticks, stormglass(input, &["--format", "stormglass"]).ticks);
    // The same as csv, with quotes and without, its columns named or counted.
    let row = |second: u32, quote: &str| {
        let cells = [
            &format!("2026-04-04T03:19:{second:02}"),
            "67223.500000001",
            "67223.49",
            "67223.51",
            "0.5",
            "1",
            "1e-3",
            "SELL",
            &second.to_string(),
        ];
        cells.map(|cell| format!("{quote}{cell}{quote}")).join(";") + "\n"
    };
    for quote in ["", "\""] {
        let header = "when;last;bid;ask;b;a;size;side;trade_id\n";
        let text: String = (0..5).map(|second| row(second, quote)).collect();
        let csv = directory.path().join("own.csv");
        std::fs::write(&csv, format!("{header}{text}")).unwrap();
        let flags = ["--symbol", "kraken:A/B", "--columns", "time=when,price=2,bid_size=b,ask_size=a"];
        let done = stormglass(csv.to_str().unwrap(), &flags);
        assert_eq!(done.ticks, shape.ticks, "{quote}: {}", done.said);
        let zoned = stormglass(csv.to_str().unwrap(), &[&flags[..], &["--assume-tz", "+02:00"]].concat());
        assert!(zoned.ticks[0].contains("2026-04-04T01:19:00Z"), "{}", zoned.ticks[0]);
    }
}

#[test]
fn a_bad_mapping_names_the_field_what_there_is_and_the_fix() {
    let directory = tempfile::tempdir().unwrap();
    let (csv, json) = (directory.path().join("x_BTC-USD.csv"), directory.path().join("x.ndjson"));
    std::fs::write(&csv, "when,last\n1775271600000,1\n").unwrap();
    std::fs::write(&json, "{\"t\":1775271600000,\"p\":1}\n").unwrap();
    let (csv, json) = (csv.to_str().unwrap(), json.to_str().unwrap());
    for (input, columns, code, said) in [
        (
            csv,
            "time=when,price=close",
            1,
            "the field price is mapped to the column \"close\", but the columns are when, last",
        ),
        (csv, "price=last", 1, "none of them names the time"),
        (csv, "time=/t,price=/p", 1, "it is a csv"),
        (json, "time=t,price=p", 1, "it holds JSON"),
        (json, "time=/t,price=/q", 1, "field `price` is missing"),
        (json, "cost=/t", 64, "\"cost\" is no field of a tick; the fields are time, price"),
    ] {
        let done = stormglass(input, &["--columns", columns, "--symbol", "v:X"]);
        assert!(
            done.code == Some(code) && done.said.contains(said),
            "{columns}: {:?} {}",
            done.code,
            done.said
        );
    }
    assert_eq!(stormglass(json, &["--allow-empty"]).code, Some(0));
    assert_eq!(stormglass(json, &[]).code, Some(1));
    let early = stormglass(csv, &["--columns", "time=when,price=last", "--time-unit", "us"]);
    assert_eq!((early.code, early.ticks.len()), (Some(0), 1), "1970 where the unit is given: {}", early.said);
}
