//! Frames of Home Assistant.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vestibule_fuzz::home_frame(bytes));
