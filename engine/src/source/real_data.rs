//! The counts of real sessions, file by file. See `shared/data/MANIFEST.md` for what they are.

use std::path::{Path, PathBuf};

use super::{
    Run, SourceEnd, SourceEvent, StopToken,
    collect::Collected,
    file::{FileConfig, FileSource},
    pace::Speed,
};
use crate::{
    decode::NoTickKind,
    tick::{Depth, EventTime},
};

/// Where the sessions lie; `None`, said aloud, where they are absent. Continuous integration must have them.
fn data_folder() -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let candidates = [
        std::env::var_os("STORMGLASS_DATA_DIR").map(PathBuf::from),
        Some(workspace.join("../shared/data")),
        Some(workspace.join("../../shared/data")),
    ];
    let found = candidates.into_iter().flatten().find(|folder| folder.join("MANIFEST.md").is_file());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "real data absent: set STORMGLASS_DATA_DIR");
        println!("not run: real data absent");
    }
    found
}

fn replayed(name: &str) -> Option<Collected> {
    let config = FileConfig {
        globs: vec![data_folder()?.join(name).to_str().expect("a test's path is UTF-8").to_owned()],
        venue: "venue".to_owned(),
        csv_symbol: None,
        speed: Speed::Max,
    };
    let source = FileSource::open(&config).unwrap();
    assert_eq!(source.paths().len(), 1, "{name}");
    let mut sink = Collected::default();
    let mut run =
        Run { now: EventTime::MIN, sink: &mut sink, stop: &StopToken::default(), progress: &mut () };
    assert_eq!(source.run(&mut run).unwrap(), SourceEnd::Finished);
    assert_eq!(sink.unreadable, [], "{name}");
    println!("{name}: {} ticks", sink.ticks.len());
    Some(sink)
}

#[test]
fn coinbase_two_hours_with_imbalance() {
    let Some(sink) = replayed("coinbase_BTC_ETH_20260404_2h.ndjson.gz") else { return };
    assert_eq!(sink.ticks.len(), 30_123);
    assert_eq!((sink.ticks_of("venue:BTC-USD"), sink.ticks_of("venue:ETH-USD")), (17_251, 12_872));
    assert_eq!(sink.events, []);
    assert!(
        sink.ticks
            .iter()
            .all(|(.., tick)| matches!(tick.quote.map(|quote| quote.depth), Some(Depth::ImbalancePpb(_))))
    );
}

#[test]
fn envelopes_under_payload() {
    let Some(sink) = replayed("coinbase_envelopes_BTC_20260405_20min.ndjson.gz") else { return };
    assert_eq!(sink.ticks_of("venue:BTC-USD"), 5_970);
    assert_eq!(sink.events, [SourceEvent::NoTick(NoTickKind::Subscription)]);
    assert_eq!((sink.ticks[0].1.0, sink.ticks[1].1.0), (0, 2), "the subscription is record 1");
}

#[test]
fn envelopes_with_a_gap_of_one() {
    let Some(sink) = replayed("coinbase_envelopes_BTC_20260404_15min_one_gap.ndjson.gz") else { return };
    assert_eq!(sink.ticks_of("venue:BTC-USD"), 3_108);
    assert_eq!(sink.events, [SourceEvent::SequenceGap { missing: 1 }]);
}

#[test]
fn exchange_tickers_in_four_segments() {
    let Some(sink) = replayed("coinbase_exchange_ticker_BTC_20251112_4segments.ndjson.gz") else { return };
    assert_eq!(sink.ticks_of("venue:BTC-USD"), 5_996);
    assert_eq!(sink.events, [SourceEvent::NoTick(NoTickKind::Subscription); 4]);
    assert!(
        sink.ticks
            .iter()
            .all(|(.., tick)| tick.side.is_some() && tick.size.is_some() && tick.trade_id.is_some())
    );
}

#[test]
fn the_originals_ticks_have_no_zone() {
    let Some(sink) = replayed("seed_format_BTC_20251201_10min.ndjson.gz") else { return };
    assert_eq!(sink.ticks_of("venue:BTC-USD"), 3_996);
    assert_eq!((sink.events.len(), sink.events_of(SourceEvent::ZonelessTime)), (3_996, 3_996));
    assert!(
        sink.ticks
            .iter()
            .all(|(.., tick)| matches!(tick.quote.map(|quote| quote.depth), Some(Depth::Sizes { .. })))
    );
}

#[test]
fn binance_trades_with_quotes() {
    for (name, count) in [
        ("binance_spot_BTC_ETH_20240808.ndjson.gz", 34_419),
        ("binance_usdm_BTC_ETH_20240808.ndjson.gz", 35_389),
    ] {
        let Some(sink) = replayed(name) else { return };
        assert_eq!((sink.ticks.len(), sink.events.len()), (count, 0), "{name}");
        assert!(
            sink.ticks
                .iter()
                .all(|(.., tick)| tick.side.is_some() && tick.size.is_some() && tick.trade_id.is_some())
        );
    }
}

#[test]
fn bitmex_trades_alone() {
    let Some(sink) = replayed("bitmex_XBTUSD_trades_20180101_60h.csv.gz") else { return };
    assert_eq!(sink.ticks_of("bitmex:XBTUSD"), 635_532);
    assert_eq!(sink.events, [SourceEvent::NoTick(NoTickKind::Header)], "the header");
    assert!(sink.ticks.iter().all(|(.., tick)| tick.quote.is_none() && tick.side.is_some()));
}
