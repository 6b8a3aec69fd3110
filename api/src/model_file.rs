//! Opens every kind of model that a configuration may name: a file of our format, a file of another library, or a
//! shipped model by its name.

use std::path::Path;

use engine::state::LabelSettings;
use model::{
    LabelRule, Model, ModelError, ModelInfo,
    import::{self, ImportError, Options},
};

use crate::shipped;

/// The default of `model.map_above_bytes`.
pub(crate) const MAP_ABOVE_BYTES: u64 = 256 << 20;

/// Opens a file of our format as a copy in sealed memory, so that later changes of the file do not affect it. A file of
/// more than `map_above_bytes` is mapped in place, and a log line warns not to change it in place.
///
/// # Errors
/// As [`Model::open`].
pub(crate) fn open_own(file: &Path, map_above_bytes: u64) -> Result<Model, ModelError> {
    let bytes = std::fs::metadata(file).map_or(0, |found| found.len());
    if bytes <= map_above_bytes {
        return Model::open(file);
    }
    #[allow(unsafe_code)]
    // SAFETY: no program can hold others off its files, so the promise is the operator's: whoever sets
    // `model.map_above_bytes` below a file's size is told there, and by the warning, to replace the file by rename only.
    let model = unsafe { Model::open_in_place(file) }?;
    tracing::warn!(
        path = %file.display(),
        bytes,
        map_above_bytes,
        "the model file is larger than model.map_above_bytes and is mapped where it lies: replace it by rename, never \
         change it in place while it is in use"
    );
    Ok(model)
}

/// Opens the shipped model `runbook-rf` by its name, or a file: one of our format by [`open_own`]; one that `stormglass
/// model import` reads is imported into memory. The same bytes under the same file name give the same model on every
/// machine.
///
/// # Errors
/// A message with the fault of the file and the remedy.
pub(crate) fn open(path: &str, map_above_bytes: u64) -> Result<Model, String> {
    if path == shipped::RUNBOOK {
        return shipped::model(path).expect("it is shipped").map_err(|error| error.to_string());
    }
    let file = Path::new(path);
    let refused = match open_own(file, map_above_bytes) {
        Ok(model) => return Ok(model),
        Err(refused @ ModelError::NotAModel { .. }) => refused,
        Err(error) => return Err(error.to_string()),
    };
    let bytes = import::read_file(file).map_err(|error| format!("{path}: {error}"))?;
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let imported = match import::import(&bytes, &Options::new(&stem)) {
        Ok(imported) => imported,
        Err(ImportError::Unrecognised { what }) => {
            return Err(format!("{refused}; nor can it be imported: {what}"));
        }
        Err(error) => return Err(format!("{path}: {error}")),
    };
    tracing::info!(path, format = imported.format, notes = ?imported.notes, "imported");
    let bytes = imported.draft.to_bytes().map_err(|error| format!("{path}: {error}"))?;
    Model::from_bytes(&bytes).map_err(|error| format!("{path}: {error}"))
}

/// Greatest relative difference between equal thresholds: conversions of units change the last digits.
const SAME_THRESHOLD: f64 = 1e-9;

/// A sentence on how the model's event differs from that of `[label]`; `None` if it does not, or if the model does not
/// describe its event.
pub(crate) fn other_event(info: &ModelInfo, label: &LabelSettings) -> Option<String> {
    let mut differing = Vec::new();
    if info.horizon_s != 0 && info.horizon_s != label.horizon_s {
        differing.push(format!("{} s ahead, label.horizon_s is {}", info.horizon_s, label.horizon_s));
    }
    let configured = match label.threshold_bp {
        Some(threshold_bp) => LabelRule::FixedBp(threshold_bp),
        None => LabelRule::Quantile(label.quantile),
    };
    if let Some(rule) = info.label_rule() {
        let is_same = match (rule, configured) {
            (LabelRule::Quantile(one), LabelRule::Quantile(other)) => one == other,
            (LabelRule::FixedBp(one), LabelRule::FixedBp(other)) => {
                (one - other).abs() <= SAME_THRESHOLD * other
            }
            _ => false,
        };
        if !is_same {
            differing.push(format!("volatility above {rule}, [label] says above {configured}"));
        }
    }
    (!differing.is_empty()).then(|| format!("the model's event is another: {}", differing.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_event_is_told_and_a_model_that_does_not_say_is_taken() {
        let label = LabelSettings::default();
        let mut info = ModelInfo::new("foreign", "1", "ml", Vec::new());
        assert_eq!(other_event(&info, &label), None, "it says nothing");
        (info.horizon_s, info.label_quantile, info.tau_bp) = (60, 0.9, 1.3);
        assert_eq!(other_event(&info, &label), None);
        let fixed = LabelSettings { threshold_bp: Some(3.0), ..label };
        for (other, expected) in [
            (LabelSettings { horizon_s: 30, ..label }, "60 s ahead, label.horizon_s is 30"),
            (LabelSettings { quantile: 0.95, ..label }, "above the symbol's own trailing 0.95 quantile"),
            (fixed, "[label] says above 3 bp"),
        ] {
            let told = other_event(&info, &other).unwrap();
            assert!(told.contains(expected), "{told}");
        }
        (info.label_quantile, info.tau_bp) = (0.0, 3.0);
        assert_eq!(other_event(&info, &fixed), None);
        assert!(other_event(&info, &label).unwrap().contains("volatility above 3 bp"));
    }
}
