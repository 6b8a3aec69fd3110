//! `stormglass top`: the symbols of a running service as a table that is drawn anew, the likeliest spike first.

use std::{
    io::{IsTerminal, Write},
    net::SocketAddr,
    time::Duration,
};

use clap::Args;
use serde::Deserialize;

use super::{ConfigArgument, Exit, Failure, print_failed, signals::stopped_by_signals};
use crate::client::{BlockingClient, Target, reachable};

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How often the stop is looked at between two tables.
const LOOK: Duration = Duration::from_millis(50);
/// Symbols of one question.
const SYMBOLS_PER_QUESTION: usize = 256;
/// Lines of a table where the terminal does not tell its height.
const LINES_DEFAULT: usize = 24;
/// Clears the screen and moves to its first line.
const CLEAR: &str = "\x1b[2J\x1b[H";

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass top
  stormglass top --url http://predictions:8000 --every 5
  stormglass top --once                        one table, as for a script or a ticket")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// The service, http://HOST:PORT; the configured one on this machine if left out.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Seconds between two tables.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    every: u64,
    /// Print one table of all symbols and end. Without a terminal this is what happens anyway.
    #[arg(long)]
    once: bool,
}

#[derive(Deserialize)]
struct Symbols {
    symbols: Vec<Symbol>,
}

#[derive(Deserialize)]
struct Symbol {
    symbol: String,
    price: f64,
}

#[derive(Deserialize)]
struct Predictions {
    predictions: Vec<Prediction>,
}

/// What the table shows of an answer; a symbol that has gone meanwhile has no status that is a text.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Prediction {
    symbol: String,
    status: serde_json::Value,
    probability: Option<f64>,
    threshold: Option<f64>,
    spike: Option<bool>,
    tau_bp: Option<f64>,
    volatility: Option<Volatility>,
    age_ms: Option<i64>,
}

#[derive(Deserialize)]
struct Volatility {
    forecast_bp: f64,
}

struct Row {
    price: f64,
    prediction: Prediction,
}

pub(super) fn run(arguments: Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let refused = |why: String| Failure::new(Exit::Configuration, why);
    let target = match &arguments.url {
        Some(url) => Target::parse(url).map_err(|why| refused(format!("--url {why}")))?,
        None => {
            let address: SocketAddr = reachable(arguments.config.load()?.config.server.listen);
            address.into()
        }
    };
    let failed = |why: String| Failure::new(Exit::Failed, format!("{target}: {why}"));
    let client = BlockingClient::new(target.clone(), TIMEOUT).map_err(|error| failed(error.to_string()))?;
    if arguments.once || !std::io::stdout().is_terminal() {
        let rows = rows(&client).map_err(failed)?;
        return out.write_all(table(&rows, rows.len()).as_bytes()).map_err(print_failed);
    }
    let stop = stopped_by_signals()?;
    while !stop.is_stopped() {
        let rows = rows(&client).map_err(failed)?;
        let shown = lines().saturating_sub(3);
        let text = table(&rows, shown);
        write!(out, "{CLEAR}{text}").and_then(|()| out.flush()).map_err(print_failed)?;
        for _ in 0..arguments.every * 1_000 / LOOK.as_millis() as u64 {
            if stop.is_stopped() {
                break;
            }
            std::thread::sleep(LOOK);
        }
    }
    Ok(())
}

fn lines() -> usize {
    rustix::termios::tcgetwinsize(std::io::stdout()).map_or(LINES_DEFAULT, |size| usize::from(size.ws_row))
}

/// Every symbol with its newest prediction, the highest probability first.
fn rows(client: &BlockingClient) -> Result<Vec<Row>, String> {
    let symbols: Symbols = read(client.get("/symbols"))?;
    let mut rows = Vec::with_capacity(symbols.symbols.len());
    for asked in symbols.symbols.chunks(SYMBOLS_PER_QUESTION) {
        let names: Vec<&str> = asked.iter().map(|symbol| symbol.symbol.as_str()).collect();
        let body = serde_json::json!({ "symbols": names }).to_string();
        let answers: Predictions = read(client.post("/predict", body.into()))?;
        let answered = asked.iter().zip(answers.predictions);
        rows.extend(
            answered
                .filter(|(_, prediction)| prediction.status.is_string())
                .map(|(symbol, prediction)| Row { price: symbol.price, prediction }),
        );
    }
    let probability = |row: &Row| row.prediction.probability.unwrap_or(-1.0);
    rows.sort_by(|a, b| {
        probability(b).total_cmp(&probability(a)).then_with(|| a.prediction.symbol.cmp(&b.prediction.symbol))
    });
    Ok(rows)
}

fn read<T: for<'de> Deserialize<'de>>(
    answer: Result<crate::client::Answer, crate::client::ClientError>,
) -> Result<T, String> {
    let answer = answer.map_err(|error| format!("does not answer: {error}"))?;
    if answer.status != 200 {
        return Err(format!("answers {}: {}", answer.status, String::from_utf8_lossy(&answer.body).trim()));
    }
    serde_json::from_slice(&answer.body).map_err(|error| format!("answers something else: {error}"))
}

/// The first `shown` rows below a line that names the columns.
fn table(rows: &[Row], shown: usize) -> String {
    let widest = rows.iter().map(|row| row.prediction.symbol.chars().count()).max().unwrap_or(0).max(6);
    let mut text = format!(
        "{:<widest$}  {:>14}  {:>11}  {:>5}  {:>11}  {:>6}  {:<7}  {:>7}\n",
        "symbol", "price", "probability", "spike", "forecast bp", "tau bp", "status", "age s"
    );
    let number = |value: Option<f64>, decimals: usize| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
    };
    for Row { price, prediction } in rows.iter().take(shown) {
        let spike = match (prediction.spike, prediction.threshold) {
            (Some(true), _) => "yes",
            (Some(false), _) => "no",
            _ => "-",
        };
        text += &format!(
            "{:<widest$}  {:>14}  {:>11}  {:>5}  {:>11}  {:>6}  {:<7}  {:>7}\n",
            prediction.symbol,
            price,
            number(prediction.probability, 4),
            spike,
            number(prediction.volatility.as_ref().map(|volatility| volatility.forecast_bp), 2),
            number(prediction.tau_bp, 2),
            prediction.status.as_str().unwrap_or_default(),
            number(prediction.age_ms.map(|age_ms| age_ms as f64 / 1_000.0), 1),
        );
    }
    let spikes = rows.iter().filter(|row| row.prediction.spike == Some(true)).count();
    let hidden = rows.len().saturating_sub(shown);
    text + &format!(
        "{} symbols, {spikes} with a spike ahead{}\n",
        rows.len(),
        if hidden > 0 { format!("; {hidden} further ones do not fit") } else { String::new() }
    )
}
