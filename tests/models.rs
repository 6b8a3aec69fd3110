//! Models: what ships with the binary is whole, is what its card says, and is used.

use std::{path::Path, time::Duration};

use api::shipped;
use engine::{bound_model::BoundModel, features};

use crate::support::process::Process;

const SHIPPED: [(&str, &str); 2] = [("ml", "default"), ("baseline", "baseline")];

#[test]
fn the_shipped_models_verify_and_drive_the_stream() {
    for (variant, _) in SHIPPED {
        let model = shipped::model(variant).unwrap().unwrap();
        assert_eq!(model.info().variant, variant);
        let rows = model.verify().unwrap();
        assert!(rows >= 16, "{variant} embeds {rows} self-test rows");
        assert_eq!(model.info().features_absent_from(&features::schema()), []);
        assert!(BoundModel::new(model.into()).is_ok());
        println!("{variant}: {rows} self-test rows give the embedded bits");
    }
    assert!(shipped::model("other").is_none());
}

/// The original's clients send these ten names and get a probability.
#[test]
fn rows_of_the_originals_features_find_a_model() {
    let model = shipped::model(shipped::RUNBOOK).unwrap().unwrap();
    assert!(model.verify().unwrap() >= 16 && model.gives_probability());
    let names: Vec<&str> = model.info().features.iter().map(|feature| feature.name.as_str()).collect();
    assert_eq!(names, api::training::runbook::FEATURES);
    let (calm, wild) = (
        [0.0, 0.1, 60.0, 0.5, 0.1, 0.5, 0.2, 1e-6, 0.5, 1e-6],
        [0.01, 9.0, 5e3, 0.5, 9.0, 0.5, 9.0, 2e-3, 0.5, 3e-3],
    );
    let [calm, wild] = [calm, wild].map(|row: [f32; 10]| model.predict(&row));
    println!("calm {calm:.3}, wild {wild:.3}");
    assert!(0.0 < calm && calm < wild && wild < 1.0);
}

#[test]
fn each_card_is_that_of_its_model() {
    for (variant, file) in SHIPPED.into_iter().chain([(shipped::RUNBOOK, "runbook-rf")]) {
        let card =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/shipped").join(file).with_extension("md");
        let written = std::fs::read_to_string(card).unwrap();
        let model = shipped::model(variant).unwrap().unwrap();
        assert_eq!(written, model::card::card(model.info()), "{file}.md");
        assert!(
            written.contains("| data |") && written.contains(" ticks"),
            "the card says what the model was trained on"
        );
    }
}

/// A model whose event is not the configured one is served, since a feed may want both, but not in silence.
#[test]
fn a_model_of_another_event_is_served_and_health_says_so() {
    for (key, value, expected) in [
        ("STORMGLASS__LABEL__QUANTILE", "0.95", "the symbol's own trailing 0.9 quantile, [label] says"),
        ("STORMGLASS__LABEL__HORIZON_S", "30", "60 s ahead, label.horizon_s is 30"),
        ("STORMGLASS__LABEL__THRESHOLD_BP", "2", "[label] says above 2 bp per square-root second"),
    ] {
        let service = Process::serve(&["--source", "none"], |command| {
            command.env(key, value);
        });
        let limit = Duration::from_secs(60);
        let (_, body) = service.get_until("/health", limit, |status, _| status == 200);
        assert!(body.contains("the model's event is another") && body.contains(expected), "{body}");
    }
    let service = Process::serve(&["--source", "none"], |_| ());
    let (_, body) = service.get_until("/health", Duration::from_secs(60), |status, _| status == 200);
    assert!(!body.contains("event is another"), "{body}");
}
