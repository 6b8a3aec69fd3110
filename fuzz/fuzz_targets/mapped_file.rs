#![no_main]
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(
    init: stormglass_fuzz::mapped::seed(),
    |bytes: &[u8]| stormglass_fuzz::mapped::survives(bytes)
);
fuzz_mutator!(|bytes: &mut [u8], size: usize, size_max: usize, seed: u32| {
    stormglass_fuzz::mutate::model_file(bytes, size, size_max, seed)
});
