#![no_main]
stormglass_fuzz::importer!("scikit-learn skops", stormglass_fuzz::mutate::zip_archive);
