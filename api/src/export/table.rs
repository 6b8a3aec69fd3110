//! Rows to a parquet file, a row group at a time.

use std::{
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
    sync::Arc,
};

use engine::{
    features::{self, FEATURE_COUNT},
    state::LabelSettings,
};
use parquet::{
    basic::{Compression, ZstdLevel},
    data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, FloatType, Int64Type},
    errors::ParquetError,
    file::{metadata::KeyValue, properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};

use super::{
    rows::Exported,
    schema::{SCHEMA_KEY, schema_json},
};

/// Rows of a row group: what is held in memory.
const GROUP_ROWS: usize = 32_768;

/// Why a table was not written.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file system's reason.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The format's reason.
    #[error("{path}: {source}")]
    Parquet {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: ParquetError,
    },
}

/// Writes `FILE.partial`, which becomes `FILE` when it is whole.
pub struct TableWriter {
    path: PathBuf,
    partial: PathBuf,
    writer: SerializedFileWriter<BufWriter<File>>,
    group: Vec<Exported>,
    label: LabelSettings,
    with_labels: bool,
    grid_s: u32,
    rows: u64,
    span_s: Option<(i64, i64)>,
}

impl TableWriter {
    /// Begins the file.
    ///
    /// # Errors
    /// [`TableError::Io`] when it cannot be made.
    pub fn create(
        path: &Path,
        label: LabelSettings,
        with_labels: bool,
        grid_s: u32,
    ) -> Result<Self, TableError> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let file =
            File::create(&partial).map_err(|source| TableError::Io { path: partial.clone(), source })?;
        let failed = |source| TableError::Parquet { path: partial.clone(), source };
        let schema = parse_message_type(&message_type(with_labels)).map_err(failed)?;
        // No clock and no machine enters: equal rows give equal bytes.
        let level = ZstdLevel::try_new(3).map_err(failed)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_created_by("stormglass".to_owned())
            .build();
        let writer = SerializedFileWriter::new(BufWriter::new(file), Arc::new(schema), Arc::new(properties))
            .map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            partial,
            writer,
            group: Vec::new(),
            label,
            with_labels,
            grid_s,
            rows: 0,
            span_s: None,
        })
    }

    /// Takes a row.
    ///
    /// # Errors
    /// [`TableError`] when a full row group cannot be written.
    pub fn push(&mut self, row: Exported) -> Result<(), TableError> {
        let second = row.pending.second;
        let (first, last) = self.span_s.unwrap_or((second, second));
        self.span_s = Some((first.min(second), last.max(second)));
        self.rows += 1;
        self.group.push(row);
        if self.group.len() >= GROUP_ROWS { self.write_group() } else { Ok(()) }
    }

    /// Writes what is left and the schema, and gives the file its name. Returns the rows in it.
    ///
    /// # Errors
    /// [`TableError`].
    pub fn finish(mut self) -> Result<u64, TableError> {
        self.write_group()?;
        let schema = schema_json(&self.label, self.with_labels, self.grid_s, self.rows, self.span_s);
        self.writer.append_key_value_metadata(KeyValue::new(SCHEMA_KEY.to_owned(), Some(schema.to_string())));
        let failed = |source| TableError::Parquet { path: self.partial.clone(), source };
        self.writer.close().map_err(failed)?;
        std::fs::rename(&self.partial, &self.path)
            .map_err(|source| TableError::Io { path: self.path.clone(), source })?;
        Ok(self.rows)
    }

    fn write_group(&mut self) -> Result<(), TableError> {
        if self.group.is_empty() {
            return Ok(());
        }
        let written = write_columns(&mut self.writer, &self.group, self.with_labels);
        self.group.clear();
        written.map_err(|source| TableError::Parquet { path: self.partial.clone(), source })
    }
}

/// The columns, in order, in the format's own notation.
fn message_type(with_labels: bool) -> String {
    let mut text =
        "message rows { REQUIRED BINARY symbol (STRING); REQUIRED INT64 event_time (TIMESTAMP(MICROS,true));"
            .to_owned();
    for spec in features::specs() {
        text += &format!(" REQUIRED FLOAT {};", spec.name);
    }
    if with_labels {
        text += " OPTIONAL DOUBLE tau_bp; OPTIONAL DOUBLE trailing_bp; OPTIONAL DOUBLE realised_bp;";
        text += " OPTIONAL BOOLEAN spike;";
    }
    text + " }"
}

fn write_columns(
    writer: &mut SerializedFileWriter<BufWriter<File>>,
    rows: &[Exported],
    with_labels: bool,
) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    let names: Vec<ByteArray> = rows.iter().map(|row| ByteArray::from(&*row.symbol.name)).collect();
    let times: Vec<i64> = rows.iter().map(|row| row.pending.second * 1_000_000).collect();
    write::<ByteArrayType, _>(&mut group, names.into_iter().map(Some), false)?;
    write::<Int64Type, _>(&mut group, times.into_iter().map(Some), false)?;
    for feature in 0..FEATURE_COUNT {
        write::<FloatType, _>(&mut group, rows.iter().map(|row| Some(row.row[feature])), false)?;
    }
    if with_labels {
        let basis_points = |volatility: f64| volatility * 1e4;
        let own = |row: &Exported| {
            row.pending.tau.is_finite() && row.pending.tau_source == engine::prediction::TauSource::Own
        };
        let tau = |row: &Exported| own(row).then_some(row.pending.tau).map(basis_points);
        write::<DoubleType, _>(&mut group, rows.iter().map(tau), true)?;
        write::<DoubleType, _>(
            &mut group,
            rows.iter().map(|row| row.pending.trailing.map(basis_points)),
            true,
        )?;
        write::<DoubleType, _>(&mut group, rows.iter().map(|row| row.realised.map(basis_points)), true)?;
        write::<BoolType, _>(&mut group, rows.iter().map(Exported::spike), true)?;
    }
    group.close()?;
    Ok(())
}

type Group<'a> = parquet::file::writer::SerializedRowGroupWriter<'a, BufWriter<File>>;

fn write<T, I>(group: &mut Group<'_>, values: I, optional: bool) -> Result<(), ParquetError>
where
    T: parquet::data_type::DataType,
    I: Iterator<Item = Option<T::T>>,
{
    let mut column = group
        .next_column()?
        .ok_or_else(|| ParquetError::General("more columns than the schema has".to_owned()))?;
    let values: Vec<Option<T::T>> = values.collect();
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let present: Vec<T::T> = values.into_iter().flatten().collect();
    column.typed::<T>().write_batch(&present, optional.then_some(&levels[..]), None)?;
    column.close()
}
