//! Files that no honest tool writes: nothing panics or hangs, and each record is a tick, no tick, or unreadable.

use std::{collections::BTreeSet, sync::mpsc};

use super::*;

/// Far more than any of these files takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

const CSV_LINE: &str = "1775271600000,2,0.5";

/// Replays a file under this name with everything counted; `None` if the file as a whole is refused. What came before a
/// failure is counted too.
fn counted(folder: &Folder, name: &str, bytes: &[u8]) -> Option<(Collected, Tally)> {
    struct Ended(Option<Tally>);
    impl Progress for Ended {
        fn advanced(&mut self, _: u64, _: u64, _: u64) {}
        fn ended(&mut self, tally: &Tally) {
            self.0 = Some(tally.clone());
        }
    }
    folder.write(name, bytes);
    let config = FileConfig { csv_symbol: Some("v:X-Y".to_owned()), ..folder.config(name) };
    let (told, end) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut sink, mut ended, stop) = (Collected::default(), Ended(None), StopToken::default());
        let mut run = Run { now: EventTime::MIN, sink: &mut sink, stop: &stop, progress: &mut ended };
        let end = FileSource::open(&config).and_then(|source| source.run(&mut run));
        let _ = told.send((end, sink, ended.0));
    });
    let start = || String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
    let (end, sink, tally) =
        end.recv_timeout(LIMIT).unwrap_or_else(|error| panic!("{name}: {error}: {}", start()));
    let tally = tally?;
    let without = sink.events.iter().filter(|event| matches!(event, RecordEvent::NoTick(_))).count();
    let told: BTreeSet<u64> = (sink.ticks.iter().map(|tick| tick.1.0))
        .chain(sink.unreadable.iter().map(|unreadable| unreadable.0.0))
        .collect();
    assert_eq!((told.len() + without) as u64, tally.records, "{name}: {tally}: {}", start());
    assert_eq!(tally.ticks, sink.ticks.len() as u64, "{name}: {tally}");
    let unreadable: u64 = tally.unreadable.0.values().map(|reason| reason.count).sum();
    assert_eq!(unreadable, sink.unreadable.len() as u64, "{name}: {tally}");
    assert_eq!(tally.without_tick.values().sum::<u64>(), without as u64, "{name}: {tally}");
    // What is said of a record is one line, whatever the record holds.
    let lines = 1 + tally.remarks.len();
    assert!(tally.to_string().lines().count() <= lines, "{name}: {tally}");
    assert!(sink.ticks.iter().all(|tick| tick.3.price.units() > 0), "{name}: {tally}");
    end.is_ok().then_some((sink, tally))
}

/// Lines, none of them blank.
fn lines() -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = (1..TICK.len()).map(|at| TICK.as_bytes()[..at].to_vec()).collect();
    let mut text = |line: String| lines.push(line.into_bytes());

    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"data\":", "}]"), ("{\"payload\":", "}")] {
        for depth in [130, 100_000] {
            let (open, close) = (open.repeat(depth), close.repeat(depth));
            text(open.clone());
            text(format!("{open}1{close}"));
            text(format!("{open}{TICK}{close}"));
            text(TICK.replace("\"2\"", &format!("{open}2{close}")));
        }
        text(close.repeat(100_000));
    }

    let digits = |count: usize| "9".repeat(count);
    let numbers = [
        "1e999",
        "-1e999",
        "1e-999",
        "1e+-2",
        "1e2147483648",
        "1e99999999999999999999",
        "NaN",
        "Infinity",
        "-inf",
        "0x10",
        "0b1",
        "1_000",
        "1,000",
        "1 000",
        "+1",
        "01",
        ".5",
        "5.",
        "--1",
        "1e",
        "e1",
        "-0",
        "-",
        "٣",
        "\u{ff11}",
        "½",
        "null",
        "true",
        "{}",
        "[]",
        "[[]]",
        "18446744073709551616",
        "-9223372036854775809",
        "1.7976931348623159e308",
        "5e-324",
        "'2'",
        "undefined",
        "2;",
        "2//",
        "\\u0032",
        "",
    ]
    .map(str::to_owned);
    let long = [
        digits(40),
        digits(400),
        digits(900_000),
        format!("0.{}1", "0".repeat(100_000)),
        format!("1{}", "0".repeat(400)),
    ];
    for number in numbers.into_iter().chain(long) {
        for field in
            ["timestamp", "price", "best_bid", "last_size", "trade_id", "product_id", "side", "sequence_num"]
        {
            for value in [number.clone(), format!("\"{number}\"")] {
                let without = TICK.replace(&format!("\"{field}\""), "\"other\"");
                text(format!("{{\"{field}\":{value},{}", &without[1..]));
            }
        }
    }

    text(TICK.replace('}', r#","price":"3","price":null,"timestamp":"x"}"#));
    text(format!("{{{}}}", vec![r#""price":"1""#; 80_000].join(",")));
    text(format!("{{{}}}", (0..60_000).map(|i| format!("\"k{i}\":1")).collect::<Vec<_>>().join(",")));
    text(format!("[{}]", vec![TICK; 14_000].join(",")));
    text(format!("[{}]", vec!["1"; 500_000].join(",")));
    text(format!("{{\"channel\":\"ticker\",\"events\":[{}]}}", vec!["{}"; 300_000].join(",")));
    for escape in
        ["\\ud800", "\\udc00\\ud800", "\\u0000", "\\x41", "\\u12", "\\", "\\\"", "\\n", "\\u000a\\u000d"]
    {
        text(TICK.replace("ETH", escape));
        text(TICK.replace("price", escape));
    }
    for odd in [
        "\u{2028}",
        "\u{85}",
        "\u{feff}",
        "\u{b}",
        "\u{c}x",
        "\u{7f}",
        "\u{200b}",
        "\u{202e}",
        "\u{1f4a9}",
        "é",
    ] {
        for line in [
            TICK.replace("ETH", odd),
            format!("{odd}{TICK}"),
            format!("{TICK}{odd}"),
            format!("{TICK}{odd}{TICK}"),
        ] {
            text(line);
        }
    }
    for other in [
        "<html><body>503</body></html>",
        "<tick price='1'/>",
        "price: 2",
        "{'price': 2}",
        "data: {\"price\":2}",
        "//",
        "#",
        "# a comment",
        "--",
        "\"",
        "\"\"",
        "'",
        ",",
        ",,,,,,",
        ";",
        ":",
        "null",
        "true",
        "0",
        "-1",
        "{",
        "}",
        "[",
        "]",
        "[]",
        "{}",
        "[{}]",
        "[[]]",
        "[null]",
        "{\"\":\"\"}",
        "INSERT INTO ticks VALUES (1);",
        "Killed",
        "%PDF-1.7",
        "PK",
        "=1+1",
        "timestamp,price,size",
        "\"timestamp\",\"price\",\"size\"",
        "1,2",
        "1,2,3",
        "1,2,3,4,5,6,7,8,9",
        "1775271600000,-2,1",
        "1775271600000,0,1",
        "1775271600000,nan,inf",
        "\"1775271600000\",\"2\",\"1",
        "1775271600000;2;1",
        "1775271600000\t2\t1",
        "1775271600000 2 1",
    ] {
        text(other.to_owned());
    }
    text(format!("{TICK}{TICK}"));
    text(format!("{TICK},"));
    text(TICK.replace('}', ",}"));
    text([TICK; 3].join("\r"));
    text([CSV_LINE; 3].join("\r"));
    text(",".repeat(700_000));
    text(format!("timestamp,price,size{}", ",x".repeat(300_000)));
    text(format!("{CSV_LINE},{}", "\"".repeat(300_001)));
    for length in [RECORD_BYTES_MAX - 1, RECORD_BYTES_MAX, RECORD_BYTES_MAX + 1, 3 * RECORD_BYTES_MAX] {
        text(TICK.replace("ETH", &"x".repeat(length - TICK.len() + 3)));
        text(format!("{TICK}{}{TICK}", " ".repeat(length - 2 * TICK.len())));
        text("{".repeat(length));
    }

    for bytes in [
        &b"\xff"[..],
        b"\x80",
        b"\xc3(",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\xf4\x90\x80\x80",
        b"\xe2\x82",
        b"\0",
        b"\0\0\0\0",
        b"\x1f\x8b\x08",
        b"\x28\xb5\x2f\xfd",
        b"PAR1",
        b"Obj\x01",
        b"\0\0\0\0\x01\x02",
        b"\xfe\xff",
        b"\xff\xfe",
        b"\x89PNG",
        b"\x7fELF",
    ] {
        let (head, tail) = TICK.as_bytes().split_at(TICK.find("ETH").unwrap());
        lines.extend([
            [bytes, TICK.as_bytes()].concat(),
            [TICK.as_bytes(), bytes].concat(),
            [head, bytes, tail].concat(),
            [b"{\"", bytes, b"\":1,", &TICK.as_bytes()[1..]].concat(),
            [CSV_LINE.as_bytes(), bytes].concat(),
            bytes.repeat(1_000),
        ]);
    }
    for control in (0..0x20_u8).filter(|control| *control != b'\n') {
        lines.push(TICK.replace("ETH", &char::from(control).to_string()).into_bytes());
        lines.push([&[control], TICK.as_bytes()].concat());
    }
    for text in [TICK, CSV_LINE] {
        lines.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        lines.push(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
        lines.push(text.chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect());
    }
    assert!(
        lines.len() > 500 && lines.iter().all(|line| !line.contains(&b'\n') && !line.trim_ascii().is_empty())
    );
    lines
}

#[test]
fn hostile_lines_are_counted_and_the_lines_beside_them_are_read() {
    let folder = Folder::new("hostile-lines");
    let lines = lines();
    for (name, good) in [("a.ndjson", TICK), ("b_X-Y_c.csv", CSV_LINE)] {
        let good = good.as_bytes();
        let between: Vec<&[u8]> = lines.iter().flat_map(|line| [line.as_slice(), good]).collect();
        let (sink, tally) = counted(&folder, name, &[good, b"\n", &between.join(&b'\n')].concat()).unwrap();
        assert_eq!(tally.records, 1 + 2 * lines.len() as u64, "{tally}");
        let offsets: BTreeSet<u64> = sink.ticks.iter().map(|tick| tick.1.0).collect();
        let lost: Vec<u64> =
            (0..tally.records).step_by(2).filter(|offset| !offsets.contains(offset)).collect();
        assert!(lost.is_empty(), "{name}: good lines beside hostile ones: {lost:?}");
    }
}

#[test]
fn a_hostile_line_may_be_the_first() {
    let folder = Folder::new("hostile-first");
    for line in lines() {
        for (name, good) in [("a.ndjson", TICK), ("b_X-Y_c.csv", CSV_LINE)] {
            counted(&folder, name, &[&line, &b"\n"[..], good.as_bytes(), b"\r\n"].concat());
        }
    }
}

#[test]
fn hostile_files_are_counted_or_refused() {
    let folder = Folder::new("hostile-files");
    let ticks = format!("{TICK}\n").repeat(3);
    let many = |text: &str| text.repeat(2 << 20);
    let texts = [
        String::new(),
        "\u{feff}".to_owned(),
        "\u{feff}\u{feff}\n".to_owned(),
        "\n\n\r\n \t\n".to_owned(),
        many(" "),
        many("\n"),
        many("\r"),
        many("\0"),
        many("["),
        many("]"),
        many("{"),
        many("\""),
        many("[]"),
        many("1,"),
        many(",\n"),
        [TICK; 3].join("\r"),
        format!("{ticks}{}", &TICK[..20]),
        format!("[\n{ticks}"),
        format!("[\n{}\n", [TICK, "[", "]", "}", "{", "\"", TICK].join(",\n")),
        format!(
            "[\n{}\n]\n{ticks}",
            lines().iter().map(|line| String::from_utf8_lossy(line)).collect::<Vec<_>>().join(",\n")
        ),
        format!("{{\"a\":\n{ticks}"),
        format!("\"\n{ticks}"),
        format!("[\"\n{ticks}{}", many("x")),
        format!("{{\n\"a\": \"{}\"\n}}\n{ticks}", many("x")),
        format!("[[[\n{ticks}]]]\n{ticks}"),
    ];
    for text in texts {
        for name in ["a.ndjson", "b_X-Y_c.csv", "d.ndjson.gz", "e.parquet"] {
            counted(&folder, name, text.as_bytes());
            counted(&folder, name, &gzip(&text));
        }
    }
}

/// An Avro file of one block, with the count of objects that it claims.
fn avro(schema: &str, objects: i64, block: &[u8]) -> Vec<u8> {
    let long = |number: i64| {
        let mut rest = ((number << 1) ^ (number >> 63)) as u64;
        let mut bytes = Vec::new();
        while rest >= 0x80 {
            bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
        bytes
    };
    let sized = |bytes: &[u8]| [long(bytes.len() as i64), bytes.to_vec()].concat();
    let header =
        [b"Obj\x01".to_vec(), long(1), sized(b"avro.schema"), sized(schema.as_bytes()), vec![0], vec![7; 16]];
    [header.concat(), long(objects), sized(block), vec![7; 16]].concat()
}

#[test]
fn objects_of_avro_that_take_no_bytes_do_not_go_on_for_ever() {
    let folder = Folder::new("hostile-avro");
    for schema in [
        r#""null""#,
        r#"{"type":"record","name":"T","fields":[]}"#,
        r#"{"type":"fixed","name":"T","size":0}"#,
    ] {
        for objects in [1 << 40, i64::MAX, -1] {
            assert!(counted(&folder, "a.avro", &avro(schema, objects, b"")).is_none(), "{schema} {objects}");
        }
    }
    let schema =
        r#"{"type":"record","name":"T","fields":[{"name":"a","type":{"type":"array","items":"null"}}]}"#;
    // An array of 2^40 nulls is 1,048,576 MiB of text.
    let nulls = [0x80, 0x80, 0x80, 0x80, 0x80, 0x40, 0];
    assert!(counted(&folder, "a.avro", &avro(schema, 1, &nulls)).is_none());
}

/// Small files of every packing, with ticks.
fn packed() -> Vec<(&'static str, Vec<u8>)> {
    let text = format!("{TICK}\n").repeat(3);
    let schema = r#"{"type":"record","name":"T","fields":[{"name":"timestamp","type":"string"},{"name":"product_id","type":"string"},{"name":"price","type":"double"}]}"#;
    let object = [&[40][..], b"2026-04-04T03:19:18Z", &[4], b"AB", &2_f64.to_le_bytes()].concat();
    #[allow(unused_mut, reason = "the others need features")]
    let mut files = vec![
        ("a.ndjson.gz", gzip(&text)),
        ("a.ndjson.zst", zstd::encode_all(text.as_bytes(), 1).unwrap()),
        ("a.avro", avro(schema, 2, &object.repeat(2))),
    ];
    #[cfg(feature = "packings")]
    {
        files.push(("a.bz2", include_bytes!("../packed/tick.ndjson.bz2").to_vec()));
        files.push(("a.xz", include_bytes!("../packed/tick.ndjson.xz").to_vec()));
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        archive.start_file("x.ndjson", zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
        files.push(("a.zip", archive.finish().unwrap().into_inner()));
    }
    #[cfg(feature = "parquet")]
    {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/ticks/nautilus_trades.parquet");
        files.push(("a.parquet", std::fs::read(golden).unwrap()));
    }
    files
}

#[test]
fn damaged_packings_are_counted_or_refused() {
    let folder = Folder::new("hostile-packed");
    for (name, whole) in packed() {
        let (_, tally) = counted(&folder, name, &whole).unwrap_or_else(|| panic!("{name} is refused whole"));
        assert!(tally.records > 0, "{name}");
        // Of a longer file some bytes: a damaged table takes a while.
        for at in (0..whole.len()).step_by(1 + whole.len() / 500) {
            counted(&folder, name, &whole[..at]);
            for change in [1, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] ^= change;
                counted(&folder, name, &damaged);
            }
        }
        let garbage: Vec<u8> = (0..5_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        counted(&folder, name, &[&whole[..], &garbage].concat());
        counted(&folder, name, &[&garbage[..], &whole].concat());
        counted(&folder, name, &whole.repeat(2));
        counted(&folder, name, &gzip(&String::from_utf8_lossy(&whole)));
    }
}
