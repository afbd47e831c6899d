//! The portal from outside: a small agent made of protocol types on a real WebSocket, and requests as staff make them.

#[cfg(test)]
mod agent;
#[cfg(test)]
mod api;
#[cfg(test)]
mod authoring;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod company;
#[cfg(test)]
mod deployments;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod encryption;
#[cfg(test)]
mod erasure;
#[cfg(test)]
mod events;
#[cfg(test)]
mod handing_in;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod pairing;
#[cfg(test)]
mod questions;
#[cfg(test)]
mod silence;
#[cfg(test)]
mod support;
#[cfg(test)]
mod sync;
