#![no_main]
stormglass_fuzz::importer!("Treelite checkpoint");
