//! Encodes a symbol's state as bytes. It holds buckets, not ticks, so its size does not grow with the tick rate.
//!
//! A header (magic, version, length, checksum, fingerprint of the settings and features), then the state archived
//! with rkyv. A snapshot that is cut, damaged, of another version, of other settings or of another symbol is refused,
//! never used.

use crate::state::SymbolState;

const MAGIC: [u8; 4] = *b"SGSS";
/// Must be raised with every change of [`SymbolState`] or of the meaning of its fields.
/// 3: the volatility forecast and feedback. 4: the confirmation of clock jumps. 5: the provisional threshold, and
/// levels of the volatility interval that move by smaller steps: an interval that larger steps had opened would stay
/// open for hours. 6: the scale of prices and quantities, and the price that waits for a second tick. 7: the history.
const VERSION: u32 = 7;
/// Magic, version, fingerprint of settings and features (u64), length of the body (u64), XXH3-64 of the body.
const HEADER_BYTES: usize = 32;

/// The reason why a snapshot was refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The bytes are cut, damaged, or of another version, of other settings or of another symbol.
    #[error("the snapshot of {symbol} is not usable: {reason}")]
    Unusable {
        /// The symbol to restore.
        symbol: String,
        /// The first thing that is wrong with the bytes.
        reason: String,
    },
}

/// Encodes a state; `settings` is the fingerprint of the settings, the features and the symbol that the state belongs
/// to.
pub fn encode(state: &SymbolState, settings: u64) -> Vec<u8> {
    let body = rkyv::to_bytes::<rkyv::rancor::Error>(state)
        .expect("a state holds no pointers, and memory for its bytes is had or the process ends");
    let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&settings.to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&xxhash_rust::xxh3::xxh3_64(&body).to_le_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

/// Decodes a state that [`encode`] wrote for `symbol` under the same settings.
///
/// # Errors
/// [`SnapshotError`] if the bytes are anything else.
pub fn decode(symbol: &str, settings: u64, bytes: &[u8]) -> Result<SymbolState, SnapshotError> {
    let refuse = |reason: String| SnapshotError::Unusable { symbol: symbol.to_owned(), reason };
    if bytes.len() < HEADER_BYTES || bytes[..4] != MAGIC {
        return Err(refuse("it does not begin as a snapshot".into()));
    }
    let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
    let version = word(4) as u32;
    if version != VERSION {
        return Err(refuse(format!("it has version {version}, this program reads {VERSION}")));
    }
    if word(8) != settings {
        return Err(refuse("it was made under other settings or features, or for another symbol".into()));
    }
    let body = &bytes[HEADER_BYTES..];
    if word(16) != body.len() as u64 {
        return Err(refuse(format!("its body has {} bytes, the header says {}", body.len(), word(16))));
    }
    if word(24) != xxhash_rust::xxh3::xxh3_64(body) {
        return Err(refuse("its checksum does not match".into()));
    }
    let mut aligned = rkyv::util::AlignedVec::<16>::with_capacity(body.len());
    aligned.extend_from_slice(body);
    rkyv::from_bytes::<SymbolState, rkyv::rancor::Error>(&aligned).map_err(|error| refuse(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{prediction::StateFrom, state::StateSettings};

    #[test]
    fn a_damaged_snapshot_is_refused() {
        let state = SymbolState::new(7, StateFrom::Origin, &StateSettings::default());
        let bytes = encode(&state, 5);
        // Bytes, not values: an empty row is NaN, which equals nothing.
        assert_eq!(encode(&decode("s", 5, &bytes).unwrap(), 5), bytes);
        assert!(decode("s", 6, &bytes).is_err(), "other settings");
        for cut in [0, 3, 31, 32, bytes.len() / 2, bytes.len() - 1] {
            assert!(decode("s", 5, &bytes[..cut]).is_err(), "cut to {cut} bytes");
        }
        for at in (0..bytes.len()).step_by(97) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            assert!(decode("s", 5, &damaged).is_err(), "flipped in byte {at}");
        }
    }
}
