#![no_main]
stormglass_fuzz::importer!("XGBoost JSON");
