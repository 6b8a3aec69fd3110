//! A recorded prediction and its receipt: the position, model and origin that it names.

use serde::Deserialize;

use super::{Place, compare};
use crate::{recording::LogRecord, verify::At};

/// The model that a prediction names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// No model was loaded.
    NoModel,
    /// The model of this SHA-256.
    Model(String),
}

/// The parts of a prediction's value that recomputing it needs.
#[derive(Debug, Deserialize)]
pub(super) struct Claim {
    pub(super) symbol: String,
    pub(super) model: Option<ClaimedModel>,
    pub(super) receipt: Receipt,
}

#[derive(Debug, Deserialize)]
pub(super) struct ClaimedModel {
    sha256: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Receipt {
    pub(super) origin: u64,
    partition: u32,
    offset: u64,
    index: u32,
    config_hash: String,
    pub(super) state_from: String,
}

/// A record of the predictions' topic.
#[derive(Debug)]
pub(super) struct Found {
    record: LogRecord,
    /// The tick that the header `src` names, or without that header the receipt; `None` if that tick is of another
    /// partition.
    pub(super) at: Option<At>,
    /// The parsed value; `None` if it is not a prediction.
    pub(super) claim: Option<Claim>,
}

impl Found {
    pub(super) fn new(record: LogRecord) -> Self {
        let claim: Option<Claim> =
            record.value.as_deref().and_then(|value| serde_json::from_slice(value).ok());
        let of_header = |src: &str| {
            let mut numbers = src.split(':');
            let partition: u32 = numbers.next()?.parse().ok()?;
            let at = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
            numbers.next().is_none().then_some((partition, at))
        };
        let of_receipt =
            |claim: &Claim| (claim.receipt.partition, (claim.receipt.offset, claim.receipt.index));
        let named = match record.header("src") {
            Some(src) => of_header(src),
            None => claim.as_ref().map(of_receipt),
        };
        let at = named.filter(|(partition, _)| *partition == record.partition).map(|(_, at)| at);
        Self { record, at, claim }
    }

    pub(super) fn hash(&self) -> u64 {
        let (key, value) = (self.record.key.as_deref(), self.record.value.as_deref());
        compare::hash(key.unwrap_or_default(), value.unwrap_or_default())
    }

    /// The position of the tick that the record names, otherwise the record's own.
    pub(super) fn place(&self, partition: u32) -> Place {
        let (offset, index) = self.at.unwrap_or((self.record.offset, 0));
        Place { partition, offset, index }
    }

    /// The model that the prediction names; `None` if it names two or cannot be parsed.
    pub(super) fn model(&self) -> Option<Said> {
        let claim = self.claim.as_ref()?;
        if self.model_difference().is_some() {
            return None;
        }
        Some(claim.model.as_ref().map_or(Said::NoModel, |model| Said::Model(model.sha256.clone())))
    }

    fn model_difference(&self) -> Option<(String, String)> {
        let claimed = self.claim.as_ref()?.model.as_ref().map(|model| model.sha256.as_str());
        let header = self.record.header("model");
        let text = |sha256: Option<&str>| sha256.unwrap_or("none").to_owned();
        (header.is_some() && header != claimed).then(|| (text(header), text(claimed)))
    }

    pub(super) fn config_hash(&self) -> Option<u64> {
        u64::from_str_radix(&self.claim.as_ref()?.receipt.config_hash, 16).ok()
    }

    pub(super) fn src_text(&self) -> String {
        self.record.header("src").unwrap_or("none").to_owned()
    }

    /// The start of its value, for a report.
    pub(super) fn excerpt(&self) -> String {
        compare::excerpt(self.record.value.as_deref().unwrap_or_default())
    }

    /// A contradiction within the prediction: the field, the value found and the value due.
    pub(super) fn own_difference(&self) -> Option<(&'static str, String, String)> {
        let Some(claim) = &self.claim else {
            return Some(("(value)", self.excerpt(), "a prediction".to_owned()));
        };
        if let Some((header, value)) = self.model_difference() {
            return Some(("header model", header, value));
        }
        let (origin, at) = (claim.receipt.origin, self.at?);
        (origin > at.0).then(|| ("receipt.origin", origin.to_string(), format!("at most {}", at.0)))
    }

    /// The first difference from the `due` value of the tick of `symbol`.
    pub(super) fn compare(&self, due: &[u8], symbol: &str) -> Option<(String, String, String)> {
        let value = self.record.value.as_deref().unwrap_or_default();
        if value != due {
            return Some(compare::first_difference(value, due));
        }
        let key = self.record.key.as_deref().unwrap_or_default();
        (key != symbol.as_bytes()).then(|| ("key".to_owned(), compare::excerpt(key), symbol.to_owned()))
    }
}
