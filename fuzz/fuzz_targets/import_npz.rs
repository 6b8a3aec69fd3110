#![no_main]
stormglass_fuzz::importer!("scikit-learn arrays (.npz)", stormglass_fuzz::mutate::zip_archive);
