//! Records that could not be read: the original bytes with the reason, written in the transaction of the neighbouring
//! records.

use rdkafka::message::{Header, OwnedHeaders};
use sha2::{Digest, Sha256};

use crate::decode::Unreadable;

/// A longer payload is cut to this, and a header gives its hash: the letter must fit into a record.
const PAYLOAD_BYTES_MAX: usize = 512 * 1_024;
/// A longer key is cut to this, and a header gives its hash. No symbol is nearly as long.
const KEY_BYTES_MAX: usize = 16 * 1_024;
/// Most tickers of a record that are listed one by one.
const INDEXES_NAMED_MAX: usize = 16;

/// A record that could not be read, whole or in some of its tickers.
#[derive(Debug)]
pub(crate) struct DeadLetter {
    partition: i32,
    offset: u64,
    key: Option<Vec<u8>>,
    payload: Vec<u8>,
    /// SHA-256 of the whole payload, if it was cut.
    sha256: Option<String>,
    /// SHA-256 of the whole key, if it was cut.
    key_sha256: Option<String>,
    reason: Unreadable,
    /// The header `error_text`: the reason, and a description of the bytes.
    text: String,
    /// Indexes of the unreadable tickers, comma-separated; empty for the whole record.
    indexes: String,
    /// Number of unreadable tickers.
    count: usize,
}

impl DeadLetter {
    /// A letter about the whole record, or about the tickers in `rejected`; `text` describes the record for people.
    pub(crate) fn new(
        (partition, offset): (i32, u64),
        key: Option<&[u8]>,
        payload: &[u8],
        (reason, text): (Unreadable, String),
        rejected: &[(u32, Unreadable)],
    ) -> Self {
        let (payload, sha256) = cut(payload, PAYLOAD_BYTES_MAX);
        let (key, key_sha256) = key.map(|key| cut(key, KEY_BYTES_MAX)).unzip();
        let named: Vec<String> =
            rejected.iter().take(INDEXES_NAMED_MAX).map(|(index, _)| index.to_string()).collect();
        Self {
            partition,
            offset,
            key,
            payload,
            sha256,
            key_sha256: key_sha256.flatten(),
            reason,
            text,
            indexes: named.join(","),
            count: rejected.len().max(1),
        }
    }

    /// Partition of the unreadable record in the ticks' topic.
    pub(crate) fn partition(&self) -> i32 {
        self.partition
    }

    pub(crate) fn key(&self) -> Option<&[u8]> {
        self.key.as_deref()
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Headers: the position of the record, its topic and group, and the reason.
    pub(crate) fn headers(&self, topic: &str, group: &str) -> OwnedHeaders {
        let text = |headers: OwnedHeaders, key: &str, value: &str| {
            headers.insert(Header { key, value: Some(value) })
        };
        let mut headers = OwnedHeaders::new();
        headers = text(headers, "error", self.reason.reason());
        headers = text(headers, "error_text", &self.text);
        headers = text(headers, "count", &self.count.to_string());
        headers = text(headers, "src", &format!("{}:{}:{}", self.partition, self.offset, self.indexes));
        headers = text(headers, "src_topic", topic);
        headers = text(headers, "group", group);
        headers = text(headers, "engine_version", env!("CARGO_PKG_VERSION"));
        for (key, sha256) in [("truncated_sha256", &self.sha256), ("truncated_key_sha256", &self.key_sha256)]
        {
            if let Some(sha256) = sha256 {
                headers = text(headers, key, sha256);
            }
        }
        headers
    }
}

/// Cuts to at most `bytes_max` bytes; also returns the hash of all bytes if that cuts anything.
fn cut(bytes: &[u8], bytes_max: usize) -> (Vec<u8>, Option<String>) {
    let kept = &bytes[..bytes.len().min(bytes_max)];
    let hash = || Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    (kept.to_vec(), (kept.len() < bytes.len()).then(hash))
}
