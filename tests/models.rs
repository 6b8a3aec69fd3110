//! Models: what ships with the binary is whole, is what its card says, and is used.

use std::path::Path;

use api::shipped;
use engine::{features, shard::BoundModel};

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

#[test]
fn each_card_is_that_of_its_model() {
    for (variant, file) in SHIPPED {
        let card =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/shipped").join(file).with_extension("md");
        let written = std::fs::read_to_string(card).unwrap();
        let model = shipped::model(variant).unwrap().unwrap();
        assert_eq!(written, model::card::card(model.info()), "{file}.md");
        assert!(written.contains("simulated hours"), "the card says what the model was trained on");
    }
}
