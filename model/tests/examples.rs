//! The examples run. What they assert is asserted.
#![allow(clippy::unwrap_used)]

#[path = "../examples/explain.rs"]
mod explain;
#[cfg(feature = "import")]
#[path = "../examples/import.rs"]
mod import;
#[path = "../examples/score.rs"]
mod score;

#[test]
fn a_model_is_opened_and_scores() {
    score::main().unwrap();
}

#[cfg(feature = "import")]
#[test]
fn a_foreign_model_is_imported_and_saved() {
    import::main().unwrap();
}

#[test]
fn a_score_is_explained() {
    explain::main().unwrap();
}
