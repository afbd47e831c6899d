//! A design, planned against a small home.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vestibule_fuzz::plan(bytes));
