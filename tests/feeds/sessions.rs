//! Recorded sessions of real venues, counted file by file. The folder of the data says in its `MANIFEST.md` what they are.

use engine::{
    decode::NoTickKind,
    intake::{RecordEvent, TickSink},
    source::{
        Run, SourceEnd,
        file::{FileConfig, FileSource},
        pace::Speed,
    },
    stop::StopToken,
    symbol::Offset,
    tick::{Depth, EventTime, Tick},
};

use crate::support::real_data::real_data;

/// Everything that a replay hands over; no record may be unreadable.
#[derive(Default)]
struct Session {
    /// Symbol, offset of the record, tick.
    ticks: Vec<(String, Offset, Tick)>,
    events: Vec<RecordEvent>,
}

impl Session {
    fn ticks_of(&self, symbol: &str) -> usize {
        self.ticks.iter().filter(|(name, ..)| name == symbol).count()
    }

    fn events_of(&self, event: RecordEvent) -> usize {
        self.events.iter().filter(|&&seen| seen == event).count()
    }
}

impl TickSink for Session {
    fn tick(&mut self, venue: &str, product: &str, record_offset: Offset, _: u32, tick: Tick) {
        self.ticks.push((format!("{venue}:{product}"), record_offset, tick));
    }
    fn event(&mut self, offset: Offset, event: RecordEvent) {
        assert!(!matches!(event, RecordEvent::Unreadable(_)), "record {}: {event:?}", offset.0);
        self.events.push(event);
    }
}

#[track_caller]
fn replayed(name: &str) -> Option<Session> {
    let config = FileConfig {
        globs: vec![real_data(name)?.to_str().expect("a test's path is UTF-8").to_owned()],
        venue: "venue".to_owned(),
        csv_symbol: None,
        records: Default::default(),
        speed: Speed::Max,
    };
    let source = FileSource::open(&config).unwrap();
    assert_eq!(source.paths().len(), 1, "{name}");
    let mut session = Session::default();
    let mut run =
        Run { now: EventTime::MIN, sink: &mut session, stop: &StopToken::default(), progress: &mut () };
    assert_eq!(source.run(&mut run).unwrap(), SourceEnd::Finished);
    println!("{name}: {} ticks", session.ticks.len());
    Some(session)
}

#[test]
fn coinbase_two_hours_with_imbalance() {
    let Some(session) = replayed("coinbase_BTC_ETH_20260404_2h.ndjson.gz") else { return };
    assert_eq!(session.ticks.len(), 30_123);
    assert_eq!((session.ticks_of("venue:BTC-USD"), session.ticks_of("venue:ETH-USD")), (17_251, 12_872));
    assert_eq!(session.events, []);
    assert!(
        session
            .ticks
            .iter()
            .all(|(.., tick)| matches!(tick.quote.map(|quote| quote.depth), Some(Depth::ImbalancePpb(_))))
    );
}

#[test]
fn envelopes_under_payload() {
    let Some(session) = replayed("coinbase_envelopes_BTC_20260405_20min.ndjson.gz") else { return };
    assert_eq!(session.ticks_of("venue:BTC-USD"), 5_970);
    assert_eq!(session.events, [RecordEvent::NoTick(NoTickKind::Subscription)]);
    assert_eq!((session.ticks[0].1.0, session.ticks[1].1.0), (0, 2), "the subscription is record 1");
}

#[test]
fn envelopes_with_a_gap_of_one() {
    let Some(session) = replayed("coinbase_envelopes_BTC_20260404_15min_one_gap.ndjson.gz") else { return };
    assert_eq!(session.ticks_of("venue:BTC-USD"), 3_108);
    assert_eq!(session.events, [RecordEvent::SequenceGap { missing: 1 }]);
}

#[test]
fn exchange_tickers_in_four_segments() {
    let Some(session) = replayed("coinbase_exchange_ticker_BTC_20251112_4segments.ndjson.gz") else { return };
    assert_eq!(session.ticks_of("venue:BTC-USD"), 5_996);
    assert_eq!(session.events, [RecordEvent::NoTick(NoTickKind::Subscription); 4]);
    assert!(
        session
            .ticks
            .iter()
            .all(|(.., tick)| tick.side.is_some() && tick.size.is_some() && tick.trade_id.is_some())
    );
}

#[test]
fn the_originals_ticks_have_no_zone() {
    let Some(session) = replayed("seed_format_BTC_20251201_10min.ndjson.gz") else { return };
    assert_eq!(session.ticks_of("venue:BTC-USD"), 3_996);
    assert_eq!((session.events.len(), session.events_of(RecordEvent::ZonelessTime)), (3_996, 3_996));
    assert!(
        session
            .ticks
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
        let Some(session) = replayed(name) else { return };
        assert_eq!((session.ticks.len(), session.events.len()), (count, 0), "{name}");
        assert!(
            session
                .ticks
                .iter()
                .all(|(.., tick)| tick.side.is_some() && tick.size.is_some() && tick.trade_id.is_some())
        );
    }
}

#[test]
fn bitmex_trades_alone() {
    let Some(session) = replayed("bitmex_XBTUSD_trades_20180101_60h.csv.gz") else { return };
    assert_eq!(session.ticks_of("bitmex:XBTUSD"), 635_532);
    assert_eq!(session.events, [RecordEvent::NoTick(NoTickKind::Header)], "the header");
    assert!(session.ticks.iter().all(|(.., tick)| tick.quote.is_none() && tick.side.is_some()));
}
