//! For development and tests: a fake Home Assistant with fault switches, a fake Supervisor, a recording proxy, and real Home Assistants, furnished and driven.

pub mod fake_home;
pub mod fake_supervisor;
pub mod fault_proxy;
pub mod proxy;
pub mod real;
