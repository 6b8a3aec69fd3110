//! `stormglass load-test`: open-loop load on a running service, and a check of its service level.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use serde::Serialize;

use super::{Exit, Failure, signals::stopped_by_signals};
use crate::{
    client::{BlockingClient, ClientError, Target},
    load::{self, Inputs, LoadReport, Plan, Slo},
};

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Requests a second above which a generator on one machine would measure itself.
const RATE_MAX: f64 = 1_000_000.0;
/// One request a day, the longest duration: at a lower rate nothing would follow the first request.
const RATE_MIN: f64 = 1.0 / 86_400.0;
/// Connections that one thread drives; with more, a second thread helps.
const CONNECTIONS_PER_THREAD: usize = 256;
/// Threads at most: the service often shares the machine.
const THREADS_MAX: usize = 4;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass load-test --rate 200 --duration 30s
  stormglass load-test --url http://10.0.0.5:8000 --rate 5000 --duration 1m --connections 128 --p99-ms 20
  stormglass load-test --rate 50 --requests 1000 --rows features.csv --json report.json

Requests are sent at a fixed rate, whatever the answers do, and each latency counts from the instant at which its request
was due: a service that stands still for a second delays all that fell due in it. Exit 0: the service level held; 1: it did
not, nobody answered, or the generator itself could not keep up; 64: bad flags. Ctrl-C prints what there is.")]
pub(super) struct Arguments {
    /// The service.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8000")]
    url: String,
    /// Requests a second.
    #[arg(long, value_name = "R", default_value = "100", value_parser = rate)]
    rate: f64,
    /// Duration: 30s, 2m, 500ms.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    duration: Duration,
    /// End after this many requests, if that is sooner.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    requests: Option<u64>,
    /// Post the rows of this file of features (CSV, or a table of `stormglass features`) instead of asking for symbols.
    #[arg(long, value_name = "FILE")]
    rows: Option<PathBuf>,
    /// Number of kept connections.
    #[arg(long, value_name = "C", default_value = "32", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    connections: u16,
    /// Greatest p95 latency, milliseconds.
    #[arg(long, value_name = "X", default_value = "800", value_parser = milliseconds)]
    p95_ms: f64,
    /// Greatest p99 latency, milliseconds; not checked if left out.
    #[arg(long, value_name = "X", value_parser = milliseconds)]
    p99_ms: Option<f64>,
    /// Least share of right answers, percent.
    #[arg(long, value_name = "PERCENT", default_value = "99", value_parser = percent)]
    success: f64,
    /// Write the report as JSON as well; without a file, or to -, it is printed instead of the tables.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let refused = |message: String| Failure::new(Exit::Configuration, message);
    let failed = |message: String| Failure::new(Exit::Failed, message);
    let target = Target::parse(&arguments.url).map_err(|what| refused(format!("--url {what}")))?;
    let rows = arguments.rows.as_deref().map(Inputs::rows).transpose();
    let rows = rows.map_err(|what| refused(format!("--rows {what}")))?;
    let client = BlockingClient::new(target.clone(), TIMEOUT)
        .map_err(|error| failed(format!("cannot start a runtime: {error}")))?;
    check_answers(&client).map_err(failed)?;
    let inputs = match rows {
        Some(rows) => rows,
        None => Inputs::symbols(&client).map_err(failed)?,
    };
    let stop = stopped_by_signals()?;
    let connections = usize::from(arguments.connections);
    let plan = Plan {
        target,
        rate_per_s: arguments.rate,
        duration: arguments.duration,
        requests_max: arguments.requests.unwrap_or(u64::MAX),
        connections,
        threads: connections.div_ceil(CONNECTIONS_PER_THREAD).min(THREADS_MAX),
        outstanding_max: Plan::outstanding_for(arguments.rate, TIMEOUT),
        timeout: TIMEOUT,
    };
    let report = load::run(&plan, &Arc::new(inputs), &stop)
        .map_err(|error| failed(format!("cannot make the load: {error}")))?;
    let slo = Slo { p95_ms: arguments.p95_ms, p99_ms: arguments.p99_ms, success_percent: arguments.success };
    print(&report, &slo, arguments.json.as_deref(), out)?;
    match slo.breaches(&report).as_slice() {
        [] => Ok(()),
        breaches => Err(failed(format!("not passed: {}", breaches.join("; ")))),
    }
}

/// Fails before the run if no service answers, rather than once for each request.
fn check_answers(client: &BlockingClient) -> Result<(), String> {
    let target = client.target();
    match client.get("/livez") {
        Ok(_) => Ok(()),
        Err(ClientError::Refused) => Err(format!(
            "nobody listens at {target}: start the service (stormglass serve), or name another by --url"
        )),
        Err(error) => Err(format!("{target} does not answer: {error}")),
    }
}

#[derive(Serialize)]
struct Body<'a> {
    passed: bool,
    breaches: Vec<String>,
    slo: &'a Slo,
    #[serde(flatten)]
    report: &'a LoadReport,
}

fn print(report: &LoadReport, slo: &Slo, json: Option<&Path>, out: &mut dyn Write) -> Result<(), Failure> {
    let breaches = slo.breaches(report);
    let body = Body { passed: breaches.is_empty(), breaches, slo, report };
    super::print_report(&body, json, out, |out| report.print(slo, out))
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (RATE_MIN..=RATE_MAX).contains(&rate) => Ok(rate),
        _ => Err(format!("give requests a second, at least one a day (0.0000116), at most {RATE_MAX}")),
    }
}

pub(super) fn milliseconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(time) if time > 0.0 && time.is_finite() => Ok(time),
        _ => Err("give milliseconds above 0".to_owned()),
    }
}

pub(super) fn percent(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("give a percentage, 0 to 100".to_owned()),
    }
}

/// `30s`, `2m`, `500ms`, `1h`; a bare number is seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit_s = match unit {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return Err(format!("{unit:?} is no unit; write 500ms, 30s, 2m or 1h")),
    };
    match number.parse::<f64>() {
        Ok(number) if number > 0.0 && number * unit_s <= 86_400.0 => {
            Ok(Duration::from_secs_f64(number * unit_s))
        }
        _ => Err("give a time above 0, at most a day: 500ms, 30s, 2m, 1h".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_at_least_one_a_day() {
        assert_eq!((rate("0.5"), rate("0.0000116")), (Ok(0.5), Ok(0.000_011_6)));
        for text in ["1e-30", "0", "-1", "NaN", "inf", "1e7"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_read_with_their_unit() {
        for (text, millis) in
            [("30s", 30_000), ("2m", 120_000), ("500ms", 500), ("1.5", 1_500), ("1h", 3_600_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "0s", "-1s", "10x", "2d", "NaN", "25h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
