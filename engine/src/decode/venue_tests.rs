//! The tick that each documented message must give: the messages are the shapes' examples, from the venues' own documents, and
//! those that nautilus_trader's and cryptofeed's test data hold.

use super::*;
use crate::tick::{Depth, Price, Quantity, Side, Tick};

/// A tick in words: symbol, seconds since 1970 with decimals, trade or quote, price, bid and ask, size, side.
fn said(decoded: &DecodedTick<'_>) -> String {
    let Tick { event_time, is_trade, price, quote, size, side, .. } = decoded.tick;
    let kind = if is_trade { "trade" } else { "quote" };
    let quote = quote.map_or(String::new(), |quote| {
        let depth = match quote.depth {
            Depth::Sizes { bid, ask } => format!(" of {}/{}", bid.value(), ask.value()),
            _ => String::new(),
        };
        format!(" {}/{}{depth}", Price::value(quote.bid), Price::value(quote.ask))
    });
    let size = size.map_or(String::new(), |size| format!(" size {}", Quantity::value(size)));
    let side = match side {
        None => "",
        Some(Side::Buy) => " buy",
        Some(Side::Sell) => " sell",
    };
    format!(
        "{}:{} {event_time} {kind} {}{quote}{size}{side}",
        decoded.venue,
        decoded.product,
        Price::value(price)
    )
}

fn read_with(record: &str, options: &DecodeOptions<'_>) -> (Result<RecordKind, Unreadable>, Vec<String>) {
    let mut out = Decoded::default();
    let kind = decode(record.as_bytes(), options, &mut out);
    assert_eq!(out.rejected(), [], "{record}");
    (kind, out.ticks().map(|tick| said(&tick)).collect())
}

#[track_caller]
fn gives(record: &str, expected: &[&str]) {
    let (kind, ticks) = read_with(record, &DecodeOptions::of_venue("v"));
    assert_eq!(
        (kind, ticks),
        (Ok(RecordKind::Ticks), expected.iter().map(|&s| s.to_owned()).collect()),
        "{record}"
    );
}

#[track_caller]
fn is_no_tick(record: &str, kind: NoTickKind) {
    assert_eq!(
        read_with(record, &DecodeOptions::of_venue("v")),
        (Ok(RecordKind::NoTick(kind)), vec![]),
        "{record}"
    );
}

#[track_caller]
fn examples_give(name: &str, expected: &[&str]) {
    let examples = Shape::named(name).unwrap().examples;
    let ticks: Vec<String> =
        examples.iter().flat_map(|example| read_with(example, &DecodeOptions::of_venue("v")).1).collect();
    assert_eq!(ticks, expected);
}

#[test]
fn coinbase() {
    examples_give(
        "coinbase",
        &[
            "v:BTC-USD 2023-02-09T20:30:37.167359596Z trade 21932.98 21931.98/21933.98 of 8000.21/8038.07770938",
            "v:ETH-USD 2019-08-14T20:42:27.265Z trade 1260.01 size 0.3 sell",
        ],
    );
    examples_give(
        "coinbase-exchange",
        &[
            "v:ETH-USD 2022-10-19T23:28:22.061769Z trade 1285.22 1285.04/1285.27 of 0.46688654/1.5663704 size 11.4396987 buy",
            "v:BTC-USD 2014-11-07T08:19:27.028459Z trade 400.23 size 5.23512 buy",
        ],
    );
    gives(
        r#"{"trades": [{"trade_id": "995098663", "product_id": "BTC-USD", "price": "68923.67", "size": "0.00064", "time": "2026-04-07T00:28:58.544778Z", "side": "SELL", "bid": "", "ask": "", "exchange": "coinbase"}, {"trade_id": "995098661", "product_id": "BTC-USD", "price": "68924.94", "size": "0.01450854", "time": "2026-04-07T00:28:57.296283Z", "side": "BUY", "bid": "", "ask": "", "exchange": "coinbase"}], "best_bid": "68923.66", "best_ask": "68923.67"}"#,
        &[
            "v:BTC-USD 2026-04-07T00:28:57.296283Z trade 68924.94 size 0.01450854 sell",
            "v:BTC-USD 2026-04-07T00:28:58.544778Z trade 68923.67 size 0.00064 buy",
        ],
    );
}

#[test]
fn a_list_that_names_no_product_is_of_the_product_that_is_known_beforehand() {
    let of = |product, record| {
        let options = DecodeOptions { product: Some(product), ..DecodeOptions::of_venue("coinbase") };
        read_with(record, &options).1
    };
    // "Get product trades" and "Get product ticker" of Coinbase Exchange: the trade's side is the maker's.
    assert_eq!(
        of(
            "BTC-USD",
            r#"[{"time":"2014-11-07T22:19:28.578544Z","trade_id":74,"price":"10.00000000","size":"0.01000000","side":"buy"},
               {"time":"2014-11-07T01:08:43.642366Z","trade_id":73,"price":"100.00000000","size":"0.01000000","side":"sell"}]"#
        ),
        [
            "coinbase:BTC-USD 2014-11-07T01:08:43.642366Z trade 100 size 0.01 buy",
            "coinbase:BTC-USD 2014-11-07T22:19:28.578544Z trade 10 size 0.01 sell",
        ]
    );
    assert_eq!(
        of(
            "BTC-USD",
            r#"{"ask":"67001.5","bid":"66999.5","volume":"100","trade_id":86326522,"price":"67000.5","size":"0.00698254","time":"2026-04-04T03:19:18.995Z"}"#
        ),
        ["coinbase:BTC-USD 2026-04-04T03:19:18.995Z trade 67000.5 66999.5/67001.5 size 0.00698254"]
    );
    // "Recent trades list" and "Compressed/Aggregate trades list" of Binance.
    assert_eq!(
        of(
            "BNBBTC",
            r#"[{"id": 28457, "price": "4.00000100", "qty": "12.00000000", "quoteQty": "48.000012", "time": 1499865549590, "isBuyerMaker": true, "isBestMatch": true}]"#
        ),
        ["binance:BNBBTC 2017-07-12T13:19:09.59Z trade 4.000001 size 12 sell"]
    );
    assert_eq!(
        of(
            "BNBBTC",
            r#"[{"a":26129,"p":"0.01633102","q":"4.70443515","f":27781,"l":27781,"T":1498793709153,"m":true,"M":true}]"#
        ),
        ["binance:BNBBTC 2017-06-30T03:35:09.153Z trade 0.01633102 size 4.70443515 sell"]
    );
}

#[test]
fn binance() {
    examples_give(
        "binance",
        &[
            "binance:BNBBTC 2022-12-31T19:43:02.136Z trade 0.001 size 100 sell",
            "binance:BNBBTC 2022-12-31T19:43:02.136Z trade 0.001 size 100 sell",
            "binance:BNBUSDT 2019-09-09T07:34:20.891Z quote 25.35855 25.3519/25.3652 of 31.21/40.66",
            "binance:BNBBTC 2022-12-31T19:43:02.136Z trade 0.001 size 100 sell",
        ],
    );
    // Recorded by cryptofeed on 2021-10-12.
    gives(
        r#"{"stream":"nknusdt@aggTrade","data":{"e":"aggTrade","E":1633998523963,"s":"NKNUSDT","a":15683430,"p":"0.35280000","q":"58.00000000","f":19862790,"l":19862790,"T":1633998523963,"m":false,"M":true}}"#,
        &["binance:NKNUSDT 2021-10-12T00:28:43.963Z trade 0.3528 size 58 buy"],
    );
    let spot = r#"{"stream":"nknusdt@bookTicker","data":{"u":499869768,"s":"NKNUSDT","b":"0.35210000","B":"672.00000000","a":"0.35260000","A":"3199.00000000"}}"#;
    is_no_tick(spot, NoTickKind::Untimed);
    let received = EventTime::from_nanos(1_633_998_523_963_000_000);
    let live = read_with(spot, &DecodeOptions { received, ..DecodeOptions::of_venue("v") });
    assert_eq!(live.1, ["binance:NKNUSDT 2021-10-12T00:28:43.963Z quote 0.35235 0.3521/0.3526 of 672/3199"]);
    gives(
        r#"{"e":"trade","E":1672515782136,"s":"币安人生USDT","t":1,"p":"0.1","q":"5","T":1672515782136,"m":false}"#,
        &["binance:币安人生USDT 2022-12-31T19:43:02.136Z trade 0.1 size 5 buy"],
    );
    is_no_tick(r#"{"e":"depthUpdate","E":1,"s":"A","U":1,"u":2,"b":[],"a":[]}"#, NoTickKind::Book);
    is_no_tick(r#"{"stream":"a@kline_1m","data":{"e":"kline","E":1,"s":"A","k":{}}}"#, NoTickKind::Candles);
    is_no_tick(
        r#"{"stream":"!ticker@arr","data":[{"e":"24hrTicker","E":1,"s":"A"}]}"#,
        NoTickKind::Statistics,
    );
    is_no_tick(r#"{"result":null,"id":1}"#, NoTickKind::Subscription);
}

#[test]
fn bybit() {
    examples_give(
        "bybit",
        &[
            "bybit:BTCUSDT 2022-12-29T09:01:26.865Z trade 16578.5 size 0.001 buy",
            "bybit:BTCUSDT 2023-01-09T14:01:01.686Z trade 17216 17215.5/17216 of 84.489/83.02",
            "bybit:BTCUSDT 2022-12-29T09:01:24.976Z quote 16552.25 16493.5/16611 of 0.006/0.029",
        ],
    );
    let delta = |data: &str| {
        format!(
            r#"{{"topic":"tickers.BTCUSDT","type":"delta","data":{{"symbol":"BTCUSDT",{data}}},"cs":1,"ts":1673272861686}}"#
        )
    };
    gives(&delta(r#""lastPrice":"17216.5""#), &["bybit:BTCUSDT 2023-01-09T14:01:01.686Z trade 17216.5"]);
    gives(
        &delta(r#""bid1Price":"1","bid1Size":"2","ask1Price":"3","ask1Size":"4""#),
        &["bybit:BTCUSDT 2023-01-09T14:01:01.686Z quote 2 1/3 of 2/4"],
    );
    is_no_tick(&delta(r#""openInterestValue":"1""#), NoTickKind::Partial);
    is_no_tick(&delta(r#""bid1Price":"1","bid1Size":"2""#), NoTickKind::Partial);
    gives(
        r#"{"retCode":0,"retMsg":"OK","result":{"category":"spot","list":[{"execId":"2100000000007764263","symbol":"BTCUSDT","price":"16618.49","size":"0.00012","side":"Buy","time":"1672052955758","isBlockTrade":false}]},"time":1672053054358}"#,
        &["bybit:BTCUSDT 2022-12-26T11:09:15.758Z trade 16618.49 size 0.00012 buy"],
    );
    is_no_tick(r#"{"topic":"orderbook.50.A","type":"delta","ts":1,"data":{}}"#, NoTickKind::Book);
    is_no_tick(
        r#"{"success":true,"ret_msg":"subscribe","conn_id":"a","op":"subscribe"}"#,
        NoTickKind::Subscription,
    );
    is_no_tick(r#"{"success":true,"ret_msg":"pong","conn_id":"a","op":"ping"}"#, NoTickKind::Heartbeat);
}

#[test]
fn okx_and_deribit() {
    examples_give(
        "okx",
        &[
            "okx:BTC-USDT 2021-08-27T07:21:37.897Z trade 42219.9 size 0.12060306 buy",
            "okx:BCH-USDT-SWAP 2022-12-06T10:59:46.802Z quote 111.055 111.05/111.06 of 57745/55154",
            "okx:BTC-USDT 2020-08-10T02:26:23.085Z quote 9999.99 8888.88/9999.99 of 5/11",
        ],
    );
    gives(
        r#"{"code":"0","msg":"","data":[{"instId":"BTC-USDT","side":"sell","sz":"0.00001","px":"29964.1","tradeId":"242720720","ts":"1654161646974"},{"instId":"BTC-USDT","side":"buy","sz":"0.2","px":"29964.2","tradeId":"242720719","ts":"1654161646970"}]}"#,
        &[
            "okx:BTC-USDT 2022-06-02T09:20:46.97Z trade 29964.2 size 0.2 buy",
            "okx:BTC-USDT 2022-06-02T09:20:46.974Z trade 29964.1 size 0.00001 sell",
        ],
    );
    is_no_tick("pong", NoTickKind::Heartbeat);
    is_no_tick(
        r#"{"event":"subscribe","arg":{"channel":"trades","instId":"A"},"connId":"a"}"#,
        NoTickKind::Subscription,
    );
    is_no_tick(r#"{"arg":{"channel":"books5","instId":"A"},"data":[]}"#, NoTickKind::Book);
    examples_give(
        "deribit",
        &[
            "deribit:BTC-PERPETUAL 2020-05-26T09:15:12.188Z trade 8950 size 10 sell",
            "deribit:BTC-PERPETUAL 2019-02-20T10:30:24.149Z quote 3955.79 3914.97/3996.61 of 40/50",
            "deribit:BTC-PERPETUAL 2021-06-07T10:03:14.301Z quote 36411 36442.5/36443 of 5000/100",
        ],
    );
    is_no_tick(
        r#"{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}"#,
        NoTickKind::Heartbeat,
    );
    is_no_tick(r#"{"jsonrpc":"2.0","id":1,"result":["trades.A.raw"]}"#, NoTickKind::Subscription);
}

#[test]
fn kraken_and_bitstamp() {
    examples_give(
        "kraken",
        &[
            "kraken:MATIC/USD 2023-09-25T07:49:37.708706Z trade 0.5117 size 40 sell",
            "kraken:ALGO/USD 2023-09-25T09:04:31.742648Z trade 0.10035 0.10025/0.10035 of 740/740",
            "kraken:XBT/USD 2018-08-18T17:40:57.321597Z trade 5541.2 size 0.15850568 sell",
            "kraken:XBT/USD 2018-08-18T17:40:57.324998Z trade 6060 size 0.02455 buy",
            "kraken:XBT/USD 2018-11-12T21:14:59.545897Z quote 5699.2 5698.4/5700 of 1.01234567/0.98765432",
        ],
    );
    gives(
        r#"{"symbol": "BTC/USD", "side": "buy", "price": 105944.2, "qty": 0.00027625, "ord_type": "limit", "trade_id": 10218208, "timestamp": "2023-10-06T17:35:55.440295Z"}"#,
        &["kraken:BTC/USD 2023-10-06T17:35:55.440295Z trade 105944.2 size 0.00027625 buy"],
    );
    gives(
        r#"{"error":[],"result":{"XXBTZUSD":[["30243.40000","0.34507674",1688669597.8277369,"b","m","",61044952]],"last":"1688671969993150842"}}"#,
        &["kraken:XXBTZUSD 2023-07-06T18:53:17.8277369Z trade 30243.4 size 0.34507674 buy"],
    );
    is_no_tick(r#"{"channel":"heartbeat"}"#, NoTickKind::Heartbeat);
    is_no_tick(r#"{"channel":"status","type":"update","data":[{"system":"online"}]}"#, NoTickKind::Status);
    is_no_tick(
        r#"{"method":"subscribe","result":{"channel":"trade"},"success":true}"#,
        NoTickKind::Subscription,
    );
    examples_give(
        "bitstamp",
        &[
            "bitstamp:ethusd 2022-01-05T00:48:19.596Z trade 3805.44 size 0.0792 buy",
            "bitstamp:btcusd 2022-01-31T15:39:44.684047Z quote 38422.945 38415.45/38430.44 of 0.5/0.25",
        ],
    );
}

#[test]
fn bitmex_hyperliquid_and_alpaca() {
    examples_give(
        "bitmex",
        &[
            "bitmex:XBTUSD 2017-04-04T22:16:38.461Z trade 1147.5 size 2 buy",
            "bitmex:XBTUSD 2017-04-04T22:16:38.461Z quote 1147.45 1147.4/1147.5 of 100/250",
        ],
    );
    is_no_tick(
        r#"{"success":true,"subscribe":"trade:XBTUSD","request":{"op":"subscribe"}}"#,
        NoTickKind::Subscription,
    );
    examples_give(
        "hyperliquid",
        &[
            "hyperliquid:BTC 2025-09-04T19:46:13.392Z trade 111024 size 0.0004 sell",
            "hyperliquid:BTC 2025-09-04T19:46:13.392Z quote 111023.5 111023/111024 of 4.1/0.5",
        ],
    );
    is_no_tick(
        r#"{"channel":"bbo","data":{"coin":"BTC","time":1757015173392,"bbo":[null,{"px":"1","sz":"1","n":1}]}}"#,
        NoTickKind::Partial,
    );
    is_no_tick(
        r#"{"channel":"subscriptionResponse","data":{"method":"subscribe"}}"#,
        NoTickKind::Subscription,
    );
    examples_give(
        "alpaca",
        &[
            "alpaca:BTC/USD 2023-09-21T18:24:05.441812Z trade 26675.04 size 0.0017 sell",
            "alpaca:BTC/USD 2023-09-21T18:24:05.5Z quote 26677.57 26675.04/26680.1 of 0.5/0.4",
        ],
    );
}

#[test]
fn what_tools_write() {
    examples_give("ccxt", &["v:ETH/BTC 2017-08-17T09:42:26.216Z trade 0.06917684 size 1.5 buy"]);
    examples_give(
        "tardis",
        &[
            "bitmex:XBTUSD 2019-10-23T10:32:49.669Z trade 7996 size 50 sell",
            "bitmex:XBTUSD 2019-11-01T00:00:00.155Z quote 7633.75 7633.5/7634 of 1906067/1467849",
        ],
    );
    examples_give(
        "cryptofeed",
        &[
            "coinbase:BTC-USD 2026-04-04T03:19:18.995Z trade 67223.5 size 0.01 buy",
            "coinbase:BTC-USD 2026-04-04T03:19:18.995Z quote 67223.45 67223.4/67223.5",
        ],
    );
    let ccxt = Shape::named("ccxt").unwrap().examples[0];
    let later = ccxt.replace("1502962946216", "1502962946217");
    let (one, two) = ("v:ETH/BTC 2017-08-17T09:42:26.216Z", "v:ETH/BTC 2017-08-17T09:42:26.217Z");
    let rest = "trade 0.06917684 size 1.5 buy";
    gives(&format!("[{ccxt},{later}]"), &[&format!("{one} {rest}"), &format!("{two} {rest}")]);
}

#[test]
fn envelopes_are_opened() {
    let tick = r#"{"timestamp":"2026-04-04T03:19:18.995321Z","product_id":"BTC-USD","price":"67223.5"}"#;
    let text = serde_json::to_string(tick).unwrap();
    let expected = "v:BTC-USD 2026-04-04T03:19:18.995321Z trade 67223.5";
    for record in [
        format!(r#"{{"schema":{{"type":"struct"}},"payload":{tick}}}"#),
        format!(r#"{{"specversion":"1.0","id":"1","source":"s","type":"t","data":{tick}}}"#),
        format!(
            r#"{{"schema":{{}},"payload":{{"before":null,"after":{tick},"op":"c","ts_ms":1775272758995}}}}"#
        ),
        format!(r#"{{"before":null,"after":{tick},"op":"c"}}"#),
        format!(
            r#"{{"topic":"ticks.raw","partition":0,"offset":0,"tstype":"create","ts":1,"key":"k","payload":{text}}}"#
        ),
        format!(r#"{{"ts":1.5,"raw":{text}}}"#),
        format!("[{tick}]"),
        format!("\0\0\0\0\u{7}{tick}"),
    ] {
        gives(&record, &[expected]);
    }
    let mut deep = tick.to_owned();
    for _ in 0..10 {
        deep = format!(r#"{{"payload":{deep}}}"#);
    }
    assert_eq!(read_with(&deep, &DecodeOptions::of_venue("v")).0, Err(Unreadable::UnknownShape));
}

#[test]
fn an_unknown_side_is_none() {
    for side in ["\"unknown\"", "\"\"", "null"] {
        gives(
            &format!(r#"{{"timestamp":"2026-04-04T03:00:00Z","product_id":"A","price":"1","side":{side}}}"#),
            &["v:A 2026-04-04T03:00:00Z trade 1"],
        );
    }
}
