//! What does it cost to decode a record, beside parsing its JSON alone?
//!
//! For every shape of JSON records that is read, thousands of distinct messages made from its documented examples: the
//! processor time of `decode`, from bytes to ticks, beside that of `sonic-rs`, which makes a `Value` of the same bytes. Both
//! check the whole text. They take turns; the medians of the rounds are the answer. Then csv lines, ours alone.
//!
//! `sonic-rs` uses the vector instructions that the compiler is told of: run it with `RUSTFLAGS=-Ctarget-cpu=native` to see
//! it at its fastest. `cargo bench --bench decode`

mod support;

use std::{collections::HashSet, hint::black_box, time::Duration};

use engine::decode::{
    DecodeOptions, Decoded, RecordKind, SHAPES, TradeLineSymbol, TradeLines, decode, decode_trade_line,
};
use sonic_rs::{JsonContainerTrait, Value};
use support::{distinct, median, thread_cpu};

/// As the shipped binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What it is that is read, its header if it has one, and a line.
const CSV: [(&str, Option<&str>, &str); 3] = [
    ("time,price,size", None, "1534614057.321597,5541.2,0.15850568"),
    (
        "a header, a time in milliseconds",
        Some("id,price,qty,quote_qty,time,is_buyer_maker"),
        "5541217,16578.50,0.00123450,20.46664,1672304486865,true",
    ),
    (
        "a header, a written time, a quote",
        Some("timestamp,symbol,price,size,side,bid,ask,bid_size,ask_size,trade_id"),
        "2023-09-25T07:49:37.708706Z,BTC-USD,26675.04,0.00171234,buy,26675.03,26675.04,0.46688654,1.56637040,74066012",
    ),
];

/// Distinct records of one kind.
struct Records {
    texts: Vec<String>,
    bytes: usize,
    /// The ticks that they hold.
    ticks: usize,
}

impl Records {
    /// As many of each example, and where each is known to give as many ticks as the example it is made of.
    fn of(examples: &[&str], mut ticks_of: impl FnMut(&str) -> usize) -> Self {
        let count = support::size(4_000, 200).div_ceil(examples.len());
        let ticks_of_examples: Vec<usize> = examples.iter().map(|example| ticks_of(example)).collect();
        let mut texts = Vec::new();
        for number in 0..count {
            for (example, &ticks) in examples.iter().zip(&ticks_of_examples) {
                let text = distinct::message(example, number);
                assert_eq!((text.len(), ticks_of(&text)), (example.len(), ticks), "{text}");
                texts.push(text);
            }
        }
        assert!(ticks_of_examples.iter().all(|&ticks| ticks > 0), "each example holds a tick");
        assert_eq!(texts.iter().collect::<HashSet<_>>().len(), texts.len(), "{}", texts[0]);
        let bytes = texts.iter().map(String::len).sum();
        Self { texts, bytes, ticks: count * ticks_of_examples.iter().sum::<usize>() }
    }

    /// Megabytes a second if all of them took this long.
    fn speed(&self, seconds: f64) -> f64 {
        self.bytes as f64 * 1e-6 / seconds
    }
}

/// The processor time of one pass over the records, which must give all of their ticks.
fn ours(records: &Records, mut ticks_of: impl FnMut(&str) -> usize) -> Duration {
    let begun = thread_cpu();
    let ticks: usize = records.texts.iter().map(|text| ticks_of(text)).sum();
    let elapsed = thread_cpu() - begun;
    assert_eq!(ticks, records.ticks);
    elapsed
}

/// The processor time of one pass by `sonic-rs`, which must find a whole object or list in each.
fn theirs(records: &Records) -> Duration {
    let begun = thread_cpu();
    for text in &records.texts {
        let value: Value = sonic_rs::from_slice(text.as_bytes()).expect("each record is JSON");
        assert!(black_box(&value).as_object().is_some() || value.as_array().is_some(), "{text}");
    }
    thread_cpu() - begun
}

/// Decodes a record and counts its ticks; whatever cannot be read is an error of the bench.
fn ticks_of_json(text: &str, decoded: &mut Decoded) -> usize {
    let kind = decode(text.as_bytes(), &DecodeOptions::of_venue("venue"), decoded);
    assert!(kind == Ok(RecordKind::Ticks) && decoded.rejected().is_empty(), "{kind:?}: {text}");
    black_box(&*decoded).ticks().len()
}

fn json(rounds: usize) {
    println!("| shape | bytes a record | ours, MB/s | sonic-rs, MB/s | our time / its time |");
    println!("|---|---:|---:|---:|---:|");
    let mut decoded = Decoded::default();
    for shape in SHAPES {
        let records = Records::of(shape.examples, |text| ticks_of_json(text, &mut decoded));
        let (mut our_seconds, mut their_seconds, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let ours = ours(&records, |text| ticks_of_json(text, &mut decoded)).as_secs_f64();
            let theirs = theirs(&records).as_secs_f64();
            our_seconds.push(ours);
            their_seconds.push(theirs);
            ratios.push(ours / theirs);
        }
        println!(
            "| {} | {} | {:.0} | {:.0} | {:.2} |",
            shape.name,
            records.bytes / records.texts.len(),
            records.speed(median(&mut our_seconds)),
            records.speed(median(&mut their_seconds)),
            median(&mut ratios),
        );
    }
}

fn csv(rounds: usize) {
    println!("\n| csv | bytes a line | MB/s | ns a line |");
    println!("|---|---:|---:|---:|");
    let symbol = TradeLineSymbol::new("kraken", "XBTUSD").expect("it names a symbol");
    for (name, header, line) in CSV {
        let (mut lines, mut decoded) = (TradeLines::new(&symbol), Decoded::default());
        if let Some(header) = header {
            lines.learn(header).expect("the header is read");
        }
        let mut ticks_of = |text: &str| {
            let kind = decode_trade_line(text.as_bytes(), &mut lines, &mut decoded);
            assert_eq!(kind, Ok(RecordKind::Ticks), "{text}");
            black_box(&decoded).ticks().len()
        };
        let records = Records::of(&[line], &mut ticks_of);
        let mut seconds: Vec<f64> =
            (0..rounds).map(|_| ours(&records, &mut ticks_of).as_secs_f64()).collect();
        let seconds = median(&mut seconds);
        println!(
            "| {name} | {} | {:.0} | {:.0} |",
            line.len(),
            records.speed(seconds),
            seconds * 1e9 / records.texts.len() as f64
        );
    }
}

fn main() {
    let rounds = support::size(51, 1);
    json(rounds);
    csv(rounds);
}
