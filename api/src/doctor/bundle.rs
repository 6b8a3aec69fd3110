//! Packs the findings into one zip file, without secrets, for somebody else to look at.
//!
//! The configuration defines which words are secret. If it does not load, no secret is known, and everything that may
//! contain one (a log, the service's answers, the configuration's lines) is left out.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use zip::{ZipWriter, write::SimpleFileOptions};

use super::{
    context::Context,
    finding,
    finding::{Finding, Outcome},
    redact::Redactor,
};
use crate::{
    capacity::Machine,
    config::{ConfigError, show::show},
};

/// Name of the check that reports why a configuration does not load.
const CONFIGURATION: &str = "configuration";
/// Checks whose findings stay when no secret is known: one looks at the processor only, and the other is reduced to the
/// place of the error.
const CHECKS_WITHOUT_SECRETS: [&str; 2] = [CONFIGURATION, "instructions"];

/// Bytes of the log that are packed: its end.
const LOG_BYTES_MAX: u64 = 1 << 20;

/// Writes the findings, the configuration, the service's answers and the end of the log, all without secrets.
///
/// # Errors
/// If the file cannot be written, the log cannot be read, or a log is given while the configuration does not load.
pub(crate) fn write(
    path: &Path,
    context: &Context,
    findings: &[Finding],
    log: Option<&Path>,
) -> io::Result<()> {
    if let (Err(_), Some(log)) = (&context.loaded, log) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "--log {} is not packed while the configuration does not load, because nobody knows then which of its words \
                 are secret; mend the configuration first, or leave --log out",
                log.display()
            ),
        ));
    }
    let (redactor, findings) = match &context.loaded {
        Ok(loaded) => (Redactor::new(&loaded.config), findings.to_vec()),
        Err(error) => (Redactor::default(), findings_without_secrets(error, findings)),
    };
    let mut bundle = Bundle { zip: ZipWriter::new(File::create(path)?), redactor };
    let mut text = Vec::new();
    finding::print(&findings, &mut text)?;
    bundle.add("doctor.txt", &text)?;
    bundle.add("doctor.json", &serde_json::to_vec_pretty(&findings)?)?;
    bundle.add("machine.json", &serde_json::to_vec_pretty(&Machine::detect())?)?;
    if let Ok(loaded) = &context.loaded {
        bundle.add("configuration.toml", show(loaded).as_bytes())?;
    }
    let packed = context.running().filter(|_| context.loaded.is_ok());
    for (path, answer) in packed.into_iter().flat_map(|service| service.answers()) {
        let name = path.trim_start_matches('/').split('?').next().unwrap_or_default();
        let extension = if name == "metrics" { "txt" } else { "json" };
        bundle.add(&format!("service/{name}.{extension}"), &answer.body)?;
    }
    if let Some(log) = log {
        bundle.add("log.txt", &read_end(log)?)?;
    }
    bundle.zip.finish().map_err(io::Error::from)?.sync_all()
}

/// The findings that quote neither the configuration nor the service.
fn findings_without_secrets(error: &ConfigError, findings: &[Finding]) -> Vec<Finding> {
    let mut kept: Vec<Finding> = findings
        .iter()
        .filter(|finding| {
            finding.outcome == Outcome::Skipped || CHECKS_WITHOUT_SECRETS.contains(&finding.check)
        })
        .cloned()
        .collect();
    for finding in kept.iter_mut().filter(|finding| finding.check == CONFIGURATION) {
        finding.what = format!(
            "{}; the values, and all that the service says, are left out: nobody knows which of it is secret",
            error.place()
        );
    }
    kept
}

/// The last [`LOG_BYTES_MAX`] of the log.
fn read_end(log: &Path) -> io::Result<Vec<u8>> {
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
    /// Adds a file, whose bytes are text, without its secrets.
    fn add(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let text = self.redactor.redact(&String::from_utf8_lossy(bytes));
        self.zip.start_file(name, SimpleFileOptions::default()).map_err(io::Error::from)?;
        self.zip.write_all(text.as_bytes())
    }
}
