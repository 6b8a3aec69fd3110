//! Calculates from measured numbers how much load this machine holds, and what a given load needs.

use engine::limits::SYMBOLS_MAX;
use serde::Serialize;

/// Share of the free memory that symbols may take. The rest is for connections, bodies, models and the system.
const MEMORY_SHARE: f64 = 0.8;
/// Tick rates that the plan covers, ticks a second of each symbol: from a quiet pair to a very busy one.
const TICK_RATES: [f64; 4] = [1.0, 5.0, 20.0, 100.0];
/// Numbers of symbols that the table of needed shards covers.
const SYMBOL_COUNTS: [u64; 5] = [10, 100, 1_000, 10_000, 100_000];

/// The measured numbers that the plan is calculated from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Measured {
    /// Ticks a second that one fully used core processes.
    pub ticks_per_core_per_s: f64,
    /// Resident bytes of a symbol's state.
    pub bytes_per_symbol: u64,
    /// Requests a second that one thread of the front answers within the target while the load generator shares the
    /// machine.
    pub requests_per_front_per_s: f64,
    pub shards: usize,
    /// Threads of the front.
    pub fronts: usize,
    pub memory_available_bytes: u64,
    /// The configured `engine.symbols_max`.
    pub symbols_max: usize,
    /// Share of the measured capacity that is planned with, 0.01 to 1.
    pub utilisation: f64,
}

/// The resource that limits the number of symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    Processors,
    Memory,
    SymbolsMax,
    /// A single symbol has more ticks than one shard processes, and a symbol cannot be split.
    OneSymbol,
}

impl Bound {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Processors => "processors",
            Self::Memory => "memory",
            Self::SymbolsMax => "engine.symbols_max",
            Self::OneSymbol => "one symbol is more than a shard holds",
        }
    }
}

/// The number of symbols that this machine holds at one tick rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct SymbolCapacity {
    pub ticks_per_symbol_per_s: f64,
    pub symbols: u64,
    /// The resource that runs out first.
    pub bound: Bound,
}

/// The load that this machine holds, and the shards that other loads need.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Plan {
    /// Ticks a second of all shards, at the planned utilisation.
    pub ticks_per_s: f64,
    /// Requests a second of all front threads, at the planned utilisation.
    pub requests_per_s: f64,
    /// Symbols whose state fits into memory.
    pub symbols_in_memory: u64,
    /// One entry for each of the tick rates.
    pub holds: Vec<SymbolCapacity>,
    /// Shards, which take a core each, for each number of symbols.
    pub shards_needed: Vec<ShardsNeeded>,
}

/// A row of the table of needed shards.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ShardsNeeded {
    pub symbols: u64,
    /// One number for each of the tick rates of [`Plan::holds`], in that order.
    pub shards: Vec<u64>,
}

/// A load to plan for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Load {
    pub symbols: u64,
    pub ticks_per_symbol_per_s: f64,
    pub requests_per_s: f64,
}

/// The resources that a load needs, on machines like this one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Requirements {
    pub load: Load,
    /// Ticks a second of all symbols together.
    pub ticks_per_s: f64,
    /// Cores for shards, at least 1.
    pub shard_cores: u64,
    /// Cores for front threads, at least 1; `None` if no rate held on this machine, so that the need is unknown.
    pub front_cores: Option<u64>,
    /// Bytes of the symbols' state.
    pub memory_bytes: u64,
    /// Machines like this one, at least 1.
    pub instances: u64,
    /// Whether the ticks of one symbol fit one shard.
    pub is_each_symbol_held: bool,
}

/// Number of units that a load takes, each holding `unit`; 0 for no load.
fn units_needed(load: f64, unit: f64) -> u64 {
    if load <= 0.0 { 0 } else { (load / unit).ceil() as u64 }
}

impl Measured {
    /// Ticks a second that a shard is planned with.
    fn ticks_per_shard_per_s(&self) -> f64 {
        self.ticks_per_core_per_s * self.utilisation
    }

    fn memory_for_symbols(&self) -> f64 {
        self.memory_available_bytes as f64 * MEMORY_SHARE
    }

    fn symbols_in_memory(&self) -> u64 {
        (self.memory_for_symbols() / self.bytes_per_symbol.max(1) as f64) as u64
    }

    /// Symbols that one process accepts; it refuses further ones.
    fn symbols_max_here(&self) -> u64 {
        self.symbols_max.min(SYMBOLS_MAX) as u64
    }

    fn symbol_capacity(&self, ticks_per_symbol_per_s: f64) -> SymbolCapacity {
        if ticks_per_symbol_per_s > self.ticks_per_shard_per_s() {
            return SymbolCapacity { ticks_per_symbol_per_s, symbols: 0, bound: Bound::OneSymbol };
        }
        let by_processors =
            (self.ticks_per_shard_per_s() * self.shards as f64 / ticks_per_symbol_per_s) as u64;
        let bounds = [
            (by_processors, Bound::Processors),
            (self.symbols_in_memory(), Bound::Memory),
            (self.symbols_max_here(), Bound::SymbolsMax),
        ];
        let (symbols, bound) =
            bounds.into_iter().min_by_key(|(symbols, _)| *symbols).expect("there are three");
        SymbolCapacity { ticks_per_symbol_per_s, symbols, bound }
    }

    pub(crate) fn requirements(&self, load: Load) -> Requirements {
        let ticks_per_s = load.symbols as f64 * load.ticks_per_symbol_per_s;
        let shard_cores = units_needed(ticks_per_s, self.ticks_per_shard_per_s()).max(1);
        let per_front = self.requests_per_front_per_s * self.utilisation;
        let front_cores = (per_front > 0.0 || load.requests_per_s <= 0.0)
            .then(|| units_needed(load.requests_per_s, per_front).max(1));
        let memory_bytes = load.symbols * self.bytes_per_symbol;
        // A shard answers no requests and a front thread takes no ticks, so neither can replace the other.
        let instances = [
            shard_cores.div_ceil(self.shards.max(1) as u64),
            front_cores.unwrap_or(1).div_ceil(self.fronts.max(1) as u64),
            units_needed(memory_bytes as f64, self.memory_for_symbols().max(1.0)),
            load.symbols.div_ceil(self.symbols_max_here().max(1)),
        ];
        Requirements {
            load,
            ticks_per_s,
            shard_cores,
            front_cores,
            memory_bytes,
            instances: instances.into_iter().max().unwrap_or(1).max(1),
            is_each_symbol_held: load.ticks_per_symbol_per_s <= self.ticks_per_shard_per_s(),
        }
    }
}

impl Plan {
    pub(crate) fn new(measured: &Measured) -> Self {
        let shards = |symbols: u64| {
            let ticks = |rate: &f64| symbols as f64 * rate;
            TICK_RATES
                .iter()
                .map(|rate| units_needed(ticks(rate), measured.ticks_per_shard_per_s()))
                .collect()
        };
        Self {
            ticks_per_s: measured.ticks_per_shard_per_s() * measured.shards as f64,
            requests_per_s: measured.requests_per_front_per_s * measured.fronts as f64 * measured.utilisation,
            symbols_in_memory: measured.symbols_in_memory(),
            holds: TICK_RATES.iter().map(|&rate| measured.symbol_capacity(rate)).collect(),
            shards_needed: SYMBOL_COUNTS
                .iter()
                .map(|&symbols| ShardsNeeded { symbols, shards: shards(symbols) })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured() -> Measured {
        Measured {
            ticks_per_core_per_s: 1_000_000.0,
            bytes_per_symbol: 100_000,
            requests_per_front_per_s: 20_000.0,
            shards: 3,
            fronts: 1,
            memory_available_bytes: 1_000_000_000,
            symbols_max: 20_000,
            utilisation: 0.5,
        }
    }

    #[test]
    fn the_least_bound_is_the_one_that_holds() {
        let plan = Plan::new(&measured());
        assert_eq!((plan.ticks_per_s, plan.requests_per_s), (1_500_000.0, 10_000.0));
        let bounds: Vec<_> = plan.holds.iter().map(|held| (held.symbols, held.bound)).collect();
        // 800 MB hold 8,000 symbols; at 100 ticks a second 1.5 M ticks are 15,000, still more.
        assert_eq!(bounds, [(8_000, Bound::Memory); 4]);
        let roomy = Measured { memory_available_bytes: 1 << 40, ..measured() };
        let bounds: Vec<_> = Plan::new(&roomy).holds.iter().map(|h| (h.symbols, h.bound)).collect();
        assert_eq!(bounds[0], (20_000, Bound::SymbolsMax));
        assert_eq!(bounds[3], (15_000, Bound::Processors));
        assert_eq!(roomy.symbol_capacity(600_000.0).bound, Bound::OneSymbol);
    }

    #[test]
    fn a_load_is_rounded_up_to_cores_and_machines() {
        let load = Load { symbols: 10_000, ticks_per_symbol_per_s: 120.0, requests_per_s: 25_000.0 };
        let needed = measured().requirements(load);
        // 1.2 M ticks at 500,000 a shard, 25,000 requests at 10,000 a thread, of which a machine has one.
        assert_eq!((needed.shard_cores, needed.front_cores), (3, Some(3)));
        assert_eq!((needed.memory_bytes, needed.instances), (1_000_000_000, 3));
        assert!(needed.is_each_symbol_held);
        let nothing_held = Measured { requests_per_front_per_s: 0.0, ..measured() };
        assert_eq!(nothing_held.requirements(load).front_cores, None);
        let idle = Load { requests_per_s: 0.0, ..load };
        assert_eq!(nothing_held.requirements(idle).front_cores, Some(1));
    }

    #[test]
    fn neither_a_front_nor_a_shard_stands_in_for_the_other_and_symbols_max_bounds_a_machine() {
        let small = Measured { shards: 1, fronts: 1, memory_available_bytes: 1 << 40, ..measured() };
        let load = |symbols, requests_per_s| Load { symbols, ticks_per_symbol_per_s: 100.0, requests_per_s };
        let instances = |symbols, requests_per_s| small.requirements(load(symbols, requests_per_s)).instances;
        // 1.5 M ticks are three shards' work: of machines with one shard and one front, three, not two of four cores.
        assert_eq!(instances(15_000, 0.0), 3);
        assert_eq!(instances(1_000, 35_000.0), 4);
        assert_eq!(instances(1_000, 1_000.0), 1);
        let slow = Load { ticks_per_symbol_per_s: 0.1, ..load(100_000, 0.0) };
        assert_eq!(small.requirements(slow).instances, 5, "20,000 symbols each by engine.symbols_max");
    }

    #[test]
    fn the_table_of_needs_has_a_row_for_each_count_and_a_column_for_each_rate() {
        let plan = Plan::new(&measured());
        assert_eq!(plan.shards_needed.len(), SYMBOL_COUNTS.len());
        assert_eq!(plan.shards_needed[4].shards, [1, 1, 4, 20]);
    }
}
