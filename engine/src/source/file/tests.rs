use std::{io::Write as _, path::Path, time::Duration};

use super::{super::StopToken, super::collect::Collected, *};
use crate::{
    source::{Progress, SourceEvent},
    symbol::Offset,
    tick::EventTime,
};

const TICK: &str = r#"{"timestamp":"2026-04-04T03:19:18Z","product_id":"ETH-USD","price":"2"}"#;

/// A folder of its own for one test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stormglass-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> &Self {
        std::fs::write(self.0.join(name), bytes).unwrap();
        self
    }

    fn config(&self, pattern: &str) -> FileConfig {
        FileConfig {
            globs: vec![self.0.join(pattern).to_str().unwrap().to_owned()],
            venue: "coinbase".to_owned(),
            csv_symbol: None,
            speed: Speed::Max,
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn run_into(config: &FileConfig, sink: &mut Collected, stop: &StopToken) -> Result<SourceEnd, FileError> {
    let mut run = Run { now: EventTime::MIN, sink, stop, progress: &mut () };
    FileSource::open(config)?.run(&mut run)
}

fn replayed(config: &FileConfig) -> Collected {
    let mut sink = Collected::default();
    assert_eq!(run_into(config, &mut sink, &StopToken::default()).unwrap(), SourceEnd::Finished);
    sink
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

#[test]
fn files_are_read_by_name_packed_or_not() {
    let folder = Folder::new("packed");
    let two_members = [gzip(&format!("{TICK}\n")), gzip(TICK)].concat();
    folder
        .write("b.ndjson.zst", &zstd::encode_all(TICK.as_bytes(), 1).unwrap())
        .write("a.ndjson.gz", &two_members)
        .write("c.ndjson", format!("\n{TICK}\n\n").as_bytes());
    let sink = replayed(&folder.config("*"));
    let offsets: Vec<_> = sink.ticks.iter().map(|(name, offset, ..)| (name.as_str(), offset.0)).collect();
    assert_eq!(offsets, [0, 1, 2, 3].map(|offset| ("coinbase:ETH-USD", offset)));
}

#[test]
fn a_csv_needs_a_symbol() {
    let folder = Folder::new("csv");
    folder.write("trades.csv", b"1514764802610,13873,10\n").write("kraken_XBT_x.csv", b"1514764802610,1,-1");
    assert_eq!(replayed(&folder.config("kraken*")).ticks_of("kraken:XBT"), 1);
    let mut config = folder.config("trades.csv");
    let error = run_into(&config, &mut Collected::default(), &StopToken::default()).unwrap_err();
    assert!(error.to_string().contains("source.symbol"), "{error}");
    config.csv_symbol = Some("bitmex:XBTUSD".to_owned());
    assert_eq!(replayed(&config).ticks_of("bitmex:XBTUSD"), 1);
    config.csv_symbol = Some("XBTUSD".to_owned());
    assert!(matches!(FileSource::open(&config), Err(FileError::BadCsvSymbol { .. })));
}

#[test]
fn what_cannot_be_opened_says_so() {
    let folder = Folder::new("none");
    assert!(matches!(FileSource::open(&folder.config("*.none")), Err(FileError::NoMatch { .. })));
    assert!(matches!(FileSource::open(&folder.config("***")), Err(FileError::BadGlob { .. })));
    let config = FileConfig { venue: "a b".to_owned(), ..folder.config("*") };
    assert!(matches!(FileSource::open(&config), Err(FileError::BadVenue { .. })));
    folder.write("broken.ndjson.gz", &gzip(&format!("{TICK}\n").repeat(1_000))[..20]);
    let error = run_into(&folder.config("broken*"), &mut Collected::default(), &StopToken::default());
    assert!(matches!(error, Err(FileError::Read { path, .. }) if path.ends_with("broken.ndjson.gz")));
}

#[test]
fn a_record_that_is_too_long_is_skipped_whole() {
    let folder = Folder::new("long");
    let long = "x".repeat(3 * RECORD_BYTES_MAX);
    folder.write("a.ndjson", format!("{TICK}\n{long}\nnot json\n{TICK}").as_bytes());
    let sink = replayed(&folder.config("*"));
    assert_eq!(
        sink.unreadable,
        [(Offset(1), Unreadable::TooLong, RECORD_BYTES_MAX), (Offset(2), Unreadable::NotJson, 8)]
    );
    assert_eq!(sink.ticks.iter().map(|tick| tick.1.0).collect::<Vec<_>>(), [0, 3]);
}

#[test]
fn gaps_are_reported_per_connection() {
    let envelope = |number: u64| {
        format!(r#"{{"channel":"heartbeats","timestamp":"2026-04-04T03:19:18Z","sequence_num":{number}}}"#)
    };
    let folder = Folder::new("gaps");
    let records = |numbers: &[u64]| numbers.iter().map(|&number| envelope(number) + "\n").collect::<String>();
    folder.write("a.ndjson", records(&[0, 2, 3, 3, 7, 0, 1]).as_bytes());
    folder.write("b.ndjson", records(&[500, 501]).as_bytes());
    let sink = replayed(&folder.config("*"));
    assert_eq!(sink.missing(), [1, 3]);
    assert_eq!(sink.events_of(SourceEvent::NotATick), 9);
}

#[test]
fn a_stop_ends_the_replay_at_the_next_record() {
    let folder = Folder::new("stop");
    folder.write("a.ndjson", format!("{TICK}\n").repeat(10).as_bytes());
    let stop = StopToken::default();
    let mut sink = Collected { stop_at: Some((4, stop.clone())), ..Collected::default() };
    assert_eq!(run_into(&folder.config("*"), &mut sink, &stop).unwrap(), SourceEnd::Stopped);
    assert_eq!((sink.ticks.len(), sink.flushes), (4, 1));
}

#[test]
fn progress_ends_at_the_total() {
    #[derive(Default)]
    struct Reports(Vec<(u64, u64, u64)>);
    impl Progress for Reports {
        fn advanced(&mut self, records: u64, bytes_read: u64, bytes_total: u64) {
            self.0.push((records, bytes_read, bytes_total));
        }
    }
    let folder = Folder::new("progress");
    folder.write("a.ndjson.gz", &gzip(&format!("{TICK}\n").repeat(5_000))).write("b.ndjson", TICK.as_bytes());
    let (mut sink, mut reports) = (Collected::default(), Reports::default());
    let stop = StopToken::default();
    let mut run = Run { now: EventTime::MIN, sink: &mut sink, stop: &stop, progress: &mut reports };
    FileSource::open(&folder.config("*")).unwrap().run(&mut run).unwrap();
    let total = ["a.ndjson.gz", "b.ndjson"].map(|name| Path::metadata(&folder.0.join(name)).unwrap().len());
    let total: u64 = total.iter().sum();
    assert_eq!(reports.0.last(), Some(&(5_001, total, total)));
    assert!(reports.0.len() > 4 && reports.0.is_sorted());
}

#[test]
fn event_time_sets_the_pace() {
    #[derive(Default)]
    struct SleptClock(Duration);
    impl WaitClock for &mut SleptClock {
        fn elapsed(&mut self) -> Duration {
            self.0
        }
        fn sleep(&mut self, duration: Duration) {
            self.0 += duration;
        }
    }
    let folder = Folder::new("pace");
    folder.write("bitmex_XBTUSD_x.csv", b"1000,1,1\n3000,1,1\n11000,1,1\n");
    let config = FileConfig { speed: Speed::Times(2.0), ..folder.config("*") };
    let (mut sink, stop) = (Collected::default(), StopToken::default());
    let mut run = Run { now: EventTime::MIN, sink: &mut sink, stop: &stop, progress: &mut () };
    let mut clock = SleptClock::default();
    FileSource::open(&config).unwrap().run_by(&mut clock, &mut run).unwrap();
    assert_eq!(clock.0, Duration::from_secs(5));
}
