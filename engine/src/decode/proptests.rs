//! Nothing panics and nothing unchecked comes out, whatever the bytes.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{tests::MESSAGES, *};

/// Decodes twice, checks that both agree, and that what came out is within bounds.
fn survives(record: &[u8]) {
    let mut first = Decoded::default();
    let mut second = Decoded::default();
    let options = DecodeOptions::of_venue("coinbase");
    let kind = decode(record, &options, &mut first);
    let _ = decode(MESSAGES[0].as_bytes(), &options, &mut second);
    assert_eq!(decode(record, &options, &mut second), kind);
    assert!(first.ticks().eq(second.ticks()), "what a record gives depends on the one before");
    for decoded in first.ticks() {
        assert!(decoded.venue.len() + decoded.product.len() < crate::limits::SYMBOL_NAME_BYTES_MAX);
        assert!(decoded.tick.price.units() > 0);
    }
    if let Err(reason) = kind {
        assert!(Unreadable::REASONS.contains(&reason.reason()));
    }
    if let Err(reason) = kind {
        let text = explain(reason, record);
        assert!(!text.is_empty() && !text.contains('\n') && text.len() < 8_192, "{text}");
    }
    let mut lines = TradeLines::new(&TradeLineSymbol::new("bitmex", "XBTUSD").unwrap());
    // Once more under the columns that it may have named.
    for _ in 0..2 {
        if let Err(reason) = decode_trade_line(record, &mut lines, &mut first) {
            let text = explain(reason, record);
            assert!(!text.contains('\n') && text.len() < 8_192, "{text}");
        }
        assert!(first.ticks().all(|decoded| decoded.tick.price.units() > 0));
    }
}

/// JSON values that a field might hold by mistake.
fn odd_value() -> impl Strategy<Value = String> {
    let fixed = [
        "null",
        "true",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "-1e-999",
        "\"\"",
        "\"NaN\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "[]",
        "{}",
        "[[[]]]",
        "{\"tickers\":{}}",
        "[{\"tickers\":[7]}]",
        "9223372036854775808",
        "\"99999999999999999999999999999999999999999999999999\"",
        "\"2026-04-04T21:13:43Z\"",
        "\"ticker\"",
        "\"market_trades\"",
        "\"match\"",
        "\"trade\"",
        "\"live_trades_btcusd\"",
        "1775272758995",
        "\"1775272758.5\"",
    ];
    prop_oneof![
        select(fixed.to_vec()).prop_map(str::to_owned),
        any::<f64>().prop_map(|number| number.to_string()),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ]
}

fn field_name() -> impl Strategy<Value = &'static str> {
    select(vec![
        "timestamp",
        "time",
        "venue",
        "product_id",
        "price",
        "best_bid",
        "best_ask",
        "best_bid_quantity",
        "best_ask_size",
        "order_book_imbalance",
        "last_size",
        "side",
        "trade_id",
        "raw",
        "type",
        "channel",
        "sequence_num",
        "events",
        "tickers",
        "trades",
        "payload",
        "event",
        "data",
        "feed",
        "id",
        "symbol",
        "exchange",
        "bid",
        "ask_size",
        "qty",
        "amount",
        "other",
    ])
}

proptest! {
    #[test]
    fn random_bytes(record in vec(any::<u8>(), 0..300)) {
        survives(&record);
    }

    #[test]
    fn random_text(record in "[\\[\\]{}\":,0-9a-z.\\\\-]{0,200}") {
        survives(record.as_bytes());
    }

    #[test]
    fn real_shapes_with_bytes_changed(
        shape in select(MESSAGES.to_vec()),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut record = shape.as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(record.len());
            record[at] = byte;
        }
        survives(&record);
    }

    #[test]
    fn lines_of_csv(line in "[-0-9a-z,.\"#TZ: ]{0,80}") {
        survives(line.as_bytes());
    }

    #[test]
    fn headers_and_lines_of_many_columns(
        names in vec(select(vec!["timestamp", "time_ms", "price", "size", "side", "isBuyerMaker", "symbol", "x"]), 1..8),
        cells in vec(select(vec!["1577836800", "1577836800000", "1", "-1", "0", "buy", "true", "A-B", "", "nan"]), 1..8),
    ) {
        let mut lines = TradeLines::of_many("v");
        let mut out = Decoded::default();
        let _ = decode_trade_line(names.join(",").as_bytes(), &mut lines, &mut out);
        if decode_trade_line(cells.join(",").as_bytes(), &mut lines, &mut out) == Ok(RecordKind::Ticks) {
            prop_assert_eq!(out.ticks().len(), 1);
            let tick = out.ticks().next().unwrap();
            prop_assert!(!tick.product.is_empty() && tick.tick.price.units() > 0);
        }
    }

    #[test]
    fn real_shapes_cut_short(shape in select(MESSAGES.to_vec()), at in any::<prop::sample::Index>()) {
        survives(&shape.as_bytes()[..at.index(shape.len())]);
    }

    #[test]
    fn objects_of_known_fields_with_odd_values(fields in vec((field_name(), odd_value()), 0..10)) {
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        survives(format!("{{{}}}", fields.join(",")).as_bytes());
    }
}
