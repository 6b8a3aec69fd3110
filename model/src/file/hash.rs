//! The hash that identifies a file.

use sha2::{Digest, Sha256};

/// SHA-256 of all pieces in their order, lower-case hexadecimal.
pub(crate) fn sha256<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    pieces.into_iter().for_each(|piece| hash.update(piece));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
