//! What could not be read: the original bytes with the reason, in the transaction of the record's neighbours.

use rdkafka::message::{Header, OwnedHeaders};
use sha2::{Digest, Sha256};

use crate::decode::Unreadable;

/// A longer record is cut to this, and its hash is told: the letter itself must fit into a record.
const PAYLOAD_BYTES_MAX: usize = 512 * 1_024;
/// Tickers of a record that are named one by one.
const INDEXES_NAMED_MAX: usize = 16;

/// A record, or tickers of one, that could not be read.
#[derive(Debug)]
pub(super) struct DeadLetter {
    partition: i32,
    offset: u64,
    key: Option<Vec<u8>>,
    payload: Vec<u8>,
    /// SHA-256 of the whole record, if it was cut.
    sha256: Option<String>,
    reason: Unreadable,
    /// The tickers, comma-separated; empty for the whole record.
    indexes: String,
    /// How many.
    count: usize,
}

impl DeadLetter {
    /// A letter about the whole record, or about the tickers in `rejected`.
    pub(super) fn new(
        (partition, offset): (i32, u64),
        key: Option<&[u8]>,
        payload: &[u8],
        reason: Unreadable,
        rejected: &[(u32, Unreadable)],
    ) -> Self {
        let kept = &payload[..payload.len().min(PAYLOAD_BYTES_MAX)];
        let is_cut = kept.len() < payload.len();
        let named: Vec<String> =
            rejected.iter().take(INDEXES_NAMED_MAX).map(|(index, _)| index.to_string()).collect();
        Self {
            partition,
            offset,
            key: key.map(<[u8]>::to_vec),
            payload: kept.to_vec(),
            sha256: is_cut
                .then(|| Sha256::digest(payload).iter().map(|byte| format!("{byte:02x}")).collect()),
            reason,
            indexes: named.join(","),
            count: rejected.len().max(1),
        }
    }

    /// The partition of the record that it is about.
    pub(super) fn partition(&self) -> i32 {
        self.partition
    }

    pub(super) fn key(&self) -> Option<&[u8]> {
        self.key.as_deref()
    }

    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Where it came from and what is wrong.
    pub(super) fn headers(&self, topic: &str, group: &str) -> OwnedHeaders {
        let text = |headers: OwnedHeaders, key: &str, value: &str| {
            headers.insert(Header { key, value: Some(value) })
        };
        let mut headers = OwnedHeaders::new();
        headers = text(headers, "error", self.reason.reason());
        headers = text(headers, "error_text", &self.reason.to_string());
        headers = text(headers, "count", &self.count.to_string());
        headers = text(headers, "src", &format!("{}:{}:{}", self.partition, self.offset, self.indexes));
        headers = text(headers, "src_topic", topic);
        headers = text(headers, "group", group);
        headers = text(headers, "engine_version", env!("CARGO_PKG_VERSION"));
        match &self.sha256 {
            Some(sha256) => text(headers, "truncated_sha256", sha256),
            None => headers,
        }
    }
}
