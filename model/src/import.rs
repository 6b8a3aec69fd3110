//! Imports other libraries' models. Files are parsed in Rust with bounds checks; nothing in them is executed.
//!
//! One file for each format, one list (`FORMATS`). A reader returns a [`WideForest`] with names and a link; a forest
//! that fits narrow nodes is stored in them without a changed bit. Formats are recognised by content. A reader refuses
//! what it does not support by name, and reports its own decisions in [`Imported::notes`].

mod catboost;
mod document;
mod grow;
mod lightgbm;
mod onnx;
mod schema;
mod sklearn;
mod treelite;
mod xgboost;

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

pub use schema::TrainingSchema;

use crate::{
    draft::{MemberDraft, ModelDraft},
    error::DraftError,
    file::hash,
    forest::wide::{MissingRule, Precision, WideForest, WideNode},
    info::ModelInfo,
    link::Outputs,
    preparation::Preparation,
    schema::FeatureName,
};

/// Most bytes of a foreign file, unpacked.
pub const INPUT_BYTES_MAX: usize = 1 << 30;

/// Reads a foreign file. A file that is too large is refused before it is in memory.
///
/// # Errors
/// The system's error, or [`io::ErrorKind::FileTooLarge`].
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let too_large = |length: u64| {
        let what = format!("{length} bytes; a model to import has at most {INPUT_BYTES_MAX}");
        Err(io::Error::new(io::ErrorKind::FileTooLarge, what))
    };
    let length = file.metadata()?.len();
    if length > INPUT_BYTES_MAX as u64 {
        return too_large(length);
    }
    // An input without a length, such as a pipe, is cut after the limit.
    let mut bytes = Vec::with_capacity(length as usize);
    file.take(INPUT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > INPUT_BYTES_MAX { too_large(bytes.len() as u64) } else { Ok(bytes) }
}

/// One format: its name, its recogniser and its reader.
struct Format {
    name: &'static str,
    is_it: fn(&[u8]) -> bool,
    read: fn(&[u8], &Options) -> Result<Foreign, Fault>,
}

/// The list of formats. The first one that recognises the bytes reads them.
const FORMATS: [Format; 8] = [
    Format { name: "XGBoost JSON", is_it: xgboost::is_json, read: xgboost::read_json },
    Format { name: "XGBoost UBJSON", is_it: xgboost::is_ubjson, read: xgboost::read_ubjson },
    Format { name: "LightGBM text", is_it: lightgbm::is_it, read: lightgbm::read },
    Format { name: "CatBoost JSON", is_it: catboost::is_it, read: catboost::read },
    Format { name: "scikit-learn arrays (.npz)", is_it: sklearn::is_npz, read: sklearn::read_npz },
    Format { name: "scikit-learn skops", is_it: sklearn::is_skops, read: sklearn::read_skops },
    Format { name: "ONNX", is_it: onnx::is_it, read: onnx::read },
    Format { name: "Treelite checkpoint", is_it: treelite::is_it, read: treelite::read },
];

/// The caller's choices for an import.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name that the model gets.
    pub name: String,
    /// The version that the model gets.
    pub version: String,
    /// For a model whose training stopped early and that still has its later trees: leave them out, as its scikit-learn
    /// wrapper does. Otherwise all are kept, as its own `predict` does.
    pub best_iteration: bool,
    /// The command line, for the model's provenance; empty: left out.
    pub command: String,
    /// Names, horizon and label rule of the training table, if the caller knows them.
    pub schema: Option<TrainingSchema>,
    /// Time at which the input was written, RFC 3339, for the provenance; empty: left out.
    pub input_saved_at: String,
}

impl Options {
    /// Options for a model with this name: version 1, all trees, no command.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: "1".to_owned(),
            best_iteration: false,
            command: String::new(),
            schema: None,
            input_saved_at: String::new(),
        }
    }
}

/// The result of an import.
#[derive(Debug)]
pub struct Imported {
    /// The name of the format that was recognised, `LightGBM text`.
    pub format: &'static str,
    /// The model, ready to be written.
    pub draft: ModelDraft,
    /// Decisions of the import that the user should know, as sentences.
    pub notes: Vec<String>,
}

/// The reason why a foreign file was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// No reader recognises the bytes.
    #[error("{what}")]
    Unrecognised {
        /// A description of the bytes, with a remedy if there is one.
        what: String,
    },
    /// The model needs something that is not supported.
    #[error("{format}: not supported: {what}")]
    Unsupported {
        /// The name of the format.
        format: &'static str,
        /// The name of what is not supported.
        what: String,
    },
    /// The file breaks the rules of its format.
    #[error("{format}: {what}")]
    Broken {
        /// The name of the format.
        format: &'static str,
        /// The fault and its position in the file.
        what: String,
    },
    /// The model exceeds a limit of our format.
    #[error("{format}: {source}")]
    Draft {
        /// The name of the format.
        format: &'static str,
        /// The limit of our format that the model exceeds.
        source: DraftError,
    },
}

/// A model as a format's reader returns it.
struct Foreign {
    /// Names of all features; an empty name is replaced by a numbered one.
    features: Vec<String>,
    /// The imputing and scaling steps of a pipeline.
    preparation: Option<Preparation>,
    forest: WideForest,
    outputs: Outputs,
    /// The library and its version, if the file names them.
    library: String,
    notes: Vec<String>,
}

/// The reason why a reader failed.
enum Fault {
    Unsupported(String),
    Broken(String),
}

impl From<String> for Fault {
    fn from(what: String) -> Self {
        Self::Broken(what)
    }
}

/// The formats' names, in the order in which they are tried.
pub fn formats() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().map(|format| format.name)
}

/// Reads a foreign model of any format.
///
/// # Errors
/// [`ImportError`] for an unknown, unsupported, broken or too large file. It never panics, whatever the bytes.
pub fn import(bytes: &[u8], options: &Options) -> Result<Imported, ImportError> {
    if bytes.len() > INPUT_BYTES_MAX {
        let what = format!("{} bytes; {INPUT_BYTES_MAX} are possible", bytes.len());
        return Err(ImportError::Unrecognised { what });
    }
    let known = FORMATS.iter().find(|format| (format.is_it)(bytes));
    let Format { name: format, read, .. } =
        *known.ok_or_else(|| ImportError::Unrecognised { what: what_it_is(bytes) })?;
    let foreign = read(bytes, options).map_err(|fault| match fault {
        Fault::Unsupported(what) => ImportError::Unsupported { format, what },
        Fault::Broken(what) => ImportError::Broken { format, what },
    })?;
    assemble(bytes, format, foreign, options).map_err(|source| ImportError::Draft { format, source })
}

fn assemble(
    bytes: &[u8],
    format: &'static str,
    foreign: Foreign,
    options: &Options,
) -> Result<Imported, DraftError> {
    let Foreign { features, preparation, forest, outputs, library, mut notes } = foreign;
    let names = match &options.schema {
        Some(schema) => schema.name(&features, &mut notes)?,
        None => features.into_iter().enumerate().map(|(at, name)| feature_name(at, name)).collect(),
    };
    let mut info = ModelInfo::new(&options.name, &options.version, "ml", names);
    info.provenance = vec![
        ("imported from".to_owned(), format.to_owned()),
        ("library".to_owned(), library),
        ("sha256 of the input".to_owned(), hash::sha256([bytes])),
    ];
    if !options.command.is_empty() {
        info.provenance.push(("command".to_owned(), options.command.clone()));
    }
    if let Some(schema) = &options.schema {
        schema.tell(&mut info);
    }
    if !options.input_saved_at.is_empty() {
        info.provenance.push(("input saved at".to_owned(), options.input_saved_at.clone()));
    }
    info.provenance.extend(notes.iter().map(|note| ("note".to_owned(), note.clone())));
    forest.check(0, info.features.len())?;
    let rows = self_test_rows(&forest, info.features.len());
    let narrowed = if preparation.is_none() { forest.narrowed() } else { None };
    let member = match narrowed {
        Some(narrow) => match crate::forest::pack::pack(&narrow, 0) {
            Ok(_) => MemberDraft::Forest(narrow),
            Err(what) => {
                notes.push(format!("Kept in wide nodes: {what}."));
                MemberDraft::Wide(forest)
            }
        },
        None => MemberDraft::Wide(forest),
    };
    let mut draft = ModelDraft::new(info, vec![(1.0, member)])?.with_outputs(outputs)?.with_self_test(rows);
    if let Some(preparation) = preparation {
        draft = draft.with_preparation(preparation)?;
    }
    Ok(Imported { format, draft, notes })
}

/// Parses `name@version` as a feature of the engine; any other name is the user's own.
fn feature_name(at: usize, name: String) -> FeatureName {
    if name.is_empty() {
        return FeatureName::new(format!("f{at}"), 0);
    }
    let versioned = name.rsplit_once('@').and_then(|(plain, version)| {
        let version = version.parse::<u16>().ok().filter(|&version| version > 0)?;
        (!plain.is_empty()).then(|| FeatureName::new(plain, version))
    });
    versioned.unwrap_or_else(|| FeatureName::new(name, 0))
}

/// Rows that exercise the forest's thresholds: a row of zeros, one of NaN, and then each feature's thresholds in turn.
fn self_test_rows(forest: &WideForest, width: usize) -> Vec<f64> {
    const ROWS: usize = 24;
    const WIDTH_MAX: usize = 4096;
    if width > WIDTH_MAX {
        return Vec::new();
    }
    let mut asked: Vec<Vec<f64>> = vec![Vec::new(); width];
    let nodes = forest.trees.iter().flat_map(|tree| &tree.nodes);
    for node in nodes {
        let (feature, value) = match *node {
            WideNode::Split { feature, threshold, .. } => (feature, forest.values.round(threshold)),
            WideNode::Member { feature, set, .. } => {
                let member = forest.sets[set as usize].members.first();
                (feature, member.map_or(0.0, |&member| forest.values.round(member)))
            }
            WideNode::Leaf(_) => continue,
        };
        let values = &mut asked[usize::from(feature)];
        if values.len() < 1024 && value.is_finite() {
            values.push(value);
        }
    }
    let mut rows = vec![0.0; width];
    rows.resize(2 * width, f64::NAN);
    // On a threshold, and just below it.
    let below = |value: f64| match forest.values {
        Precision::Single => f64::from((value as f32).next_down()),
        Precision::Double => value.next_down(),
    };
    for row in 2..ROWS {
        rows.extend(asked.iter().enumerate().map(|(feature, values)| match values.len() {
            0 => 0.0,
            _ if (row + feature) % 11 == 0 => f64::NAN,
            count if (row + feature) % 2 == 0 => values[(row * 31 + feature * 7) % count],
            count => below(values[(row * 31 + feature * 7) % count]),
        }));
    }
    rows
}

/// The missing rule after left and right are exchanged.
fn mirrored(rule: MissingRule) -> MissingRule {
    match rule {
        MissingRule::Left => MissingRule::Right,
        MissingRule::Right => MissingRule::Left,
        MissingRule::Zero => MissingRule::Zero,
        MissingRule::ZeroLeft => MissingRule::ZeroRight,
        MissingRule::ZeroRight => MissingRule::ZeroLeft,
    }
}

/// The missing rule that sends NaN left or right.
fn missing(left: bool) -> MissingRule {
    if left { MissingRule::Left } else { MissingRule::Right }
}

/// The condition `value <= bound` goes left, written as `value < next`. Every number except +inf has a next one; a
/// bound of +inf sends everything except missing values left. That is the mirror of a bound of -inf.
fn not_above(feature: u16, bound: f64, missing: MissingRule, left: u32, right: u32) -> WideNode {
    if bound == f64::INFINITY {
        let (threshold, missing) = (f64::NEG_INFINITY, mirrored(missing));
        return WideNode::Split { feature, threshold, missing, left: right, right: left };
    }
    WideNode::Split { feature, threshold: bound.next_up(), missing, left, right }
}

/// Describes unrecognised bytes for the error message.
fn what_it_is(bytes: &[u8]) -> String {
    let formats = formats().collect::<Vec<_>>().join(", ");
    let looks_like = match bytes {
        [] => "the file is empty",
        [0x80, 2..=5, ..] => {
            "it looks like a Python pickle (or joblib), which is a program and is never run: save the model with its \
             library's own `save_model` instead, or export scikit-learn with model/export/sklearn_to_npz.py or skops"
        }
        [b'<', b'?', b'x', b'm', b'l', ..]
            if bytes[..bytes.len().min(4096)].windows(5).any(|part| part == b"<PMML") =>
        {
            "it is PMML, which is not supported: save the model in its library's own format"
        }
        [b'P', b'K', 3, 4, ..] => "it is a zip archive of an unknown kind",
        [0x89, b'S', b'G', b'M', ..] => "it is a Stormglass model already",
        [b'C', b'B', b'M', b'1', ..] => "it is a CatBoost .cbm: save it with format=\"json\" instead",
        [b'{', ..] => "it is JSON, but of no known library",
        _ => "its first bytes are no known format's",
    };
    format!("not a model that can be imported: {looks_like}. Known: {formats}")
}

/// f64 if `double`, otherwise f32.
fn precision(double: bool) -> Precision {
    if double { Precision::Double } else { Precision::Single }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_of_infinity_takes_all_numbers_left_and_missing_ones_where_they_go() {
        const BOUNDS: [f64; 7] =
            [f64::NEG_INFINITY, f64::MIN, -0.0, 1.0, f32::MAX as f64, f64::MAX, f64::INFINITY];
        const RULES: [MissingRule; 5] = [
            MissingRule::Left,
            MissingRule::Right,
            MissingRule::Zero,
            MissingRule::ZeroLeft,
            MissingRule::ZeroRight,
        ];
        for (bound, rule) in BOUNDS.into_iter().flat_map(|bound| RULES.map(|rule| (bound, rule))) {
            for value in BOUNDS.into_iter().chain([0.0, f64::NAN, 1.0_f64.next_up(), 1e-36]) {
                let in_zero_band = value.is_nan() || value.abs() <= 1e-35_f32 as f64;
                let expected = match rule {
                    MissingRule::Left if value.is_nan() => true,
                    MissingRule::Right if value.is_nan() => false,
                    MissingRule::Zero if value.is_nan() => 0.0 <= bound,
                    MissingRule::ZeroLeft if in_zero_band => true,
                    MissingRule::ZeroRight if in_zero_band => false,
                    _ => value <= bound,
                };
                let WideNode::Split { threshold, missing, left, .. } = not_above(0, bound, rule, 7, 8) else {
                    panic!("a split");
                };
                let got = missing.goes_left(value, threshold) == (left == 7);
                assert_eq!(got, expected, "{value} <= {bound}, {rule:?}");
            }
        }
    }
}
