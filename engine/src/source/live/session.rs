//! One socket, from its opening to its end: it asks for the products within the venue's limits, follows what was confirmed
//! and refused, tells a quiet market from a dead socket, and gives each message to the inlet.
//!
//! At a start with backfill, and after a gap, messages are held until the past trades before them have been handed over.

use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    fmt::Display,
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::atomic::Ordering::Relaxed,
};

use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt, stream};
use hyper::Uri;
use rustc_hash::FxHashMap;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{self, Message, protocol::WebSocketConfig},
};

use super::{
    backfill::{self, Filled},
    connection::{Connection, Ending, Signals},
    dial,
    inlet::{Newest, now_ns},
    rest::Rest,
    venue::Answer,
};
use crate::{
    intake::RecordPlace,
    live_report::ConnectionState::{Connecting, Live, Silent, Subscribing},
};

/// The longest frame, and the longest message of several frames.
const FRAME_BYTES_MAX: usize = 16 << 20;
/// Messages that are held while past trades are asked for, in bytes.
const HELD_BYTES_MAX: usize = 64 << 20;
/// Products whose past trades are asked for at a time.
const BACKFILLS_MAX: usize = 4;
/// The longest text of a venue that is shown.
const WORDS_MAX: usize = 200;

/// The past trades of each product.
type Filling<'s> = Pin<Box<dyn Future<Output = Vec<(String, Filled)>> + 's>>;

/// Opens a socket and reads it to its end.
pub(super) async fn run(connection: &Connection<'_>, number: u32, signals: Rc<Signals>) -> Ending {
    signals.tell(Connecting, &connection.report);
    let socket = match open(connection).await {
        Ok(socket) => socket,
        Err(reason) => return Ending::lost(reason),
    };
    connection.around.inlet.borrow_mut().begin(number);
    let now = Instant::now();
    let mut session = Session {
        connection,
        number,
        signals,
        socket,
        messages: 0,
        outgoing: VecDeque::new(),
        next_send: now,
        pending: BTreeMap::new(),
        next_request: 0,
        confirm_by: now,
        refused: 0,
        last_sign: now,
        asked_at: None,
        next_ping: connection.venue.ping.as_ref().map(|ping| now + ping.every),
        held: None,
    };
    match session.talk().await {
        Ok(never) => match never {},
        Err(ending) => ending,
    }
}

async fn open(connection: &Connection<'_>) -> Result<WebSocketStream<Box<dyn dial::Bytes>>, String> {
    let url = connection.url();
    let address: Uri = url.parse().map_err(|_| format!("{url} is no address"))?;
    let stream = connection.around.dialer.open(&address).await?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(FRAME_BYTES_MAX))
        .max_frame_size(Some(FRAME_BYTES_MAX));
    let limit = connection.around.settings.connect_timeout_s.duration();
    match timeout(limit, client_async_with_config(url, stream, Some(config))).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(tungstenite::Error::Http(response))) => {
            let body = response.body().as_deref().unwrap_or_default();
            let words = String::from_utf8_lossy(&body[..body.len().min(WORDS_MAX)]).into_owned();
            Err(format!("the venue answers {} {words}", response.status()).trim_end().to_owned())
        }
        Ok(Err(error)) => Err(format!("the WebSocket's handshake failed: {error}")),
        Err(_) => Err(format!("no answer to the WebSocket's handshake within {limit:?}")),
    }
}

/// Messages that wait for past trades.
struct Held<'s> {
    messages: Vec<(u64, Bytes)>,
    bytes: usize,
    /// The first live trade of each product.
    first: FxHashMap<String, Newest>,
    /// `None` until the products are confirmed.
    filling: Option<Filling<'s>>,
}

struct Session<'s, 'a> {
    connection: &'s Connection<'a>,
    number: u32,
    signals: Rc<Signals>,
    socket: WebSocketStream<Box<dyn dial::Bytes>>,
    messages: u64,
    /// Messages to the venue that wait for their turn.
    outgoing: VecDeque<String>,
    next_send: Instant,
    /// Products that are neither confirmed nor refused, with the request that asked for them.
    pending: BTreeMap<String, u64>,
    next_request: u64,
    confirm_by: Instant,
    /// How many products were refused.
    refused: usize,
    /// When anything last came that shows the feed to be alive.
    last_sign: Instant,
    /// When a ping asked whether it is, if nothing has come since.
    asked_at: Option<Instant>,
    next_ping: Option<Instant>,
    held: Option<Held<'s>>,
}

impl<'s> Session<'s, '_> {
    /// Talks until the socket ends.
    async fn talk(&mut self) -> Result<Infallible, Ending> {
        self.signals.tell(Subscribing, &self.connection.report);
        self.hold_if_wanted();
        let products = self.connection.report.products.clone();
        for chunk in products.chunks(self.connection.venue.products_per_request) {
            self.ask(chunk);
        }
        loop {
            // What is there is taken without a wait: only before one is anything flushed.
            let message = match self.socket.next().now_or_never() {
                Some(message) => message,
                None => {
                    self.connection.around.inlet.borrow_mut().flush();
                    let due = self.due();
                    tokio::select! {
                        message = self.socket.next() => message,
                        filled = filling(&mut self.held) => {
                            self.release(filled);
                            continue;
                        }
                        () = sleep_until(due) => {
                            self.on_time(Instant::now()).await?;
                            continue;
                        }
                    }
                }
            };
            let now = Instant::now();
            match message {
                Some(Ok(message)) => self.hear(message, now)?,
                Some(Err(error)) => return Err(self.failed(&error)),
                None => return Err(Ending::lost("the venue ended the connection")),
            }
            if now >= self.due() {
                self.on_time(now).await?;
            }
        }
    }

    fn failed(&self, error: &tungstenite::Error) -> Ending {
        if matches!(error, tungstenite::Error::Capacity(_)) {
            self.connection.report.oversized.fetch_add(1, Relaxed);
        }
        Ending::lost(format!("the socket failed: {error}"))
    }

    /// Queues the request for these products.
    fn ask(&mut self, products: &[String]) {
        let request = self.next_request;
        self.next_request += 1;
        self.outgoing.extend((self.connection.venue.subscribe)(products, request));
        self.pending.extend(products.iter().map(|product| (product.clone(), request)));
    }

    /// When something is next to be done without a message.
    fn due(&self) -> Instant {
        let silence = self.connection.around.settings.silence_s.duration();
        let mut due = self.asked_at.unwrap_or(self.last_sign) + silence;
        if !self.outgoing.is_empty() {
            due = due.min(self.next_send);
        } else if !self.pending.is_empty() {
            due = due.min(self.confirm_by);
        }
        self.next_ping.map_or(due, |ping| ping.min(due))
    }

    async fn on_time(&mut self, now: Instant) -> Result<(), Ending> {
        let (venue, settings) = (self.connection.venue, self.connection.around.settings);
        if now >= self.next_send
            && let Some(message) = self.outgoing.pop_front()
        {
            self.send(Message::text(message)).await?;
            self.next_send = now + venue.request_spacing;
            self.confirm_by = now + settings.subscribe_timeout_s.duration();
        }
        if self.outgoing.is_empty() && !self.pending.is_empty() && now >= self.confirm_by {
            let products: Vec<String> = std::mem::take(&mut self.pending).into_keys().collect();
            let words = format!("no confirmation within {} s", settings.subscribe_timeout_s.get());
            self.refuse(&products, &words);
            self.settle()?;
        }
        if let (Some(ping), Some(due)) = (&venue.ping, self.next_ping)
            && now >= due
        {
            self.send(Message::text(ping.text)).await?;
            self.next_ping = Some(now + ping.every);
        }
        let silence = settings.silence_s.duration();
        if now < self.asked_at.unwrap_or(self.last_sign) + silence {
            return Ok(());
        }
        if self.asked_at.is_some() {
            let seconds = self.last_sign.elapsed().as_secs_f64();
            let not_even = if venue.has_heartbeat { "no heartbeat" } else { "no answer to a ping" };
            return Err(Ending::lost(format!("nothing came for {seconds:.1} s, {not_even} either")));
        }
        self.asked_at = Some(now);
        if self.signals.state() == Live {
            self.signals.tell(Silent, &self.connection.report);
        }
        self.send(Message::Ping(Bytes::new())).await?;
        match &venue.ping {
            Some(ping) => self.send(Message::text(ping.text)).await,
            None => Ok(()),
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), Ending> {
        let limit = self.connection.around.settings.connect_timeout_s.duration();
        match timeout(limit, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Ending::lost(format!("the socket failed: {error}"))),
            Err(_) => Err(Ending::lost(format!("the venue took nothing for {limit:?}"))),
        }
    }

    fn hear(&mut self, message: Message, now: Instant) -> Result<(), Ending> {
        let is_record = matches!(message, Message::Text(_) | Message::Binary(_));
        if is_record || !self.connection.venue.has_heartbeat {
            self.last_sign = now;
            if self.asked_at.take().is_some() && self.signals.state() == Silent {
                self.signals.tell(Live, &self.connection.report);
            }
        }
        match message {
            Message::Text(_) | Message::Binary(_) => self.take(message.into_data()),
            Message::Close(Some(frame)) => {
                let code = u16::from(frame.code);
                Err(Ending::lost(format!("the venue closed with {code} {:?}", frame.reason.as_str())))
            }
            Message::Close(None) => Err(Ending::lost("the venue closed without a code")),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(()),
        }
    }

    /// Takes a message that is a record, or an answer of the venue, or both.
    fn take(&mut self, message: Bytes) -> Result<(), Ending> {
        let connection = self.connection;
        self.messages += 1;
        connection.report.receive(now_ns());
        let mut inlet = connection.around.inlet.borrow_mut();
        let answer = inlet.read(&message, &mut connection.format.borrow_mut(), connection.venue);
        if answer == Some(Answer::Pong) {
            return Ok(());
        }
        if answer.is_none() {
            if connection.is_double(&message) {
                inlet.pass(self.place(self.messages));
                return Ok(());
            }
            if !self.pending.is_empty() {
                for (product, _) in inlet.ticks() {
                    self.pending.remove(product);
                }
            }
        }
        let number = self.messages;
        match &mut self.held {
            Some(held) => {
                for (product, tick) in inlet.ticks() {
                    if !held.first.contains_key(product) {
                        let first = Newest { time_ns: tick.event_time.nanos(), trade_id: tick.trade_id };
                        held.first.insert(product.to_owned(), first);
                    }
                }
                held.bytes += message.len();
                held.messages.push((number, message));
            }
            None => {
                let (place, mut newest) = (self.place(number), connection.newest.borrow_mut());
                inlet.hand_over(&message, place, connection.venue, &connection.report, &mut newest);
            }
        }
        drop(inlet);
        if self.held.as_ref().is_some_and(|held| held.bytes > HELD_BYTES_MAX) {
            self.fill_failed("more came than can be held meanwhile; past trades are left out");
            self.release(Vec::new());
        }
        if let Some(answer) = answer {
            self.answered(answer);
        }
        self.settle()
    }

    fn place(&self, message: u64) -> RecordPlace<'static> {
        RecordPlace::Live { venue: self.connection.venue.name, socket: self.number, message }
    }

    fn answered(&mut self, answer: Answer) {
        let report = &self.connection.report;
        match answer {
            Answer::None | Answer::Pong => {}
            Answer::Products(products) => {
                for product in products {
                    self.pending.remove(&product);
                    report.accept(&product);
                }
            }
            Answer::Request(number) => self.pending.retain(|product, request| {
                let is_of = *request == number;
                if is_of {
                    report.accept(product);
                }
                !is_of
            }),
            Answer::Refused { products, request, words } => self.refused_by_venue(products, request, &words),
            Answer::Leaving(words) => {
                report.note(words);
                self.signals.leaving.notify_one();
            }
            Answer::Notice(words) => {
                tracing::warn!(venue = self.connection.venue.name, words, "the venue says");
                report.note(words);
            }
        }
    }

    fn refused_by_venue(&mut self, named: Vec<String>, request: Option<u64>, words: &str) {
        let words: String = words.chars().take(WORDS_MAX).collect();
        let oldest = self.pending.values().min().copied();
        let asked: Vec<String> = match (named.is_empty(), request.or(oldest)) {
            (false, _) => named.into_iter().filter(|product| self.pending.contains_key(product)).collect(),
            (true, Some(request)) => {
                let of_request = self.pending.iter().filter(|(_, of)| **of == request);
                of_request.map(|(product, _)| product.clone()).collect()
            }
            (true, None) => Vec::new(),
        };
        for product in &asked {
            self.pending.remove(product);
        }
        match asked.as_slice() {
            // It refuses something else.
            [] => self.connection.report.note(words),
            // One of them is meant: each is asked for alone.
            several @ [_, _, ..] if request.is_some() || oldest.is_some() => {
                several.iter().for_each(|product| self.ask(std::slice::from_ref(product)));
            }
            products => self.refuse(products, &words),
        }
    }

    fn refuse(&mut self, products: &[String], words: &str) {
        let (venue, report) = (self.connection.venue.name, &self.connection.report);
        for product in products {
            tracing::warn!(venue, product, words, "the venue refuses a product");
            report.refuse(product, words);
        }
        self.refused += products.len();
    }

    /// Once each product is confirmed or refused, the session is live; if all are refused it ends.
    fn settle(&mut self) -> Result<(), Ending> {
        if !self.pending.is_empty() || self.signals.state() != Subscribing {
            return Ok(());
        }
        let report = &self.connection.report;
        if self.refused >= report.products.len() {
            let standing = report.standing();
            let words = standing.refused.values().next().map_or("", String::as_str);
            return Err(Ending { reason: format!("every product was refused: {words}"), is_refusal: true });
        }
        self.signals.tell(Live, report);
        self.begin_filling();
        Ok(())
    }

    /// Holds messages from the start if past trades are to come before them.
    fn hold_if_wanted(&mut self) {
        let connection = self.connection;
        if connection.around.settings.backfill_s.get() == 0.0 || self.signals.is_second() {
            return;
        }
        if connection.venue.past_trades.is_none() {
            connection.report.note("the venue tells no past trades: there is no backfill".to_owned());
            return;
        }
        let first = FxHashMap::default();
        self.held = Some(Held { messages: Vec::new(), bytes: 0, first, filling: None });
    }

    /// Asks for past trades once the live ones come, so that none is missing between the two.
    fn begin_filling(&mut self) {
        let connection = self.connection;
        let Some(held) = &mut self.held else { return };
        let past =
            connection.venue.past_trades.as_ref().expect("messages are held for a venue with past trades");
        let (settings, dialer) = (connection.around.settings, connection.around.dialer);
        let turns = &connection.around.turns[connection.venue.name];
        let base = settings.rest_urls.get(connection.venue.name).map_or(past.url, String::as_str);
        let now = now_ns();
        let earliest = now - settings.backfill_s.nanos();
        let newest = connection.newest.borrow();
        let products: Vec<(String, i64)> = connection
            .report
            .products
            .iter()
            .map(|product| {
                let from = newest.get(product).map_or(earliest, |newest| newest.time_ns.max(earliest));
                (product.clone(), from)
            })
            .collect();
        let limit = settings.subscribe_timeout_s.duration();
        let fetches = stream::iter(products).map(move |(product, from)| async move {
            let mut rest = Rest::new(dialer, turns, base, limit);
            // The clocks of venues may be a little ahead.
            let until = now + 60_000_000_000;
            let filled = backfill::fetch(past, &mut rest, &product, from, until).await;
            (product, filled)
        });
        held.filling = Some(Box::pin(fetches.buffer_unordered(BACKFILLS_MAX).collect()));
    }

    fn fill_failed(&self, words: impl Display) {
        let words = words.to_string();
        tracing::warn!(venue = self.connection.venue.name, words, "a backfill is not whole");
        self.connection.report.backfills_failed.fetch_add(1, Relaxed);
        self.connection.report.note(words);
    }

    /// Hands over past trades, and then the messages that were held.
    fn release(&mut self, filled: Vec<(String, Filled)>) {
        let Some(held) = self.held.take() else { return };
        let connection = self.connection;
        for (product, Filled { trades, trouble }) in filled {
            if let Some(words) = trouble {
                self.fill_failed(words);
            }
            let known = connection.newest.borrow().get(&product).copied();
            let first = held.first.get(&product).copied();
            for trade in trades {
                let id = trade.number();
                let is_known = known.is_some_and(|known| match (id, known.trade_id) {
                    (Some(id), Some(known)) => id <= known,
                    _ => trade.time_ns <= known.time_ns,
                });
                let is_live = first.is_some_and(|first| match (id, first.trade_id) {
                    (Some(id), Some(first)) => id >= first,
                    _ => trade.time_ns >= first.time_ns,
                });
                if !is_known && !is_live {
                    let record = trade.record(connection.venue.symbol_venue, &product);
                    self.give(record.as_bytes(), 0);
                    connection.report.backfilled.fetch_add(1, Relaxed);
                }
            }
        }
        for (number, message) in held.messages {
            self.give(&message, number);
        }
    }

    fn give(&self, message: &[u8], number: u64) {
        let connection = self.connection;
        let mut inlet = connection.around.inlet.borrow_mut();
        inlet.read(message, &mut connection.format.borrow_mut(), connection.venue);
        let mut newest = connection.newest.borrow_mut();
        inlet.hand_over(message, self.place(number), connection.venue, &connection.report, &mut newest);
    }
}

/// The past trades that are asked for; it never ends where none are.
async fn filling(held: &mut Option<Held<'_>>) -> Vec<(String, Filled)> {
    match held.as_mut().and_then(|held| held.filling.as_mut()) {
        Some(filling) => filling.await,
        None => std::future::pending().await,
    }
}
