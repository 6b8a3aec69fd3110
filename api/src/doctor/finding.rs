//! The result of a check.

use std::io::{self, Write};

use serde::Serialize;

/// Outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// As it should be.
    Ok,
    /// It works, but may stop working, or works less well than it could.
    Warning,
    /// It does not work.
    Failed,
    /// The check did not run, because what it looks at is not there.
    Skipped,
}

impl Outcome {
    fn text(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "WARNING",
            Self::Failed => "FAILED",
            Self::Skipped => "-",
        }
    }
}

/// One result of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// Name of the check.
    pub check: &'static str,
    pub outcome: Outcome,
    /// A sentence on what was found, with its cause if known; for a skipped check, the reason.
    pub what: String,
    /// What to do about a warning or a failure.
    pub fix: Option<String>,
}

impl Finding {
    fn new(outcome: Outcome, what: impl Into<String>, fix: Option<String>) -> Self {
        Self { check: "", outcome, what: what.into(), fix }
    }

    pub(super) fn ok(what: impl Into<String>) -> Self {
        Self::new(Outcome::Ok, what, None)
    }

    pub(super) fn warning(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(Outcome::Warning, what, Some(fix.into()))
    }

    pub(super) fn failed(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(Outcome::Failed, what, Some(fix.into()))
    }

    pub(super) fn skipped(why: impl Into<String>) -> Self {
        Self::new(Outcome::Skipped, why, None)
    }
}

/// Writes a line for each finding with its fix below it, then the skipped checks by reason, then the counts.
pub(crate) fn print(findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    let mut skipped: Vec<(&str, Vec<&str>)> = Vec::new();
    for Finding { check, outcome, what, fix } in findings {
        if *outcome == Outcome::Skipped {
            match skipped.iter_mut().find(|(why, _)| why == what) {
                Some((_, checks)) => checks.push(check),
                None => skipped.push((what, vec![check])),
            }
            continue;
        }
        let indented = |text: &str| text.trim_end().replace('\n', "\n                            ");
        writeln!(out, "{:<8} {check:<18} {}", outcome.text(), indented(what))?;
        if let Some(fix) = fix {
            writeln!(out, "{:<8} {:<18} -> {}", "", "", indented(fix))?;
        }
    }
    for (why, checks) in skipped {
        writeln!(out, "{:<8} {why}: {}", Outcome::Skipped.text(), checks.join(", "))?;
    }
    let count = |outcome| findings.iter().filter(|finding| finding.outcome == outcome).count();
    writeln!(
        out,
        "\n{} ok, {} warnings, {} failed, {} not asked",
        count(Outcome::Ok),
        count(Outcome::Warning),
        count(Outcome::Failed),
        count(Outcome::Skipped)
    )
}
