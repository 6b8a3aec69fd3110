//! Our model file.

use std::{fs, io, path::Path};

use model::{
    Model,
    import::{Options, import},
};

use crate::rows;

/// Where `seed.sh` puts the corpora.
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/fuzz/corpus");
/// Bytes of a foreign model that is worth being a seed.
const SEED_BYTES_MAX: usize = 60_000;

/// Fills this target's corpus with what its neighbours' seeds are once they are imported, and with the shipped models.
///
/// # Panics
/// If the folders or files cannot be read and written.
pub fn seed() {
    try_seed().expect("corpora can be read and written");
}

fn try_seed() -> io::Result<()> {
    let ours = Path::new(CORPUS).join("mapped_file");
    fs::create_dir_all(&ours)?;
    for folder in fs::read_dir(CORPUS)? {
        for file in fs::read_dir(folder?.path())? {
            let file = file?.path();
            // libFuzzer's own finds have no ending.
            let seed = ours.join(format!("{}.sgm", file.file_name().unwrap_or_default().display()));
            if file.extension().is_none() || file.starts_with(&ours) || seed.exists() {
                continue;
            }
            let bytes = fs::read(&file)?;
            if bytes.len() > SEED_BYTES_MAX {
                continue;
            }
            let model =
                import(&bytes, &Options::new("seed")).ok().and_then(|model| model.draft.to_bytes().ok());
            if let Some(model) = model {
                fs::write(seed, model)?;
            }
        }
    }
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../model/shipped");
    for name in ["default.sgm", "baseline.sgm"] {
        fs::copy(Path::new(shipped).join(name), ours.join(name))?;
    }
    Ok(())
}

/// Opens, verifies and scores.
///
/// # Panics
/// If a file that was accepted gives other bits when its nodes are read through bounds checks.
pub fn survives(bytes: &[u8]) {
    let model = match Model::from_bytes(bytes) {
        Ok(model) => model,
        Err(error) => return assert!(error.to_string().starts_with("<memory>: ")),
    };
    if let Err(error) = model.verify() {
        assert!(!error.to_string().is_empty());
    }
    let mut scores = vec![0.0; model.raw_count()];
    for row in rows::singles(model.info().features.len()) {
        assert_eq!(rows::bits(model.score_row(&row)), rows::bits(model.score_row_checked(&row)), "{row:?}");
    }
    for row in rows::doubles(model.info().features.len()) {
        model.answers(&row, &mut scores);
    }
}
