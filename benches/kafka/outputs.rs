//! Whether each tick has its prediction once. Every client writes the header `src`: partition, offset and, where
//! there is one, index of the tick, parted by colons.

use std::time::{Duration, Instant};

use rdkafka::{Message, consumer::Consumer, error::KafkaError, message::Headers};
use serde::Serialize;

use crate::{Result, broker};

const SILENCE_MAX: Duration = Duration::from_secs(60);

/// What a reader of committed records finds in a topic of predictions.
#[derive(Serialize)]
pub(crate) struct Outputs {
    /// Ticks that should have a prediction.
    pub(crate) due: usize,
    /// Predictions.
    pub(crate) found: usize,
    /// Ticks without one.
    pub(crate) missing: usize,
    /// Predictions of a tick that has one already.
    pub(crate) repeated: usize,
    /// Bytes of a value in the mean.
    pub(crate) value_bytes: f64,
}

/// Partition and offset of the tick that a prediction is about.
pub(crate) fn source(message: &impl Message) -> Option<(usize, usize)> {
    let header = message.headers()?.iter().find(|header| header.key == "src")?;
    let mut parts = std::str::from_utf8(header.value?).ok()?.split(':');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Reads a topic to its end. `due` says, by partition, behind which offset no tick must have a prediction; without it,
/// behind the last that has one.
pub(crate) fn check(topic: &str, due: Option<&[i64]>) -> Result<Outputs> {
    let reader = broker::reader("read_committed")?;
    let mut open = broker::partition_count(&reader, topic)?;
    reader.assign(&broker::positions(topic, &vec![0; open])?)?;
    let mut seen: Vec<Vec<bool>> = Vec::new();
    let (mut found, mut repeated, mut bytes) = (0, 0, 0);
    let mut newest = Instant::now();
    while open > 0 {
        match reader.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                newest = Instant::now();
                let (partition, offset) = source(&message).ok_or("a prediction has no header src")?;
                if seen.len() <= partition {
                    seen.resize(partition + 1, Vec::new());
                }
                let seen = &mut seen[partition];
                if seen.len() <= offset {
                    seen.resize(offset + 1, false);
                }
                repeated += usize::from(std::mem::replace(&mut seen[offset], true));
                found += 1;
                bytes += message.payload_len();
            }
            Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
            Some(Err(error)) => return Err(error.into()),
            None if newest.elapsed() > SILENCE_MAX => return Err(format!("{topic} has no end").into()),
            None => {}
        }
    }
    let due: Vec<usize> = match due {
        Some(due) => due.iter().map(|&end| end as usize).collect(),
        None => seen.iter().map(Vec::len).collect(),
    };
    let has =
        |partition: usize, offset: usize| seen.get(partition).is_some_and(|p| p.get(offset) == Some(&true));
    let without =
        |(partition, end): (usize, &usize)| (0..*end).filter(|&offset| !has(partition, offset)).count();
    let missing = due.iter().enumerate().map(without).sum();
    Ok(Outputs {
        due: due.iter().sum(),
        found,
        missing,
        repeated,
        value_bytes: bytes as f64 / found.max(1) as f64,
    })
}

impl Outputs {
    /// An error unless each tick that is due has one prediction, and no other has any.
    pub(crate) fn demand_once(&self) -> Result<()> {
        if self.missing == 0 && self.repeated == 0 && self.found == self.due {
            return Ok(());
        }
        Err(format!(
            "{} predictions of {} due: {} missing, {} repeated",
            self.found, self.due, self.missing, self.repeated
        )
        .into())
    }
}
