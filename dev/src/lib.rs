//! For development and tests: a fake Home Assistant with fault switches, a recording proxy, and real Home Assistants, furnished and driven.

pub mod fake_home;
pub mod fault_proxy;
pub mod proxy;
pub mod real;
