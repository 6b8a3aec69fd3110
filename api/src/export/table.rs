//! Writes rows to a parquet file, a row group at a time.

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

/// Rows of a row group, which memory holds until the group is full.
const GROUP_ROWS: usize = 32_768;

/// The reason why a table could not be written.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file could not be created or renamed.
    #[error("{path}: {source}")]
    Io {
        /// The file that was written.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The parquet writer failed.
    #[error("{path}: {source}")]
    Parquet {
        /// The file that was written.
        path: PathBuf,
        /// The cause.
        source: ParquetError,
    },
}

/// Writes `FILE.partial`, which is renamed to `FILE` when it is complete.
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
    /// Creates `FILE.partial`, with the columns of labels if `with_labels`. The label settings and `grid_s` are written
    /// into the schema.
    ///
    /// # Errors
    /// `TableError::Io` if the file cannot be created.
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
        // Nothing depends on the clock or the machine: equal rows give equal bytes.
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

    /// Adds a row.
    ///
    /// # Errors
    /// `TableError` when a full row group cannot be written.
    pub fn push(&mut self, row: Exported) -> Result<(), TableError> {
        let second = row.pending.second;
        let (first, last) = self.span_s.unwrap_or((second, second));
        self.span_s = Some((first.min(second), last.max(second)));
        self.rows += 1;
        self.group.push(row);
        if self.group.len() >= GROUP_ROWS { self.write_group() } else { Ok(()) }
    }

    /// Writes the rest and the schema, and renames `FILE.partial` to `FILE`. Returns the number of rows.
    ///
    /// # Errors
    /// `TableError` if the file cannot be written or renamed.
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

/// The columns in their order, in parquet's notation of schemas.
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
