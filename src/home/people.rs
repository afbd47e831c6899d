//! Who of the household may decide: asked of Home Assistant over a connection of its own, because hiding a panel is no protection.
//!
//! A user's id is hashed as soon as it is read, with a key that lives as long as the program, so that none is kept anywhere.

use super::Endpoint;
use super::commands::Command;
use super::session::{Refusal, Session};
use super::socket::Socket;
use super::wire::lists;
use crate::net::Dial;
use crate::outbound::reading::HomeTrouble;

/// A user's id, hashed.
pub type UserHash = [u8; 32];

/// The administrators of a home, by their hashes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Administrators(Vec<UserHash>);

impl Administrators {
    /// Whether this user may decide.
    #[must_use]
    pub fn contains(&self, user: &UserHash) -> bool {
        self.0.contains(user)
    }
}

impl std::fmt::Debug for Administrators {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Administrators({})", self.0.len())
    }
}

/// Asks who the administrators are. `hash` turns an id into what is kept of it. Takes a connection for a fraction of a second.
///
/// # Errors
/// Why the home cannot be asked; [`HomeTrouble::TokenRefused`] also if our own token is not an administrator's.
pub async fn administrators(
    dial: &dyn Dial,
    endpoint: &Endpoint,
    hash: impl Fn(&str) -> UserHash,
) -> Result<Administrators, HomeTrouble> {
    let (socket, _) = Socket::open(dial, endpoint).await?;
    let mut session = Session::new(socket);
    let answer = session
        .ask(&Command::Users, |raw| {
            let mut found = Vec::new();
            lists::administrators(raw, |id| found.push(hash(id)))?;
            Ok(found)
        })
        .await?;
    match answer {
        Ok(found) => Ok(Administrators(found)),
        Err(Refusal::Unauthorized) => Err(HomeTrouble::TokenRefused),
        Err(Refusal::Unknown | Refusal::NotFound | Refusal::NotSupported | Refusal::Other) => {
            Err(HomeTrouble::Protocol)
        }
    }
}
