use super::*;
use crate::tick::{Depth, Quantity, Side, Tick};

const OWN: &str = r#"{"timestamp": "2024-08-08T23:54:15.342000Z", "received_at": "x", "product_id": "BTCUSDT",
    "price": "61837.63000000", "best_bid": "61837.63", "best_ask": 61837.64, "best_bid_quantity": "3.78826",
    "best_ask_quantity": "1.54698", "last_size": "0.02", "side": "sell", "trade_id": 3735683259}"#;

const ORIGINAL: &str = r#"{"timestamp": "2025-12-01T16:44:46.329398", "product_id": "BTC-USD", "price": "85196.66",
    "volume_24h": "13283.17363336", "best_bid": "85194.22", "best_ask": "85194.23", "raw": {"type": "ticker",
    "price": "1", "best_bid_quantity": "0.0047203", "best_ask_quantity": "0.01242952"}}"#;

const ENVELOPE: &str = r#"{"channel": "ticker", "timestamp": "2026-04-04T21:13:43.291084825Z", "sequence_num": 2,
    "events": [{"type": "snapshot", "tickers": [
        {"type": "ticker", "product_id": "BTC-USD", "price": "67223.5", "best_bid": "67223.49", "best_ask": "67223.5",
         "best_bid_quantity": "0.5", "best_ask_quantity": "0.25"},
        {"type": "ticker", "product_id": "ETH-USD", "price": "oops"}]},
        {"type": "update", "tickers": [{"product_id": "SOL-USD", "price": 140.25, "best_bid": "0", "best_ask": ""}]}]}"#;

const EXCHANGE: &str = r#"{"type":"ticker","sequence":115498669093,"product_id":"BTC-USD","price":"103472.28",
    "best_bid":"103472.27","best_bid_size":"0.04145138","best_ask":"103472.28","best_ask_size":"0.02560996",
    "side":"buy","time":"2025-11-12T07:20:11.615272Z","trade_id":900701309,"last_size":"0.00068754"}"#;

const MATCH: &str = r#"{"type":"match","trade_id":900701309,"maker_order_id":"a","taker_order_id":"b","side":"sell",
    "size":"0.00068754","price":"103472.28","product_id":"BTC-USD","sequence":115498669093,
    "time":"2025-11-12T07:20:11.615272Z"}"#;

const MARKET_TRADES: &str = r#"{"channel":"market_trades","client_id":"","timestamp":"2026-04-07T14:30:02.9Z","sequence_num":5,
    "events":[{"type":"update","trades":[
        {"trade_id":"12","product_id":"BTC-USD","price":"3","size":"0.3","side":"BUY","time":"2026-04-07T14:30:02.8Z"},
        {"trade_id":"11","product_id":"BTC-USD","price":"2","size":"0.2","side":"SELL","time":"2026-04-07T14:30:02.8Z"},
        {"trade_id":"x","product_id":"BTC-USD","price":"oops","size":"0.2","side":"SELL","time":"2026-04-07T14:30:02.8Z"},
        {"trade_id":"10","product_id":"ETH-USD","price":"1","size":"0.1","side":"BUY","time":"2026-04-07T14:30:02.7Z"}]}]}"#;

const BITSTAMP: &str = r#"{"data":{"id":216000477,"timestamp":"1641343699","amount":0.0792,"amount_str":"0.07920000",
    "price":3805.44,"price_str":"3805.44","type":1,"microtimestamp":"1641343699596000","buy_order_id":1,
    "sell_order_id":2},"channel":"live_trades_ethusd","event":"trade"}"#;

pub(super) const MESSAGES: [&str; 7] = [OWN, ORIGINAL, ENVELOPE, EXCHANGE, MATCH, MARKET_TRADES, BITSTAMP];

fn read(record: &str) -> (Result<RecordKind, Unreadable>, Decoded) {
    let mut out = Decoded::default();
    let kind = decode(record.as_bytes(), &DecodeOptions::of_venue("coinbase"), &mut out);
    (kind, out)
}

fn only(record: &str) -> Tick {
    let (kind, out) = read(record);
    assert_eq!(kind, Ok(RecordKind::Ticks), "{record}");
    assert_eq!((out.ticks().len(), out.rejected().len()), (1, 0), "{record}");
    out.ticks().next().unwrap().tick
}

fn refused(record: &str) -> Unreadable {
    read(record).0.expect_err(record)
}

fn sizes(bid: i64, ask: i64) -> Depth {
    Depth::Sizes { bid: Quantity::from_units(bid).unwrap(), ask: Quantity::from_units(ask).unwrap() }
}

#[test]
fn our_own_tick() {
    let tick = only(OWN);
    assert_eq!(tick.price.units(), 6_183_763_000_000);
    let quote = tick.quote.unwrap();
    assert_eq!((quote.bid.units(), quote.ask.units()), (6_183_763_000_000, 6_183_764_000_000));
    assert_eq!(quote.depth, sizes(378_826_000, 154_698_000));
    assert_eq!(tick.size.map(Quantity::units), Some(2_000_000));
    assert_eq!((tick.side, tick.trade_id), (Some(Side::Sell), Some(3_735_683_259)));
}

#[test]
fn an_imbalance_stands_in_for_lost_quantities() {
    let with = |share: &str| {
        let record = format!(
            r#"{{"timestamp":"2026-04-04T03:19:18Z","product_id":"ETH-USD","price":"2","best_bid":1,"best_ask":2,
               "order_book_imbalance":{share}}}"#
        );
        read(&record)
    };
    for (share, ppb) in [
        ("0.5", 0),
        ("0", -1_000_000_000),
        ("1", 1_000_000_000),
        ("0.4138576260241992", -172_284_748),
        ("7.5e-1", 500_000_000),
    ] {
        let (_, out) = with(share);
        let depth = out.ticks().next().unwrap().tick.quote.unwrap().depth;
        assert_eq!(depth, Depth::ImbalancePpb(ppb), "{share}");
    }
    for share in ["1.000000001", "-0.1"] {
        assert_eq!(with(share).0, Err(Unreadable::OutOfRange { field: "order_book_imbalance" }));
    }
}

#[test]
fn the_originals_tick_has_its_quantities_under_raw_and_no_zone() {
    let (kind, out) = read(ORIGINAL);
    assert_eq!((kind, out.zoneless_times), (Ok(RecordKind::Ticks), 1));
    let tick = out.ticks().next().unwrap().tick;
    assert_eq!(tick.price.units(), 8_519_666_000_000);
    assert_eq!(tick.event_time.to_string(), "2025-12-01T16:44:46.329398Z");
    assert_eq!(tick.quote.unwrap().depth, sizes(472_030, 1_242_952));
    assert_eq!((tick.side, tick.size, tick.trade_id), (None, None, None));
}

#[test]
fn an_envelope_gives_all_its_tickers_and_keeps_the_good_beside_the_bad() {
    let wrapped = format!(r#"{{"ingest_time": "x", "product_id": "BTC-USD", "payload": {ENVELOPE}}}"#);
    for record in [ENVELOPE, wrapped.as_str()] {
        let (kind, out) = read(record);
        assert_eq!((kind, out.sequence), (Ok(RecordKind::Ticks), Some(2)));
        let names: Vec<_> =
            out.ticks().map(|t| (t.index, t.venue.to_owned(), t.product.to_owned())).collect();
        assert_eq!(
            names,
            [(0, "coinbase".into(), "BTC-USD".into()), (2, "coinbase".into(), "SOL-USD".into())]
        );
        assert_eq!(out.rejected(), [(1, Unreadable::BadNumber { field: "price" })]);
        assert_eq!(out.ticks().nth(1).unwrap().tick.quote, None, "a bid of 0 is no quote");
        assert_eq!(out.first_event_time().unwrap().nanos() % 1_000_000_000, 291_084_825);
    }
}

#[test]
fn other_channels_are_no_ticks_but_count_in_the_sequence() {
    let (kind, out) = read(
        r#"{"channel":"subscriptions","timestamp":"2026-04-05T22:35:13.9Z","sequence_num":1,
            "events":[{"subscriptions":{"ticker":["BTC-USD"]}}]}"#,
    );
    assert_eq!((kind, out.sequence), (Ok(RecordKind::NoTick(NoTickKind::Subscription)), Some(1)));
    for (record, kind) in [
        (r#"{"type":"subscriptions","channels":[]}"#, NoTickKind::Subscription),
        (r#"{"type":"heartbeat","sequence":9,"time":"2026-04-05T22:35:13.9Z"}"#, NoTickKind::Heartbeat),
        (
            r#"{"type":"l2update","product_id":"A-B","time":"2026-04-05T22:35:13.9Z","changes":[]}"#,
            NoTickKind::Book,
        ),
        (r#"{"type":"snapshot","product_id":"A-B","bids":[],"asks":[]}"#, NoTickKind::Book),
        (
            r#"{"type":"open","price":"1","side":"sell","product_id":"A-B","time":"2026-04-05T22:35:13.9Z"}"#,
            NoTickKind::Book,
        ),
        (r#"{"type":"status","products":[]}"#, NoTickKind::Status),
        (r#"{"channel":"heartbeats","sequence_num":3,"events":[]}"#, NoTickKind::Heartbeat),
        (r#"{"channel":"l2_data","sequence_num":3,"events":[]}"#, NoTickKind::Book),
        (r#"{"channel":"status","sequence_num":3,"events":[]}"#, NoTickKind::Status),
        (r#"{"channel":"candles","sequence_num":3,"events":[]}"#, NoTickKind::Candles),
        (
            r#"{"event":"bts:subscription_succeeded","channel":"live_trades_btcusd","data":{}}"#,
            NoTickKind::Subscription,
        ),
        (r#"{"event":"data","channel":"diff_order_book_btcusd","data":{}}"#, NoTickKind::Book),
    ] {
        assert_eq!(read(record).0, Ok(RecordKind::NoTick(kind)), "{record}");
    }
}

#[test]
fn a_message_of_no_known_kind_is_unreadable_and_not_passed_over() {
    for record in [
        r#"{"channel":"userFills","data":[{"coin":"BTC"}]}"#,
        r#"{"channel":"executions","type":"update","data":[{"symbol":"BTC/USD","price":1}]}"#,
        r#"{"channel":"user","sequence_num":3,"events":[]}"#,
        r#"{"topic":"execution","ts":1672304486868,"data":[]}"#,
        r#"{"type":"tick","source":"a","specversion":"1.0","data":{"price":1}}"#,
        "[]",
        r#"{"type":"anything"}"#,
        r#"{"event":"data","channel":"news","data":{}}"#,
        r#"{"feed":"trade","product_id":"PI_XBTUSD","side":"sell","type":"fill","time":1612266317519,"qty":1,"price":3}"#,
    ] {
        assert_eq!(refused(record), Unreadable::UnknownShape, "{record}");
    }
}

#[test]
fn a_venues_error_is_an_error() {
    for record in [
        r#"{"type":"error","message":"authentication failure"}"#,
        r#"{"type":"error","message":"Failed to subscribe","timestamp":"2026-04-05T22:35:13.9Z"}"#,
        r#"{"payload":{"type":"error","message":"x"}}"#,
        r#"{"event":"bts:error","channel":"","data":{"code":4009,"message":"x"}}"#,
    ] {
        assert_eq!(refused(record), Unreadable::VenueError, "{record}");
    }
}

#[test]
fn market_trades_come_oldest_first_with_the_takers_side() {
    let (kind, out) = read(MARKET_TRADES);
    assert_eq!((kind, out.sequence), (Ok(RecordKind::Ticks), Some(5)));
    let trades: Vec<_> = out
        .ticks()
        .map(|t| {
            (t.index, t.product.to_owned(), t.tick.price.units() / 100_000_000, t.tick.side, t.tick.trade_id)
        })
        .collect();
    assert_eq!(
        trades,
        [
            (0, "ETH-USD".to_owned(), 1, Some(Side::Sell), Some(10)),
            (1, "BTC-USD".to_owned(), 2, Some(Side::Buy), Some(11)),
            (3, "BTC-USD".to_owned(), 3, Some(Side::Sell), Some(12)),
        ]
    );
    assert_eq!(out.rejected(), [(2, Unreadable::BadNumber { field: "price" })]);
    let eth = out.ticks().next().unwrap().tick;
    assert_eq!(eth.size.map(Quantity::units), Some(10_000_000));
    assert_eq!(eth.event_time.to_string(), "2026-04-07T14:30:02.7Z", "each trade has its own time");
}

#[test]
fn a_match_is_the_trade_of_its_ticker_seen_from_the_maker() {
    let (ticker, matched) = (only(EXCHANGE), only(MATCH));
    assert_eq!(matched, Tick { quote: None, ..ticker });
    assert_eq!(only(&MATCH.replace("match", "last_match")), matched);
}

#[test]
fn a_trade_of_coinbase_without_its_envelope_has_the_makers_side() {
    let flat = |side: &str, more: &str| {
        only(&format!(
            r#"{{"trade_id":"995098700","product_id":"BTC-USD","price":"68900.5","size":"0.0015","side":"{side}",
               "time":"2026-04-07T14:30:02.789012Z"{more}}}"#
        ))
    };
    assert_eq!(flat("BUY", "").side, Some(Side::Sell));
    assert_eq!(flat("SELL", r#","exchange":"coinbase","bid":"","ask":"""#).side, Some(Side::Buy));
    assert_eq!(flat("buy", "").side, Some(Side::Buy), "our own way to write the taker's side");
    assert_eq!(flat("BUY", r#","venue":"kraken""#).side, Some(Side::Buy), "another venue's");
}

#[test]
fn bitstamps_trades_name_their_venue_and_product() {
    let (kind, out) = read(BITSTAMP);
    assert_eq!(kind, Ok(RecordKind::Ticks));
    let trade = out.ticks().next().unwrap();
    assert_eq!((trade.venue, trade.product), ("bitstamp", "ethusd"));
    assert_eq!(trade.tick.price.units(), 380_544_000_000);
    assert_eq!((trade.tick.side, trade.tick.trade_id), (Some(Side::Sell), Some(216_000_477)));
    assert_eq!(trade.tick.size.map(Quantity::units), Some(7_920_000));
    assert_eq!(trade.tick.event_time.nanos(), 1_641_343_699_596_000_000);
}

#[test]
fn other_names_for_the_same_are_read() {
    let with = |fields: &str| {
        only(&format!(
            r#"{{"timestamp":"2026-04-04T03:00:00Z","product_id":"BTC-USD","price":"67000.5",{fields}}}"#
        ))
    };
    let full = with(
        r#""best_bid":67000,"best_ask":67001,"best_bid_quantity":1,"best_ask_quantity":2,"last_size":"0.5","side":"buy""#,
    );
    assert_eq!(full.quote.unwrap().depth, sizes(100_000_000, 200_000_000));
    for fields in [
        r#""bid":"67000","ask":"67001","bid_size":"1","ask_size":"2","size":"0.5","side":"buy""#,
        r#""best_bid":"67000","best_ask":"67001","best_bid_size":"1","best_ask_size":"2","last_size":"0.5","side":"buy""#,
        r#""best_bid":"67000","best_ask":"67001","best_bid_qty":"1","best_ask_qty":"2","amount":"0.5","side":"buy""#,
        r#""bid_price":"67000","ask_price":"67001","bid_qty":"1","ask_qty":"2","qty":"0.5","side":"BUY""#,
    ] {
        assert_eq!(with(fields), full, "{fields}");
    }
    let (_, out) = read(r#"{"time":1775272740500,"symbol":"BTCUSDT","price":1,"exchange":"BINANCE"}"#);
    let tick = out.ticks().next().unwrap();
    assert_eq!((tick.venue, tick.product), ("binance", "BTCUSDT"));
    assert_eq!(
        (tick.tick.event_time.to_string().as_str(), out.epoch_unit),
        ("2026-04-04T03:19:00.5Z", Some(EpochUnit::Milliseconds))
    );
    let bad = r#"{"timestamp":"2026-04-04T03:00:00Z","symbol":"A-B","price":1,"ask_size":"x"}"#;
    assert_eq!(refused(bad), Unreadable::BadNumber { field: "ask_size" }, "the name that the record has");
}

#[test]
fn a_time_may_be_a_number_whose_digits_tell_its_unit() {
    let at = |time: &str| format!(r#"{{"timestamp":{time},"product_id":"BTC-USD","price":1}}"#);
    for time in [
        "1775272758",
        "\"1775272758\"",
        "1775272758000",
        "1775272758000000",
        "\"1775272758000000000\"",
        "1775272758.0",
    ] {
        assert_eq!(only(&at(time)).event_time.to_string(), "2026-04-04T03:19:18Z", "{time}");
    }
    assert_eq!(refused(&at("1000000000000")), Unreadable::TooEarly { field: "timestamp" });
    assert_eq!(refused(&at("17752727580")), Unreadable::BadTime { field: "timestamp" });
}

#[test]
fn a_byte_order_mark_says_nothing_and_a_wrapped_text_is_read() {
    let tick = only(OWN);
    assert_eq!(only(&format!("\u{feff}{OWN}")), tick);
    let text = serde_json::to_string(&OWN.replace('\n', "")).unwrap();
    assert_eq!(only(&format!(r#"{{"topic":"ticks.raw","ts":1,"key":"k","payload":{text}}}"#)), tick);
}

#[test]
fn an_exchange_ticker_has_the_takers_side_and_a_sequence_that_is_not_the_connections() {
    let wrapped = format!(
        r#"{{"ts":1762932011.6,"pair":"BTC-USD","raw":{}}}"#,
        serde_json::to_string(&EXCHANGE.replace('\n', "")).unwrap()
    );
    for record in [EXCHANGE, wrapped.as_str()] {
        let tick = only(record);
        assert_eq!((tick.side, tick.trade_id), (Some(Side::Buy), Some(900_701_309)));
        assert_eq!(tick.quote.unwrap().depth, sizes(4_145_138, 2_560_996));
        assert_eq!(read(record).1.sequence, None);
    }
}

#[test]
fn a_venue_field_outranks_the_default() {
    for record in [
        r#"{"venue":"kraken","timestamp":"2026-04-04T03:19:18Z","product_id":"ETH\u002dUSD","price":"2"}"#
            .to_owned(),
        format!(r#"{{"venue":"kraken","payload":{EXCHANGE}}}"#),
    ] {
        let (_, out) = read(&record);
        assert_eq!(out.ticks().next().unwrap().venue, "kraken");
    }
}

#[test]
fn an_unreadable_record_names_its_field() {
    let own = |change: (&str, &str)| {
        let record =
            r#"{"timestamp":"2026-04-04T03:19:18Z","product_id":"ETH-USD","price":"2","side":"buy"}"#;
        assert!(record.contains(change.0));
        refused(&record.replacen(change.0, change.1, 1))
    };
    assert_eq!(own((r#""price":"2","#, "")), Unreadable::MissingField { name: "price" });
    assert_eq!(own((r#""price":"2""#, r#""price":null"#)), Unreadable::MissingField { name: "price" });
    assert_eq!(own((r#""2""#, r#""NaN""#)), Unreadable::BadNumber { field: "price" });
    assert_eq!(own((r#""2""#, "[2]")), Unreadable::BadNumber { field: "price" });
    assert_eq!(own((r#""2""#, r#""0.0000000000000000001""#)), Unreadable::OutOfRange { field: "price" });
    assert_eq!(own((r#""2""#, "-1")), Unreadable::OutOfRange { field: "price" });
    assert_eq!(own((r#""2""#, "1e300")), Unreadable::OutOfRange { field: "price" });
    assert_eq!(own(("buy", "hold")), Unreadable::BadSide { field: "side" });
    assert_eq!(own((r#""2026-04-04T03:19:18Z""#, "17752727580")), Unreadable::BadTime { field: "timestamp" });
    assert_eq!(own(("2026-04-04T03", "2026-04-04T33")), Unreadable::BadTime { field: "timestamp" });
    assert_eq!(own(("ETH-USD", "")), Unreadable::BadName { field: "product_id" });
    assert_eq!(own(("ETH-USD", "<b>")), Unreadable::BadName { field: "product_id" });
    assert_eq!(own((r#""ETH-USD""#, "7")), Unreadable::WrongType { field: "product_id" });
    assert_eq!(own((r#""side":"buy""#, r#""price":"3""#)), Unreadable::RepeatedField);
}

#[test]
fn what_is_no_tick_at_all_has_a_name_too() {
    assert_eq!(refused(""), Unreadable::NotJson);
    assert_eq!(refused("{"), Unreadable::NotJson);
    assert_eq!(refused(r#"{"price":NaN}"#), Unreadable::NotJson);
    assert_eq!(refused("[1]"), Unreadable::UnknownShape);
    assert_eq!(refused("1"), Unreadable::NotAnObject);
    assert_eq!(refused("{}"), Unreadable::UnknownShape);
    assert_eq!(refused(r#"{"hello":1}"#), Unreadable::UnknownShape);
    assert_eq!(refused(r#"{"payload":7}"#), Unreadable::NotAnObject);
    assert_eq!(
        refused(r#"{"channel":"ticker","events":[]}"#),
        Unreadable::MissingField { name: "timestamp" }
    );
    let mut out = Decoded::default();
    let options = DecodeOptions::of_venue("coinbase");
    assert_eq!(decode(b"{\"\xff\":1}", &options, &mut out), Err(Unreadable::NotUtf8));
    let long = vec![b' '; RECORD_BYTES_MAX + 1];
    assert_eq!(decode(&long, &options, &mut out), Err(Unreadable::TooLong));
}

#[test]
fn deep_nesting_is_refused_or_passed_over_without_recursion() {
    for (open, close) in [("[", "]"), ("{\"payload\":", "}")] {
        let depth = 50_000;
        let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        let (kind, _) = read(&nested);
        assert!(kind.is_err());
        let inside = format!(
            r#"{{"timestamp":"2026-04-04T03:19:18Z","product_id":"ETH-USD","price":"2","events":{nested}}}"#
        );
        assert!(read(&inside).0.is_err());
    }
}

#[test]
fn a_record_with_too_many_tickers_keeps_those_up_to_the_bound() {
    let most = crate::limits::TICKERS_PER_RECORD_MAX;
    let ticker = r#"{"product_id":"A","price":"1"},"#;
    let record = format!(
        r#"{{"channel":"ticker","timestamp":"2026-04-04T03:19:18Z","events":[{{"tickers":[{}]}}]}}"#,
        ticker.repeat(most + 5).trim_end_matches(',')
    );
    let (kind, out) = read(&record);
    assert_eq!(kind, Ok(RecordKind::Ticks));
    assert_eq!(out.ticks().len(), most);
    assert_eq!(out.rejected(), [(most as u32, Unreadable::TooManyTickers)]);
}

/// The shape that the list finds for a message, or for the first of a list.
fn shape_of(message: &str) -> Option<&'static Shape> {
    let mut index = Vec::new();
    let json = Json::parse(message, &mut index).unwrap();
    let first = json.root().elements().next();
    match first {
        Some(first) if !first.is_object() => Shape::named("kraken"),
        first => Shape::of(&Fields::of(first.unwrap_or(json.root())).unwrap()),
    }
}

#[test]
fn an_example_is_read_by_its_own_shape_and_gives_the_same_ticks_when_pinned() {
    for shape in SHAPES {
        assert_eq!(Shape::named(shape.name), Some(shape));
        for example in shape.examples {
            assert_eq!(shape_of(example), Some(shape), "{example}");
            let (kind, told) = read(example);
            assert_eq!((kind, told.rejected()), (Ok(RecordKind::Ticks), [].as_slice()), "{example}");
            assert!(told.ticks().len() > 0, "{example}");
            let mut pinned = Decoded::default();
            let options = DecodeOptions { shape: Some(shape), ..DecodeOptions::of_venue("coinbase") };
            assert_eq!(decode(example.as_bytes(), &options, &mut pinned), kind);
            assert!(pinned.ticks().eq(told.ticks()), "{example}");
        }
    }
}

#[test]
fn the_page_of_ticks_shows_every_shape_and_example() {
    let page = include_str!("../../../docs/ticks.md");
    // Long examples are broken behind a comma.
    let unbroken = page.replace('\n', "");
    for shape in SHAPES {
        assert!(page.contains(&format!("### `{}`: {}\n", shape.name, shape.writer)), "{}", shape.name);
        for example in shape.examples {
            assert!(unbroken.contains(example), "{example}");
        }
    }
    for kind in NoTickKind::ALL {
        assert!(page.contains(&format!("`{}`", kind.name())), "{}", kind.name());
    }
}
