//! Recorded sessions of Coinbase, sent as they were received: the bytes of the predictions are those of the file's replay.

use std::io::Read;

use engine::source::{
    file::{FileConfig, FileSource},
    pace::Speed,
};
use flate2::read::GzDecoder;
use serde_json::value::RawValue;

use super::*;
use crate::support::real_data::real_data;

/// The messages of a session, without the recorder's envelope, byte for byte.
fn messages(path: &std::path::Path) -> Vec<String> {
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text.lines()
        .map(|line| {
            let mut envelope: BTreeMap<&str, &RawValue> = serde_json::from_str(line).unwrap();
            envelope.remove("payload").map_or(line, RawValue::get).to_owned()
        })
        .collect()
}

fn replayed(path: &std::path::Path, venue: &str) -> Bytes {
    let source = FileSource::open(&FileConfig {
        globs: vec![path.to_str().unwrap().to_owned()],
        venue: venue.to_owned(),
        csv_symbol: None,
        records: Default::default(),
        speed: Speed::Max,
    });
    predictions(|sink| {
        let stop = StopToken::default();
        let mut run = Run { now: EventTime::MIN, sink, stop: &stop, progress: &mut () };
        assert_eq!(source.unwrap().run(&mut run).unwrap(), SourceEnd::Finished);
    })
}

fn live_equals_replay(file: &str) {
    let Some(path) = real_data(file) else { return };
    let messages = messages(&path);
    let count = messages.len() as u64;
    let exchange = Exchange::start(move |_, peer| {
        let request = peer.hear_json();
        assert_eq!((&request["channel"], &request["product_ids"][0]), (&"ticker".into(), &"BTC-USD".into()));
        assert_eq!(peer.hear_json()["channel"], "heartbeats");
        messages.iter().for_each(|message| peer.send(message));
        peer.linger();
    });
    let settings = settings("coinbase", &["BTC-USD"], &exchange);
    let live = predictions(|sink| {
        let source = LiveSource::open(&settings).unwrap();
        let (report, stop) = (LiveReport::default(), StopToken::default());
        let has_all = || {
            report.connections().first().is_some_and(|connection| {
                connection.messages.load(std::sync::atomic::Ordering::Relaxed) >= count
            })
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                until("every message", has_all);
                stop.stop();
            });
            let mut run = Run { now: EventTime::MIN, sink, stop: &stop, progress: &mut () };
            source.run(&report, &mut run).unwrap();
        });
        assert_eq!(report.connections()[0].reconnects.load(std::sync::atomic::Ordering::Relaxed), 0);
    });
    let replayed = replayed(&path, "coinbase");
    assert!(replayed["coinbase:BTC-USD"].len() > 3_000);
    assert!(live == replayed, "the bytes differ");
}

#[test]
fn an_untouched_session_gives_the_bytes_of_its_file() {
    live_equals_replay("coinbase_envelopes_BTC_20260405_20min.ndjson.gz");
    live_equals_replay("coinbase_envelopes_BTC_20260404_15min_one_gap.ndjson.gz");
}
