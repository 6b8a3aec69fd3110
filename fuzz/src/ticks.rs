//! Recorded ticks.

use std::{env, fs, path::Path};

use engine::{
    decode::{
        DecodeOptions, Decoded, MappedJson, Mapping, SHAPES, TradeLineSymbol, TradeLines, Unreadable, decode,
        decode_mapped, decode_trade_line, explain,
    },
    limits::{SYMBOL_NAME_BYTES_MAX, TICKERS_PER_RECORD_MAX},
};

/// Fills this target's corpus with an example of every message that a shape reads, if the variable names the folder of all
/// corpora.
///
/// # Panics
/// If the files cannot be written.
pub fn seed() {
    let Some(corpus) = env::var_os(crate::CORPUS) else { return };
    let folder = Path::new(&corpus).join("ticks");
    fs::create_dir_all(&folder).expect("a corpus can be made");
    for shape in SHAPES {
        for (i, example) in shape.examples.iter().enumerate() {
            fs::write(folder.join(format!("{}-{i}.json", shape.name)), example)
                .expect("a seed can be written");
        }
    }
}

/// Decodes a record as JSON of a shape, as JSON by mappings, and as a line of csv. Its first line may be a mapping, too.
///
/// # Panics
/// If what was decoded is out of its bounds, or depends on what was decoded before.
pub fn survive(record: &[u8]) {
    let (mut first, mut again) = (Decoded::default(), Decoded::default());
    let options = DecodeOptions::of_venue("coinbase");
    let kind = decode(record, &options, &mut first);
    check(&first, &kind);
    if let Err(reason) = kind {
        assert!(!explain(reason, record).contains('\n'));
    }
    let before =
        br#"{"timestamp":"2026-04-04T03:19:18Z","product_id":"A-B","price":"1","side":"sell","trade_id":7}"#;
    assert!(decode(before, &options, &mut again).is_ok());
    assert_eq!(decode(record, &options, &mut again), kind);
    assert!(first.ticks().eq(again.ticks()) && first.rejected() == again.rejected());

    // As if the user had said that it is of some shape, and whose it is.
    let shape = SHAPES[record.len() % SHAPES.len()];
    let pinned =
        DecodeOptions { shape: Some(shape), product: Some("A-B"), ..DecodeOptions::of_venue("coinbase") };
    let kind = decode(record, &pinned, &mut again);
    check(&again, &kind);

    let symbol = TradeLineSymbol::new("bitmex", "XBTUSD").expect("a name of letters");
    let mut lines = TradeLines::new(&symbol);
    // The second time under the columns that the first may have named.
    for _ in 0..2 {
        let kind = decode_trade_line(record, &mut lines, &mut again);
        check(&again, &kind);
        if let Err(reason) = kind {
            assert!(!explain(reason, record).contains('\n'));
        }
    }

    for text in [
        "time=/timestamp,price=/price,bid=/best_bid,ask=/best_ask",
        "time=/ts,price=/data/*/p,symbol=/data/*/s",
    ] {
        by_mapping(record, &text.parse().expect("a mapping"), &symbol, &mut again);
    }
    let first_line = record.split(|&byte| byte == b'\n').next().unwrap_or_default();
    if let Ok(mapping) = String::from_utf8_lossy(first_line).parse::<Mapping>() {
        assert_eq!(mapping.to_string().parse().as_ref(), Ok(&mapping));
        by_mapping(&record[first_line.len()..], &mapping, &symbol, &mut again);
    }
}

fn by_mapping(record: &[u8], mapping: &Mapping, symbol: &TradeLineSymbol, decoded: &mut Decoded) {
    if mapping.is_of_json() {
        let kind = decode_mapped(record, &MappedJson::new(mapping, Some(symbol), "bitmex"), decoded);
        check(decoded, &kind);
    }
    let mut lines = TradeLines::new(symbol).mapped(mapping);
    for line in record.split(|&byte| byte == b'\n') {
        let kind = decode_trade_line(line, &mut lines, decoded);
        check(decoded, &kind);
    }
}

fn check<T>(decoded: &Decoded, kind: &Result<T, Unreadable>) {
    assert!(decoded.ticks().len() + decoded.rejected().len() <= TICKERS_PER_RECORD_MAX + 1);
    for decoded in decoded.ticks() {
        assert!(decoded.venue.len() + decoded.product.len() < SYMBOL_NAME_BYTES_MAX);
        assert!(decoded.tick.price.units() > 0, "{decoded:?}");
    }
    for reason in decoded.rejected().iter().map(|(_, reason)| reason).chain(kind.as_ref().err()) {
        assert!(Unreadable::REASONS.contains(&reason.reason()));
    }
}
