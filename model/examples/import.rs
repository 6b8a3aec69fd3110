//! Imports another library's model, saves it as one of ours and scores with it.

use std::error::Error;

use stormglass_model::{
    Model,
    import::{Options, import},
};

/// One tree, as LightGBM's `save_model` writes it; XGBoost, CatBoost, scikit-learn, ONNX and Treelite are read as well.
const LIGHTGBM: &str = "\
tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=binary sigmoid:1
feature_names=spread volume
feature_infos=[0:10] [0:1000]

Tree=0
num_leaves=3
num_cat=0
split_feature=0 1
split_gain=9 4
threshold=2.5 100
decision_type=2 2
left_child=-1 -2
right_child=1 -3
leaf_value=-1.5 0.25 2
leaf_weight=6 3 1
leaf_count=600 300 100
internal_value=0 0
internal_weight=10 4
internal_count=1000 400
is_linear=0
shrinkage=1


end of trees
";

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let imported = import(LIGHTGBM.as_bytes(), &Options::new("spread-and-volume"))?;
    println!("read {}, by {:?}", imported.format, imported.draft.info().provenance);
    for note in &imported.notes {
        println!("note: {note}");
    }

    let path = std::env::temp_dir().join(format!("spread-and-volume.{}.sgm", std::process::id()));
    imported.draft.write(&path)?;
    let model = Model::open(&path)?;
    std::fs::remove_file(&path)?; // The model has a copy of the file.

    // The answers have the bits that LightGBM's `predict` gives.
    for row in [[1.0, 50.0], [3.0, 50.0], [3.0, 500.0], [f64::NAN, 500.0]] {
        println!("spread {}, volume {}: probability {:.6}", row[0], row[1], model.predict(&row));
    }
    Ok(())
}
