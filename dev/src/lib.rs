//! Development and test tools: real Home Assistants to test against.

pub mod real;
