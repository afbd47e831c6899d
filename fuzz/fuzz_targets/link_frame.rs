//! Frames of the link, from either side.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vestibule_fuzz::link_frame(bytes));
