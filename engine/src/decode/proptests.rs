//! Nothing panics and nothing unchecked comes out, whatever the bytes.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{tests::SHAPES, *};

/// Decodes twice, checks that both agree, and that what came out is within bounds.
fn survives(record: &[u8]) {
    let mut first = Decoded::default();
    let mut second = Decoded::default();
    let defaults = DecodeDefaults { venue: "coinbase" };
    let kind = decode(record, &defaults, &mut first);
    let _ = decode(SHAPES[0].as_bytes(), &defaults, &mut second);
    assert_eq!(decode(record, &defaults, &mut second), kind);
    assert!(first.ticks().eq(second.ticks()), "what a record gives depends on the one before");
    for decoded in first.ticks() {
        assert!(decoded.venue.len() + decoded.product.len() < crate::limits::SYMBOL_NAME_BYTES_MAX);
        assert!(decoded.tick.price.units() > 0);
    }
    if let Err(reason) = kind {
        assert!(Unreadable::REASONS.contains(&reason.reason()));
    }
    let symbol = TradeLineSymbol::new("bitmex", "XBTUSD").unwrap();
    let _ = decode_trade_line(record, &symbol, &mut first);
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
        "payload",
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
        shape in select(SHAPES.to_vec()),
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
    fn real_shapes_cut_short(shape in select(SHAPES.to_vec()), at in any::<prop::sample::Index>()) {
        survives(&shape.as_bytes()[..at.index(shape.len())]);
    }

    #[test]
    fn objects_of_known_fields_with_odd_values(fields in vec((field_name(), odd_value()), 0..10)) {
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        survives(format!("{{{}}}", fields.join(",")).as_bytes());
    }
}
