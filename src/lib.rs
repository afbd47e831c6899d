//! Vestibule: the small room between a home and the street. (The map of the modules, in the order the data flows.)

pub mod identity;
pub mod outbound;
pub mod private;
