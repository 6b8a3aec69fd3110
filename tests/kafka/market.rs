//! Records as producers write them: ticks of several symbols over a bad feed, and among them what cannot be read.

use engine::{
    sim::{Faults, SimConfig, SimSymbol, Simulator},
    tick::{Quantity, Side, Tick},
};

/// Partitions of the ticks.
pub(super) const PARTITIONS: usize = 4;
/// One record in so many cannot be read: below what makes a partition pause.
const POISON_EVERY: usize = 401;
/// One record in so many is an envelope of several tickers.
const ENVELOPE_EVERY: usize = 97;

/// Seconds of event time that records span, at least, where their number allows it: a symbol has a threshold, and so
/// probabilities, after ten minutes.
const SPAN_S: usize = 1_500;
/// Records that the simulator gives a second, of all eight symbols together.
const RECORDS_PER_S: usize = 25;
/// Most seconds from one with ticks to the next: more would be a gap, which makes its seconds unknown.
const STRIDE_MAX_S: usize = 9;

/// A record on its way to the log.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) partition: usize,
    pub(super) key: String,
    /// `None`: a tombstone.
    pub(super) payload: Option<String>,
}

/// `count` records of eight symbols, two a partition. The same seed, the same records. Fewer records are those of every
/// second, third, ... second, so that they span as much time as probabilities need.
pub(super) fn records(seed: u64, count: usize) -> Vec<Record> {
    let products: Vec<String> = (0..2 * PARTITIONS).map(|i| format!("P{i}-USD")).collect();
    let faults = Faults {
        repeated_share: 0.003,
        late_share: 0.003,
        silences_per_hour: 2.0,
        clock_jump_share: 0.0005,
        ..Faults::default()
    };
    let symbols = products.iter().map(|product| SimSymbol::named(product)).collect();
    let market = SimConfig { seed, symbols, faults, ..SimConfig::default() };
    let stride_s = (SPAN_S * RECORDS_PER_S / count).clamp(1, STRIDE_MAX_S) as i64;
    let mut records = Vec::with_capacity(count);
    for (symbol, tick) in Simulator::new(market) {
        if tick.event_time.second() % stride_s != 0 {
            continue;
        }
        let i = records.len();
        let partition = symbol % PARTITIONS;
        if i % POISON_EVERY == 7 {
            records.push(poison(i / POISON_EVERY, partition));
        } else if i % ENVELOPE_EVERY == 11 {
            records.push(envelope(&tick, partition));
        } else {
            let payload = Some(own(&products[symbol], &tick));
            records.push(Record { partition, key: products[symbol].clone(), payload });
        }
        if records.len() == count {
            break;
        }
    }
    records
}

/// Our own shape.
fn own(product: &str, tick: &Tick) -> String {
    let units = |units: i64| format!("{}.{:08}", units / 100_000_000, units % 100_000_000);
    let quantity = |quantity: Option<Quantity>| quantity.map(|q| units(q.units()));
    let mut fields = vec![
        format!(r#""timestamp":"{}""#, tick.event_time),
        format!(r#""product_id":"{product}""#),
        format!(r#""price":"{}""#, units(tick.price.units())),
    ];
    let mut field = |name: &str, value: Option<String>| {
        fields.extend(value.map(|value| format!(r#""{name}":"{value}""#)));
    };
    field("best_bid", tick.quote.map(|quote| units(quote.bid.units())));
    field("best_ask", tick.quote.map(|quote| units(quote.ask.units())));
    field("last_size", quantity(tick.size));
    field("side", tick.side.map(|side| if side == Side::Buy { "buy" } else { "sell" }.to_owned()));
    field("trade_id", tick.trade_id.map(|id| id.to_string()));
    field("type", (!tick.is_trade).then(|| "quote".to_owned()));
    format!("{{{}}}", fields.join(","))
}

/// Three tickers of symbols that only come so, one of them broken in every fourth second.
fn envelope(tick: &Tick, partition: usize) -> Record {
    let price = tick.price.units() / 100_000_000 + 1;
    let second = if tick.event_time.second() % 4 != 0 { format!("{price}.5") } else { "many".to_owned() };
    let ticker =
        |name: &str, price: &str| format!(r#"{{"product_id":"E{partition}{name}-USD","price":"{price}"}}"#);
    let tickers =
        [ticker("A", &format!("{price}.25")), ticker("B", &second), ticker("C", &format!("{price}"))]
            .join(",");
    let payload = format!(
        r#"{{"channel":"ticker","timestamp":"{}","sequence_num":1,"events":[{{"type":"update","tickers":[{tickers}]}}]}}"#,
        tick.event_time
    );
    Record { partition, key: format!("E{partition}"), payload: Some(payload) }
}

fn poison(kind: usize, partition: usize) -> Record {
    let payload = match kind % 6 {
        0 => Some("not json".to_owned()),
        1 => Some(r#"{"timestamp":"2026-01-01T00:00:00Z","product_id":"P0-USD","price":"#.to_owned()),
        2 => Some(r#"{"timestamp":"2026-01-01T00:00:00Z","product_id":"P0-USD","price":"NaN"}"#.to_owned()),
        3 => Some(format!(
            r#"{{"timestamp":"2026-01-01T00:00:00Z","product_id":"P0-USD","price":"1","x":"{}"}}"#,
            "y".repeat(700_000) + "\u{1}"
        )),
        4 => None,
        _ => Some(r#"{"timestamp":"2026-01-01T00:00:00Z","product_id":"P0-USD","price":"-5"}"#.to_owned()),
    };
    Record { partition, key: "poison".to_owned(), payload }
}
