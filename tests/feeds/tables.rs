//! Csv, tables and JSON that a user maps, through the real binary: as people keep them, with the right values.

use std::process::Command;

/// Exit code, the ticks in our own shape, and what was said.
struct Done {
    code: Option<i32>,
    ticks: Vec<String>,
    said: String,
}

fn stormglass(input: &str, flags: &[&str]) -> Done {
    let arguments = ["replay", "--input", input, "--to", "stdout", "--speed", "max"];
    let output = Command::new(env!("CARGO_BIN_EXE_stormglass")).args(arguments).args(flags).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let ticks = text(output.stdout).lines().map(str::to_owned).collect();
    Done { code: output.status.code(), ticks, said: text(output.stderr) }
}

#[test]
fn a_mapping_of_our_own_keys_gives_what_the_shape_gives() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("own.ndjson");
    let tick = |second: u32| {
        format!(
            r#"{{"timestamp":"2026-04-04T03:19:{second:02}Z","venue":"kraken","product_id":"A/B","price":"67223.500000001","best_bid":67223.49,"best_ask":"67223.51","best_bid_quantity":"0.5","best_ask_quantity":1,"last_size":"1e-3","side":"sell","trade_id":{second}}}"#
        ) + "\n"
    };
    std::fs::write(&path, (0..5).map(tick).collect::<String>()).unwrap();
    let input = path.to_str().unwrap();
    let mapping = "time=/timestamp,venue=/venue,symbol=/product_id,price=/price,bid=/best_bid,ask=/best_ask,\
                   bid_size=/best_bid_quantity,ask_size=/best_ask_quantity,size=/last_size,side=/side,trade_id=/trade_id";
    let (shape, mapped) = (stormglass(input, &[]), stormglass(input, &["--columns", mapping]));
    assert_eq!((shape.ticks.len(), shape.code), (5, Some(0)), "{}", shape.said);
    assert_eq!(shape.ticks, mapped.ticks, "{}", mapped.said);
    assert_eq!(shape.ticks, stormglass(input, &["--format", "stormglass"]).ticks);
    // The same as csv, with quotes and without, its columns named or counted.
    let row = |second: u32, quote: &str| {
        let cells = [
            &format!("2026-04-04T03:19:{second:02}"),
            "67223.500000001",
            "67223.49",
            "67223.51",
            "0.5",
            "1",
            "1e-3",
            "SELL",
            &second.to_string(),
        ];
        cells.map(|cell| format!("{quote}{cell}{quote}")).join(";") + "\n"
    };
    for quote in ["", "\""] {
        let header = "when;last;bid;ask;b;a;size;side;trade_id\n";
        let text: String = (0..5).map(|second| row(second, quote)).collect();
        let csv = directory.path().join("own.csv");
        std::fs::write(&csv, format!("{header}{text}")).unwrap();
        let flags = ["--symbol", "kraken:A/B", "--columns", "time=when,price=2,bid_size=b,ask_size=a"];
        let done = stormglass(csv.to_str().unwrap(), &flags);
        assert_eq!(done.ticks, shape.ticks, "{quote}: {}", done.said);
        let zoned = stormglass(csv.to_str().unwrap(), &[&flags[..], &["--assume-tz", "+02:00"]].concat());
        assert!(zoned.ticks[0].contains("2026-04-04T01:19:00Z"), "{}", zoned.ticks[0]);
    }
}

#[test]
fn a_bad_mapping_names_the_field_what_there_is_and_the_fix() {
    let directory = tempfile::tempdir().unwrap();
    let (csv, json) = (directory.path().join("x_BTC-USD.csv"), directory.path().join("x.ndjson"));
    std::fs::write(&csv, "when,last\n1775271600000,1\n").unwrap();
    std::fs::write(&json, "{\"t\":1775271600000,\"p\":1}\n").unwrap();
    let (csv, json) = (csv.to_str().unwrap(), json.to_str().unwrap());
    for (input, columns, code, said) in [
        (
            csv,
            "time=when,price=close",
            1,
            "the field price is mapped to the column \"close\", but the columns are when, last",
        ),
        (csv, "price=last", 1, "none of them names the time"),
        (csv, "time=/t,price=/p", 1, "it is a csv"),
        (json, "time=t,price=p", 1, "it holds JSON"),
        (json, "time=/t,price=/q", 1, "field `price` is missing"),
        (json, "cost=/t", 64, "\"cost\" is no field of a tick; the fields are time, price"),
    ] {
        let done = stormglass(input, &["--columns", columns, "--symbol", "v:X"]);
        assert!(
            done.code == Some(code) && done.said.contains(said),
            "{columns}: {:?} {}",
            done.code,
            done.said
        );
    }
    assert_eq!(stormglass(json, &["--allow-empty"]).code, Some(0));
    assert_eq!(stormglass(json, &[]).code, Some(1));
    let early = stormglass(csv, &["--columns", "time=when,price=last", "--time-unit", "us"]);
    assert_eq!((early.code, early.ticks.len()), (Some(0), 1), "1970 where the unit is given: {}", early.said);
}
