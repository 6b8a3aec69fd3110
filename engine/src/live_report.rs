//! How the connections of live feeds do. The feature `live` provides the connections. This module exists without it, too,
//! so that a front end reads the same report, empty.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use crate::settings::LIVE_VENUES;

/// Refused products that are kept with the venue's words, and products with missing trades.
const NAMED_MAX: usize = 1_000;

/// What a connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// It opens its socket.
    Connecting,
    /// It has asked for its products, and the venue has not confirmed all of them.
    Subscribing,
    /// The venue has confirmed the products.
    Live,
    /// Nothing came for `live.silence_s`, not even a heartbeat; a ping asks whether the venue is there.
    Silent,
    /// It has ended and waits before the next try.
    BackingOff,
}

impl ConnectionState {
    /// Every state, so that a gauge of each exists at 0.
    pub const ALL: [Self; 5] =
        [Self::Connecting, Self::Subscribing, Self::Live, Self::Silent, Self::BackingOff];

    /// A stable label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Subscribing => "subscribing",
            Self::Live => "live",
            Self::Silent => "silent",
            Self::BackingOff => "backing_off",
        }
    }
}

/// The state of a connection, the reason of its last end, the newest notice of the venue, and the products that it refused or
/// that miss trades.
#[derive(Clone, Debug)]
pub struct Standing {
    /// What it does.
    pub state: ConnectionState,
    /// When that began.
    pub since: SystemTime,
    /// Why its last socket ended, in the venue's own words where it said any; `None` once it is live again.
    pub reason: Option<String>,
    /// What the venue last said that is neither a tick nor an answer: maintenance, a warning, a failed backfill.
    pub notice: Option<String>,
    /// Products that the venue refused, with its words.
    pub refused: BTreeMap<String, String>,
    /// Trades missing by the venue's own numbers, by product.
    pub missing_of: BTreeMap<String, u64>,
}

/// One connection to a venue, over all of its sockets.
#[derive(Debug)]
pub struct ConnectionReport {
    /// The venue's name as a source.
    pub venue: &'static str,
    /// Its number among the connections of this process.
    pub number: u32,
    /// The products that it asks for.
    pub products: Vec<String>,
    /// Messages received.
    pub messages: AtomicU64,
    /// Messages or trades missing, by the connection's or the products' own numbers.
    pub missing: AtomicU64,
    /// Messages of two overlapping sockets that were passed on once.
    pub doubled: AtomicU64,
    /// Frames or messages beyond the bound, each of which ended a socket.
    pub oversized: AtomicU64,
    /// Sockets opened after the first one.
    pub reconnects: AtomicU64,
    /// Past trades taken by REST.
    pub backfilled: AtomicU64,
    /// Backfills that failed, or were cut short.
    pub backfills_failed: AtomicU64,
    /// The wall clock at the newest message, nanoseconds since 1970-01-01; 0 before the first.
    newest_message_nanos: AtomicI64,
    /// At the newest tick, the wall clock less the venue's time, in nanoseconds.
    lag_nanos: AtomicI64,
    standing: Mutex<Standing>,
}

impl ConnectionReport {
    /// A connection that has not begun.
    pub fn new(venue: &'static str, number: u32, products: Vec<String>) -> Self {
        let standing = Standing {
            state: ConnectionState::Connecting,
            since: SystemTime::now(),
            reason: None,
            notice: None,
            refused: BTreeMap::new(),
            missing_of: BTreeMap::new(),
        };
        Self {
            venue,
            number,
            products,
            messages: AtomicU64::new(0),
            missing: AtomicU64::new(0),
            doubled: AtomicU64::new(0),
            oversized: AtomicU64::new(0),
            reconnects: AtomicU64::new(0),
            backfilled: AtomicU64::new(0),
            backfills_failed: AtomicU64::new(0),
            newest_message_nanos: AtomicI64::new(0),
            lag_nanos: AtomicI64::new(0),
            standing: Mutex::new(standing),
        }
    }

    /// A copy of its present state with reasons and products.
    pub fn standing(&self) -> Standing {
        self.lock().clone()
    }

    /// What it does.
    pub fn state(&self) -> ConnectionState {
        self.lock().state
    }

    /// Tells what it does.
    pub fn tell(&self, state: ConnectionState) {
        let mut standing = self.lock();
        if standing.state != state {
            (standing.state, standing.since) = (state, SystemTime::now());
        }
        if state == ConnectionState::Live {
            standing.reason = None;
        }
    }

    /// Tells that the socket has ended, and why.
    pub fn end(&self, reason: String) {
        let mut standing = self.lock();
        (standing.state, standing.since) = (ConnectionState::BackingOff, SystemTime::now());
        standing.reason = Some(reason);
    }

    /// Keeps what the venue said.
    pub fn note(&self, notice: String) {
        self.lock().notice = Some(notice);
    }

    /// Keeps that the venue refused a product.
    pub fn refuse(&self, product: &str, words: &str) {
        let mut standing = self.lock();
        if standing.refused.len() < NAMED_MAX {
            standing.refused.insert(product.to_owned(), words.to_owned());
        }
    }

    /// Takes back that a product was refused.
    pub fn accept(&self, product: &str) {
        self.lock().refused.remove(product);
    }

    /// Counts trades of a product that are missing by its numbers.
    pub fn miss(&self, product: &str, missing: u64) {
        self.missing.fetch_add(missing, Relaxed);
        let mut standing = self.lock();
        if let Some(known) = standing.missing_of.get_mut(product) {
            *known += missing;
        } else if standing.missing_of.len() < NAMED_MAX {
            standing.missing_of.insert(product.to_owned(), missing);
        }
    }

    /// Counts a message that came at this time, nanoseconds since 1970-01-01.
    pub fn receive(&self, now_nanos: i64) {
        self.messages.fetch_add(1, Relaxed);
        self.newest_message_nanos.store(now_nanos, Relaxed);
    }

    /// Tells how far a tick's own time is behind the wall clock.
    pub fn lag_is(&self, nanos: i64) {
        self.lag_nanos.store(nanos, Relaxed);
    }

    /// At the newest tick, the wall clock less the venue's time, in seconds.
    pub fn lag_seconds(&self) -> f64 {
        self.lag_nanos.load(Relaxed) as f64 * 1e-9
    }

    /// How long ago the newest message came; `None` before the first.
    pub fn newest_message_ago(&self) -> Option<Duration> {
        let nanos = u64::try_from(self.newest_message_nanos.load(Relaxed)).ok().filter(|&nanos| nanos > 0)?;
        let newest = SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos);
        // A wall clock that was set back has no age to tell.
        Some(newest.elapsed().unwrap_or_default())
    }

    /// Everything about it that is not as it should be, in sentences.
    pub fn troubles(&self) -> Vec<String> {
        let standing = self.lock();
        let mut troubles = Vec::new();
        let name = format!("{} connection {}", self.venue, self.number);
        match (standing.state, &standing.reason) {
            (ConnectionState::Live, _) | (_, None) if standing.state != ConnectionState::Silent => {}
            (ConnectionState::Silent, _) => {
                troubles.push(format!("{name}: nothing comes, not even heartbeats"))
            }
            (state, Some(reason)) => troubles.push(format!("{name} is {}: {reason}", state.name())),
            (_, None) => {}
        }
        for (product, words) in standing.refused.iter().take(3) {
            troubles.push(format!("{} refuses {product}: {words}", self.venue));
        }
        if standing.refused.len() > 3 {
            let more = standing.refused.len() - 3;
            troubles.push(format!("{} refuses {more} further products; /sources names them", self.venue));
        }
        troubles
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().expect("no code panics while it holds the texts")
    }
}

/// The connections of a process. The source's thread writes it; `/sources`, `/health` and the metrics read it.
#[derive(Debug, Default)]
pub struct LiveReport {
    connections: Mutex<Vec<Arc<ConnectionReport>>>,
}

impl LiveReport {
    /// Adds a connection.
    pub fn add(&self, connection: Arc<ConnectionReport>) {
        self.lock().push(connection);
    }

    /// All connections, in the order of their numbers.
    pub fn connections(&self) -> Vec<Arc<ConnectionReport>> {
        self.lock().clone()
    }

    /// Whether any connection is live.
    pub fn is_connected(&self) -> bool {
        self.lock().iter().any(|connection| connection.state() == ConnectionState::Live)
    }

    /// Everything that is not as it should be, in sentences.
    pub fn troubles(&self) -> Vec<String> {
        self.lock().iter().flat_map(|connection| connection.troubles()).collect()
    }

    /// The number of connections in each state.
    pub fn by_state(&self) -> [(&'static str, f64); 5] {
        let connections = self.lock();
        ConnectionState::ALL.map(|state| {
            let count = connections.iter().filter(|connection| connection.state() == state).count();
            (state.name(), count as f64)
        })
    }

    /// A number of each venue: the sum over its connections, 0 where it has none.
    pub fn by_venue(
        &self,
        number: impl Fn(&ConnectionReport) -> f64,
    ) -> [(&'static str, f64); LIVE_VENUES.len()] {
        self.folded(|sum, connection| sum + number(connection))
    }

    /// The largest lag of each venue's connections, in seconds; 0 where it has none, or its clock is ahead.
    pub fn lag_by_venue(&self) -> [(&'static str, f64); LIVE_VENUES.len()] {
        self.folded(|lag, connection| connection.lag_seconds().max(lag))
    }

    fn folded(
        &self,
        fold: impl Fn(f64, &ConnectionReport) -> f64,
    ) -> [(&'static str, f64); LIVE_VENUES.len()] {
        let connections = self.lock();
        LIVE_VENUES.map(|venue| {
            let of_venue = connections.iter().filter(|connection| connection.venue == venue);
            (venue, of_venue.fold(0.0, |so_far, connection| fold(so_far, connection)))
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<ConnectionReport>>> {
        self.connections.lock().expect("no code panics while it holds the list")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_tells_its_trouble_until_it_is_live_again() {
        let connection = ConnectionReport::new("okx", 1, vec!["BTC-USDT".to_owned()]);
        assert_eq!(connection.troubles(), [] as [String; 0]);
        connection.end("closed with 1001 \"going away\"".to_owned());
        connection.tell(ConnectionState::Connecting);
        assert_eq!(
            connection.troubles(),
            ["okx connection 1 is connecting: closed with 1001 \"going away\""]
        );
        connection.tell(ConnectionState::Live);
        connection.refuse("BTC-USDT", "60018 does not exist");
        assert_eq!(connection.troubles(), ["okx refuses BTC-USDT: 60018 does not exist"]);
        connection.accept("BTC-USDT");
        connection.tell(ConnectionState::Silent);
        assert_eq!(connection.troubles(), ["okx connection 1: nothing comes, not even heartbeats"]);
    }

    #[test]
    fn counts_are_summed_by_venue() {
        let report = LiveReport::default();
        for (venue, messages) in [("kraken", 2), ("okx", 3), ("kraken", 5)] {
            let connection = ConnectionReport::new(venue, 0, Vec::new());
            connection.messages.store(messages, Relaxed);
            report.add(Arc::new(connection));
        }
        let sums = report.by_venue(|connection| connection.messages.load(Relaxed) as f64);
        let of = |venue| sums.iter().find(|(name, _)| *name == venue).unwrap().1;
        assert_eq!([of("kraken"), of("okx"), of("bybit")], [7.0, 3.0, 0.0]);
        assert_eq!(report.by_state()[0], ("connecting", 3.0));
    }
}
