//! A local exchange: a WebSocket server whose connections each follow a script, and a REST server that answers pages.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio_tungstenite::tungstenite::{
    Message, WebSocket, accept,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

/// So long may a test wait for what takes milliseconds on an idle machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A stream of bytes, with TLS or not.
pub(super) trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

/// One client's connection, as the exchange sees it.
pub(super) struct Peer {
    pub(super) socket: WebSocket<Box<dyn Stream>>,
    plain: TcpStream,
    stop: Arc<AtomicBool>,
}

impl Peer {
    /// Sends a text; a client that is gone ends the script by the next read.
    pub(super) fn send(&mut self, text: &str) {
        let _ = self.socket.send(Message::text(text));
    }

    pub(super) fn send_message(&mut self, message: Message) {
        let _ = self.socket.send(message);
    }

    /// Bytes that are no frame.
    pub(super) fn send_raw(&mut self, bytes: &[u8]) {
        let _ = self.plain.write_all(bytes);
    }

    /// The next text from the client; `None` once it is gone or the test is over. Pings are answered on the way.
    pub(super) fn hear(&mut self) -> Option<String> {
        while !self.stop.load(Ordering::Relaxed) {
            match self.socket.read() {
                Ok(Message::Text(text)) => return Some(text.as_str().to_owned()),
                Ok(_) => {}
                Err(tokio_tungstenite::tungstenite::Error::Io(error))
                    if matches!(
                        error.kind(),
                        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                    ) => {}
                Err(_) => return None,
            }
        }
        None
    }

    /// Whether the client is gone or the test is over.
    pub(super) fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || !self.socket.can_write()
    }

    /// The next text as JSON.
    pub(super) fn hear_json(&mut self) -> Value {
        self.hear().map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
    }

    /// Reads until the client is gone; what it said meanwhile.
    pub(super) fn linger(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.hear()).collect()
    }

    /// Neither reads nor writes nor closes, until the test is over: a half-open socket.
    pub(super) fn freeze(&mut self) {
        while !self.stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(super) fn close(&mut self, code: u16, reason: &str) {
        let _ = self
            .socket
            .close(Some(CloseFrame { code: CloseCode::from(code), reason: reason.to_owned().into() }));
        self.linger();
    }
}

/// A server that ends with the test.
pub(super) struct Exchange {
    pub(super) address: SocketAddr,
    /// Connections so far.
    pub(super) connections: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Exchange {
    /// Serves WebSockets; `script` is given each connection with its number, from 0.
    pub(super) fn start(script: impl Fn(usize, &mut Peer) + Send + Sync + 'static) -> Self {
        Self::start_with(|stream| Some(Box::new(stream)), script)
    }

    /// Likewise, behind what `wrap` makes of a stream, such as TLS.
    pub(super) fn start_with(
        wrap: impl Fn(TcpStream) -> Option<Box<dyn Stream>> + Send + Sync + 'static,
        script: impl Fn(usize, &mut Peer) + Send + Sync + 'static,
    ) -> Self {
        let (wrap, script) = (Arc::new(wrap), Arc::new(script));
        Self::accept(move |number, stream, stop| {
            // A blocked read looks now and then whether the test is over.
            stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
            let plain = stream.try_clone().unwrap();
            let Some(wrapped) = wrap(stream) else { return };
            let mut handshake = accept(wrapped);
            let socket = loop {
                use tokio_tungstenite::tungstenite::HandshakeError::{Failure, Interrupted};
                match handshake {
                    Ok(socket) => break socket,
                    Err(Interrupted(middle)) if !stop.load(Ordering::Relaxed) => {
                        handshake = middle.handshake()
                    }
                    Err(Interrupted(_) | Failure(_)) => return,
                }
            };
            script(number, &mut Peer { socket, plain, stop });
        })
    }

    /// Answers GETs: `answer` is given the path and returns status and body.
    pub(super) fn rest(answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::accept(move |_, stream, stop| {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut reader = BufReader::new(stream);
            while !stop.load(Ordering::Relaxed) {
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    if !matches!(reader.read_line(&mut head), Ok(1..)) {
                        return;
                    }
                }
                let path = head.split(' ').nth(1).unwrap_or_default();
                let (status, body) = answer(path);
                let length = body.len();
                let response = format!("HTTP/1.1 {status} Because\r\nContent-Length: {length}\r\n\r\n{body}");
                if reader.get_mut().write_all(response.as_bytes()).is_err() {
                    return;
                }
            }
        })
    }

    /// Gives each accepted stream to `serve`, on a thread of its own.
    pub(super) fn accept(serve: impl Fn(usize, TcpStream, Arc<AtomicBool>) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, connections) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (stopped, counted, serve) = (stop.clone(), connections.clone(), Arc::new(serve));
        let acceptor = std::thread::spawn(move || {
            let threads: Mutex<Vec<JoinHandle<()>>> = Mutex::default();
            for stream in listener.incoming() {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                let (number, serve, stop) =
                    (counted.fetch_add(1, Ordering::Relaxed), serve.clone(), stopped.clone());
                let stream = stream.unwrap();
                threads.lock().unwrap().push(std::thread::spawn(move || serve(number, stream, stop)));
            }
        });
        Self { address, connections, stop, acceptor: Some(acceptor) }
    }

    pub(super) fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    pub(super) fn connected(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the acceptor.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

/// Waits until something holds.
#[track_caller]
pub(super) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
