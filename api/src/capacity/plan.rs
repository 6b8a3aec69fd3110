//! From what was measured to what can be held, and to what a load needs. Arithmetic only.

use engine::limits::SYMBOLS_MAX;
use serde::Serialize;

/// Share of the free memory that symbols may take: the rest is for connections, bodies, models and the system.
const MEMORY_SHARE: f64 = 0.8;
/// Ticks a second and symbol that the plan is made for: a quiet pair, a busy one, a very busy one.
const TICK_RATES: [f64; 4] = [1.0, 5.0, 20.0, 100.0];
/// Symbols that the table of needs is made for.
const SYMBOL_COUNTS: [u64; 5] = [10, 100, 1_000, 10_000, 100_000];

/// What was measured, as far as the plan goes by it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Measured {
    /// Ticks a second that one core holds, all of it.
    pub ticks_per_core_per_s: f64,
    /// Resident bytes of a symbol.
    pub bytes_per_symbol: u64,
    /// Requests a second that one thread of the front holds within the target, the generator beside it.
    pub requests_per_front_per_s: f64,
    /// Shards here.
    pub shards: usize,
    /// Threads of the front here.
    pub fronts: usize,
    /// Bytes of memory that can be had here.
    pub memory_available_bytes: u64,
    /// `engine.symbols_max`.
    pub symbols_max: usize,
    /// Share of all this that is planned with.
    pub utilisation: f64,
}

/// What bounds a number of symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    Processors,
    Memory,
    SymbolsMax,
    /// One symbol is one shard's work, and this is more.
    OneSymbol,
}

impl Bound {
    /// For people.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Processors => "processors",
            Self::Memory => "memory",
            Self::SymbolsMax => "engine.symbols_max",
            Self::OneSymbol => "one symbol is more than a shard holds",
        }
    }
}

/// What this machine holds of symbols that tick so often.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Held {
    /// Ticks a second and symbol.
    pub ticks_per_symbol_per_s: f64,
    /// Symbols.
    pub symbols: u64,
    /// What bounds them.
    pub bound: Bound,
}

/// What this machine holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Plan {
    /// Ticks a second, of all its shards, at the planned utilisation.
    pub ticks_per_s: f64,
    /// Requests a second, of its front, at the planned utilisation.
    pub requests_per_s: f64,
    /// Symbols whose state fits.
    pub symbols_in_memory: u64,
    /// By how often they tick.
    pub holds: Vec<Held>,
    /// Cores for the shards, by symbols and ticks a second and symbol.
    pub shards_needed: Vec<ShardsNeeded>,
}

/// A row of the table of needs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ShardsNeeded {
    /// Symbols.
    pub symbols: u64,
    /// For each of the tick rates of [`Plan::holds`], in their order.
    pub shards: Vec<u64>,
}

/// A load to plan for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Load {
    /// Symbols.
    pub symbols: u64,
    /// Ticks a second of each.
    pub ticks_per_symbol_per_s: f64,
    /// Requests a second.
    pub requests_per_s: f64,
}

/// What a load needs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Needed {
    /// The load.
    pub load: Load,
    /// Ticks a second, together.
    pub ticks_per_s: f64,
    /// Cores for the shards.
    pub shard_cores: u64,
    /// Cores for the front; `None` where nothing held the target here, so that nobody knows.
    pub front_cores: Option<u64>,
    /// Bytes of state.
    pub memory_bytes: u64,
    /// Machines like this one.
    pub instances: u64,
    /// Whether each of its symbols fits a shard.
    pub is_each_symbol_held: bool,
}

/// As many as it takes of what holds `each`.
fn count(load: f64, each: f64) -> u64 {
    if load <= 0.0 { 0 } else { (load / each).ceil() as u64 }
}

impl Measured {
    /// Ticks a second that a shard is planned with.
    fn per_shard(&self) -> f64 {
        self.ticks_per_core_per_s * self.utilisation
    }

    fn memory_for_symbols(&self) -> f64 {
        self.memory_available_bytes as f64 * MEMORY_SHARE
    }

    fn symbols_in_memory(&self) -> u64 {
        (self.memory_for_symbols() / self.bytes_per_symbol.max(1) as f64) as u64
    }

    /// A process refuses further ones.
    fn symbols_max_here(&self) -> u64 {
        self.symbols_max.min(SYMBOLS_MAX) as u64
    }

    fn held(&self, ticks_per_symbol_per_s: f64) -> Held {
        if ticks_per_symbol_per_s > self.per_shard() {
            return Held { ticks_per_symbol_per_s, symbols: 0, bound: Bound::OneSymbol };
        }
        let by_processors = (self.per_shard() * self.shards as f64 / ticks_per_symbol_per_s) as u64;
        let bounds = [
            (by_processors, Bound::Processors),
            (self.symbols_in_memory(), Bound::Memory),
            (self.symbols_max_here(), Bound::SymbolsMax),
        ];
        let (symbols, bound) =
            bounds.into_iter().min_by_key(|(symbols, _)| *symbols).expect("there are three");
        Held { ticks_per_symbol_per_s, symbols, bound }
    }

    /// What a load needs, in machines like this one.
    pub(crate) fn needed(&self, load: Load) -> Needed {
        let ticks_per_s = load.symbols as f64 * load.ticks_per_symbol_per_s;
        let shard_cores = count(ticks_per_s, self.per_shard()).max(1);
        let per_front = self.requests_per_front_per_s * self.utilisation;
        let front_cores = (per_front > 0.0 || load.requests_per_s <= 0.0)
            .then(|| count(load.requests_per_s, per_front).max(1));
        let memory_bytes = load.symbols * self.bytes_per_symbol;
        // A shard answers no requests and a thread of the front takes no ticks: a machine has so many of each.
        let instances = [
            shard_cores.div_ceil(self.shards.max(1) as u64),
            front_cores.unwrap_or(1).div_ceil(self.fronts.max(1) as u64),
            count(memory_bytes as f64, self.memory_for_symbols().max(1.0)),
            load.symbols.div_ceil(self.symbols_max_here().max(1)),
        ];
        Needed {
            load,
            ticks_per_s,
            shard_cores,
            front_cores,
            memory_bytes,
            instances: instances.into_iter().max().unwrap_or(1).max(1),
            is_each_symbol_held: load.ticks_per_symbol_per_s <= self.per_shard(),
        }
    }
}

impl Plan {
    /// From what was measured.
    pub(crate) fn of(measured: &Measured) -> Self {
        let shards = |symbols: u64| {
            let ticks = |rate: &f64| symbols as f64 * rate;
            TICK_RATES.iter().map(|rate| count(ticks(rate), measured.per_shard())).collect()
        };
        Self {
            ticks_per_s: measured.per_shard() * measured.shards as f64,
            requests_per_s: measured.requests_per_front_per_s * measured.fronts as f64 * measured.utilisation,
            symbols_in_memory: measured.symbols_in_memory(),
            holds: TICK_RATES.iter().map(|&rate| measured.held(rate)).collect(),
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
        let plan = Plan::of(&measured());
        assert_eq!((plan.ticks_per_s, plan.requests_per_s), (1_500_000.0, 10_000.0));
        let bounds: Vec<_> = plan.holds.iter().map(|held| (held.symbols, held.bound)).collect();
        // 800 MB hold 8,000 symbols; at 100 ticks a second 1.5 M ticks are 15,000, still more.
        assert_eq!(bounds, [(8_000, Bound::Memory); 4]);
        let roomy = Measured { memory_available_bytes: 1 << 40, ..measured() };
        let bounds: Vec<_> = Plan::of(&roomy).holds.iter().map(|h| (h.symbols, h.bound)).collect();
        assert_eq!(bounds[0], (20_000, Bound::SymbolsMax));
        assert_eq!(bounds[3], (15_000, Bound::Processors));
        assert_eq!(roomy.held(600_000.0).bound, Bound::OneSymbol);
    }

    #[test]
    fn a_load_is_rounded_up_to_cores_and_machines() {
        let load = Load { symbols: 10_000, ticks_per_symbol_per_s: 120.0, requests_per_s: 25_000.0 };
        let needed = measured().needed(load);
        // 1.2 M ticks at 500,000 a shard, 25,000 requests at 10,000 a thread, of which a machine has one.
        assert_eq!((needed.shard_cores, needed.front_cores), (3, Some(3)));
        assert_eq!((needed.memory_bytes, needed.instances), (1_000_000_000, 3));
        assert!(needed.is_each_symbol_held);
        let nothing_held = Measured { requests_per_front_per_s: 0.0, ..measured() };
        assert_eq!(nothing_held.needed(load).front_cores, None);
        let idle = Load { requests_per_s: 0.0, ..load };
        assert_eq!(nothing_held.needed(idle).front_cores, Some(1));
    }

    #[test]
    fn neither_a_front_nor_a_shard_stands_in_for_the_other_and_symbols_max_bounds_a_machine() {
        let small = Measured { shards: 1, fronts: 1, memory_available_bytes: 1 << 40, ..measured() };
        let load = |symbols, requests_per_s| Load { symbols, ticks_per_symbol_per_s: 100.0, requests_per_s };
        let instances = |symbols, requests_per_s| small.needed(load(symbols, requests_per_s)).instances;
        // 1.5 M ticks are three shards' work: of machines with one shard and one front, three, not two of four cores.
        assert_eq!(instances(15_000, 0.0), 3);
        assert_eq!(instances(1_000, 35_000.0), 4);
        assert_eq!(instances(1_000, 1_000.0), 1);
        let slow = Load { ticks_per_symbol_per_s: 0.1, ..load(100_000, 0.0) };
        assert_eq!(small.needed(slow).instances, 5, "20,000 symbols each by engine.symbols_max");
    }

    #[test]
    fn the_table_of_needs_has_a_row_for_each_count_and_a_column_for_each_rate() {
        let plan = Plan::of(&measured());
        assert_eq!(plan.shards_needed.len(), SYMBOL_COUNTS.len());
        assert_eq!(plan.shards_needed[4].shards, [1, 1, 4, 20]);
    }
}
