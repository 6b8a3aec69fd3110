//! A file that is being read, with its next record decoded: its time says when the record is due.

use std::{cell::Cell, io, io::BufRead, mem, rc::Rc};

use super::{Content, FileError, FileSource, FileToRead, order::FileInHand};
use crate::{
    decode::Unreadable,
    input::{Framing, Line, Opened, Records},
    intake::{DecodedRecord, RecordFormat, RecordPlace, RecordReader, SequenceTracker, TickSink},
    limits::RECORD_BYTES_MAX,
    tick::{EventTime, NANOS_PER_SECOND},
};

/// Records in which a first tick is looked for.
const RECORDS_LOOKED_AT: u64 = 1_000;
/// A tick that is further ahead of the file's newest must be followed by one beside it, or it is a wrong time and does
/// not make the file wait.
const AHEAD_MAX_NANOS: i64 = 3_600 * NANOS_PER_SECOND;

/// The records of an unpacked file.
type FileRecords = Records<Box<dyn BufRead>>;

/// The file.
pub(super) struct OpenFile<'a> {
    pub(super) file: &'a FileToRead,
    pub(super) in_hand: FileInHand,
    /// Remarks about the file that the summary at the end will show, such as the symbol that its name gave.
    pub(super) remarks: Vec<String>,
    /// Its place in the natural order.
    number: usize,
    records: FileRecords,
    format: RecordFormat,
    bytes_read: Rc<Cell<u64>>,
    sequence: SequenceTracker,
    /// The next record, and the one behind it where the next one's time had to be confirmed.
    head: Option<Head>,
    behind: Option<Head>,
    /// The newest time that was handed over or confirmed.
    newest: Option<EventTime>,
    spare: DecodedRecord,
}

/// A record that was read and not handed over.
struct Head {
    line: u64,
    /// When it is due: the time of its first tick, or at once.
    due: Option<EventTime>,
    time: Option<EventTime>,
    record: DecodedRecord,
    is_too_long: bool,
    /// The record itself if another line was read behind it; otherwise it is the present line.
    bytes: Option<Vec<u8>>,
}

fn records_of(opened: Opened, framing: Framing) -> (FileRecords, Rc<Cell<u64>>) {
    let bytes_read = opened.bytes_counter();
    (Records::new(framing, opened.into_input(), RECORD_BYTES_MAX), bytes_read)
}

impl FileToRead {
    pub(super) fn failed(&self, cause: io::Error) -> FileError {
        FileError::read(&self.input, cause)
    }

    /// The time of the first tick, if one is among the first records, and the file can be read twice.
    pub(super) fn first_time(&self) -> io::Result<Option<EventTime>> {
        let (mut first, mut records) = (None, 0);
        self.look_at(|time| {
            (first, records) = (time, records + 1);
            first.is_some() || records >= RECORDS_LOOKED_AT
        })?;
        Ok(first)
    }

    /// Calls `is_enough` with the time of each record that has one, and says whether it was enough before the end.
    pub(super) fn look_through(&self, mut is_enough: impl FnMut(EventTime) -> bool) -> io::Result<bool> {
        self.look_at(|time| time.is_some_and(&mut is_enough))
    }

    fn look_at(&self, mut is_enough: impl FnMut(Option<EventTime>) -> bool) -> io::Result<bool> {
        let Some(content) = &self.content else { return Ok(false) };
        let (mut records, _) = records_of(self.input.open()?, content.framing());
        let (mut format, mut decoded) = (content.format(), DecodedRecord::default());
        decoded.set_times(self.times);
        while let Some((_, record)) = records.next_numbered()? {
            let Line::Whole(record) = record else { continue };
            if is_enough(decoded.read(record, &mut format)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl<'a> OpenFile<'a> {
    /// Opens the file and reads its first record.
    pub(super) fn open(source: &FileSource, file: &'a FileToRead, number: usize) -> Result<Self, FileError> {
        let failed = |cause| file.failed(cause);
        let mut opened = file.input.open().map_err(failed)?;
        let content = match &file.content {
            Some(content) => content.clone(),
            None => Content::of(&file.input, &mut opened, &source.config, source.csv_symbol.as_ref())?,
        };
        let (format, remarks) = content.prepare(&file.input).map_err(failed)?;
        let (records, bytes_read) = records_of(opened, content.framing());
        let mut open = Self {
            file,
            in_hand: FileInHand::new(&file.input.to_string(), number, file.times),
            remarks,
            number,
            records,
            format,
            bytes_read,
            sequence: SequenceTracker::default(),
            head: None,
            behind: None,
            newest: None,
            spare: DecodedRecord::default(),
        };
        open.advance().map_err(failed)?;
        Ok(open)
    }

    /// When its next record is due.
    pub(super) fn due(&self) -> Option<EventTime> {
        self.head.as_ref().and_then(|head| head.due)
    }

    /// When its next record is due, and its place in the natural order.
    pub(super) fn turn(&self) -> (Option<EventTime>, usize) {
        (self.due(), self.number)
    }

    /// The time of the next record's first tick.
    pub(super) fn time(&self) -> Option<EventTime> {
        self.head.as_ref().and_then(|head| head.time)
    }

    /// Whether all of it was handed over.
    pub(super) fn is_at_end(&self) -> bool {
        self.head.is_none()
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read.get()
    }

    /// Hands the next record over, and says whether it could be decoded; [`advance`](Self::advance) then reads another.
    pub(super) fn hand_over(&mut self, reader: &mut RecordReader, sink: &mut dyn TickSink) -> bool {
        let Some(mut head) = self.head.take() else { return false };
        let place = RecordPlace::Line { file: self.in_hand.name(), line: head.line };
        let bytes = head.bytes.as_deref().unwrap_or_else(|| self.records.present());
        if head.is_too_long {
            reader.hand_over_unread(Unreadable::TooLong, bytes, place, sink);
        } else {
            reader.hand_over_decoded(&mut head.record, &mut self.sequence, bytes, place, sink);
        }
        self.spare = head.record;
        !head.is_too_long
    }

    /// Reads the next record, if there is one.
    pub(super) fn advance(&mut self) -> io::Result<()> {
        self.head = match self.behind.take() {
            Some(behind) => Some(behind),
            None => self.read()?,
        };
        let Some(time) = self.head.as_ref().and_then(|head| head.time) else { return Ok(()) };
        let is_ahead = |of: EventTime| time.nanos() - of.nanos() > AHEAD_MAX_NANOS;
        if let Some(newest) = self.newest.filter(|&newest| is_ahead(newest)) {
            let bytes = self.records.present().to_vec();
            let behind = self.read()?;
            let is_confirmed =
                behind.as_ref().is_none_or(|behind| behind.time.is_none_or(|behind| !is_ahead(behind)));
            if let Some(head) = &mut self.head {
                head.bytes.get_or_insert(bytes);
                if !is_confirmed {
                    head.due = Some(newest);
                }
            }
            self.behind = behind;
            if !is_confirmed {
                return Ok(());
            }
        }
        self.newest = self.newest.max(Some(time));
        Ok(())
    }

    fn read(&mut self) -> io::Result<Option<Head>> {
        let Some((line, content)) = self.records.next_numbered()? else { return Ok(None) };
        let mut record = mem::take(&mut self.spare);
        record.set_times(self.file.times);
        let (time, is_too_long) = match content {
            Line::TooLong(_) => (None, true),
            Line::Whole(bytes) => (record.read(bytes, &mut self.format), false),
        };
        Ok(Some(Head { line, due: time, time, record, is_too_long, bytes: None }))
    }
}
