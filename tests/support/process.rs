//! The real binary as a user starts it, on a port of its own.

use std::{
    io::{BufRead, BufReader, Read},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use super::client::{Connection, HANG};

/// A running `stormglass`, ended with the test.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) started: Instant,
    log: Receiver<String>,
}

impl Process {
    /// Starts `stormglass serve` with these arguments; `change` may alter the command first.
    pub(crate) fn serve(arguments: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        // A free port, taken and given back: the binary binds it a moment later.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_stormglass"));
        command.args(["serve", "--listen", &address.to_string()]).args(arguments);
        // Nobody has to notice in a test that the service leaves; those of the grace set their own.
        command.env("STORMGLASS__SERVER__SHUTDOWN_GRACE_S", "0");
        command.env("STORMGLASS__LOG__FORMAT", "json").stdout(Stdio::piped()).stderr(Stdio::piped());
        change(&mut command);
        let started = Instant::now();
        let mut child = command.spawn().unwrap();
        let (lines, log) = channel();
        for stream in [
            Box::new(child.stdout.take().unwrap()) as Box<dyn Read + Send>,
            Box::new(child.stderr.take().unwrap()),
        ] {
            let lines = lines.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = lines.send(line);
                }
            });
        }
        Self { child, address, started, log }
    }

    /// One request; `None` while nothing listens.
    pub(crate) fn get(&self, path: &str) -> Option<(u16, String)> {
        get(self.address, path)
    }

    /// Asks until `enough` accepts the answer, at most `limit` from the start of the process.
    pub(crate) fn get_until(
        &self,
        path: &str,
        limit: Duration,
        enough: impl Fn(u16, &str) -> bool,
    ) -> (Duration, String) {
        let mut last = None;
        while self.started.elapsed() < limit {
            if let Some((status, body)) = self.get(path) {
                if enough(status, &body) {
                    return (self.started.elapsed(), body);
                }
                last = Some((status, body));
            }
            // Paces the questions; what is waited for is the answer.
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!(
            "{path} did not answer as expected within {limit:?}; last: {last:?}; log: {:#?}",
            self.log_lines()
        );
    }

    /// Log lines so far.
    pub(crate) fn log_lines(&self) -> Vec<String> {
        self.log.try_iter().collect()
    }

    /// The number by which the system knows it.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal: `TERM`, `KILL`, `STOP`, `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        let (signal, id) = (format!("-{name}"), self.child.id().to_string());
        assert!(Command::new("kill").args([&signal, &id]).status().unwrap().success());
    }

    /// Memory it holds now, in MiB.
    pub(crate) fn resident_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
    }

    /// Asks it to end, as an orchestrator does, and waits.
    pub(crate) fn terminate(self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.await_end()
    }

    /// Waits for the end of the process; returns its status and its log lines.
    #[cfg_attr(not(feature = "kafka"), expect(dead_code, reason = "asked by the stories of Kafka"))]
    pub(crate) fn wait_with_log(mut self) -> (ExitStatus, Vec<String>) {
        let status = self.await_end();
        // To the end of both streams, which the process has closed.
        (status, self.log.iter().collect())
    }

    fn await_end(&mut self) -> ExitStatus {
        let limit = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            if Instant::now() >= limit {
                panic!("the process outlived its drain timeout; log: {:#?}", self.log_lines());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One HTTP/1.1 request on a connection of its own: status and body; `None` if nobody answers there.
pub(crate) fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    send(address, "GET", path, "")
}

/// Sends a request with a method and a body; returns the answer's status and body.
pub(crate) fn send(address: SocketAddr, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
    let stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(HANG)).unwrap();
    let mut connection = Connection { reader: BufReader::new(stream) };
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
    connection.send(format!("{head}{body}").as_bytes());
    // Whoever held the port until now, such as another test's service that ends, resets what it does not read.
    if connection.reader.fill_buf().is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset) {
        return None;
    }
    let answer = connection.read();
    Some((answer.status, answer.text().to_owned()))
}
