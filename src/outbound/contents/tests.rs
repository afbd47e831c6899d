//! Contents leave and come back: rules R10 to R16 on texts of every kind, with a home of a few things.

mod documents;
mod home;
mod leaving;
mod returning;
mod round;
