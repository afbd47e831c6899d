//! The portal from outside: a small agent made of protocol types on a real WebSocket, and requests as staff make them.

mod agent;
mod api;
mod commands;
mod desk;
mod erasure;
mod identity;
mod limits;
mod logs;
mod pairing;
mod silence;
mod speed;
mod sync;
