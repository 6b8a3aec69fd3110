//! A client under measurement: its process, and what the kernel says about it.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use clap::Args;
use rustix::process::{Pid, Signal, kill_process};

use crate::Result;

/// Clock ticks a second of `/proc`: 100 on every Linux that Rust runs on.
const TICKS_PER_SECOND: f64 = 100.0;
const END_TIMEOUT: Duration = Duration::from_secs(30);

/// How to start the client, and which topics it reads and writes.
#[derive(Args)]
pub(crate) struct ClientArguments {
    /// Names it in the tables.
    #[arg(long)]
    pub(crate) name: String,
    /// Ticks.
    #[arg(long)]
    pub(crate) ticks: String,
    /// Predictions.
    #[arg(long)]
    pub(crate) output: String,
    /// Its consumer group; one that has none is watched by what it wrote.
    #[arg(long)]
    pub(crate) group: Option<String>,
    /// File for the client's output.
    #[arg(long)]
    pub(crate) log: PathBuf,
    /// The broker's process.
    #[arg(long)]
    pub(crate) broker_pid: i32,
    /// Its command line.
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<String>,
}

/// A running client; killed when dropped.
pub(crate) struct Client {
    child: Child,
    pub(crate) started: Instant,
}

impl Client {
    pub(crate) fn start(arguments: &ClientArguments) -> Result<Self> {
        let log = File::options().create(true).append(true).open(&arguments.log)?;
        let started = Instant::now();
        let child = Command::new(&arguments.command[0])
            .args(&arguments.command[1..])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{}: {error}", arguments.command[0]))?;
        Ok(Self { child, started })
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// An error if it has ended by itself.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => Err(format!("the client ended: {status}").into()),
            None => Ok(()),
        }
    }

    /// As a crash ends it.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// As its operator ends it.
    pub(crate) fn stop(mut self) -> Result<()> {
        let pid = Pid::from_raw(self.pid()).ok_or("a process has a number")?;
        kill_process(pid, Signal::TERM)?;
        let deadline = Instant::now() + END_TIMEOUT;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                eprintln!(
                    "the client did not end within {} s of SIGTERM and was killed",
                    END_TIMEOUT.as_secs()
                );
                return self.kill();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU time of all threads of a process so far, in seconds, user and system.
pub(crate) fn cpu_s(pid: i32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in parentheses, may hold anything.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<f64>().ok());
    Ok((ticks(11).ok_or("no utime")? + ticks(12).ok_or("no stime")?) / TICKS_PER_SECOND)
}

/// Resident memory of a process, MiB.
pub(crate) fn resident_mib(pid: i32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}
