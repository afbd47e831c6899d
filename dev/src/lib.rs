//! For development and tests: a fake Home Assistant with fault switches.

pub mod fake_home;
