//! Writes a measurement as a line of JSON, of which `report.py` makes tables.

use std::{fs::File, io::Write, path::PathBuf};

use clap::Args;
use serde::Serialize;

use crate::Result;

#[derive(Args)]
pub(crate) struct RowArguments {
    /// The file that rows are added to.
    #[arg(long)]
    rows: PathBuf,
}

impl RowArguments {
    pub(crate) fn add(&self, row: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(row)?;
        eprintln!("{text}");
        writeln!(File::options().create(true).append(true).open(&self.rows)?, "{text}")?;
        Ok(())
    }
}
