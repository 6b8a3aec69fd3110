//! Files of recorded ticks, read as a user's are: told apart by their bytes, unpacked, parted into records and decoded.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    os::fd::AsRawFd,
    path::Path,
};

use engine::{
    intake::{Progress, RecordEvent, Tally, TickSink},
    settings::RecordSettings,
    source::{
        Run,
        file::{FileConfig, FileSource},
        pace::Speed,
    },
    stop::StopToken,
    symbol::Offset,
    tick::{EventTime, Tick},
};

/// Where files lie in memory.
const MEMORY: &str = "/dev/shm";

thread_local! {
    static INPUT: RefCell<File> = RefCell::new(without_name().expect("a file can be made"));
}

/// A file that no folder names, so that nothing is left when the process is killed.
fn without_name() -> std::io::Result<File> {
    let folder = if Path::new(MEMORY).is_dir() { MEMORY.into() } else { std::env::temp_dir() };
    let path = folder.join(format!("stormglass-fuzz-{}", std::process::id()));
    let file = File::options().create_new(true).read(true).write(true).open(&path)?;
    fs::remove_file(path)?;
    Ok(file)
}

/// What was handed over: of each record a tick, the kind of no tick, or the reason why it cannot be read.
#[derive(Default)]
struct Told {
    records: BTreeSet<u64>,
    ticks: u64,
    without_tick: u64,
    unreadable: u64,
}

impl TickSink for Told {
    fn tick(&mut self, _: &str, _: &str, record: Offset, _: u32, tick: Tick) {
        assert!(tick.price.units() > 0, "{tick:?}");
        self.records.insert(record.0);
        self.ticks += 1;
    }

    fn event(&mut self, record: Offset, event: RecordEvent) {
        match event {
            RecordEvent::Unreadable(_) => self.unreadable += 1,
            RecordEvent::NoTick(_) => self.without_tick += 1,
            _ => return,
        }
        self.records.insert(record.0);
    }
}

#[derive(Default)]
struct Ended(Option<Tally>);

impl Progress for Ended {
    fn advanced(&mut self, _: u64, _: u64, _: u64) {}

    fn ended(&mut self, tally: &Tally) {
        self.0 = Some(tally.clone());
    }
}

/// Reads the bytes as a file: as what they are, as a csv, and by a mapping of JSON.
///
/// # Panics
/// If a record is not counted.
pub fn survive(bytes: &[u8]) {
    let plain = RecordSettings::default();
    let csv = RecordSettings { format: "csv".parse().expect("a format"), ..plain.clone() };
    let columns = "time=/data/*/T,price=/data/*/p,size=/data/*/v".parse().expect("a mapping");
    let mapped = RecordSettings { columns, ..plain.clone() };
    let path = INPUT.with_borrow_mut(|file| {
        file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).expect("a file can be emptied");
        file.write_all(bytes).expect("there is room for an input");
        format!("/proc/self/fd/{}", file.as_raw_fd())
    });
    for records in [plain, csv, mapped] {
        let config = FileConfig {
            globs: vec![path.clone()],
            venue: "coinbase".to_owned(),
            csv_symbol: Some("kraken:XBTUSD".to_owned()),
            records,
            speed: Speed::Max,
        };
        let (mut told, mut ended, stop) = (Told::default(), Ended::default(), StopToken::default());
        let mut run = Run { now: EventTime::MIN, sink: &mut told, stop: &stop, progress: &mut ended };
        if let Err(error) = FileSource::open(&config).and_then(|source| source.run(&mut run)) {
            assert!(!error.to_string().contains("matches no file"), "{error}");
        }
        let Some(tally) = ended.0 else { continue };
        assert_eq!(told.records.len() as u64, tally.records, "{tally}");
        assert_eq!(told.ticks, tally.ticks, "{tally}");
        assert_eq!(told.without_tick, tally.without_tick.values().sum::<u64>(), "{tally}");
        assert_eq!(
            told.unreadable,
            tally.unreadable.0.values().map(|fault| fault.count).sum::<u64>(),
            "{tally}"
        );
        assert!(tally.to_string().lines().count() <= 1 + tally.remarks.len(), "{tally}");
    }
}
