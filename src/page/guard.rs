//! Who comes in, and whether what they send is theirs: source address, session, origin, token, rate.
//!
//! Behind the Supervisor a person is whom the Supervisor says they are, and the prefix is what it says it is; nobody else can reach the
//! port. Elsewhere a person is whoever has opened the link that was printed at the start.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

use crate::clock::Dice;

/// Where the Supervisor's requests come from; fixed by the Supervisor.
pub const SUPERVISOR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(172, 30, 32, 2));

/// Name of the cookie outside the Supervisor.
const COOKIE: &str = "vestibule";
/// Browsers that may be logged in at a time; the oldest gives way.
const SESSIONS: usize = 16;
/// Sessions whose rate is counted; more, and all begin anew.
const COUNTED: usize = 64;
/// Decisions at once, and the time after which there is one more.
const BURST: u32 = 30;
const ONE_MORE: Duration = Duration::from_secs(2);

/// Where the owner comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Front {
    /// Through Home Assistant, from the Supervisor at this address.
    Ingress(IpAddr),
    /// From this very machine.
    Loopback,
}

/// A session's name: a hash of the user, or of the cookie.
pub(super) type Session = [u8; 32];

/// What a request says about who sends it.
pub(super) struct Told {
    /// What all addresses on the page begin with; empty, or like `/api/hassio_ingress/token`.
    pub(super) base: String,
    /// The user, as the Supervisor names them.
    pub(super) user: Option<String>,
    /// The session of a cookie of ours that is valid.
    pub(super) cookie: Option<Session>,
}

/// Why a request is not even looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strange {
    /// A prefix that no Supervisor would send.
    Prefix,
    /// A name for this machine that is not its own: somebody else's page leads here.
    Host,
}

/// Keeps what is needed to tell sessions apart. Everything in it ends with the program.
pub struct Guard {
    front: Front,
    secret: [u8; 32],
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Hash of the one-time link, until it is used.
    link: Option<Session>,
    /// Oldest first.
    sessions: Vec<Session>,
    rates: HashMap<Session, (u32, Instant)>,
}

impl Guard {
    pub(super) fn new(front: Front, dice: &Dice) -> Self {
        Self { front, secret: dice.bytes(), state: Mutex::default() }
    }

    /// Whether somebody from there is answered at all.
    #[must_use]
    pub fn is_welcome(&self, from: IpAddr) -> bool {
        match self.front {
            Front::Ingress(supervisor) => from.to_canonical() == supervisor,
            Front::Loopback => from.to_canonical().is_loopback(),
        }
    }

    /// Whether a link and a cookie are needed.
    pub(super) fn is_loopback(&self) -> bool {
        self.front == Front::Loopback
    }

    /// A new one-time link; the one before is void.
    pub(super) fn new_link(&self, dice: &Dice) -> String {
        let token = hex(&dice.bytes::<16>());
        self.lock().link = Some(self.name("link", token.as_bytes()));
        token
    }

    /// Uses the one-time link up; gives the header that sets the cookie.
    pub(super) fn open(&self, token: &str, dice: &Dice) -> Option<String> {
        let given = self.name("link", token.as_bytes());
        let mut state = self.lock();
        state.link.take_if(|link| *link == given)?;
        let cookie = hex(&dice.bytes::<16>());
        if state.sessions.len() >= SESSIONS {
            state.sessions.remove(0);
        }
        state.sessions.push(self.name("cookie", cookie.as_bytes()));
        Some(format!("{COOKIE}={cookie}; Path=/; HttpOnly; SameSite=Strict"))
    }

    /// Reads the headers that say who asks.
    pub(super) fn told(&self, headers: &HeaderMap) -> Result<Told, Strange> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        match self.front {
            Front::Ingress(_) => {
                let base = text("x-ingress-path").unwrap_or_default().trim_end_matches('/');
                if !is_prefix(base) {
                    return Err(Strange::Prefix);
                }
                let user = text("x-remote-user-id").filter(|user| !user.is_empty()).map(str::to_owned);
                Ok(Told { base: base.to_owned(), user, cookie: None })
            }
            Front::Loopback => {
                if !text("host").is_some_and(is_this_machine) {
                    return Err(Strange::Host);
                }
                let cookies = headers.get_all("cookie").iter().filter_map(|value| value.to_str().ok());
                let mut ours = cookies
                    .flat_map(|all| all.split(';'))
                    .filter_map(|one| one.trim().strip_prefix(COOKIE)?.strip_prefix('='));
                let state = self.lock();
                let cookie = ours
                    .by_ref()
                    .map(|cookie| self.name("cookie", cookie.as_bytes()))
                    .find(|session| state.sessions.contains(session));
                drop(state);
                Ok(Told { base: String::new(), user: None, cookie })
            }
        }
    }

    /// The token that every form of a session carries.
    pub(super) fn token(&self, session: &Session) -> String {
        hex(&self.name("form", session)[..16])
    }

    /// Whether a form was made for this session. Hashes are compared, so the time says nothing.
    pub(super) fn is_token(&self, session: &Session, given: &str) -> bool {
        self.name("compare", self.token(session).as_bytes()) == self.name("compare", given.as_bytes())
    }

    /// Whether a form comes from a page of ours. A browser that says where a request comes from is believed, because pages cannot forge
    /// that; else its origin must be the host by which it reached us.
    pub(super) fn same_origin(&self, headers: &HeaderMap) -> bool {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(site) = text("sec-fetch-site") {
            return site == "same-origin";
        }
        let forwarded = text("x-forwarded-host").filter(|_| !self.is_loopback());
        let host = forwarded.or_else(|| text("host"));
        let origin = text("origin").and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
        origin.is_some() && origin == host
    }

    /// Counts a decision; false if there were too many.
    pub(super) fn allows(&self, session: &Session, now: Instant) -> bool {
        let mut state = self.lock();
        if state.rates.len() >= COUNTED && !state.rates.contains_key(session) {
            state.rates.clear();
        }
        let (left, since) = state.rates.entry(*session).or_insert((BURST, now));
        let more = now.duration_since(*since).as_millis() / ONE_MORE.as_millis();
        let more = u32::try_from(more).unwrap_or(BURST);
        if more > 0 {
            *left = left.saturating_add(more).min(BURST);
            *since = now;
        }
        let allowed = *left > 0;
        *left = left.saturating_sub(1);
        allowed
    }

    /// A keyed hash, another one for each purpose.
    fn name(&self, purpose: &str, bytes: &[u8]) -> Session {
        let mut hasher = blake3::Hasher::new_keyed(&self.secret);
        hasher.update(purpose.as_bytes()).update(&[0]).update(bytes);
        *hasher.finalize().as_bytes()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is complete in itself, so a panic elsewhere cannot have left half of one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A prefix as the Supervisor makes them, without the slash at its end.
fn is_prefix(text: &str) -> bool {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-');
    text.is_empty()
        || (text.len() <= 200 && text.starts_with('/') && !text.contains("//") && text.bytes().all(sound))
}

/// A `Host` by which nobody but this machine's own browser comes: keeps out pages that rebind their name.
fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(front: Front) -> Guard {
        Guard::new(front, &Dice::system())
    }

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn headers_told(guard: &Guard, fields: &[(&'static str, &str)]) -> Result<Told, Strange> {
        guard.told(&headers(fields))
    }

    #[test]
    fn only_the_supervisor_or_this_machine_is_welcome() {
        let ingress = guard(Front::Ingress(SUPERVISOR));
        for (from, welcome) in [
            ("172.30.32.2", true),
            ("::ffff:172.30.32.2", true),
            ("172.30.32.1", false),
            ("127.0.0.1", false),
            ("192.168.1.2", false),
        ] {
            assert_eq!(ingress.is_welcome(from.parse().unwrap()), welcome, "{from}");
        }
        let loopback = guard(Front::Loopback);
        assert!(
            loopback.is_welcome("127.0.0.1".parse().unwrap()) && loopback.is_welcome("::1".parse().unwrap())
        );
        assert!(!loopback.is_welcome("172.30.32.2".parse().unwrap()));
    }

    #[test]
    fn a_link_opens_once() {
        let dice = Dice::system();
        let guard = guard(Front::Loopback);
        let link = guard.new_link(&dice);
        assert_eq!(guard.open("00", &dice), None);
        let set = guard.open(&link, &dice).unwrap();
        assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict"), "{set}");
        assert_eq!(guard.open(&link, &dice), None, "a second time");
        let cookie = set.split(';').next().unwrap();
        let told = headers_told(&guard, &[("host", "127.0.0.1:8098"), ("cookie", cookie)]).unwrap();
        assert!(told.cookie.is_some());
        let told = headers_told(&guard, &[("host", "localhost:8098"), ("cookie", "vestibule=00")]).unwrap();
        assert!(told.cookie.is_none());
    }

    #[test]
    fn forged_headers_are_nothing_outside_the_supervisor() {
        let guard = guard(Front::Loopback);
        let forged = [("host", "localhost"), ("x-remote-user-id", "admin"), ("x-ingress-path", "/evil")];
        let told = headers_told(&guard, &forged).unwrap();
        assert!(told.user.is_none() && told.base.is_empty() && told.cookie.is_none());
        for host in ["evil.example", "evil.example:8098", "127.0.0.1.evil.example", "", "[::2]:80"] {
            assert_eq!(headers_told(&guard, &[("host", host)]).err(), Some(Strange::Host), "{host}");
        }
    }

    #[test]
    fn strange_prefixes_are_refused() {
        let guard = guard(Front::Ingress(SUPERVISOR));
        for prefix in ["//evil.example", "/a\"b", "evil", "/a/../b", "/a<b", "https://evil.example", "/a b"] {
            let told = headers_told(&guard, &[("x-ingress-path", prefix)]);
            assert_eq!(told.err(), Some(Strange::Prefix), "{prefix}");
        }
        let told = headers_told(&guard, &[("x-ingress-path", "/api/hassio_ingress/Ab_9-x/")]).unwrap();
        assert_eq!(told.base, "/api/hassio_ingress/Ab_9-x");
    }

    #[test]
    fn a_token_is_good_for_one_session() {
        let guard = guard(Front::Ingress(SUPERVISOR));
        let token = guard.token(&[1; 32]);
        assert!(guard.is_token(&[1; 32], &token));
        assert!(!guard.is_token(&[2; 32], &token), "stolen");
        assert!(!guard.is_token(&[1; 32], "") && !guard.is_token(&[1; 32], "00"));
    }

    #[test]
    fn forms_come_from_our_own_pages() {
        let ingress = guard(Front::Ingress(SUPERVISOR));
        let loopback = guard(Front::Loopback);
        for (fields, from_ingress, from_loopback) in [
            (vec![("sec-fetch-site", "same-origin")], true, true),
            (vec![("sec-fetch-site", "cross-site"), ("origin", "http://a"), ("host", "a")], false, false),
            (vec![("sec-fetch-site", "same-site")], false, false),
            (vec![("sec-fetch-site", "none")], false, false),
            (vec![("origin", "http://a:1"), ("host", "a:1")], true, true),
            (
                vec![("origin", "https://ha.example"), ("host", "h"), ("x-forwarded-host", "ha.example")],
                true,
                false,
            ),
            (vec![("origin", "http://evil"), ("host", "a")], false, false),
            (vec![("origin", "null"), ("host", "null")], false, false),
            (vec![("host", "a")], false, false),
            (vec![], false, false),
        ] {
            let told = headers(&fields);
            assert_eq!(ingress.same_origin(&told), from_ingress, "{fields:?}");
            assert_eq!(loopback.same_origin(&told), from_loopback, "{fields:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn decisions_are_limited() {
        let guard = guard(Front::Loopback);
        let begin = Instant::now();
        let allowed = (0..100).filter(|_| guard.allows(&[1; 32], begin)).count();
        assert_eq!(allowed, 30);
        assert!(guard.allows(&[2; 32], begin), "another session has its own");
        assert!(!guard.allows(&[1; 32], begin));
        assert!(guard.allows(&[1; 32], begin + ONE_MORE));
        assert!(!guard.allows(&[1; 32], begin + ONE_MORE));
    }
}
