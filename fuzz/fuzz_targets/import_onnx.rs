#![no_main]
stormglass_fuzz::importer!("ONNX");
