//! Symbols (`venue:product`) and the table of them; partitions, offsets and positions of records.

use std::sync::{Arc, RwLock};

use rustc_hash::FxHashMap;

use crate::limits::SYMBOLS_MAX_DEFAULT;

/// The venue of simulated ticks. It is reserved: its symbols are marked `simulated` in every answer.
pub const SIMULATOR_VENUE: &str = "simulator";

/// An interned symbol: an index into the process's [`SymbolTable`]. Never stored or sent out of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolId(pub u32);

/// The partition of a record: a Kafka partition, or computed from the symbol without Kafka.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub u32);

/// A record's offset in its partition: a Kafka offset, or the record's number in its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(pub u64);

/// The key of a symbol's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolKey {
    /// The partition of its records.
    pub partition: Partition,
    /// The symbol.
    pub symbol: SymbolId,
}

/// The position of a tick: partition and offset of its record, and its index in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The partition of the record.
    pub partition: Partition,
    /// The offset of the record in the partition.
    pub offset: Offset,
    /// Index of the ticker in the record, from 0.
    pub index: u32,
}

/// A symbol's names.
#[derive(Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its number in this process.
    pub id: SymbolId,
    /// `venue:product`.
    pub name: Box<str>,
    venue_len: usize,
}

impl Symbol {
    /// The venue, `coinbase`.
    pub fn venue(&self) -> &str {
        &self.name[..self.venue_len]
    }

    /// The product as the venue writes it, `BTC-USD`.
    pub fn product(&self) -> &str {
        &self.name[self.venue_len + 1..]
    }

    /// Whether its prices are simulated.
    pub fn is_simulated(&self) -> bool {
        self.venue() == SIMULATOR_VENUE
    }
}

/// The reason why a name resolves to no symbol.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// No such symbol was seen.
    #[error("unknown symbol {0:?}; GET /symbols lists what is live")]
    Unknown(String),
    /// The bare product trades at several venues.
    #[error("symbol {product:?} is ambiguous; name the venue, one of {candidates:?}")]
    Ambiguous {
        /// The name that was asked for.
        product: String,
        /// The full names it could be, sorted.
        candidates: Vec<String>,
    },
}

/// The table of symbols is full.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name:?} was not added: the table of symbols holds {most} (engine.symbols_max; of others three quarters of it)"
)]
pub struct SymbolTableFull {
    /// The symbol that was not added.
    pub name: String,
    /// The bound of the table.
    pub most: usize,
}

/// All symbols this process has seen. Grows only, to a bound; read by every front thread, written by sources when a new
/// symbol appears.
#[derive(Debug)]
pub struct SymbolTable {
    inner: RwLock<Names>,
    most: usize,
}

impl Default for SymbolTable {
    fn default() -> Self {
        Self::with_room_for(SYMBOLS_MAX_DEFAULT)
    }
}

#[derive(Debug, Default)]
struct Names {
    symbols: Vec<Arc<Symbol>>,
    by_name: FxHashMap<Box<str>, SymbolId>,
    by_product: FxHashMap<Box<str>, Vec<SymbolId>>,
}

impl SymbolTable {
    /// An empty table for at most `most` symbols.
    pub fn with_room_for(most: usize) -> Self {
        Self { inner: RwLock::default(), most }
    }

    /// The symbol `venue:product`, added if new.
    ///
    /// # Errors
    /// When the table is full.
    pub fn intern(&self, venue: &str, product: &str) -> Result<Arc<Symbol>, SymbolTableFull> {
        self.intern_below(self.most, venue, product)
    }

    /// As [`intern`](Self::intern), for a symbol that another process has announced.
    ///
    /// # Errors
    /// When the table is three quarters full: the rest is reserved for this process's own symbols.
    pub fn intern_told(&self, venue: &str, product: &str) -> Result<Arc<Symbol>, SymbolTableFull> {
        self.intern_below(self.most / 4 * 3, venue, product)
    }

    fn intern_below(&self, most: usize, venue: &str, product: &str) -> Result<Arc<Symbol>, SymbolTableFull> {
        let name = format!("{venue}:{product}");
        if let Some(symbol) = self.get(&name) {
            return Ok(symbol);
        }
        let mut names = self.inner.write().expect("no code panics while it holds the symbol table");
        if let Some(&id) = names.by_name.get(name.as_str()) {
            return Ok(names.symbols[id.0 as usize].clone());
        }
        if names.symbols.len() >= most {
            return Err(SymbolTableFull { name, most: self.most });
        }
        let id = SymbolId(names.symbols.len() as u32);
        let symbol = Arc::new(Symbol { id, name: name.into_boxed_str(), venue_len: venue.len() });
        names.by_name.insert(symbol.name.clone(), id);
        names.by_product.entry(product.into()).or_default().push(id);
        names.symbols.push(symbol.clone());
        Ok(symbol)
    }

    /// The symbol with this full name, if it was seen.
    pub fn get(&self, name: &str) -> Option<Arc<Symbol>> {
        let names = self.read();
        names.by_name.get(name).map(|id| names.symbols[id.0 as usize].clone())
    }

    /// The symbol with this id.
    pub fn by_id(&self, id: SymbolId) -> Option<Arc<Symbol>> {
        self.read().symbols.get(id.0 as usize).cloned()
    }

    /// The symbol that `name` means: a full name, or a bare product if only one venue trades it.
    ///
    /// # Errors
    /// [`ResolveError`] when there is none or more than one.
    pub fn resolve(&self, name: &str) -> Result<Arc<Symbol>, ResolveError> {
        let names = self.read();
        if let Some(id) = names.by_name.get(name) {
            return Ok(names.symbols[id.0 as usize].clone());
        }
        match names.by_product.get(name).map(Vec::as_slice) {
            None | Some([]) => Err(ResolveError::Unknown(name.to_owned())),
            Some([one]) => Ok(names.symbols[one.0 as usize].clone()),
            Some(several) => {
                let mut candidates: Vec<String> =
                    several.iter().map(|id| names.symbols[id.0 as usize].name.to_string()).collect();
                candidates.sort();
                Err(ResolveError::Ambiguous { product: name.to_owned(), candidates })
            }
        }
    }

    /// All symbols, in the order they appeared.
    pub fn all(&self) -> Vec<Arc<Symbol>> {
        self.read().symbols.clone()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Names> {
        self.inner.read().expect("no code panics while it holds the symbol table")
    }
}

/// The partition of `symbol` among `partition_count` without Kafka: as the Java client's default, murmur2 of the key
/// with the sign bit cleared, modulo the count.
///
/// ```
/// use stormglass_engine::symbol::{Partition, default_partition};
/// assert_eq!(default_partition("coinbase:BTC-USD", 64), default_partition("coinbase:BTC-USD", 64));
/// assert!(default_partition("coinbase:BTC-USD", 64).0 < 64);
/// ```
pub fn default_partition(symbol: &str, partition_count: u32) -> Partition {
    Partition((murmur2(symbol.as_bytes()) & 0x7fff_ffff) % partition_count)
}

/// MurmurHash2 (Appleby, 2008) as Kafka's Java client computes it: seed 0x9747b28c, little-endian words.
pub fn murmur2(key: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash: u32 = 0x9747_b28c ^ key.len() as u32;
    let mut words = key.chunks_exact(4);
    for word in &mut words {
        let mut k = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        for (i, &byte) in rest.iter().enumerate() {
            hash ^= u32::from(byte) << (8 * i);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of Kafka's own `UtilsTest.testMurmur2`.
    #[test]
    fn murmur2_is_kafkas() {
        for (key, expected) in [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()) as i32, expected, "{key}");
        }
    }

    #[test]
    fn a_bare_product_works_while_it_is_unambiguous() {
        let table = SymbolTable::default();
        let coinbase = table.intern("coinbase", "BTC-USD").unwrap();
        assert_eq!(table.intern("coinbase", "BTC-USD").unwrap().id, coinbase.id);
        assert_eq!(table.resolve("BTC-USD").unwrap().id, coinbase.id);
        table.intern("kraken", "BTC-USD").unwrap();
        assert_eq!(
            table.resolve("BTC-USD"),
            Err(ResolveError::Ambiguous {
                product: "BTC-USD".into(),
                candidates: vec!["coinbase:BTC-USD".into(), "kraken:BTC-USD".into()],
            })
        );
        assert_eq!(table.resolve("coinbase:BTC-USD").unwrap().id, coinbase.id);
        assert_eq!(table.resolve("X"), Err(ResolveError::Unknown("X".into())));
    }

    #[test]
    fn a_full_table_refuses_and_says_its_bound() {
        let table = SymbolTable::with_room_for(4);
        for product in ["A", "B", "C"] {
            table.intern("v", product).unwrap();
        }
        let refused = table.intern_told("v", "D").unwrap_err();
        assert!(refused.to_string().contains("v:D") && refused.to_string().contains("holds 4"), "{refused}");
        let own = table.intern("v", "D").unwrap();
        assert!(table.intern("v", "E").is_err());
        assert_eq!(table.intern_told("v", "D").unwrap().id, own.id, "a known one needs no room");
    }

    #[test]
    fn the_simulator_marks_its_symbols() {
        let table = SymbolTable::default();
        assert!(table.intern(SIMULATOR_VENUE, "BTC-USD").unwrap().is_simulated());
        let real = table.intern("coinbase", "BTC-USD").unwrap();
        assert!(!real.is_simulated());
        assert_eq!((real.venue(), real.product()), ("coinbase", "BTC-USD"));
    }
}
