//! The report of `stormglass capacity`: JSON by its fields, and text tables.

use std::io::{self, Write};

use model::Model;
use serde::Serialize;

use crate::text::grouped;

use super::{
    machine::Machine,
    noise::NoiseReport,
    plan::{Measured, Plan, Requirements},
    requests::RequestsReport,
    rows::RowsReport,
    ticks::TicksReport,
};

/// Name and size of the measured model.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ModelBody {
    pub name: String,
    pub version: String,
    pub variant: String,
    pub sha256: String,
    pub trees: usize,
    pub nodes: usize,
}

impl ModelBody {
    pub(super) fn new(model: &Model) -> Self {
        let info = model.info();
        Self {
            name: info.name.clone(),
            version: info.version.clone(),
            variant: info.variant.clone(),
            sha256: info.sha256.clone(),
            trees: info.tree_count,
            nodes: info.node_count,
        }
    }
}

/// The measured numbers, and the plan made from them.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub machine: Machine,
    pub model: ModelBody,
    pub runtime: &'static str,
    pub runtime_reason: String,
    pub threads: String,
    pub ticks: TicksReport,
    pub rows: RowsReport,
    pub requests: RequestsReport,
    pub noise: NoiseReport,
    pub measured: Measured,
    pub plan: Plan,
    /// Requirements of the load given by `--symbols`; `None` without that flag.
    pub needed: Option<Requirements>,
    /// Whether it was measured with `--quick`.
    pub is_quick: bool,
}

fn mebibytes(bytes: u64) -> String {
    grouped(bytes as f64 / f64::from(1 << 20))
}

impl Report {
    /// Writes the text tables.
    pub(crate) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        self.print_measured(out)?;
        self.print_requests(out)?;
        self.print_plan(out)
    }

    fn print_measured(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { machine, model, ticks, rows, .. } = self;
        let processor = machine.processor.as_deref().unwrap_or("processor unknown");
        let quota = machine.quota_cores.map_or_else(String::new, |quota| format!(", {quota} by quota"));
        writeln!(
            out,
            "machine   {} core(s){quota}, {processor}; {} MiB of memory free",
            machine.cores,
            mebibytes(machine.memory_available_bytes)
        )?;
        writeln!(out, "runtime   {} ({}); {}", self.runtime, self.runtime_reason, self.threads)?;
        writeln!(
            out,
            "model     {} {} ({} trees, {} nodes), sha256 {}",
            model.name, model.version, model.trees, model.nodes, model.sha256
        )?;
        writeln!(out, "noise     {}", self.noise.sentence())?;
        if self.is_quick {
            writeln!(out, "          --quick: rough numbers, of windows that are not full")?;
        }
        writeln!(out)?;
        let scored = if ticks.is_scored { "scored" } else { "features only: the model scores rows" };
        writeln!(
            out,
            "a tick    {:.0} ns of processor time (median of {}; {:.0} to {:.0}), {scored}, {} symbols: {} ticks/s a core",
            ticks.nanos_per_tick.median,
            ticks.nanos_per_tick.repetitions,
            ticks.nanos_per_tick.min,
            ticks.nanos_per_tick.max,
            grouped(ticks.symbols as f64),
            grouped(ticks.per_core_per_s)
        )?;
        let made_up = if rows.is_real { "" } else { " (made-up rows)" };
        for (name, cost) in [("a row", &rows.nanos_per_row), ("in batch", &rows.nanos_per_row_in_batch)] {
            writeln!(
                out,
                "{name:<10}{:.0} ns of processor time (median of {}; {:.0} to {:.0}){made_up}",
                cost.median, cost.repetitions, cost.min, cost.max
            )?;
        }
        writeln!(out, "a symbol  {:.0} KiB of memory", ticks.bytes_per_symbol as f64 / 1_024.0)
    }

    fn print_requests(&self, out: &mut dyn Write) -> io::Result<()> {
        let requests = &self.requests;
        writeln!(out)?;
        writeln!(
            out,
            "GET /predict/{{symbol}}, {} connections, {} ticks/s meanwhile; load and service share the machine",
            requests.connections,
            grouped(f64::from(requests.ticks_per_s))
        )?;
        writeln!(
            out,
            "{:>12}{:>14}{:>10}{:>10}{:>14}{:>10}",
            "requests/s", "answered/s", "p50, ms", "p99, ms", "load late, ms", "success"
        )?;
        for step in &requests.steps {
            writeln!(
                out,
                "{:>12}{:>14}{:>10.3}{:>10.3}{:>14.3}{:>9.2}%{}",
                grouped(step.rate_asked_per_s),
                grouped(step.rate_right_per_s),
                step.p50_ms,
                step.p99_ms,
                step.generator_lag_p99_ms,
                step.success_percent,
                if step.held { "" } else { "  does not hold" }
            )?;
        }
        let target =
            format!("p99 <= {} ms and success >= {} %", requests.p99_ms_max, requests.success_percent_min);
        match requests.held_p99_ms {
            Some(p99) => writeln!(
                out,
                "held      {} requests/s within {target} (p99 of {} runs {:.1} to {:.1} ms)",
                grouped(requests.held_per_s),
                p99.repetitions,
                p99.min,
                p99.max
            )?,
            None => writeln!(out, "held      no rate within {target}: see the noise above")?,
        }
        match &requests.broke_by {
            Some(broke_by) => writeln!(out, "broke     {broke_by}"),
            None => writeln!(out, "broke     not within the rates that are tried"),
        }
    }

    fn print_plan(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { plan, measured, .. } = self;
        writeln!(out)?;
        writeln!(
            out,
            "plan at {:.0} % use: {} ticks/s on {} shard(s), {} requests/s on {} front thread(s), {} symbols in memory",
            100.0 * measured.utilisation,
            grouped(plan.ticks_per_s),
            measured.shards,
            grouped(plan.requests_per_s),
            measured.fronts,
            grouped(plan.symbols_in_memory as f64)
        )?;
        for held in &plan.holds {
            writeln!(
                out,
                "  {:>4} ticks/s each: {:>8} symbols (bound: {})",
                held.ticks_per_symbol_per_s,
                grouped(held.symbols as f64),
                held.bound.text()
            )?;
        }
        writeln!(out)?;
        write!(out, "shards (cores) needed{:>9}", "symbols")?;
        for held in &plan.holds {
            write!(out, "{:>12}", format!("{}/s each", held.ticks_per_symbol_per_s))?;
        }
        writeln!(out)?;
        for row in &plan.shards_needed {
            write!(out, "{:>30}", grouped(row.symbols as f64))?;
            for shards in &row.shards {
                write!(out, "{:>12}", grouped(*shards as f64))?;
            }
            writeln!(out)?;
        }
        let Some(needed) = &self.needed else { return Ok(()) };
        writeln!(out)?;
        let front = match needed.front_cores {
            Some(cores) => format!("{cores} core(s) for the front"),
            None => "a front of unknown size (no rate held here)".to_owned(),
        };
        writeln!(
            out,
            "{} symbols at {} ticks/s each and {} requests/s need {} core(s) for shards, {front}, {} MiB for state: {} \
             machine(s) like this one",
            grouped(needed.load.symbols as f64),
            needed.load.ticks_per_symbol_per_s,
            grouped(needed.load.requests_per_s),
            needed.shard_cores,
            mebibytes(needed.memory_bytes),
            needed.instances
        )?;
        if !needed.is_each_symbol_held {
            writeln!(out, "one symbol's ticks are more than a shard holds: this load cannot be held")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn numbers_are_grouped_by_threes() {
        let texts = [0.0, 999.0, 1_000.0, 1_234_567.4].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "1,234,567"]);
    }
}
