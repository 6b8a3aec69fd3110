//! Other libraries' models.

use libfuzzer_sys::Corpus;
use model::{
    Model, ModelDraft,
    import::{ImportError, Options, import},
};

use crate::rows;

/// Imports; what comes of it must be a sound model. Bytes that are another format's are not kept in the corpus.
///
/// # Panics
/// If a model that was accepted cannot be written, opened, verified, or scored like its plain twin.
pub fn survives(format: &str, bytes: &[u8]) -> Corpus {
    let mut options = Options::new("fuzzed");
    options.best_iteration = bytes.len() % 2 == 1;
    let found = match import(bytes, &options) {
        Ok(imported) => {
            check(&imported.draft);
            imported.format
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            match error {
                ImportError::Unrecognised { .. } => return Corpus::Reject,
                ImportError::Unsupported { format, .. }
                | ImportError::Broken { format, .. }
                | ImportError::Draft { format, .. } => format,
            }
        }
    };
    if found == format { Corpus::Keep } else { Corpus::Reject }
}

fn check(draft: &ModelDraft) {
    let written = draft.to_bytes().expect("what was imported can be written");
    let model = Model::from_bytes(&written).expect("what was written opens");
    model.verify().expect("what was written verifies");
    let mut scores = vec![0.0; model.raw_count()];
    for row in rows::singles(model.info().features.len()) {
        model.predict_raw(&row, &mut scores);
        assert_eq!(rows::bits(&scores), rows::bits(&draft.predict_raw(&row)), "{row:?}");
    }
    for row in rows::doubles(model.info().features.len()) {
        model.predict_raw(&row, &mut scores);
        assert_eq!(rows::bits(&scores), rows::bits(&draft.predict_raw(&row)), "{row:?}");
    }
}
