//! The owner's page: who may see and decide what, that nothing of the home's or the portal's text becomes markup, and that every page is
//! sound and does what it says. Behind a pretended Supervisor (a local address) in this process, and as the real program on loopback.

mod attacks;
mod browser;
mod decisions;
mod html;
mod pages;
mod real;
mod report;
mod scene;
mod stage;
