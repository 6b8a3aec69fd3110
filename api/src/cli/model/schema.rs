//! `--schema FILE`: reads the schema of a training table, from a JSON file or from the table's metadata.

use std::path::Path;

use model::{import::TrainingSchema, schema::FeatureName};
use serde::Deserialize;

use crate::table_file;

/// Most bytes of a schema.
const BYTES_MAX: u64 = 1 << 20;

/// The keys of the JSON that are used. A file that is written by hand needs `features` only.
#[derive(Deserialize)]
struct Document {
    features: Vec<String>,
    #[serde(default)]
    horizon_s: Option<u32>,
    #[serde(default)]
    label_quantile: Option<f64>,
    #[serde(default)]
    tau: Option<Tau>,
    #[serde(default)]
    last_time: Option<String>,
}

#[derive(Deserialize)]
struct Tau {
    #[serde(default)]
    threshold_bp: Option<f64>,
}

/// Reads a schema. The error is a sentence on the fault of the file.
pub(super) fn read(file: &Path) -> Result<TrainingSchema, String> {
    let is_table = table_file::is_parquet(file).map_err(|error| error.to_string())?;
    let text = if is_table { read_table_schema(file)? } else { read_text(file)? };
    let document: Document = serde_json::from_str(&text).map_err(|error| format!("no schema: {error}"))?;
    let features = document.features.iter().map(|name| feature(name)).collect::<Result<_, _>>()?;
    Ok(TrainingSchema {
        features,
        horizon_s: document.horizon_s.unwrap_or(0),
        label_quantile: document.label_quantile.unwrap_or(0.0),
        threshold_bp: document.tau.and_then(|tau| tau.threshold_bp).unwrap_or(0.0),
        training_end: document.last_time.unwrap_or_default(),
    })
}

/// Parses `name@version`, or a name of the user's own.
fn feature(text: &str) -> Result<FeatureName, String> {
    let versioned =
        text.rsplit_once('@').and_then(|(name, version)| Some((name, version.parse::<u16>().ok()?)));
    let (name, version) = versioned.unwrap_or((text, 0));
    if name.is_empty() {
        return Err(format!("features: {text:?} has no name; write name@version"));
    }
    Ok(FeatureName::new(name, version))
}

fn read_text(file: &Path) -> Result<String, String> {
    let size = std::fs::metadata(file).map_err(|error| error.to_string())?.len();
    if size > BYTES_MAX {
        return Err(format!("{size} bytes; a schema has at most {BYTES_MAX}"));
    }
    std::fs::read_to_string(file).map_err(|error| error.to_string())
}

#[cfg(feature = "parquet")]
fn read_table_schema(file: &Path) -> Result<String, String> {
    use parquet::file::reader::{FileReader, SerializedFileReader};

    use crate::export::SCHEMA_KEY;

    let file = std::fs::File::open(file).map_err(|error| error.to_string())?;
    let reader = SerializedFileReader::new(file).map_err(|error| error.to_string())?;
    let schema = table_file::schema(reader.metadata().file_metadata());
    schema
        .map(str::to_owned)
        .ok_or_else(|| format!("the table has no metadata {SCHEMA_KEY}: is it from `stormglass features`?"))
}

#[cfg(not(feature = "parquet"))]
fn read_table_schema(_: &Path) -> Result<String, String> {
    Err("this build reads no parquet: give the schema as JSON".to_owned())
}
