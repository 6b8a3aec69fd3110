//! The ticks: one market of twelve symbols, always the same; the log holds a beginning of it.

use std::{io::Write, time::Duration};

use clap::Args;
use engine::{
    encode::encode,
    sim::{SimConfig, SimSymbol, Simulator},
};
use rdkafka::{
    error::KafkaError,
    producer::{BaseProducer, BaseRecord, Producer},
    types::RDKafkaErrorCode,
};

use crate::{Result, broker};

const VENUE: &str = "simulator";
const PRODUCTS: [&str; 12] = [
    "BTC-USD", "ETH-USD", "SOL-USD", "XRP-USD", "ADA-USD", "DOGE-USD", "LTC-USD", "LINK-USD", "AVAX-USD",
    "DOT-USD", "UNI-USD", "ATOM-USD",
];
const FLUSH_TIMEOUT: Duration = Duration::from_secs(120);

/// A tick as it is written.
pub(crate) struct Record {
    pub(crate) partition: i32,
    pub(crate) key: String,
    pub(crate) value: String,
}

/// The market's records from the tick `skip` on; symbols go round the partitions.
pub(crate) fn records(skip: usize, partitions: usize) -> impl Iterator<Item = Record> {
    let symbols = PRODUCTS.iter().map(|product| SimSymbol::named(product)).collect();
    let market = Simulator::new(SimConfig { symbols, ..SimConfig::default() });
    market.skip(skip).map(move |(symbol, tick)| {
        let mut value = String::new();
        encode(VENUE, PRODUCTS[symbol], &tick, &mut value);
        Record {
            partition: (symbol % partitions) as i32,
            key: format!("{VENUE}:{}", PRODUCTS[symbol]),
            value,
        }
    })
}

/// How many ticks of the market a topic holds, and on how many partitions.
pub(crate) fn written(topic: &str) -> Result<(usize, usize)> {
    let ends = broker::ends(&broker::reader("read_uncommitted")?, topic)?;
    if ends.is_empty() {
        return Err(format!("there is no topic {topic}; load it first").into());
    }
    Ok((ends.iter().sum::<i64>() as usize, ends.len()))
}

/// A producer of ticks; `linger_ms` as librdkafka's.
pub(crate) fn producer(linger_ms: &str) -> Result<BaseProducer> {
    let mut config = broker::config()?;
    config
        .set("enable.idempotence", "true")
        .set("linger.ms", linger_ms)
        .set("queue.buffering.max.messages", "500000");
    Ok(config.create()?)
}

/// Queues a record; waits while the queue is full.
pub(crate) fn send(producer: &BaseProducer, topic: &str, record: &Record) -> Result<()> {
    let mut next = BaseRecord::to(topic).partition(record.partition).key(&record.key).payload(&record.value);
    loop {
        match producer.send(next) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                producer.poll(Duration::from_millis(10));
                next = back;
            }
            Err((error, _)) => return Err(error.into()),
        }
    }
}

#[derive(Args)]
pub(crate) struct Load {
    #[arg(long)]
    topic: String,
    #[arg(long)]
    partitions: i32,
    #[arg(long)]
    count: usize,
}

pub(crate) fn load(arguments: &Load) -> Result<()> {
    let Load { topic, partitions, count } = arguments;
    broker::create(topic, *partitions)?;
    let (before, partitions) = written(topic)?;
    let producer = producer("20")?;
    let (mut newest, mut bytes) = (None, 0);
    for (i, record) in records(before, partitions).take(*count).enumerate() {
        send(&producer, topic, &record)?;
        if i % 1_000 == 0 {
            producer.poll(Duration::ZERO);
        }
        bytes += record.value.len();
        newest = Some(record.value);
    }
    producer.flush(FLUSH_TIMEOUT)?;
    let (after, _) = written(topic)?;
    if after != before + count {
        return Err(format!("{topic} holds {after} ticks and not {}", before + count).into());
    }
    println!(
        "{topic}: {after} ticks of {} symbols on {partitions} partitions, {} bytes each; the newest: {}",
        PRODUCTS.len(),
        bytes / count,
        newest.unwrap_or_default()
    );
    Ok(())
}

pub(crate) fn print(count: usize) -> Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for record in records(0, 1).take(count) {
        writeln!(out, "{}", record.value)?;
    }
    Ok(out.flush()?)
}
