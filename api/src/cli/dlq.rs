//! `stormglass dlq list|replay`: lists dead letters, and replays those that can be read by now.

use std::{collections::BTreeMap, io::Write};

use clap::{Args, Subcommand};
use engine::kafka::{KafkaSettings, Letter, LetterCounts, LetterReplay, list_letters, replay_letters};
use serde::Serialize;

use super::{
    Failure,
    broker::{BrokerArguments, failed},
    print_failed,
    progress::RecordBar,
};

/// Characters shown of a letter's value.
const EXCERPT_CHARS: usize = 200;
/// Most letters that are shown.
const LETTERS_MAX: u64 = 10_000;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass dlq list --reason bad_number
  stormglass dlq replay --dry-run")]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Count the dead letters by reason and show the newest.
    List(ListArguments),
    /// Read each letter again; those that can be read now go back to the topic of ticks, each only once.
    Replay(ReplayArguments),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass dlq list
  stormglass dlq list --reason bad_number --limit 50 --json")]
struct ListArguments {
    #[command(flatten)]
    broker: BrokerArguments,
    /// Number of newest letters to show.
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u64).range(0..=LETTERS_MAX))]
    limit: u64,
    /// Only letters with this reason.
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass dlq replay --dry-run
  stormglass dlq replay --reason bad_time

A letter goes back with its original key to the partition it came from. What still cannot be read, and what was cut, stays.
A tick that is older than its symbol's newest is dropped as late by the engine, and is in the topic all the same.")]
struct ReplayArguments {
    #[command(flatten)]
    broker: BrokerArguments,
    /// Only letters with this reason.
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    /// Report what would be replayed, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    match arguments.action {
        Action::List(arguments) => list(arguments, out),
        Action::Replay(arguments) => replay(arguments, out),
    }
}

#[derive(Serialize)]
struct ListBody {
    topic: String,
    by_reason: BTreeMap<String, LetterCounts>,
    newest: Vec<LetterBody>,
}

#[derive(Serialize)]
struct LetterBody {
    partition: u32,
    offset: u64,
    timestamp_ms: Option<i64>,
    reason: String,
    replayed: bool,
    key: Option<String>,
    headers: BTreeMap<String, String>,
    /// The first [`EXCERPT_CHARS`] characters.
    value: String,
    value_bytes: usize,
}

impl From<&Letter> for LetterBody {
    fn from(letter: &Letter) -> Self {
        let record = &letter.record;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let value = record.value.as_deref().unwrap_or_default();
        let shown = &value[..value.len().min(4 * EXCERPT_CHARS)];
        let header = |(name, value): &(String, Option<Vec<u8>>)| {
            (name.clone(), text(value.as_deref().unwrap_or_default()))
        };
        Self {
            partition: record.partition,
            offset: record.offset,
            timestamp_ms: record.timestamp_ms,
            reason: letter.reason().to_owned(),
            replayed: letter.is_replayed,
            key: record.key.as_deref().map(text),
            headers: record.headers.iter().map(header).collect(),
            value: text(shown).chars().take(EXCERPT_CHARS).collect(),
            value_bytes: value.len(),
        }
    }
}

fn list(arguments: ListArguments, out: &mut dyn Write) -> Result<(), Failure> {
    let (_, settings) = arguments.broker.load()?;
    let limit = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
    let list = list_letters(&settings, limit, arguments.reason.as_deref(), &mut RecordBar::default())
        .map_err(|error| failed(&error))?;
    let newest: Vec<LetterBody> = list.newest.iter().map(LetterBody::from).collect();
    let body = ListBody { topic: settings.topic_dlq.clone(), by_reason: list.by_reason, newest };
    if arguments.json {
        return print_json(&body, out);
    }
    print_list(&settings, &body, out).map_err(print_failed)
}

fn print_list(settings: &KafkaSettings, body: &ListBody, out: &mut dyn Write) -> std::io::Result<()> {
    if body.by_reason.is_empty() {
        return writeln!(out, "no letters in {}", settings.topic_dlq);
    }
    writeln!(out, "{:<24} {:>9} {:>9}", "reason", "waiting", "replayed")?;
    for (reason, counts) in &body.by_reason {
        writeln!(out, "{reason:<24} {:>9} {:>9}", counts.waiting, counts.replayed)?;
    }
    for letter in &body.newest {
        let replayed = if letter.replayed { ", replayed" } else { "" };
        writeln!(out, "\n{}:{} {}{replayed}", letter.partition, letter.offset, letter.reason)?;
        if let Some(key) = &letter.key {
            writeln!(out, "  key {key:?}")?;
        }
        for (name, value) in &letter.headers {
            writeln!(out, "  {name}: {value}")?;
        }
        writeln!(out, "  {} bytes: {:?}", letter.value_bytes, letter.value)?;
    }
    Ok(())
}

fn replay(arguments: ReplayArguments, out: &mut dyn Write) -> Result<(), Failure> {
    let (_, settings) = arguments.broker.load()?;
    let asked = LetterReplay { reason: arguments.reason, dry_run: arguments.dry_run };
    let counts =
        replay_letters(&settings, &asked, &mut RecordBar::default()).map_err(|error| failed(&error))?;
    if arguments.json {
        return print_json(&counts, out);
    }
    let reasons: Vec<String> =
        counts.unreadable.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    writeln!(
        out,
        "{} letters {} to {} as {} records; {} were replayed before; {} still cannot be read{}; {} were cut, {} are about \
         another topic, {} have another reason",
        counts.replayed,
        if asked.dry_run { "would go" } else { "went" },
        settings.topic_raw,
        counts.records,
        counts.replayed_before,
        counts.unreadable.values().sum::<u64>(),
        if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) },
        counts.truncated,
        counts.other_topic,
        counts.other_reason,
    )
    .map_err(print_failed)
}

fn print_json(body: &impl Serialize, out: &mut dyn Write) -> Result<(), Failure> {
    serde_json::to_writer(&mut *out, body).map_err(|error| print_failed(error.into()))?;
    writeln!(out).map_err(print_failed)
}
