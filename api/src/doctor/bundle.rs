//! What was found, in one zip file, for somebody else to look at: no secret is in it.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use zip::{ZipWriter, write::SimpleFileOptions};

use super::{context::Context, finding, finding::Finding, redact::Redactor};
use crate::{capacity::Machine, config::show::show};

/// Bytes of a log's end that are taken.
const LOG_BYTES_MAX: u64 = 1 << 20;

/// Writes `findings`, the configuration without its secrets, what the service says of itself, and a log's end.
///
/// # Errors
/// When the file cannot be written, or the log cannot be read.
pub fn write(path: &Path, context: &Context, findings: &[Finding], log: Option<&Path>) -> io::Result<()> {
    let redactor =
        context.loaded.as_ref().map_or_else(|_| Redactor::default(), |loaded| Redactor::of(&loaded.config));
    let mut bundle = Bundle { zip: ZipWriter::new(File::create(path)?), redactor };
    let findings = without_excerpts(context, findings);
    let mut text = Vec::new();
    finding::print(&findings, &mut text)?;
    bundle.add("doctor.txt", &text)?;
    bundle.add("doctor.json", &serde_json::to_vec_pretty(&findings)?)?;
    bundle.add("machine.json", &serde_json::to_vec_pretty(&Machine::look())?)?;
    if let Ok(loaded) = &context.loaded {
        bundle.add("configuration.toml", show(loaded).as_bytes())?;
    }
    for (path, answer) in context.running().into_iter().flat_map(|service| service.answers()) {
        let name = path.trim_start_matches('/').split('?').next().unwrap_or_default();
        let extension = if name == "metrics" { "txt" } else { "json" };
        bundle.add(&format!("service/{name}.{extension}"), &answer.body)?;
    }
    if let Some(log) = log {
        bundle.add("log.txt", &end_of(log)?)?;
    }
    bundle.zip.finish().map_err(io::Error::from)?.sync_all()
}

/// Why a file is not TOML is told with the line, which may hold a secret that nobody knows then.
fn without_excerpts(context: &Context, findings: &[Finding]) -> Vec<Finding> {
    let mut findings = findings.to_vec();
    if context.loaded.is_err() {
        for finding in &mut findings {
            finding.what = finding.what.lines().next().unwrap_or_default().to_owned();
        }
    }
    findings
}

fn end_of(log: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(log)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", log.display())))?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES_MAX)))?;
    let mut end = Vec::new();
    file.take(LOG_BYTES_MAX).read_to_end(&mut end)?;
    Ok(end)
}

struct Bundle {
    zip: ZipWriter<File>,
    redactor: Redactor,
}

impl Bundle {
    fn add(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let text = self.redactor.clean(&String::from_utf8_lossy(bytes));
        self.zip.start_file(name, SimpleFileOptions::default()).map_err(io::Error::from)?;
        self.zip.write_all(text.as_bytes())
    }
}
