//! Says which features gave a row its score.

use std::{error::Error, path::Path};

use stormglass_model::Model;

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let model = Model::open(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/shipped/default.sgm")))?;
    let row = vec![1.0; model.info().features.len()];
    let explanation = model.explain(&row)?;

    let mut score = [0.0];
    model.predict_raw(&row, &mut score);
    let contributions = explanation.of_output(0);
    let sum: f64 = explanation.base_values[0] + contributions.iter().sum::<f64>();
    println!("log-odds {:.4} = {:.4} on average, and:", score[0], explanation.base_values[0]);
    assert!((score[0] - sum).abs() < 1e-9, "the parts add up to the score");

    let mut by_size: Vec<_> = model.info().features.iter().zip(contributions).collect();
    by_size.sort_by(|(_, one), (_, other)| other.abs().total_cmp(&one.abs()));
    for (feature, contribution) in by_size.iter().take(5) {
        println!("{contribution:+.4} {feature}");
    }
    Ok(())
}
