//! Whether files come in the order of their times, and what is assumed about each: remarks for people.

use crate::{
    decode::{EpochUnit, TimeSettings},
    intake::{NameMap, RecordReader, Tally, grouped},
    limits::SYMBOLS_MAX,
    tick::EventTime,
};

/// Follows the times of the ticks from file to file.
#[derive(Debug, Default)]
pub(super) struct FileOrder {
    newest: NameMap<Newest>,
    /// Symbols in `newest`.
    symbols: usize,
}

/// What is noted of a file while it is read.
#[derive(Debug, Default)]
pub(super) struct FileInHand {
    name: String,
    /// Its place in the natural order.
    number: usize,
    ticks: u64,
    /// Ticks older than the newest tick of their symbol in the files before.
    ticks_behind: u64,
    unit: Option<EpochUnit>,
    /// How its times are read that do not tell it themselves, and whether one was that names no zone.
    times: TimeSettings,
    is_zoneless: bool,
    first: Option<EventTime>,
}

/// The newest event time of a symbol.
#[derive(Clone, Copy, Debug, Default)]
struct Newest {
    /// In the files before `file`.
    before: Option<EventTime>,
    /// In all that was read.
    now: Option<EventTime>,
    file: usize,
}

impl FileInHand {
    pub(super) fn new(name: &str, number: usize, times: TimeSettings) -> Self {
        Self { name: name.to_owned(), number, times, ..Self::default() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Says what is assumed about the file, in the log and in the tally.
    pub(super) fn remark(&self, remark: String, tally: &mut Tally) {
        tracing::info!(file = self.name, "{remark}");
        tally.remark(&self.name, remark);
    }

    /// Ends the file, with a remark if nearly all of its ticks came too late.
    pub(super) fn end(&self, tally: &mut Tally) {
        let Self { ticks, ticks_behind, first, .. } = *self;
        // Not all: the last ticks of a file may reach into the time of the next.
        if ticks > 0 && ticks_behind.saturating_mul(10) >= ticks.saturating_mul(9) {
            let begins = first.map_or_else(String::new, |first| format!(", and it begins at {first}"));
            let remark = format!(
                "{} of its {} ticks are late, because a file before it is newer{begins}; name the files in the order of \
                 their times",
                grouped(ticks_behind),
                grouped(ticks)
            );
            tracing::warn!(file = self.name, "{remark}");
            tally.remark(&self.name, remark);
        }
    }
}

impl FileOrder {
    /// Notes the ticks of the newest record, which is one of this file.
    pub(super) fn note(&mut self, file: &mut FileInHand, reader: &mut RecordReader) {
        let Self { newest, symbols } = self;
        let decoded = reader.decoded();
        if decoded.ticks().len() == 0 {
            return;
        }
        file.ticks += decoded.ticks().len() as u64;
        file.first = file.first.or(decoded.first_event_time());
        for ticker in decoded.ticks() {
            let Some(symbol) = newest.get_mut(ticker.venue, ticker.product) else {
                if *symbols < SYMBOLS_MAX {
                    *symbols += 1;
                    let now = Some(ticker.tick.event_time);
                    let symbol = Newest { before: None, now, file: file.number };
                    newest.insert(ticker.venue, ticker.product, symbol);
                }
                continue;
            };
            if symbol.file != file.number {
                (symbol.before, symbol.file) = (symbol.now, file.number);
            }
            let time = ticker.tick.event_time;
            file.ticks_behind += u64::from(symbol.before.is_some_and(|before| time < before));
            symbol.now = symbol.now.max(Some(time));
        }
        let is_zoneless = decoded.zoneless_times > 0;
        if decoded.epoch_unit != file.unit
            && let Some(unit) = decoded.epoch_unit
        {
            file.unit = Some(unit);
            let how = if file.times.unit.is_some() {
                "as source.time_unit says"
            } else {
                "by their digits or the header"
            };
            let remark = format!("its times are {} since 1970, {how}", unit.name());
            file.remark(remark, reader.tally_mut());
        }
        if is_zoneless && !file.is_zoneless {
            file.is_zoneless = true;
            let remark = format!(
                "its times name no zone, and are read in the zone {}, as source.assume_tz says",
                file.times.zone
            );
            file.remark(remark, reader.tally_mut());
        }
    }
}
