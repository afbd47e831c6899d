//! What of the home may leave, and as which words. The only place that looks into `Private` text for the portal's sake.
//!
//! [`policy`]: what the owner allowed. [`view`]: what exists for the portal, and what its things are called there. [`render`]: the
//! canonical records. Below them: rooms, closed lists domain by domain, the texts of `names`, and the second net against secrets.

mod contents;
pub(crate) mod ids;
mod known;
mod memo;
mod names;
pub mod owner;
pub mod policy;
mod renamed;
mod render;
mod rooms;
mod secrets;
pub mod view;
mod words;

pub use ids::own_words;
pub use known::Known;
pub use memo::Memo;
pub use policy::{Exclusions, KindOverrides, Policy};
pub use renamed::renamed;
pub use render::Record;
pub(in crate::outbound) use secrets::looks_secret;
pub use view::View;

pub(in crate::outbound) use ids::local as local_id;

#[cfg(test)]
mod tests;
