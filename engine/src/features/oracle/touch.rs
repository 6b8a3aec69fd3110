//! The quote as ticks leave it, and what formulas read off it.

use super::known;
use crate::tick::{Depth, Quote, Side, Tick};

/// The touch as ticks leave it.
#[derive(Default)]
pub(super) struct Touch {
    pub(super) quote: Option<Quote>,
    quoted_ns: i64,
    pub(super) log_mid: i64,
    doubled_mid: i64,
    /// Without quotes: last price that sold, last that bought, narrowest distance of the two.
    sold: Option<i64>,
    bought: Option<i64>,
    increment: Option<i64>,
    last: Option<(i64, Side)>,
}

impl Touch {
    pub(super) fn forget(&mut self) {
        (self.quote, self.sold, self.bought) = (None, None, None);
    }

    /// The tick's own side, else by the quote rule, else by the tick rule.
    pub(super) fn side_of(&self, tick: &Tick) -> Side {
        let by_quote =
            tick.quote.and_then(|quote| match (tick.price >= quote.ask, tick.price <= quote.bid) {
                (true, false) => Some(Side::Buy),
                (false, true) => Some(Side::Sell),
                _ => None,
            });
        let (last_price, last_side) = self.last.unwrap_or((0, Side::Buy));
        let by_tick = match tick.price.units() - last_price {
            1.. => Side::Buy,
            0 => last_side,
            _ => Side::Sell,
        };
        tick.side.or(by_quote).unwrap_or(by_tick)
    }

    pub(super) fn take(&mut self, tick: &Tick, side: Side, age_max_ns: i64) {
        let (now_ns, price) = (tick.event_time.nanos(), tick.price.units());
        if tick.quote.is_some() {
            (self.quote, self.quoted_ns) = (tick.quote, now_ns);
        }
        self.quote = self.quote.filter(|_| now_ns - self.quoted_ns <= age_max_ns);
        self.doubled_mid = match self.quote {
            Some(quote) => quote.bid.units() + quote.ask.units(),
            None if tick.is_trade => self.implied(price, side),
            None if self.doubled_mid > 0 => self.doubled_mid,
            None => price * 2,
        };
        self.log_mid = ((self.doubled_mid as f64).ln() * 1e9).round() as i64;
        if tick.is_trade {
            self.last = Some((price, side));
        }
    }

    /// Twice the mid between the last buy and the last sale; a side that was overtaken stands one increment behind.
    fn implied(&mut self, price: i64, side: Side) -> i64 {
        let (own, other) = match side {
            Side::Buy => (&mut self.bought, &mut self.sold),
            Side::Sell => (&mut self.sold, &mut self.bought),
        };
        *own = Some(price);
        let Some(opposite) = *other else { return price * 2 };
        let width = if side == Side::Buy { price - opposite } else { opposite - price };
        if width > 0 {
            self.increment = Some(self.increment.map_or(width, |increment| increment.min(width)));
            return price + opposite;
        }
        let increment = self.increment.unwrap_or(0);
        let moved = if side == Side::Buy { price - increment } else { price + increment };
        *other = Some(moved);
        price + moved
    }
}

/// Cont, Kukanov and Stoikov (2014, eq. 2).
pub(super) fn order_flow(old: &Quote, new: &Quote) -> f64 {
    let (Depth::Sizes { bid: qb0, ask: qa0 }, Depth::Sizes { bid: qb1, ask: qa1 }) = (old.depth, new.depth)
    else {
        return 0.0;
    };
    let [qb0, qa0, qb1, qa1] = [qb0, qa0, qb1, qa1].map(|quantity| quantity.units() as f64);
    let indicator = |holds: bool| f64::from(u8::from(holds));
    indicator(new.bid >= old.bid) * qb1
        - indicator(new.bid <= old.bid) * qb0
        - indicator(new.ask <= old.ask) * qa1
        + indicator(new.ask >= old.ask) * qa0
}

/// `(ask - bid) / mid` in whole 1e-9; none while crossed.
pub(super) fn spread(quote: &Quote) -> Option<f64> {
    let (bid, ask) = (i128::from(quote.bid.units()), i128::from(quote.ask.units()));
    (ask >= bid).then(|| ((ask - bid) * 2_000_000_000 / (ask + bid)) as f64 * 1e-9)
}

pub(super) fn imbalance(quote: &Quote) -> Option<f64> {
    match quote.depth {
        Depth::Unknown => None,
        Depth::ImbalancePpb(ppb) => Some(f64::from(ppb) * 1e-9),
        Depth::Sizes { bid, ask } => {
            let (bid, ask) = (bid.units() as f64, ask.units() as f64);
            (bid + ask > 0.0).then(|| (bid - ask) / (bid + ask))
        }
    }
}

pub(super) fn depth(quote: &Quote) -> Option<f64> {
    match quote.depth {
        Depth::Sizes { bid, ask } => Some(bid.units() as f64 + ask.units() as f64),
        _ => None,
    }
}

/// `(micro - mid) / mid` in basis points over the spread in basis points. Both prices are counted from the bid:
/// `micro - bid = q_b (ask - bid) / (q_b + q_a)`.
pub(super) fn micro_in_spreads(quote: &Quote, obi: f64) -> f64 {
    let (bid, ask) = (quote.bid.units() as f64, quote.ask.units() as f64);
    let (mid, width) = ((bid + ask) / 2.0, ask - bid);
    let away = match quote.depth {
        Depth::Sizes { bid: qb, ask: qa } => {
            let (qb, qa) = (qb.units() as f64, qa.units() as f64);
            qb * width / (qb + qa) - width / 2.0
        }
        _ => obi * width / 2.0,
    };
    known(width >= 0.0, 1e4 * away / mid / (1e4 * width / mid).max(1e-9))
}
