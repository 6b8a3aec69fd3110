//! Past trades by a venue's REST: page by page, oldest first in the end, each once. They become records of our own shape,
//! so that they go the way of every record.

use std::{collections::HashSet, time::Duration};

use serde_json::Value;

use super::rest::Rest;
use crate::tick::NANOS_PER_SECOND;

/// Past trades of one product that are taken at most; older ones are left out.
pub(super) const TRADES_MAX: usize = 500_000;
/// Pages of one product that are asked for at most.
const PAGES_MAX: usize = 2_000;

/// How a venue's REST tells past trades.
pub(super) struct PastTrades {
    /// Where it is, without a path.
    pub(super) url: &'static str,
    /// The time between two requests, within the venue's limit.
    pub(super) spacing: Duration,
    /// In which order its pages come.
    pub(super) direction: Direction,
    /// The path of a page.
    pub(super) request: fn(&Query<'_>) -> String,
    /// Reads a page.
    pub(super) page: fn(&Value, &Query<'_>) -> Result<Page, String>,
}

/// The order in which pages come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the newest trade backwards, by a cursor, or by the time of the oldest trade so far.
    NewestFirst,
    /// From the first trade forwards, by a cursor.
    OldestFirst,
    /// There is one page.
    OnePage,
}

/// One page that is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query<'a> {
    /// As the venue writes it.
    pub(super) product: &'a str,
    /// The time of the oldest trade that is wanted, in nanoseconds since 1970-01-01.
    pub(super) from_ns: i64,
    /// The time of the newest that is wanted.
    pub(super) until_ns: i64,
    /// What the page before named as the way on.
    pub(super) cursor: Option<&'a str>,
}

/// One page.
#[derive(Debug)]
pub(super) struct Page {
    /// Its trades in the venue's order.
    pub(super) trades: Vec<PastTrade>,
    /// What the next page is asked for by.
    pub(super) cursor: Option<String>,
}

/// A trade as REST tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PastTrade {
    pub(super) time_ns: i64,
    price: String,
    size: String,
    /// Whether the taker sold.
    is_sale: Option<bool>,
    /// As the venue writes it.
    pub(super) id: String,
}

/// What one product's backfill brought.
#[derive(Debug, Default)]
pub(super) struct Filled {
    /// Oldest first.
    pub(super) trades: Vec<PastTrade>,
    /// Why older ones may be missing.
    pub(super) trouble: Option<String>,
}

/// Reads the parts of a trade: a time in RFC 3339, in whole milliseconds, or in seconds with a fraction; numbers as text or
/// not.
pub(super) fn past_trade(
    time: &Value,
    price: &Value,
    size: &Value,
    is_sale: Option<bool>,
    id: &Value,
) -> Result<PastTrade, String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let named = |value: &Value, name: &str| text(value).ok_or_else(|| format!("a trade without {name}"));
    let time_ns = time_ns(time).ok_or_else(|| format!("a trade at {time}, which is no time"))?;
    let id = named(id, "an id")?;
    Ok(PastTrade { time_ns, price: named(price, "a price")?, size: named(size, "a size")?, is_sale, id })
}

fn time_ns(time: &Value) -> Option<i64> {
    let of_millis = |millis: i64| millis.checked_mul(1_000_000);
    match time {
        Value::String(text) => match text.parse() {
            Ok(millis) => of_millis(millis),
            Err(_) => i64::try_from(text.parse::<jiff::Timestamp>().ok()?.as_nanosecond()).ok(),
        },
        Value::Number(number) => match number.as_i64() {
            Some(millis) => of_millis(millis),
            // A double holds seconds of our time to the microsecond.
            None => Some((number.as_f64()? * 1e6).round() as i64 * 1_000),
        },
        _ => None,
    }
}

impl PastTrade {
    /// The trade's id as a number, where it is one.
    pub(super) fn number(&self) -> Option<u64> {
        self.id.parse().ok()
    }

    /// The trade as a record.
    pub(super) fn record(&self, venue: &str, product: &str) -> String {
        let Self { time_ns, price, size, is_sale, .. } = self;
        let side = match is_sale {
            Some(true) => r#","side":"sell""#,
            Some(false) => r#","side":"buy""#,
            None => "",
        };
        let id = self.number().map(|id| format!(r#","trade_id":{id}"#)).unwrap_or_default();
        format!(
            r#"{{"timestamp":{time_ns},"venue":"{venue}","product_id":"{product}","price":"{price}","last_size":"{size}"{side}{id}}}"#
        )
    }
}

/// Asks for the trades of a product from one time to another.
pub(super) async fn fetch(
    past: &PastTrades,
    rest: &mut Rest<'_>,
    product: &str,
    from_ns: i64,
    until_ns: i64,
) -> Filled {
    let mut filled = Filled::default();
    let mut known = HashSet::new();
    let mut until = until_ns;
    let mut cursor: Option<String> = None;
    for number in 0.. {
        if number >= PAGES_MAX || filled.trades.len() >= TRADES_MAX {
            let count = filled.trades.len();
            filled.trouble =
                Some(format!("{product}: only {count} past trades were taken, which is the bound"));
            break;
        }
        let query = Query { product, from_ns, until_ns: until, cursor: cursor.as_deref() };
        let answer = rest.get(&(past.request)(&query)).await;
        let page = match answer.and_then(|body| (past.page)(&body, &query)) {
            Ok(page) => page,
            Err(words) => {
                filled.trouble = Some(format!("past trades of {product}: {words}"));
                break;
            }
        };
        let times = page.trades.iter().map(|trade| trade.time_ns);
        let (Some(oldest), Some(newest)) = (times.clone().min(), times.max()) else { break };
        let before = filled.trades.len();
        let wanted = page.trades.into_iter().filter(|trade| (from_ns..=until_ns).contains(&trade.time_ns));
        filled.trades.extend(wanted.filter(|trade| known.insert(trade.id.clone())));
        let is_at_end = match past.direction {
            Direction::OnePage => {
                if oldest > from_ns {
                    let count = filled.trades.len();
                    filled.trouble = Some(format!("{product}: the venue tells the last {count} trades only"));
                }
                true
            }
            Direction::NewestFirst => oldest < from_ns,
            Direction::OldestFirst => newest > until_ns || page.cursor.is_none(),
        };
        if is_at_end || filled.trades.len() == before {
            break;
        }
        if past.direction == Direction::NewestFirst && page.cursor.is_none() {
            let (second, last) = (oldest.div_euclid(NANOS_PER_SECOND), until.div_euclid(NANOS_PER_SECOND));
            // A page within one second does not lead on: that second's further trades are left out.
            until = if second < last { oldest } else { last * NANOS_PER_SECOND - 1 };
        }
        cursor = page.cursor;
    }
    filled.trades.sort_by_key(|trade| (trade.time_ns, trade.number()));
    filled
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_of_every_kind_are_read_exactly() {
        assert_eq!(time_ns(&json!("2026-04-05T22:35:13.925350Z")), Some(1_775_428_513_925_350_000));
        assert_eq!(time_ns(&json!("1775428513925")), Some(1_775_428_513_925_000_000));
        assert_eq!(time_ns(&json!(1_775_428_513_925_u64)), Some(1_775_428_513_925_000_000));
        assert_eq!(time_ns(&json!(1_688_669_597.827_736_9)), Some(1_688_669_597_827_737_000));
        assert_eq!(time_ns(&json!("yesterday")), None);
    }

    #[test]
    fn a_past_trade_is_a_record_that_is_read_as_a_tick() {
        use crate::decode::{DecodeOptions, Decoded, RecordKind, decode};
        let time = json!("1775428513925");
        let trade = past_trade(&time, &json!("0.00001234"), &json!("5"), Some(true), &json!("77")).unwrap();
        let mut decoded = Decoded::default();
        let record = trade.record("okx", "PEPE-USDT");
        let read = decode(record.as_bytes(), &DecodeOptions::of_venue("unnamed"), &mut decoded);
        assert_eq!(read, Ok(RecordKind::Ticks), "{record}");
        let tick = decoded.ticks().next().unwrap();
        assert_eq!((tick.venue, tick.product), ("okx", "PEPE-USDT"));
        assert_eq!(tick.tick.event_time.nanos(), 1_775_428_513_925_000_000);
        assert_eq!(tick.tick.side, Some(crate::tick::Side::Sell));
        assert_eq!(tick.tick.trade_id, Some(77));
    }
}
