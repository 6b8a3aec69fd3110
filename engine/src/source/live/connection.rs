//! One connection to a venue, kept up for ever: a session after the other, and two at a time where the venue cuts old ones.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::Future,
    hash::{BuildHasher, RandomState},
    pin::Pin,
    rc::Rc,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use rustc_hash::FxHashSet;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};

use super::{
    dial::Dialer,
    inlet::{Inlet, NewestTrades},
    rest::Turns,
    session,
    venue::Venue,
};
use crate::{
    intake::RecordFormat,
    live_report::{ConnectionReport, ConnectionState},
    settings::LiveSettings,
};

/// How long two sockets are read at a time, at most: so long may one be behind the other.
const OVERLAP_MAX: Duration = Duration::from_secs(5);
/// Messages of an overlap that are remembered.
const DOUBLES_MAX: usize = 200_000;
/// A connection that never ends by its age.
const FOR_EVER: Duration = Duration::from_secs(400 * 86_400);

/// What all connections of a source share.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) settings: &'a LiveSettings,
    pub(super) dialer: &'a Dialer,
    /// By venue.
    pub(super) turns: &'a BTreeMap<&'static str, Turns>,
    pub(super) inlet: &'a RefCell<Inlet<'a>>,
}

/// One connection to a venue.
pub(super) struct Connection<'a> {
    pub(super) around: Surroundings<'a>,
    pub(super) venue: &'static Venue,
    pub(super) report: Arc<ConnectionReport>,
    pub(super) format: RefCell<RecordFormat>,
    pub(super) newest: RefCell<NewestTrades>,
    /// While two sockets are read, the hashes of the messages that came by either.
    doubles: RefCell<Option<FxHashSet<u64>>>,
    /// The time before the first socket, so that many are not opened at once.
    delay: Duration,
    sockets: Cell<u32>,
}

/// What a session tells the connection.
pub(super) struct Signals {
    pub(super) live: Notify,
    /// The venue will soon cut it.
    pub(super) leaving: Notify,
    state: Cell<ConnectionState>,
    live_since: Cell<Option<Instant>>,
    /// Whether another session speaks for the connection.
    is_second: Cell<bool>,
}

impl Signals {
    pub(super) fn is_second(&self) -> bool {
        self.is_second.get()
    }

    pub(super) fn state(&self) -> ConnectionState {
        self.state.get()
    }

    pub(super) fn tell(&self, state: ConnectionState, report: &ConnectionReport) {
        self.state.set(state);
        if state == ConnectionState::Live && self.live_since.get().is_none() {
            self.live_since.set(Some(Instant::now()));
            self.live.notify_one();
        }
        if !self.is_second.get() {
            report.tell(state);
        }
    }
}

/// How a session ended.
#[derive(Debug)]
pub(super) struct Ending {
    /// In the venue's words where it said any.
    pub(super) reason: String,
    /// The venue refused all products: a quick retry would be refused, too.
    pub(super) is_refusal: bool,
}

impl Ending {
    pub(super) fn lost(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_refusal: false }
    }
}

/// A session that is being driven.
struct Running<'s> {
    session: Pin<Box<dyn Future<Output = Ending> + 's>>,
    signals: Rc<Signals>,
}

impl<'a> Connection<'a> {
    pub(super) fn new(
        around: Surroundings<'a>,
        venue: &'static Venue,
        report: Arc<ConnectionReport>,
        delay: Duration,
    ) -> Self {
        let format = RefCell::new(RecordFormat::json(venue.symbol_venue.to_owned()));
        let sockets = Cell::new(0);
        Self {
            around,
            venue,
            report,
            format,
            newest: RefCell::default(),
            doubles: RefCell::default(),
            delay,
            sockets,
        }
    }

    /// Keeps it up for ever.
    pub(super) async fn keep(&self) {
        sleep(self.delay).await;
        let settings = self.around.settings;
        let (least, most) = (settings.reconnect_min_s.duration(), settings.reconnect_max_s.duration());
        let mut wait = least;
        loop {
            let (ending, lived) = self.serve().await;
            if lived >= most {
                wait = least;
            }
            if ending.is_refusal {
                wait = most;
            }
            tracing::warn!(
                venue = self.venue.name,
                connection = self.report.number,
                reason = ending.reason,
                "a live connection has ended; it is opened again"
            );
            self.report.end(ending.reason);
            // Half of it at random, so that many do not come back at once.
            let share = RandomState::new().hash_one(0) as f64 / u64::MAX as f64;
            sleep(wait.mul_f64(0.5 + 0.5 * share)).await;
            wait = (wait * 2).min(most);
            self.report.reconnects.fetch_add(1, Relaxed);
        }
    }

    /// Reads sessions until one ends that has no successor. Also returns how long it was live.
    async fn serve(&self) -> (Ending, Duration) {
        let mut current = self.start(false);
        let mut deadline = Instant::now() + self.lifetime();
        // When what came by two sockets is forgotten; the one that took over may be behind the other.
        let mut forget_at = None;
        loop {
            tokio::select! {
                ending = &mut current.session => {
                    self.doubles.replace(None);
                    let lived = current.signals.live_since.get().map(|since| since.elapsed());
                    return (ending, lived.unwrap_or_default());
                }
                () = current.signals.leaving.notified() => {}
                () = sleep_until(deadline) => {}
                () = sleep_until(forget_at.unwrap_or(deadline)), if forget_at.is_some() => {
                    forget_at = None;
                    self.doubles.replace(None);
                    continue;
                }
            }
            self.doubles.borrow_mut().get_or_insert_default();
            let mut next = self.start(true);
            let succeeds = tokio::select! {
                _ = &mut current.session => true,
                succeeds = takes_over(&mut next, self.overlap()) => succeeds,
            };
            forget_at = Some(Instant::now() + self.overlap());
            let wait = if succeeds {
                self.report.reconnects.fetch_add(1, Relaxed);
                next.signals.is_second.set(false);
                self.report.tell(next.signals.state());
                current = next;
                self.lifetime()
            } else {
                self.around.settings.reconnect_max_s.duration()
            };
            deadline = Instant::now() + wait;
        }
    }

    fn start(&self, is_second: bool) -> Running<'_> {
        let signals = Rc::new(Signals {
            live: Notify::new(),
            leaving: Notify::new(),
            state: Cell::new(ConnectionState::Connecting),
            live_since: Cell::new(None),
            is_second: Cell::new(is_second),
        });
        // Two numbers in turn: both sockets of an overlap have sequence numbers of their own.
        let turn = self.sockets.replace(self.sockets.get() + 1) % 2;
        let socket = self.report.number * 2 + turn;
        Running { session: Box::pin(session::run(self, socket, signals.clone())), signals }
    }

    fn lifetime(&self) -> Duration {
        match self.around.settings.lifetime_s.duration() {
            Duration::ZERO => self.venue.lifetime.unwrap_or(FOR_EVER),
            set => set,
        }
    }

    fn overlap(&self) -> Duration {
        self.around.settings.silence_s.duration().min(OVERLAP_MAX)
    }

    /// Whether a message has come by the other socket before.
    pub(super) fn is_double(&self, message: &[u8]) -> bool {
        let mut doubles = self.doubles.borrow_mut();
        let Some(known) = doubles.as_mut() else { return false };
        if known.len() >= DOUBLES_MAX {
            known.clear();
        }
        let is_double = !known.insert(xxhash_rust::xxh3::xxh3_64(message));
        if is_double {
            self.report.doubled.fetch_add(1, Relaxed);
        }
        is_double
    }

    /// Where the WebSocket is.
    pub(super) fn url(&self) -> &str {
        self.around.settings.urls.get(self.venue.name).map_or(self.venue.url, String::as_str)
    }
}

/// Whether a second session has become live, and has been read beside the first one for as long as the two overlap.
async fn takes_over(next: &mut Running<'_>, overlap: Duration) -> bool {
    tokio::select! {
        _ = &mut next.session => false,
        () = async { next.signals.live.notified().await; sleep(overlap).await } => true,
    }
}
