//! Files that unpack to far more than the memory that reading them may take.

use std::{io::Write, path::Path, process::Command};

/// Bytes that each file unpacks to.
const UNPACKED_MIB: usize = 256;
/// Memory that the process may use, in KiB: what it takes to start, and some records.
const MEMORY_KIB: usize = 128 << 10;

const TICK: &str = r#"{"timestamp":"2026-04-04T03:19:18Z","product_id":"ETH-USD","price":"2"}"#;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// Replays a file in bounded memory: exit code, ticks, what was said.
fn replayed(path: &Path) -> (Option<i32>, usize, String) {
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -d {MEMORY_KIB}; exec \"$@\""), "sh", env!("CARGO_BIN_EXE_stormglass")])
        .args(["replay", "--to", "stdout", "--speed", "max", "--symbol", "v:X-Y", "--input"])
        .arg(path)
        .output()
        .unwrap();
    let ticks = output.stdout.iter().filter(|&&byte| byte == b'\n').count();
    (output.status.code(), ticks, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn what_unpacks_to_more_than_the_memory_is_skipped_in_bounded_memory() {
    let directory = tempfile::tempdir().unwrap();
    for (name, before, byte, after, sum) in [
        ("line.ndjson.gz", "", b'x', "\n", "2 records read, 1 ticks; 1 too_long"),
        ("zeros.ndjson.gz", "", 0, "\n", "2 records read, 1 ticks; 1 too_long"),
        ("text.ndjson.gz", "{\"price\":\"", b'x', "\"}\n", "2 records read, 1 ticks; 1 too_long"),
        ("value.ndjson.gz", "{\n\"price\":\"", b'x', "\"}\n", "2 records read, 1 ticks; 1 too_long"),
        ("list.ndjson.gz", "[\n{\"price\":\"", b'x', "\"},\n", "2 records read, 1 ticks; 1 too_long"),
        ("blank.ndjson.gz", "", b'\n', "", "1 records read, 1 ticks\n"),
        ("spaces.ndjson.gz", "[", b' ', "", "1 records read, 1 ticks\n"),
        ("nested.ndjson.gz", "{\"a\":", b'[', "\n", "1 records read, 0 ticks; 1 too_long"),
        (
            "cell_X-Y_z.csv.gz",
            "1775271600000,2,0.5\n1775271600000,\"",
            b'x',
            "\n",
            "3 records read, 1 ticks; ",
        ),
    ] {
        let mebibyte = gzip(&vec![byte; 1 << 20]);
        let file = [
            gzip(before.as_bytes()),
            mebibyte.repeat(UNPACKED_MIB),
            gzip(format!("{after}{TICK}").as_bytes()),
        ];
        let path = directory.path().join(name);
        std::fs::write(&path, file.concat()).unwrap();
        let (code, ticks, said) = replayed(&path);
        assert!(said.starts_with(sum), "{name}: {code:?} {said}");
        assert_eq!(
            (code, ticks),
            (Some(i32::from(sum.contains(" 0 ticks"))), usize::from(!sum.contains(" 0 ticks"))),
            "{name}: {said}"
        );
    }
}

/// The memory that the test above allows is too little to hold such a file.
#[test]
fn the_memory_that_is_allowed_is_really_bounded() {
    let script = format!("ulimit -d {MEMORY_KIB}; exec head -c {} /dev/zero | sort", UNPACKED_MIB << 20);
    let output = Command::new("sh").args(["-c", &script]).env("TMPDIR", "/nowhere").output().unwrap();
    assert!(!output.status.success(), "{output:?}");
}
