use std::{io::Write as _, path::Path, time::Duration};

use super::{super::collect::Collected, *};
use crate::{
    decode::{NoTickKind, Unreadable},
    intake::Progress,
    intake::{RecordEvent, Tally},
    limits::RECORD_BYTES_MAX,
    stop::StopToken,
    symbol::Offset,
    tick::{EventTime, Side},
};

mod hostile;

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
            records: RecordSettings::default(),
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
    assert_eq!(sink.unreadable, [(Offset(1), Unreadable::TooLong), (Offset(2), Unreadable::NotJson)]);
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
    assert_eq!(sink.events_of(RecordEvent::NoTick(NoTickKind::Heartbeat)), 9);
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
    folder.write("bitmex_XBTUSD_x.csv", b"1514764801000,1,1\n1514764803000,1,1\n1514764811000,1,1\n");
    let config = FileConfig { speed: Speed::Times(2.0), ..folder.config("*") };
    let (mut sink, stop) = (Collected::default(), StopToken::default());
    let mut run = Run { now: EventTime::MIN, sink: &mut sink, stop: &stop, progress: &mut () };
    let mut clock = SleptClock::default();
    FileSource::open(&config).unwrap().run_by(&mut clock, &mut run).unwrap();
    assert_eq!(clock.0, Duration::from_secs(5));
}

/// Replays, and returns what became of the records beside what came of them.
fn tallied(config: &FileConfig) -> (Collected, Tally) {
    #[derive(Default)]
    struct Ended(Tally);
    impl Progress for Ended {
        fn advanced(&mut self, _: u64, _: u64, _: u64) {}
        fn ended(&mut self, tally: &Tally) {
            self.0 = tally.clone();
        }
    }
    let (mut sink, mut ended, stop) = (Collected::default(), Ended::default(), StopToken::default());
    let mut run = Run { now: EventTime::MIN, sink: &mut sink, stop: &stop, progress: &mut ended };
    FileSource::open(config).unwrap().run(&mut run).unwrap();
    (sink, ended.0)
}

fn tick_at(second: u32) -> String {
    format!(r#"{{"timestamp":"2026-04-04T03:00:{second:02}Z","product_id":"ETH-USD","price":"2"}}"#) + "\n"
}

#[test]
fn a_csv_of_seconds_and_unsigned_sizes_is_read_as_what_it_is_and_said_to_be_that() {
    let folder = Folder::new("unsigned");
    let line = |second: u32| format!("{},7160.4,0.01\n", 1_577_836_800 + second);
    folder.write("kraken_XBTUSD_time-and-sales.csv.gz", &gzip(&(0..9).map(line).collect::<String>()));
    let (sink, tally) = tallied(&folder.config("*"));
    let times: Vec<_> =
        sink.ticks.iter().map(|(.., tick)| tick.event_time.second() - 1_577_836_800).collect();
    assert_eq!(times, (0..9).collect::<Vec<_>>());
    assert!(sink.ticks.iter().all(|(.., tick)| tick.side.is_none() && tick.size.is_some()));
    assert_eq!(sink.ticks_of("kraken:XBTUSD"), 9);
    let text = tally.to_string();
    for said in
        ["its times are seconds since 1970", "no size has a sign", "those of kraken:XBTUSD, by its name"]
    {
        assert!(text.contains(said), "{text}");
    }
    // One sell, however late, and every size has a sign.
    folder.write(
        "kraken_XBTUSD_time-and-sales.csv.gz",
        &gzip(&((0..9).map(line).collect::<String>() + "1577836809,1,-1")),
    );
    let (sink, tally) = tallied(&folder.config("*"));
    let sides: Vec<_> = sink.ticks.iter().map(|(.., tick)| tick.side).collect();
    assert_eq!(sides, [vec![Some(Side::Buy); 9], vec![Some(Side::Sell)]].concat());
    assert!(!tally.to_string().contains("no size has a sign"));
}

#[test]
fn a_header_is_obeyed_or_refused_with_what_it_has() {
    let folder = Folder::new("header");
    folder.write("x_BTC-USD_y.csv", b"timestamp,amount,price\n1775271600000,0.01,67000.5\n").write(
        "many.csv",
        b"exchange,symbol,timestamp,side,price,amount\nbitmex,XBTUSD,1583020803145000,sell,8531.5,2\n",
    );
    let (sink, tally) = tallied(&folder.config("*"));
    let of = |symbol: &str| sink.ticks.iter().find(|(name, ..)| name == symbol).unwrap().3;
    assert_eq!(of("coinbase:BTC-USD").price.units(), 6_700_050_000_000);
    assert_eq!(of("bitmex:XBTUSD").side, Some(Side::Sell));
    let text = tally.to_string();
    for said in [
        "its header is obeyed: time in column 1, size in column 2, price in column 3",
        "those of coinbase:BTC-USD, the product by its name, the venue by source.venue",
        "each line names its product",
        "2 without a tick (header)",
    ] {
        assert!(text.contains(said), "{text}");
    }
    for (content, said) in [
        (
            "timestamp,bid,volume\n1,2,3\n",
            "the header has the columns timestamp, bid, volume: none of them names the price",
        ),
        ("1577836800000,1,2,3\n", "4 columns"),
    ] {
        folder.write("x_BTC-USD_z.csv", content.as_bytes());
        let error = FileSource::open(&folder.config("*z.csv")).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("x_BTC-USD_z.csv"), "{error}");
    }
}

#[test]
fn files_are_read_in_their_natural_order_and_one_that_is_late_as_a_whole_is_named() {
    let folder = Folder::new("order");
    (1..=10).for_each(|part| _ = folder.write(&format!("part{part}.ndjson"), tick_at(part).as_bytes()));
    let (sink, tally) = tallied(&folder.config("part*"));
    let seconds: Vec<_> = sink.ticks.iter().map(|(.., tick)| tick.event_time.second() % 60).collect();
    assert_eq!(seconds, (1..=10).collect::<Vec<_>>());
    assert_eq!(tally.remarks, Default::default(), "nothing is odd");
    // The newer first.
    let glob = |pattern: &str| folder.config(pattern).globs.remove(0);
    let config =
        FileConfig { globs: vec![glob("part9*"), glob("part1.*"), glob("part10*")], ..folder.config("*") };
    let (_, tally) = tallied(&config);
    let (remark, files) = tally.remarks.first_key_value().unwrap();
    assert!(remark.starts_with("1 of its 1 ticks are late, because a file before it is newer"), "{remark}");
    assert!(remark.contains("begins at 2026-04-04T03:00:01Z"), "{remark}");
    assert!(files.first.ends_with("part1.ndjson") && files.files == 1 && tally.remarks.len() == 1, "{tally}");
    // Another symbol's newer times say nothing.
    folder.write("other.ndjson", TICK.replace("ETH", "BTC").as_bytes());
    let config = FileConfig { globs: vec![glob("other*"), glob("part1.*")], ..folder.config("*") };
    assert_eq!(tallied(&config).1.remarks, Default::default());
}

#[test]
fn a_sum_says_what_was_not_read_and_where_the_first_is() {
    let folder = Folder::new("sum");
    let bybit = r#"{"topic":"execution","id":"a","creationTime":1672304486868,"data":[]}"#;
    let subscribed = r#"{"type":"subscriptions","channels":[]}"#;
    let refused = r#"{"type":"error","message":"authentication failure"}"#;
    folder.write("a.ndjson", format!("{subscribed}\n\n{bybit}\n{TICK}\n{bybit}\n{refused}\n").as_bytes());
    let (sink, tally) = tallied(&folder.config("*"));
    assert_eq!((sink.ticks.len(), sink.unreadable.len()), (1, 3));
    assert_eq!((tally.records, tally.ticks), (5, 1));
    let unknown = &tally.unreadable.0["unknown_shape"];
    assert!(unknown.count == 2 && unknown.first.ends_with("a.ndjson:3"), "{unknown:?}");
    assert!(unknown.text.contains("a Bybit `execution` message"), "{unknown:?}");
    assert!(tally.unreadable.0["venue_error"].text.contains("authentication failure"), "{tally}");
    assert_eq!(tally.without_tick["subscription"], 1);
}

#[test]
fn a_file_is_unpacked_by_its_bytes_and_a_mark_before_its_text_is_no_record() {
    let folder = Folder::new("bytes");
    let marked = format!("\u{feff}{TICK}\n{TICK}\n");
    folder
        .write("A.NDJSON.GZ", &gzip(&marked))
        .write("b.ndjson", &gzip(&marked))
        .write("c.ndjson.zstd", &zstd::encode_all(marked.as_bytes(), 1).unwrap())
        .write("d.ndjson.gz", marked.as_bytes())
        .write("KRAKEN_XBT_X.CSV", "\u{feff}timestamp,price,size\n1577836800,1,2\n".as_bytes());
    let (sink, tally) = tallied(&folder.config("*"));
    assert_eq!((sink.ticks.len(), sink.ticks_of("kraken:XBT"), sink.unreadable.len()), (9, 1, 0), "{tally}");
    folder.write("e.parquet", b"PAR1\x15\x04\x15");
    let error =
        run_into(&folder.config("e.*"), &mut Collected::default(), &StopToken::default()).unwrap_err();
    assert!(error.to_string().contains("a Parquet file"), "{error}");
}

#[test]
fn every_pattern_must_name_a_file() {
    let folder = Folder::new("globs");
    folder.write("a.ndjson", TICK.as_bytes());
    let glob = |pattern: &str| folder.config(pattern).globs.remove(0);
    let config = FileConfig { globs: vec![glob("a.ndjson"), glob("b.ndjson")], ..folder.config("*") };
    let error = FileSource::open(&config).unwrap_err();
    assert!(matches!(&error, FileError::NoMatch { glob } if glob.ends_with("b.ndjson")), "{error}");
    std::fs::create_dir(folder.0.join("inner")).unwrap();
    assert!(matches!(FileSource::open(&folder.config("inner")), Err(FileError::NotFiles { .. })));
}

#[test]
fn a_folder_stands_for_its_files_and_a_pipe_is_read_as_it_comes() {
    let folder = Folder::new("folder");
    std::fs::create_dir_all(folder.0.join("inner/deeper")).unwrap();
    for part in [10, 2, 1] {
        folder.write(&format!("inner/part{part}.ndjson"), tick_at(part).as_bytes());
    }
    folder.write("inner/.hidden", b"no tick").write("inner/deeper/x.ndjson", b"no tick");
    let (sink, tally) = tallied(&folder.config("inner"));
    let seconds: Vec<_> = sink.ticks.iter().map(|(.., tick)| tick.event_time.second() % 60).collect();
    assert_eq!((seconds, tally.records), (vec![1, 2, 10], 3), "{tally}");

    // A pipe has no name that tells what it holds, and no size of it can be looked at beforehand.
    let pipe = folder.0.join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let config = FileConfig { csv_symbol: Some("bitmex:XBTUSD".to_owned()), ..folder.config("pipe") };
    for (text, sides) in [
        (&b"timestamp,price,size\n1577836800,1,2\n1577836801,1,-2\n1577836802,1,2\n"[..], true),
        (TICK.as_bytes(), false),
    ] {
        let (pipe, text) = (pipe.clone(), gzip(std::str::from_utf8(text).unwrap()));
        let writer = std::thread::spawn(move || std::fs::write(pipe, text).unwrap());
        let sink = replayed(&config);
        writer.join().unwrap();
        let found: Vec<_> = sink.ticks.iter().map(|(.., tick)| tick.side).collect();
        if sides {
            assert_eq!(found, [None, Some(Side::Sell), Some(Side::Buy)]);
        } else {
            assert_eq!(sink.ticks_of("bitmex:ETH-USD"), 1);
        }
    }
}

#[test]
fn gzip_ends_with_zeros_and_other_encodings_are_named() {
    let folder = Folder::new("zeros");
    let text = format!("{TICK}\n").repeat(400);
    let zeros = vec![0; 200_000];
    folder.write("a.ndjson.gz", &[gzip(&text), zeros.clone(), gzip(&text), zeros].concat());
    assert_eq!(replayed(&folder.config("*")).ticks.len(), 800);
    folder.write("b.ndjson.gz", &[gzip(&text), b"\0\0no member".to_vec()].concat());
    let failed = |name: &str| {
        run_into(&folder.config(name), &mut Collected::default(), &StopToken::default()).unwrap_err()
    };
    assert!(matches!(failed("b*"), FileError::Read { .. }));
    let utf_16: Vec<u8> = format!("\u{feff}{TICK}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    folder.write("c.ndjson", &utf_16);
    assert!(failed("c*").to_string().contains("iconv -f UTF-16 -t UTF-8"), "{}", failed("c*"));
}

#[cfg(feature = "packings")]
mod packings {
    use super::*;

    /// `printf '%s\n' TICK | bzip2`, with the tick above.
    const BZIP2: &[u8] = include_bytes!("packed/tick.ndjson.bz2");
    /// The same by `xz`.
    const XZ: &[u8] = include_bytes!("packed/tick.ndjson.xz");

    #[test]
    fn rarer_packings_are_told_by_their_first_bytes() {
        let folder = Folder::new("rarer");
        folder
            .write("a.ndjson", &[BZIP2, BZIP2].concat())
            .write("b.ndjson", &[XZ, XZ, XZ].concat())
            .write("c.bz2", &BZIP2[..BZIP2.len() - 4]);
        assert_eq!(replayed(&folder.config("a*")).ticks_of("coinbase:ETH-USD"), 2);
        assert_eq!(replayed(&folder.config("b*")).ticks_of("coinbase:ETH-USD"), 3);
        let cut = run_into(&folder.config("c*"), &mut Collected::default(), &StopToken::default());
        assert!(matches!(cut, Err(FileError::Read { .. })), "{cut:?}");
    }

    fn zipped(files: &[(&str, &str)], method: zip::CompressionMethod) -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        for (name, text) in files {
            archive.start_file(*name, options).unwrap();
            archive.write_all(text.as_bytes()).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn each_member_of_an_archive_is_a_file() {
        // As data.binance.vision publishes them: one csv an archive, without a header, which names its trades.
        let dump = "3354823456,42283.58,0.00077,32.55,1704067200000,True,True\n";
        let header = "timestamp,price,size\n1577836800,7160,";
        let (two, ten) = (format!("{header}2\n"), format!("{header}10\n"));
        let folder = Folder::new("zip");
        for method in [zip::CompressionMethod::Deflated, zip::CompressionMethod::Stored] {
            let many = [
                ("d/kraken_XBTUSD_10.csv", ten.as_str()),
                ("d/kraken_XBTUSD_2.csv", &two),
                ("x.ndjson", TICK),
            ];
            folder.write("anything", &zipped(&many, method)).write(
                "BTCUSDT-trades-2024-01-01.zip",
                &zipped(&[("BTCUSDT-trades-2024-01-01.csv", dump)], method),
            );
            let (sink, tally) = tallied(&folder.config("*"));
            assert_eq!(sink.ticks_of("binance:BTCUSDT"), 1, "{tally}");
            assert_eq!(sink.ticks_of("coinbase:ETH-USD"), 1);
            let of_kraken = sink.ticks.iter().filter(|(name, ..)| name == "kraken:XBTUSD");
            let sizes: Vec<_> =
                of_kraken.map(|(.., tick)| tick.size.unwrap().units() / 100_000_000).collect();
            assert_eq!(sizes, [2, 10], "in natural order");
            assert!(tally.to_string().contains("anything/d/kraken_XBTUSD_2.csv"), "{tally}");
        }
        let mut damaged = zipped(&[("x.ndjson", TICK)], zip::CompressionMethod::Stored);
        let at = damaged.windows(3).position(|bytes| bytes == b"ETH").unwrap();
        damaged[at] = b'B';
        folder.write("damaged", &damaged);
        let error = run_into(&folder.config("damaged"), &mut Collected::default(), &StopToken::default())
            .unwrap_err();
        assert!(error.to_string().contains("a checksum is wrong"), "{error}");
    }
}

/// The seconds of the ticks in the order in which they were handed over.
fn seconds(sink: &Collected) -> Vec<i64> {
    sink.ticks.iter().map(|(.., tick)| tick.event_time.second() - 1_775_271_600).collect()
}

fn ticks_at(seconds: &[u32], product: &str) -> String {
    let line = |second: &u32| {
        let (minute, second) = (second / 60, second % 60);
        let (hour, minute) = (3 + minute / 60, minute % 60);
        format!(
            r#"{{"timestamp":"2026-04-04T{hour:02}:{minute:02}:{second:02}Z","product_id":"{product}","price":"2"}}"#
        ) + "\n"
    };
    seconds.iter().map(line).collect()
}

#[test]
fn files_that_overlap_are_merged_by_time_and_of_equal_times_the_first_by_name_comes_first() {
    let folder = Folder::new("merge");
    folder
        .write("quotes.ndjson", ticks_at(&[5, 6, 7, 8, 30], "B").as_bytes())
        .write("trades-1.ndjson.gz", &gzip(&ticks_at(&[1, 6, 9], "A")))
        .write("trades-2.ndjson", ticks_at(&[20, 21], "A").as_bytes());
    let (sink, tally) = tallied(&folder.config("*"));
    assert_eq!(seconds(&sink), [1, 5, 6, 6, 7, 8, 9, 20, 21, 30]);
    let of_six: Vec<&str> =
        sink.ticks.iter().filter(|t| seconds(&sink)[t.1.0 as usize] == 6).map(|t| &*t.0).collect();
    assert_eq!(of_six, ["coinbase:B", "coinbase:A"]);
    assert!(sink.ticks.iter().enumerate().all(|(i, tick)| tick.1 == Offset(i as u64)));
    assert_eq!((tally.records, tally.remarks.len()), (10, 0), "{tally}");
}

#[test]
fn a_file_that_ends_before_the_first_begins_keeps_its_place() {
    let folder = Folder::new("apart");
    folder
        .write("a.ndjson", ticks_at(&[100, 101], "A").as_bytes())
        .write("b.ndjson", ticks_at(&[1, 2], "A").as_bytes());
    let (sink, tally) = tallied(&folder.config("*"));
    assert_eq!(seconds(&sink), [100, 101, 1, 2]);
    assert!(tally.remarks.first_key_value().unwrap().0.starts_with("2 of its 2 ticks are late"), "{tally}");
}

#[test]
fn a_wrong_time_far_ahead_does_not_keep_the_rest_of_its_file_back_and_a_silence_does() {
    let folder = Folder::new("ahead");
    folder
        .write("a.ndjson", ticks_at(&[1, 40_000, 3, 5], "A").as_bytes())
        .write("b.ndjson", ticks_at(&[2, 4, 6], "A").as_bytes());
    assert_eq!(seconds(&tallied(&folder.config("*")).0), [1, 40_000, 2, 3, 4, 5, 6]);
    folder.write("a.ndjson", ticks_at(&[1, 40_000, 40_001], "A").as_bytes());
    assert_eq!(seconds(&tallied(&folder.config("*")).0), [1, 2, 4, 6, 40_000, 40_001]);
}

#[test]
fn sequence_numbers_are_counted_by_file_where_files_are_merged() {
    let folder = Folder::new("connections");
    let records = |numbers: &[u64], seconds: &[u32]| {
        let record = |(number, second): (&u64, &u32)| {
            format!(
                r#"{{"channel":"ticker","timestamp":"2026-04-04T03:00:{second:02}Z","sequence_num":{number},"events":[{{"type":"update","tickers":[{{"type":"ticker","product_id":"BTC-USD","price":"2"}}]}}]}}"#
            ) + "\n"
        };
        numbers.iter().zip(seconds).map(record).collect::<String>()
    };
    folder
        .write("a.ndjson", records(&[0, 1, 2], &[1, 3, 5]).as_bytes())
        .write("b.ndjson", records(&[70, 71, 73], &[2, 4, 6]).as_bytes());
    let sink = replayed(&folder.config("*"));
    assert_eq!((seconds(&sink), sink.missing()), (vec![1, 2, 3, 4, 5, 6], vec![1]));
}
