//! The promises of DESIGN section 1, each proved from outside; a module per promise.

mod house;
mod inside;
mod sim;
