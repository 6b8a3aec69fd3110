#![no_main]
stormglass_fuzz::importer!("CatBoost JSON");
