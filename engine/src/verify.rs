//! Recomputes every prediction of a log from the ticks, and compares it byte for byte.
//!
//! ```text
//!  predictions, once through --> lives: from which offset each symbol's state grew       (1)
//!  ticks, in order ----------> one core a life, as the lane drives it --> due bytes       (2)
//!  predictions, in order ----------------------------------------------> compared --> report
//! ```
//!
//! 1. A receipt (the part of a prediction that identifies its inputs) names the `origin` of its state. A symbol has one
//!    life, or several if state was lost; see `lives`. A life whose first ticks are gone can continue from a kept
//!    state; see `kept`.
//! 2. Both logs are read in step, one partition after the other: memory holds states, not records.
//!
//! A prediction is *verified* (the same bytes, key and headers), *differing*, *missing* (its tick was accepted and has
//! none), *repeated*, *surplus* (no tick gives it) or *not verifiable*, with the [`Reason`].
//!
//! # Limits
//! Ticks after the last prediction of a recording may still wait, or their predictions were lost at the end: they are
//! counted apart. With `emit = spikes`, a tick without a prediction is taken to be scored by the model of the
//! prediction before.

mod compare;
mod kept;
mod life;
mod lives;
mod prediction;
mod report;
mod shelf;
mod symbol;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use model::Model;
use rustc_hash::FxHashMap;

use self::{
    compare::{Compared, Recent},
    kept::KeptStates,
    lives::Lives,
    prediction::{Found, Said},
    shelf::Shelf,
    symbol::{Due, Symbol},
};
pub use kept::KeptState;
pub use report::{Difference, Kind, Place, Reason, Report};
pub use shelf::Models;

use crate::{
    bound_model::BoundModel,
    decode::DecodedTick,
    intake::{RecordFormat, RecordPlace, RecordReader, RecordRules},
    recording::{LogError, LogRecord, PartitionRecords, PartitionedLog},
    settings::Emit,
    state::StateSettings,
    symbol::SymbolTable,
};

/// The settings under which the predictions were made.
#[derive(Clone, Debug)]
pub struct VerifySettings {
    /// The settings that affect their bytes.
    pub state: StateSettings,
    /// Which ticks have a prediction.
    pub emit: Emit,
    /// Whether repeated predictions are allowed, as with at-least-once delivery.
    pub at_least_once: bool,
    /// The baseline model, if the fallback is on.
    pub baseline: Option<Arc<Model>>,
    /// How the records of the ticks' topic are read.
    pub records: RecordRules,
}

/// What a group has committed for a partition of the ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The predictions of all ticks below this offset are committed.
    pub offset: u64,
    /// The origin of its states, if the commit names it.
    pub origin: Option<u64>,
}

/// Recomputes and compares. Each value verifies one pair of logs.
pub struct Verifier<'a> {
    settings: &'a VerifySettings,
    baseline: Option<Arc<BoundModel>>,
    shelf: Shelf<'a>,
    kept: KeptStates,
    format: RecordFormat,
    report: Report,
}

impl<'a> Verifier<'a> {
    /// A verifier of predictions made with these settings.
    pub fn new(settings: &'a VerifySettings, models: &'a mut dyn Models) -> Self {
        let baseline = settings.baseline.clone().and_then(|model| BoundModel::new(model).ok()).map(Arc::new);
        let (kept, report) = (KeptStates::default(), Report::default());
        let format = settings.records.format.clone();
        Self { settings, baseline, shelf: Shelf::new(models), kept, format, report }
    }

    /// Adds kept states of the ticks' topic.
    #[must_use]
    pub fn with_states(self, states: Vec<KeptState>) -> Self {
        Self { kept: KeptStates::new(states), ..self }
    }

    /// Verifies all partitions. `committed` holds the committed offset of each partition where it is known; `advanced`
    /// is called for every tick record.
    ///
    /// # Errors
    /// [`LogError`] when a log cannot be read to its end.
    pub fn verify(
        mut self,
        ticks: &dyn PartitionedLog,
        predictions: &dyn PartitionedLog,
        committed: &dyn Fn(u32) -> Option<Committed>,
        advanced: &mut dyn FnMut(),
    ) -> Result<Report, LogError> {
        let mut partitions = ticks.partitions();
        partitions.extend(predictions.partitions());
        partitions.sort_unstable();
        partitions.dedup();
        let mut reader = self.settings.records.reader();
        for partition in partitions {
            let committed = committed(partition);
            let lives =
                self.lives(predictions, partition, committed.and_then(|committed| committed.origin))?;
            let mut task = Task {
                verifier: &mut self,
                partition,
                ticks_from: ticks.first_offset(partition),
                // Older predictions were deleted, so their ticks are not reported as missing.
                is_cut: predictions.first_offset(partition).is_some_and(|first| first > 0),
                committed: committed.map(|committed| committed.offset),
                predictions: one(predictions, partition)?,
                head: None,
                recent: Recent::default(),
                names: SymbolTable::default(),
                symbols: FxHashMap::default(),
                model: None,
                lives,
                last_record: None,
            };
            task.begin()?;
            for record in one(ticks, partition)? {
                task.record(&record?, &mut reader)?;
                advanced();
            }
            task.rest()?;
        }
        self.report.unreadable = reader.tally().unreadable.clone();
        Ok(self.report)
    }

    fn lives(
        &mut self,
        predictions: &dyn PartitionedLog,
        partition: u32,
        origin: Option<u64>,
    ) -> Result<Lives, LogError> {
        let mut lives = Lives::new(self.settings.state.fingerprint(), origin);
        for record in one(predictions, partition)? {
            lives.add(&Found::new(record?))?;
        }
        Ok(lives)
    }
}

fn one(log: &dyn PartitionedLog, partition: u32) -> Result<PartitionRecords, LogError> {
    Ok(log.read(&[partition])?.pop().unwrap_or_else(|| Box::new(std::iter::empty())))
}

/// The verification of one partition.
struct Task<'v, 'a> {
    verifier: &'v mut Verifier<'a>,
    partition: u32,
    ticks_from: Option<u64>,
    is_cut: bool,
    committed: Option<u64>,
    predictions: PartitionRecords,
    /// The next prediction that is not judged yet.
    head: Option<Found>,
    recent: Recent,
    names: SymbolTable,
    /// The symbols with their states, by `venue:product`.
    symbols: FxHashMap<String, Symbol>,
    /// The model of the newest prediction.
    model: Option<Said>,
    lives: Lives,
    /// The offset of the newest tick record that was read.
    last_record: Option<u64>,
}

/// Offset of a tick's record, and index of its ticker.
type At = (u64, u32);

impl Task<'_, '_> {
    fn begin(&mut self) -> Result<(), LogError> {
        self.model = self.lives.first_model.take();
        self.next_prediction()
    }

    fn next_prediction(&mut self) -> Result<(), LogError> {
        self.head = self.predictions.next().transpose()?.map(Found::new);
        if self.head.is_some() {
            self.verifier.report.predictions += 1;
        }
        Ok(())
    }

    /// Handles a record of the ticks.
    fn record(&mut self, record: &LogRecord, reader: &mut RecordReader) -> Result<(), LogError> {
        let report = &mut self.verifier.report;
        report.tick_records += 1;
        self.last_record = Some(record.offset);
        let last = self.lives.last_offset;
        let is_beyond = |until: Option<u64>| until.is_none_or(|until| record.offset >= until);
        if is_beyond(last.map(|last| last.saturating_add(1))) && is_beyond(self.committed) {
            report.tick_records_behind += 1;
            return Ok(());
        }
        let payload = record.value.as_deref().unwrap_or_default();
        reader.read(payload, &mut self.verifier.format);
        let place = RecordPlace::Log { partition: record.partition, offset: record.offset };
        reader.tell(payload, place, |_| {});
        for ticker in reader.decoded().ticks() {
            let at = (record.offset, ticker.index);
            self.pass(at)?;
            self.tick(at, &ticker)?;
        }
        Ok(())
    }

    /// Judges the predictions before `at`, which no accepted tick has given.
    fn pass(&mut self, at: At) -> Result<(), LogError> {
        while let Some(head) = self.head.take_if(|head| head.at.is_none_or(|found| found < at)) {
            self.unmatched(&head);
            self.next_prediction()?;
        }
        Ok(())
    }

    /// Judges the predictions that are left after the last tick.
    fn rest(&mut self) -> Result<(), LogError> {
        while let Some(head) = self.head.take() {
            self.unmatched(&head);
            self.next_prediction()?;
        }
        Ok(())
    }

    fn unmatched(&mut self, found: &Found) {
        let report = &mut self.verifier.report;
        let place = found.place(self.partition);
        let Some(at) = found.at else {
            let (given, due) = (found.src_text(), format!("{}:OFFSET:INDEX", self.partition));
            return report.differs(place, "src", given, due);
        };
        if let Some(before) = self.recent.get(at) {
            let hash = found.hash();
            let is_same = before.found == hash;
            if !is_same && before.due == Some(hash) && found.own_difference().is_none() {
                // The ticks' topic was created again, and the first prediction belongs to the topic before.
                report.differs_no_more(place);
                report.verified += 1;
                self.recent.put(at, Compared { found: hash, due: Some(hash) });
            } else if self.verifier.settings.at_least_once && is_same {
                report.repeated_as_promised += 1;
            } else if is_same {
                report.repeated(place);
            } else {
                report.differs(place, "(value)", found.excerpt(), "the bytes of its first record".to_owned());
            }
        } else if self.ticks_from.is_none_or(|first| at.0 < first) {
            report.not_verifiable(Reason::BelowLogStart, place);
        } else if self.last_record.is_none_or(|last| at.0 > last) {
            report.not_verifiable(Reason::BehindTicks, place);
        } else {
            report.surplus(place);
        }
    }

    /// Applies a tick to the symbol's states, and compares the prediction that is due with the recorded one.
    fn tick(&mut self, at: At, ticker: &DecodedTick<'_>) -> Result<(), LogError> {
        let found = self.head.take_if(|head| head.at == Some(at));
        if found.is_some() {
            self.next_prediction()?;
        }
        let name = format!("{}:{}", ticker.venue, ticker.product);
        if !self.symbols.contains_key(&name)
            && let Some(spans) = self.lives.take(&name, at.0)
        {
            self.symbols.insert(name.clone(), Symbol { spans, speaking: 0, lives: Vec::new() });
        }
        let said = found.as_ref().and_then(Found::model);
        if let Some(said) = &said {
            self.model = Some(said.clone());
        }
        let due = self.advance(&name, at, ticker)?;
        self.judge(&name, at, found, due);
        Ok(())
    }

    fn judge(&mut self, name: &str, at: At, found: Option<Found>, due: Due) {
        let place = Place { partition: self.partition, offset: at.0, index: at.1 };
        let report = &mut self.verifier.report;
        let is_committed = self.committed.is_some_and(|committed| at.0 < committed);
        let is_before_last = self.lives.last.is_some_and(|last| at <= last);
        let Some(found) = found else {
            if let Due::Bytes { is_expected: true, .. } = due
                && (is_before_last || is_committed)
            {
                report.missing(place);
            }
            return;
        };
        let is_ours = found.config_hash().is_none_or(|config_hash| config_hash == self.lives.config_hash);
        let due_hash = match &due {
            Due::Bytes { bytes, .. } if is_ours => Some(compare::hash(name.as_bytes(), bytes)),
            _ => None,
        };
        self.recent.put(at, Compared { found: found.hash(), due: due_hash });
        if let Some(difference) = found.own_difference() {
            let (field, given, due) = difference;
            report.differs(place, field, given, due);
            return;
        }
        if !is_ours {
            report.not_verifiable(Reason::OtherSettings, place);
            return;
        }
        match due {
            Due::Bytes { bytes, .. } => match found.compare(&bytes, name) {
                None => report.verified += 1,
                Some((field, given, due)) => report.differs(place, &field, given, due),
            },
            Due::Nothing | Due::NotBegun => report.surplus(place),
            Due::Lost => report.not_verifiable(Reason::BelowLogStart, place),
            Due::NoModel => {
                if let Some(Said::Model(sha256)) = found.model() {
                    report.note_missing_model(sha256);
                }
                report.not_verifiable(Reason::NoModel, place);
            }
            Due::NoState => report.surplus(place),
        }
    }
}
