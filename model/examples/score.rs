//! Opens a model file and scores rows.

use std::{error::Error, path::Path};

use stormglass_model::Model;

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let model = Model::open(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/shipped/default.sgm")))?;
    let info = model.info();
    println!("{} {}: {} features, {} trees", info.name, info.version, info.features.len(), info.tree_count);
    // The file carries rows with their scores: this machine gives the same bits.
    println!("{} rows of its self-test give the bits of the file", model.verify()?);

    // One value for each of `info.features`, NaN for a missing one.
    let width = info.features.len();
    let row = vec![f32::NAN; width];
    let mut log_odds = [0.0];
    model.predict_raw(&row, &mut log_odds);
    println!("nothing known: probability {:.4}, log-odds {:.4}", model.predict(&row), log_odds[0]);

    let rows = [vec![0.0; width], vec![1.0; width]].concat();
    let mut probabilities = [0.0; 2];
    model.predict_batch::<f64>(&rows, &mut probabilities);
    println!("all zeros, all ones: {probabilities:.4?}");
    Ok(())
}
