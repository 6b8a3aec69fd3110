//! What does a live feed cost a message, beside a WebSocket whose messages are parsed and dropped?
//!
//! 500 products of Coinbase on 2 connections, 5,000 distinct ticker messages a second by an open-loop server in this process:
//! one each 200 us, or bursts of 50. The live source with a sink that counts takes turns with a loop of `tokio-tungstenite`
//! that makes a `serde_json::Value` of each message. Measured is the processor time of the one thread that reads, from the
//! first message to the last, the system's share included. `cargo bench --bench live`

mod support;

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener, TcpStream},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use engine::{
    intake::{RecordEvent, TickSink},
    live_report::LiveReport,
    settings::LiveSettings,
    source::{Run, live::LiveSource},
    stop::StopToken,
    symbol::Offset,
    tick::{EventTime, Tick},
};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use support::{median, thread_cpu};
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept};

/// As the shipped binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PRODUCTS: usize = 500;
const CONNECTIONS: usize = 2;
const MESSAGES_PER_SECOND: u32 = 5_000;
/// The longest wait for what takes milliseconds, or a second for the live source's requests.
const PATIENCE: Duration = Duration::from_secs(20);

fn product(number: usize) -> String {
    format!("C{number:03}-USD")
}

/// A message as Coinbase documents it, each another. Its connection counts its messages by `sequence`.
fn ticker(number: usize, sequence: u64) -> String {
    let (product, nanos) =
        (product(number % PRODUCTS), number as u64 * 1_000_000_000 / u64::from(MESSAGES_PER_SECOND));
    let (second, nanos) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    let (minute, second) = (second / 60, second % 60);
    let cents = price_cents(number);
    let decimal = |cents: u64| format!("{}.{:02}", cents / 100, cents % 100);
    let (price, bid, ask) = (decimal(cents), decimal(cents - 1), decimal(cents + 1));
    let size = number * 617_321 % 100_000_000;
    format!(
        r#"{{"channel":"ticker","client_id":"","timestamp":"2026-04-04T03:{minute:02}:{second:02}.{nanos:09}Z","sequence_num":{sequence},"events":[{{"type":"update","tickers":[{{"type":"ticker","product_id":"{product}","price":"{price}","volume_24_h":"16038.{size:08}","low_24_h":"21835.29","high_24_h":"23011.18","low_52_w":"15460","high_52_w":"48240","price_percent_chg_24_h":"-4.15775596190603","best_bid":"{bid}","best_bid_quantity":"8000.{size:08}","best_ask":"{ask}","best_ask_quantity":"8038.{size:08}"}}]}}]}}"#
    )
}

fn price_cents(number: usize) -> u64 {
    2_193_298 + number as u64 * 7_919 % 100_003
}

/// What the server sends, and when.
#[derive(Clone, Copy)]
struct Load {
    messages: usize,
    /// Messages that are sent at the same time.
    burst: usize,
}

/// Serves one run: confirms all products, sends the load on its schedule, and waits until the client is gone. It returns the
/// time from the first message to the last.
fn serve(listener: &TcpListener, load: Load) -> Duration {
    let mut sockets: Vec<(WebSocket<TcpStream>, u64)> = (0..CONNECTIONS)
        .map(|_| {
            let (stream, _) = listener.accept().expect("the client connects");
            stream.set_nodelay(true).expect("a fresh connection takes options");
            stream.set_read_timeout(Some(PATIENCE)).expect("a fresh connection takes options");
            (accept(stream).expect("the client speaks WebSocket"), 0)
        })
        .collect();
    let mut connection_of: BTreeMap<String, usize> = BTreeMap::new();
    for (number, (socket, sequence)) in sockets.iter_mut().enumerate() {
        let mut asked: Vec<Value> = Vec::new();
        while asked.len() < PRODUCTS / CONNECTIONS {
            let request = socket.read().expect("the client asks for products");
            let mut request: Value = serde_json::from_slice(&request.into_data()).expect("a request is JSON");
            if let Some(products) = request["product_ids"].as_array_mut() {
                asked.append(products);
            }
        }
        connection_of
            .extend(asked.iter().map(|product| (product.as_str().expect("a name").to_owned(), number)));
        let confirmed = serde_json::json!({
            "channel": "subscriptions", "timestamp": "2026-04-04T03:00:00Z", "sequence_num": *sequence,
            "events": [{"subscriptions": {"ticker": asked}}],
        });
        *sequence += 1;
        socket.send(Message::text(confirmed.to_string())).expect("the client is there");
    }
    let connection_of: Vec<usize> = (0..PRODUCTS).map(|number| connection_of[&product(number)]).collect();
    // What the client still does about its subscriptions is over by then.
    std::thread::sleep(Duration::from_millis(300));

    let begun = Instant::now();
    for first in (0..load.messages).step_by(load.burst) {
        let due = Duration::from_secs(1) * first as u32 / MESSAGES_PER_SECOND;
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
        for number in first..load.messages.min(first + load.burst) {
            let (socket, sequence) = &mut sockets[connection_of[number % PRODUCTS]];
            socket.write(Message::text(ticker(number, *sequence))).expect("the client is there");
            *sequence += 1;
        }
        sockets.iter_mut().for_each(|(socket, _)| socket.flush().expect("the client is there"));
    }
    let elapsed = begun.elapsed();
    for (socket, _) in &mut sockets {
        while socket.read().is_ok() {}
    }
    elapsed
}

/// A server for one run.
fn start_server(load: Load) -> (SocketAddr, JoinHandle<Duration>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
    let address = listener.local_addr().expect("it is bound");
    (address, std::thread::spawn(move || serve(&listener, load)))
}

/// The processor time of the reading thread from the first message to the last, and a check of what was read.
#[derive(Default)]
struct Reading {
    count: usize,
    sum: u64,
    first: Duration,
    last: Duration,
}

impl Reading {
    /// Notes a message that was read; says whether it is the last one.
    fn note(&mut self, load: Load, value: u64) -> bool {
        if self.count == 0 {
            self.first = thread_cpu();
        }
        self.count += 1;
        self.sum += value;
        if self.count == load.messages {
            self.last = thread_cpu();
        }
        self.count >= load.messages
    }

    /// Microseconds a message.
    fn us(&self, load: Load) -> f64 {
        assert_eq!(self.count, load.messages);
        (self.last - self.first).as_secs_f64() * 1e6 / (load.messages - 1) as f64
    }
}

/// The sink of the live source: it counts, and ends the source after the last tick.
struct Count {
    load: Load,
    reading: Reading,
    stop: StopToken,
}

impl TickSink for Count {
    fn tick(&mut self, _: &str, _: &str, _: Offset, _: u32, tick: Tick) {
        let quote = tick.quote.expect("each message has a quote");
        assert!(quote.bid < tick.price && tick.price < quote.ask);
        let cents = tick.price.value() * 100.0;
        if self.reading.note(self.load, cents.round() as u64) {
            self.stop.stop();
        }
    }

    fn event(&mut self, _: Offset, event: RecordEvent) {
        assert!(matches!(event, RecordEvent::NoTick(_)), "{event:?}");
    }
}

/// The live source, on this thread.
fn ours(address: SocketAddr, load: Load) -> Reading {
    let settings = LiveSettings {
        venues: vec!["coinbase".to_owned()],
        products: (0..PRODUCTS).map(product).collect(),
        urls: BTreeMap::from([("coinbase".to_owned(), format!("ws://{address}"))]),
        products_per_connection: Some(PRODUCTS / CONNECTIONS),
        ..LiveSettings::default()
    };
    let source = LiveSource::open(&settings).expect("the settings can work");
    let (stop, report) = (StopToken::default(), LiveReport::default());
    let mut sink = Count { load, reading: Reading::default(), stop: stop.clone() };
    let mut run = Run { now: EventTime::MIN, sink: &mut sink, stop: &stop, progress: &mut () };
    source.run(&report, &mut run).expect("the system gives a runtime");
    let expected: u64 = (0..load.messages).map(price_cents).sum();
    assert_eq!(sink.reading.sum, expected, "every price came");
    sink.reading
}

/// The plain loop, on this thread.
fn plain(address: SocketAddr, load: Load) -> Reading {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let reading = std::cell::RefCell::new(Reading::default());
    let read = async |connection: usize| {
        let stream = tokio::net::TcpStream::connect(address).await.expect("the server listens");
        let (mut socket, _) = tokio_tungstenite::client_async(format!("ws://{address}"), stream)
            .await
            .expect("the server speaks WebSocket");
        let share = PRODUCTS / CONNECTIONS;
        let products: Vec<String> = (connection * share..(connection + 1) * share).map(product).collect();
        let request = serde_json::json!({"type": "subscribe", "channel": "ticker", "product_ids": products});
        socket.send(Message::text(request.to_string())).await.expect("the server is there");
        while let Some(message) = socket.next().await {
            let message = message.expect("the server is there").into_data();
            let value: Value = serde_json::from_slice(&message).expect("each message is JSON");
            if value["channel"] == "ticker" && reading.borrow_mut().note(load, 0) {
                break;
            }
        }
    };
    runtime.block_on(async {
        // One of them reads the last message; the other one waits for ever.
        tokio::select! {
            () = read(0) => {}
            () = read(1) => {}
        }
    });
    reading.into_inner()
}

/// Microseconds a message of one run, and messages a second that were sent.
fn measure(read: fn(SocketAddr, Load) -> Reading, load: Load) -> (f64, f64) {
    let (address, server) = start_server(load);
    let reading =
        std::thread::spawn(move || read(address, load)).join().expect("the reader takes all messages");
    let elapsed = server.join().expect("the server sends all messages");
    (reading.us(load), load.messages as f64 / elapsed.as_secs_f64())
}

fn main() {
    let messages = MESSAGES_PER_SECOND as usize * 6 / support::size(1, 20);
    println!("| burst | round | messages/s | ours, us a message | plain, us a message | ratio |");
    println!("|---:|---:|---:|---:|---:|---:|");
    for burst in [1, 50] {
        let load = Load { messages, burst };
        let mut ratios: Vec<f64> = (0..support::size(5, 1))
            .map(|round| {
                let ((ours, rate), (plain, _)) = (measure(ours, load), measure(plain, load));
                println!("| {burst} | {round} | {rate:.0} | {ours:.2} | {plain:.2} | {:.2} |", ours / plain);
                ours / plain
            })
            .collect();
        println!("bursts of {burst}: median ratio {:.2}", median(&mut ratios));
    }
}
