//! The promises of DESIGN section 1, each proved from outside; a module per promise.

// Said for the lints: helpers of tests may unwrap and print as tests do.
#[cfg(test)]
mod corpora;
#[cfg(test)]
mod house;
#[cfg(test)]
mod sim;
