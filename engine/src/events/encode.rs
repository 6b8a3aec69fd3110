//! An event as JSON: kind, times, symbol, and the fields of the kind. A field that a kind does not have is absent.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Event, Happening, ModelChange};
use crate::feedback::{Change, recalibration::Line};

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", self.happening.kind())?;
        map.serialize_entry("noted_at", &self.noted_at.to_string())?;
        if let Some(symbol) = &self.symbol {
            map.serialize_entry("symbol", &*symbol.name)?;
        }
        if let Some(as_of) = self.as_of {
            map.serialize_entry("as_of", &as_of.to_string())?;
        }
        fields(&self.happening, &mut map)?;
        map.end()
    }
}

fn change<M: SerializeMap>(change: &ModelChange, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("model", change.model.as_deref().unwrap_or("none"))?;
    let rest = [("before", &change.before), ("reason", &change.reason), ("request_id", &change.request_id)];
    for (key, value) in rest {
        if let Some(value) = value {
            map.serialize_entry(key, value)?;
        }
    }
    Ok(())
}

fn fields<M: SerializeMap>(happening: &Happening, map: &mut M) -> Result<(), M::Error> {
    match happening {
        Happening::ModelSwapped(of)
        | Happening::ModelRolledBack(of)
        | Happening::ShadowOn(of)
        | Happening::ShadowOff(of) => change(of, map),
        Happening::ModelRefused { change: of, why } => {
            change(of, map)?;
            map.serialize_entry("why", why)
        }
        Happening::Feedback(Change::Recalibrated(Line { a, b })) => {
            map.serialize_entry("a", a)?;
            map.serialize_entry("b", b)
        }
        Happening::Feedback(
            Change::FellBack { model_brier, baseline_brier }
            | Change::Recovered { model_brier, baseline_brier },
        ) => {
            map.serialize_entry("model_brier", model_brier)?;
            map.serialize_entry("baseline_brier", baseline_brier)
        }
        Happening::Gap { silence_s } => map.serialize_entry("silence_s", silence_s),
        Happening::PartitionsTaken { lane, partitions } => {
            map.serialize_entry("lane", lane)?;
            map.serialize_entry("partitions", partitions)
        }
        Happening::PartitionsGivenBack { lane, partitions, lost } => {
            map.serialize_entry("lane", lane)?;
            map.serialize_entry("partitions", partitions)?;
            map.serialize_entry("lost", lost)
        }
        Happening::Restored { partition, from, replayed } => {
            map.serialize_entry("partition", partition)?;
            map.serialize_entry("from", from)?;
            map.serialize_entry("replayed", replayed)
        }
        Happening::LaneRestarted { lane, reason } => {
            map.serialize_entry("lane", lane)?;
            map.serialize_entry("reason", reason)
        }
        Happening::PartitionPaused { partition, offset } => {
            map.serialize_entry("partition", partition)?;
            map.serialize_entry("offset", offset)
        }
    }
}
