//! Bytes as an envelope of a deployment, and as what somebody signed.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vestibule_fuzz::envelope(bytes));
