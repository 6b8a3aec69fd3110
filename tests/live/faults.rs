//! What goes wrong on a connection: each is handled, counted, shown, and recovered from.

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::{Duration, Instant},
};

use engine::{decode::Unreadable, live_report::ConnectionState};
use tokio_tungstenite::tungstenite::Message;

use super::{exchange::Peer, *};

/// A ticker of Coinbase Advanced Trade, `number` seconds into a session.
fn ticker(sequence: u64, number: u64) -> String {
    let (minute, second) = (number / 60, number % 60);
    format!(
        r#"{{"channel":"ticker","timestamp":"2026-04-04T03:{minute:02}:{second:02}.5Z","sequence_num":{sequence},"events":[{{"type":"update","tickers":[{{"type":"ticker","product_id":"BTC-USD","price":"{}","best_bid":"67000.1","best_ask":"67000.2","best_bid_quantity":"1","best_ask_quantity":"2"}}]}}]}}"#,
        67_000 + number
    )
}

fn confirmation(sequence: u64) -> String {
    format!(
        r#"{{"channel":"subscriptions","timestamp":"2026-04-04T03:00:00Z","sequence_num":{sequence},"events":[{{"subscriptions":{{"ticker":["BTC-USD"]}}}}]}}"#
    )
}

fn heartbeat(sequence: u64) -> String {
    format!(
        r#"{{"channel":"heartbeats","timestamp":"2026-04-04T03:00:00Z","sequence_num":{sequence},"events":[{{"current_time":"2026-04-04 03:00:00 +0000 UTC","heartbeat_counter":{sequence}}}]}}"#
    )
}

/// Hears both requests and confirms.
fn subscribe(peer: &mut Peer) {
    peer.hear();
    peer.hear();
    peer.send(&confirmation(0));
}

/// Runs a fault on the first connection; the second one is sound and gives a tick, number 100. Returns what was taken and the
/// reason for which the first ended.
#[track_caller]
fn recovered(fault: impl Fn(&mut Peer) + Send + Sync + 'static) -> (Taken, String, Arc<ConnectionReport>) {
    let exchange = Exchange::start(move |number, peer| {
        subscribe(peer);
        if number == 0 {
            peer.send(&ticker(1, 1));
            fault(peer);
            return;
        }
        // Slow enough for the reason to be seen.
        peer.send(&ticker(1, 100));
        for sequence in 2.. {
            std::thread::sleep(Duration::from_millis(50));
            peer.send(&heartbeat(sequence));
            if peer.is_over() {
                break;
            }
        }
    });
    let mut settings = settings("coinbase", &["BTC-USD"], &exchange);
    settings.reconnect_min_s = Seconds::new(0.2).unwrap();
    settings.reconnect_max_s = Seconds::new(0.4).unwrap();
    let feed = Feed::start(&settings);
    feed.until("the first connection ends", |connection| connection.standing().reason.is_some());
    let reason = feed.connection().standing().reason.unwrap();
    assert!(feed.report.troubles()[0].contains(&reason), "{:?}", feed.report.troubles());
    feed.until_ticks(2);
    feed.until("the second connection is live", |connection| connection.state() == ConnectionState::Live);
    let connection = feed.connection();
    assert_eq!(connection.standing().reason, None, "it is over");
    assert!(connection.reconnects.load(Relaxed) >= 1);
    let taken = feed.end();
    let prices: Vec<_> = taken.ticks.iter().map(|(_, tick)| tick.price.value()).collect();
    assert_eq!((prices[0], prices[prices.len() - 1]), (67_001.0, 67_100.0));
    (taken, reason, connection)
}

#[test]
fn every_close_code_is_shown_with_the_venues_words_and_recovered_from() {
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 4000, 4999] {
        let (_, reason, _) = recovered(move |peer| peer.close(code, "maintenance at noon"));
        assert_eq!(reason, format!("the venue closed with {code} \"maintenance at noon\""));
    }
}

#[test]
fn a_socket_that_ends_without_a_word_is_recovered_from() {
    let (_, reason, _) = recovered(|_| {});
    assert!(
        reason.starts_with("the socket failed") || reason == "the venue ended the connection",
        "{reason}"
    );
}

#[test]
fn a_half_open_socket_is_found_dead_in_its_time() {
    let begun = Instant::now();
    let (_, reason, _) = recovered(Peer::freeze);
    assert!(reason.contains("no heartbeat either"), "{reason}");
    // Twice the silence of half a second, and the wait.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_feed_whose_heartbeats_stop_is_dead_though_its_socket_answers_pings() {
    let (_, reason, _) = recovered(|peer| drop(peer.linger()));
    assert!(reason.contains("no heartbeat either"), "{reason}");
}

#[test]
fn bytes_that_are_no_frame_end_the_socket() {
    let (_, reason, _) = recovered(|peer| {
        peer.send_raw(&[0xff; 64]);
        peer.linger();
    });
    assert!(reason.starts_with("the socket failed"), "{reason}");
}

#[test]
fn a_frame_cut_in_the_middle_ends_the_socket() {
    let (_, reason, _) = recovered(|peer| {
        // A text of 100 bytes, of which 3 come.
        peer.send_raw(&[0x81, 100, b'{', b'"', b'c']);
    });
    assert!(reason.starts_with("the socket failed"), "{reason}");
}

#[test]
fn a_frame_beyond_16_mib_is_counted_and_ends_the_socket() {
    let (_, reason, connection) = recovered(|peer| {
        peer.send_message(Message::text("x".repeat((16 << 20) + 1)));
        peer.linger();
    });
    assert!(reason.contains("too long") || reason.contains("16777216"), "{reason}");
    assert_eq!(connection.oversized.load(Relaxed), 1);
}

/// Sends messages on one sound connection and returns what came of them.
fn taken_of(messages: Vec<Message>, ticks: usize) -> (Taken, Arc<ConnectionReport>) {
    let exchange = Exchange::start(move |_, peer| {
        subscribe(peer);
        messages.iter().for_each(|message| peer.send_message(message.clone()));
        peer.linger();
    });
    let mut settings = settings("coinbase", &["BTC-USD"], &exchange);
    settings.silence_s = Seconds::whole(10);
    let feed = Feed::start(&settings);
    feed.until_ticks(ticks);
    let connection = feed.connection();
    assert_eq!(connection.reconnects.load(Relaxed), 0, "{:?}", connection.standing());
    (feed.end(), connection)
}

#[test]
fn garbage_and_10_mib_messages_are_counted_and_the_socket_stays() {
    let mut messages: Vec<Message> =
        ["", "null", "[1,2", "\u{feff}", r#"{"channel":"nothing"}"#, "nonsense"].map(Message::text).into();
    messages.push(Message::binary(vec![0xff, 0xfe, 0x00]));
    messages.push(Message::text(format!("{{\"channel\":\"ticker\",\"x\":\"{}\"}}", "y".repeat(10 << 20))));
    messages.push(Message::Ping(vec![1, 2, 3].into()));
    // A binary frame that holds the text of a message is that message.
    messages.push(Message::binary(ticker(1, 1).into_bytes()));
    let (taken, _) = taken_of(messages, 1);
    let reasons: Vec<_> = taken
        .events
        .iter()
        .filter_map(|event| match event {
            RecordEvent::Unreadable(reason) => Some(*reason),
            _ => None,
        })
        .collect();
    assert_eq!(reasons.len(), 8, "{reasons:?}");
    assert!(reasons.contains(&Unreadable::TooLong) && reasons.contains(&Unreadable::NotUtf8), "{reasons:?}");
}

#[test]
fn lost_repeated_and_reordered_messages_are_told_by_their_numbers() {
    let numbers = [1, 2, 5, 5, 4, 6];
    let messages = numbers.map(|number| Message::text(ticker(number, number))).into();
    let (taken, connection) = taken_of(messages, numbers.len());
    // The state drops what is late; the feed passes on all that came, in the order in which it came.
    assert_eq!(taken.ticks.len(), numbers.len());
    assert_eq!(connection.missing.load(Relaxed), 2, "3 and 4, before 4 came late");
    assert!(taken.events.contains(&RecordEvent::SequenceGap { missing: 2 }));
}

#[test]
fn a_venues_error_in_the_middle_is_shown_and_counted() {
    let error = r#"{"type":"error","message":"rate limit exceeded"}"#;
    let (taken, connection) = taken_of(vec![Message::text(error), Message::text(ticker(2, 1))], 1);
    assert_eq!(connection.standing().notice.as_deref(), Some("rate limit exceeded"));
    assert!(taken.events.contains(&RecordEvent::Unreadable(Unreadable::VenueError)));
}

#[test]
fn a_quiet_market_is_live_while_its_heartbeats_come() {
    let exchange = Exchange::start(|_, peer| {
        subscribe(peer);
        for sequence in 1..40 {
            peer.send(&heartbeat(sequence));
            std::thread::sleep(Duration::from_millis(50));
        }
        peer.linger();
    });
    let feed = Feed::start(&settings("coinbase", &["BTC-USD"], &exchange));
    feed.until("many heartbeats", |connection| connection.messages.load(Relaxed) >= 38);
    let connection = feed.connection();
    assert_eq!((connection.state(), connection.reconnects.load(Relaxed)), (ConnectionState::Live, 0));
    assert_eq!(feed.end().ticks.len(), 0);
}

#[test]
fn a_venue_that_is_down_is_tried_again_ever_less_often_and_says_so() {
    // A port on which nothing listens.
    let gone = Exchange::start(|_, _| {});
    let mut settings = settings("coinbase", &["BTC-USD"], &gone);
    drop(gone);
    settings.reconnect_max_s = Seconds::new(0.3).unwrap();
    let feed = Feed::start(&settings);
    feed.until("tries", |connection| connection.reconnects.load(Relaxed) >= 5);
    let standing = feed.connection().standing();
    assert!(standing.reason.unwrap().contains("cannot reach 127.0.0.1"));
    let (tries, begun) = (feed.connection().reconnects.load(Relaxed), Instant::now());
    feed.until("more tries", |connection| connection.reconnects.load(Relaxed) >= tries + 4);
    assert!(begun.elapsed() >= Duration::from_millis(4 * 150 - 150), "half of the longest wait at least");
}

#[test]
fn a_refused_handshake_is_shown_with_the_venues_words() {
    let exchange = Exchange::rest(|_| (451, "Service unavailable from a restricted location".to_owned()));
    let feed = Feed::start(&settings("binance", &["BTCUSDT"], &exchange));
    feed.until("a refusal", |connection| connection.standing().reason.is_some());
    let reason = feed.connection().standing().reason.unwrap();
    assert!(reason.contains("451") && reason.contains("restricted location"), "{reason}");
}

#[test]
fn a_server_that_never_answers_the_handshake_is_given_up_in_time() {
    let exchange = Exchange::accept(|_, stream, stop| {
        while !stop.load(Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(stream);
    });
    let mut settings = settings("coinbase", &["BTC-USD"], &exchange);
    settings.connect_timeout_s = Seconds::new(0.3).unwrap();
    let feed = Feed::start(&settings);
    feed.until("a reason", |connection| connection.standing().reason.is_some());
    assert!(feed.connection().standing().reason.unwrap().contains("handshake within 300ms"));
}

#[test]
fn a_venue_that_confirms_nothing_is_given_up_in_time() {
    let exchange = Exchange::start(|_, peer| drop(peer.linger()));
    let mut settings = settings("coinbase", &["BTC-USD"], &exchange);
    settings.subscribe_timeout_s = Seconds::new(0.3).unwrap();
    settings.silence_s = Seconds::whole(10);
    let feed = Feed::start(&settings);
    feed.until("a reason", |connection| connection.standing().reason.is_some());
    let standing = feed.connection().standing();
    assert!(standing.reason.unwrap().contains("no confirmation within 0.3 s"));
    assert!(standing.refused["BTC-USD"].contains("no confirmation"));
}

/// How many ends of open connections to this address the system knows: two of each.
fn open_ends(address: std::net::SocketAddr) -> usize {
    let port = format!(":{:04X}", address.port());
    let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let is_open = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields[3] == "01" && (fields[1].ends_with(&port) || fields[2].ends_with(&port))
    };
    table.lines().skip(1).filter(is_open).count()
}

#[test]
fn a_connection_of_its_age_is_followed_by_another_without_a_hole_or_a_double() {
    // Each trade goes to every connection that is open, as at the venue.
    let newest = Arc::new(AtomicUsize::new(0));
    let clock = newest.clone();
    let exchange = Exchange::start(move |_, peer| {
        peer.hear();
        peer.send(
            r#"{"type":"subscriptions","channels":[{"name":"ticker","product_ids":["BTC-USD"],"account_ids":null}]}"#,
        );
        let mut sent = clock.load(Relaxed);
        while !peer.is_over() {
            let last = clock.load(Relaxed);
            for id in sent + 1..=last {
                let time = jiff::Timestamp::from_millisecond(1_775_000_000_000 + id as i64 * 10).unwrap();
                let trade = format!(
                    r#"{{"type":"ticker","sequence":{id},"product_id":"BTC-USD","price":"67000.5","best_bid":"67000.1","best_bid_size":"1","best_ask":"67000.9","best_ask_size":"1","side":"buy","time":"{time}","trade_id":{id},"last_size":"0.02"}}"#
                );
                if peer.socket.send(Message::text(trade)).is_err() {
                    return;
                }
            }
            sent = last;
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let mut settings = settings("coinbase-exchange", &["BTC-USD"], &exchange);
    settings.silence_s = Seconds::new(0.2).unwrap();
    // 24 hours, compressed.
    settings.lifetime_s = Seconds::new(0.3).unwrap();
    let lives = if std::env::var("STORMGLASS_LONG").is_ok_and(|long| !long.is_empty()) { 60 } else { 4 };
    let feed = Feed::start(&settings);
    feed.until("it is live", |connection| connection.state() == ConnectionState::Live);
    let began = newest.load(Relaxed);
    while feed.connection().reconnects.load(Relaxed) < lives {
        newest.fetch_add(1, Relaxed);
        std::thread::sleep(Duration::from_millis(1));
        assert_eq!(feed.connection().standing().reason, None, "no connection was lost");
    }
    let last = newest.load(Relaxed);
    until("the last trade", || feed.taken.lock().unwrap().ids().last() == Some(&(last as u64)));
    let connection = feed.connection();
    assert!(exchange.connected() > lives as usize);
    assert_eq!(connection.missing.load(Relaxed), 0);
    assert!(connection.doubled.load(Relaxed) > 0, "the two overlap");
    // Two sockets at most are open at a time: nothing stays of those that ended.
    until("the old connections end", || open_ends(exchange.address) <= 4);
    let ids = feed.end().ids();
    let mut each = ids.clone();
    each.sort_unstable();
    each.dedup();
    assert_eq!(each.len(), ids.len(), "no trade came twice");
    assert_eq!(
        each.len() as u64,
        last as u64 - began as u64 - (each[0] - began as u64 - 1),
        "none is missing"
    );
}
