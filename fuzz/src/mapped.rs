//! Our model file.

use std::{env, fs, io, path::Path};

use model::{
    Model,
    forest::{Kernel, Layout},
    import::{Options, import},
};

use crate::rows;

/// Bytes of a foreign model that is worth being a seed.
const SEED_BYTES_MAX: usize = 60_000;
/// The ways to walk a forest in bytes.
const KERNELS: [Kernel; 3] = [Kernel::Portable, Kernel::Avx2, Kernel::Avx512];

/// Fills this target's corpus with what its neighbours' seeds are once they are imported, in every layout that holds
/// them.
///
/// # Panics
/// If the folders or files cannot be read and written.
pub fn seed() {
    if let Some(corpus) = env::var_os(crate::CORPUS) {
        try_seed(Path::new(&corpus)).expect("corpora can be read and written");
    }
}

fn try_seed(corpus: &Path) -> io::Result<()> {
    let ours = corpus.join("mapped_file");
    fs::create_dir_all(&ours)?;
    for folder in fs::read_dir(corpus)? {
        for file in fs::read_dir(folder?.path())? {
            let file = file?.path();
            // libFuzzer's own finds have no ending.
            if file.extension().is_none() || file.starts_with(&ours) {
                continue;
            }
            let bytes = fs::read(&file)?;
            let Some(imported) = Some(bytes)
                .filter(|bytes| bytes.len() <= SEED_BYTES_MAX)
                .and_then(|bytes| import(&bytes, &Options::new("seed")).ok())
            else {
                continue;
            };
            for layout in Layout::ALL.into_iter().filter(|layout| *layout != Layout::Auto) {
                let draft = imported.draft.clone().with_layout(layout);
                if let Some(model) = draft.ok().and_then(|draft| draft.to_bytes().ok()) {
                    let name = file.file_name().unwrap_or_default().display();
                    fs::write(ours.join(format!("{name}.{layout}.sgm")), model)?;
                }
            }
        }
    }
    Ok(())
}

/// Opens, scores, verifies and explains.
///
/// # Panics
/// If a file that was accepted gives other bits when its nodes are read through bounds checks or by other instructions.
pub fn survives(bytes: &[u8]) {
    let mut model = match Model::from_bytes(bytes) {
        Ok(model) => model,
        Err(error) => return assert!(error.to_string().starts_with("<memory>: ")),
    };
    let (mut scores, mut answers) = (vec![0.0; model.raw_count()], vec![0.0; model.answer_count()]);
    for row in rows::singles(model.info().features.len()) {
        model.predict_raw_checked(&row, &mut scores);
        let expected = rows::bits(&scores);
        for kernel in KERNELS {
            if model.set_kernel(kernel) {
                model.predict_raw(&row, &mut scores);
                assert_eq!(rows::bits(&scores), expected, "{kernel:?}: {row:?}");
            }
        }
    }
    // After the checked walks: these would read a hole in the checks, where those panic.
    if let Err(error) = model.verify() {
        assert!(!error.to_string().is_empty());
    }
    for row in rows::doubles(model.info().features.len()) {
        model.predict_batch(&row, &mut answers);
        rows::bits(&answers);
        match model.explain(&row) {
            Ok(explanation) => assert_eq!(explanation.base_values.len(), scores.len()),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}
