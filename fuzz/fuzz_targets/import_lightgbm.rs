#![no_main]
stormglass_fuzz::importer!("LightGBM text");
