//! The promises of DESIGN section 1, each proved from outside; a module per promise.

mod corpora;
mod house;
mod sim;
