//! Contents of a home, and a design for them.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vestibule_fuzz::contents(bytes));
