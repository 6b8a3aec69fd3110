#![no_main]
libfuzzer_sys::fuzz_target!(
    init: stormglass_fuzz::ticks::seed(),
    |bytes: &[u8]| stormglass_fuzz::ticks::survive(bytes)
);
