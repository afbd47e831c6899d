//! Vestibule: the small room between a home and the street. (The map of the modules, in the order the data flows.)

pub mod home;
pub mod private;

pub mod outbound {
    //! What leaves the house: pure functions, no clock, no input or output.

    pub mod reading;
}
