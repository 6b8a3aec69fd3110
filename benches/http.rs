//! What does the prediction add to the cost of HTTP itself?
//!
//! Throughput of `GET /predict/{symbol}` with 32 connections, and the median latency with one, against a bare hyper
//! server with the same number of front threads and the same settings that answers the same bytes without any work.
//! Meanwhile the symbols get a thousand ticks a second, so that the front has to ask the shard a thousand times: real
//! markets bring tens.
//! Both run in this process, in turns, several rounds; the clients share the processors, so read the ratio.
//! `cargo bench --bench http`

mod support;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::channel,
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use api::{
    config::Config,
    http::{App, ModelReport, Server},
};
use bytes::Bytes;
use engine::{
    Engine, EngineSettings,
    intake::TickSink,
    sim::{SimConfig, Simulator},
    symbol::Offset,
};
use http_body_util::Full;
use hyper::{Response, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Builder,
    task::LocalSet,
};

/// As the shipped binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const REQUEST: &[u8] = b"GET /predict/BTC-USD HTTP/1.1\r\nhost: localhost\r\n\r\n";

fn main() {
    let (rounds, seconds) = if support::is_test() { (1, 0.2) } else { (7, 2.0) };
    // The bare server has one thread too.
    let settings = EngineSettings { fronts: Some(1), ..EngineSettings::default() };
    let engine =
        Engine::start(&settings, Some(support::forest_model(100, 6))).expect("the default settings start");
    let stop = Arc::new(AtomicBool::new(false));
    let feeder = feed(&engine, stop.clone());
    let mut config = Config::default();
    config.server.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let app = App::new(engine.handle().clone(), config, ModelReport::default(), None, Box::new(|| 1));
    let server = Server::start(app, &engine.plan().front_cpus).expect("a free port on loopback");
    let answer = run(server.address(), 1, Duration::from_millis(50)).body;
    assert!(answer.contains(r#""status":"ok""#) || answer.contains(r#""status":"stale""#), "{answer}");
    let bare = bare_server(answer.clone().into(), engine.plan().front_cpus[0]);

    println!(
        "answer: {} bytes; {} shard(s) on {}",
        answer.len(),
        engine.plan().shard_cpus.len(),
        engine.handle().runtime.name
    );
    println!(
        "| connections | round | ours, requests/s | bare, requests/s | ratio | ours p50, us | bare p50, us |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|");
    for connections in [32, 1] {
        let mut ratios: Vec<f64> = (0..rounds)
            .map(|round| {
                let ours = run(server.address(), connections, Duration::from_secs_f64(seconds));
                let theirs = run(bare, connections, Duration::from_secs_f64(seconds));
                let ratio = ours.per_second() / theirs.per_second();
                println!(
                    "| {connections} | {round} | {:.0} | {:.0} | {ratio:.3} | {:.1} | {:.1} |",
                    ours.per_second(),
                    theirs.per_second(),
                    ours.median_us(),
                    theirs.median_us(),
                );
                ratio
            })
            .collect();
        ratios.sort_by(f64::total_cmp);
        println!("{connections} connections: median ratio {:.3}", ratios[ratios.len() / 2]);
    }
    stop.store(true, Ordering::Relaxed);
    feeder.join().expect("the feeder does not panic");
    server.stop();
    engine.stop();
}

/// Enough simulated ticks that BTC-USD is warm, then one more every millisecond.
fn feed(engine: &Engine, stop: Arc<AtomicBool>) -> JoinHandle<()> {
    const WARM: usize = 20_000;
    let products = support::products();
    let mut intake = engine.intake();
    let mut ticks = Simulator::new(SimConfig::default()).enumerate();
    let mut next = move || {
        let (i, (symbol, tick)) = ticks.next().expect("the simulator does not end");
        intake.tick("simulator", &products[symbol], Offset(i as u64), 0, tick);
        if i >= WARM {
            intake.flush();
        }
    };
    (0..=WARM).for_each(|_| next());
    let accepted = || -> u64 { engine.handle().metrics.shards.iter().map(|s| s.ticks_accepted.get()).sum() };
    while accepted() <= WARM as u64 {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(1));
            next();
        }
    })
}

/// hyper with our settings, on the CPU of our front, and one constant answer.
fn bare_server(answer: Bytes, cpu: Option<usize>) -> SocketAddr {
    let (tell, address) = channel();
    std::thread::spawn(move || {
        if let Some(cpu) = cpu {
            engine::sys::pin_current_thread(cpu).expect("our front was pinned there");
        }
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on loopback");
            tell.send(listener.local_addr().expect("it is bound")).expect("the bench waits for it");
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                stream.set_nodelay(true).expect("a fresh connection takes options");
                let answer = answer.clone();
                let service = service_fn(move |_| {
                    let mut response = Response::new(Full::new(answer.clone()));
                    let json = hyper::header::HeaderValue::from_static("application/json");
                    response.headers_mut().insert(hyper::header::CONTENT_TYPE, json);
                    async { Ok::<_, std::convert::Infallible>(response) }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(Duration::from_secs(10))
                    .max_buf_size(64 * 1024)
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
    });
    address.recv().expect("the bare server tells its address")
}

/// One closed-loop run.
struct Measured {
    elapsed: Duration,
    latencies_ns: Vec<u64>,
    body: String,
}

impl Measured {
    fn per_second(&self) -> f64 {
        self.latencies_ns.len() as f64 / self.elapsed.as_secs_f64()
    }

    fn median_us(&self) -> f64 {
        let mut sorted = self.latencies_ns.clone();
        sorted.sort_unstable();
        sorted[sorted.len() / 2] as f64 / 1e3
    }
}

/// Keeps `connections` connections busy from one thread for `duration`.
fn run(address: SocketAddr, connections: usize, duration: Duration) -> Measured {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let local = LocalSet::new();
    let started = Instant::now();
    let clients: Vec<_> =
        (0..connections).map(|_| local.spawn_local(client(address, started + duration))).collect();
    let mut measured = Measured { elapsed: duration, latencies_ns: Vec::new(), body: String::new() };
    runtime.block_on(local.run_until(async {
        for client in clients {
            let (latencies, body) = client.await.expect("a client does not panic");
            measured.latencies_ns.extend(latencies);
            measured.body = body;
        }
    }));
    measured.elapsed = started.elapsed();
    measured
}

async fn client(address: SocketAddr, until: Instant) -> (Vec<u64>, String) {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    stream.set_nodelay(true).expect("a fresh connection takes options");
    let mut buffer = vec![0; 16 * 1024];
    let mut latencies = Vec::new();
    let mut body = String::new();
    while Instant::now() < until || latencies.is_empty() {
        let sent = Instant::now();
        stream.write_all(REQUEST).await.expect("the server takes the request");
        let mut filled = 0;
        let (head, length) = loop {
            filled += stream.read(&mut buffer[filled..]).await.expect("the server answers");
            if let Some(found) = whole_answer(&buffer[..filled]) {
                break found;
            }
        };
        latencies.push(sent.elapsed().as_nanos() as u64);
        assert!(buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer[..filled]));
        if body.is_empty() {
            body = String::from_utf8_lossy(&buffer[head..head + length]).into_owned();
        }
    }
    (latencies, body)
}

/// Start and length of the body, once all of it has been received.
fn whole_answer(bytes: &[u8]) -> Option<(usize, usize)> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    })?;
    (bytes.len() >= head + length).then_some((head, length))
}
