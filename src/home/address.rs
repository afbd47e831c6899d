//! Where Home Assistant is and how we prove ourselves to it: an owner's URL and token, or the Supervisor's proxy.

use std::fmt;

use crate::net::Target;

/// Path of the WebSocket API on Home Assistant itself.
const API_PATH: &str = "/api/websocket";
/// The Supervisor's proxy to Home Assistant's WebSocket API: host and path are fixed.
const SUPERVISOR: (&str, &str) = ("supervisor", "/core/websocket");
/// Longest URL that is accepted, bytes. Longer ones are mistakes.
const MAX_URL: usize = 2_048;

/// A secret that opens the home. `Debug` never shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Box<str>);

impl Token {
    /// Wraps a token; white space around it, as pasted tokens tend to have, is dropped.
    ///
    /// # Errors
    /// [`AddressError::EmptyToken`] and [`AddressError::StrangeToken`] (control characters or spaces inside).
    pub fn new(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::EmptyToken);
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(AddressError::StrangeToken);
        }
        Ok(Self(text.into()))
    }

    /// The token, for the one message that carries it.
    pub(super) const fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹token›")
    }
}

/// What is wrong with an address. The texts name no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing there.
    #[error("the address is empty")]
    Empty,
    /// Longer than 2 048 bytes.
    #[error("the address is longer than 2048 bytes")]
    TooLong,
    /// No `://`.
    #[error("the address must start with http://, https://, ws:// or wss://")]
    NoScheme,
    /// Another scheme.
    #[error("the address must use http, https, ws or wss")]
    UnknownScheme,
    /// No host.
    #[error("the address names no host")]
    NoHost,
    /// Characters no host has.
    #[error("the host of the address contains a character that no host has")]
    StrangeHost,
    /// Not a number between 1 and 65 535.
    #[error("the port of the address is not a number between 1 and 65535")]
    BadPort,
    /// `user:password@`.
    #[error("the address must not contain a user name or password")]
    Credentials,
    /// `?` or `#`.
    #[error("the address must not contain a query or a fragment")]
    Query,
    /// Control characters, spaces or characters outside ASCII in the path.
    #[error("the path of the address contains a character that no path has")]
    StrangePath,
    /// Nothing there.
    #[error("the token is empty")]
    EmptyToken,
    /// White space or control characters inside.
    #[error("the token contains spaces or control characters; copy it again")]
    StrangeToken,
}

/// Where to connect and with which token. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    target: Target,
    path: Box<str>,
    token: Token,
    supervisor: bool,
}

impl Endpoint {
    /// Reads an owner's URL (`http`, `https`, `ws` or `wss`, with an optional path before `/api/websocket`).
    ///
    /// # Errors
    /// See [`AddressError`].
    pub fn from_url(url: &str, token: Token) -> Result<Self, AddressError> {
        let url = url.trim();
        if url.is_empty() {
            return Err(AddressError::Empty);
        }
        if url.len() > MAX_URL {
            return Err(AddressError::TooLong);
        }
        let (scheme, rest) = url.split_once("://").ok_or(AddressError::NoScheme)?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" | "ws" => false,
            "https" | "wss" => true,
            _ => return Err(AddressError::UnknownScheme),
        };
        if rest.contains(['?', '#']) {
            return Err(AddressError::Query);
        }
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        if authority.contains('@') {
            return Err(AddressError::Credentials);
        }
        let (host, port) = host_and_port(authority, if tls { 443 } else { 80 })?;
        if path.bytes().any(|b| !b.is_ascii_graphic()) {
            return Err(AddressError::StrangePath);
        }
        let prefix = path.trim_end_matches('/').trim_end_matches(API_PATH).trim_end_matches('/');
        let path = format!("{prefix}{API_PATH}").into();
        let target = Target { host: host.into(), port, tls };
        Ok(Self { target, path, token, supervisor: false })
    }

    /// The Supervisor's proxy; the token is the app's own `SUPERVISOR_TOKEN`.
    #[must_use]
    pub fn supervisor(token: Token) -> Self {
        let (host, path) = SUPERVISOR;
        let target = Target { host: host.into(), port: 80, tls: false };
        Self { target, path: path.into(), token, supervisor: true }
    }

    /// Where to connect.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// TLS is to be used.
    #[must_use]
    pub const fn tls(&self) -> bool {
        self.target.tls
    }

    /// The home is on this very machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Host name or address, an IPv6 address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.target.host
    }

    /// Port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.target.port
    }

    /// Path of the WebSocket API.
    #[must_use]
    pub const fn path(&self) -> &str {
        &self.path
    }

    /// We talk to the Supervisor's proxy, not to Home Assistant itself.
    #[must_use]
    pub const fn is_supervisor(&self) -> bool {
        self.supervisor
    }

    /// The token.
    pub(super) const fn token(&self) -> &Token {
        &self.token
    }

    /// Path of a REST resource, given by its part after `/api/`.
    pub(super) fn rest_path(&self, resource: &str) -> String {
        // The Supervisor's proxy has its own prefix, an owner's URL the one before the WebSocket's path.
        let prefix = if self.supervisor { "/core" } else { self.path.trim_end_matches(API_PATH) };
        format!("{prefix}/api/{resource}")
    }

    /// Host and port, as a `Host` header names them.
    pub(super) fn authority(&self) -> String {
        let Target { host, port, .. } = &self.target;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// The URL for the WebSocket handshake. The scheme is always `ws`: TLS has been dealt with below it.
    pub(super) fn handshake_url(&self) -> String {
        format!("ws://{}{}", self.authority(), self.path)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.supervisor { "Endpoint(supervisor)" } else { "Endpoint(url)" })
    }
}

fn host_and_port(authority: &str, default: u16) -> Result<(Box<str>, u16), AddressError> {
    let (host, port) = if let Some(bracketed) = authority.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']').ok_or(AddressError::StrangeHost)?;
        if host.parse::<std::net::Ipv6Addr>().is_err() {
            return Err(AddressError::StrangeHost);
        }
        let port = match rest.strip_prefix(':') {
            None if rest.is_empty() => None,
            None => return Err(AddressError::StrangeHost),
            Some(port) => Some(port),
        };
        (host, port)
    } else {
        let (host, port) =
            authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
        if !host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')) {
            return Err(AddressError::StrangeHost);
        }
        (host, port)
    };
    if host.is_empty() {
        return Err(AddressError::NoHost);
    }
    let port = match port {
        None => default,
        Some(text) => text.parse().ok().filter(|port| *port != 0).ok_or(AddressError::BadPort)?,
    };
    Ok((host.into(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> Result<Endpoint, AddressError> {
        Endpoint::from_url(url, Token::new("secret-token").unwrap())
    }

    #[test]
    fn schemes_ports_and_prefixes() {
        for (url, tls, host, port, path) in [
            ("http://house:8123", false, "house", 8123, "/api/websocket"),
            ("http://house:8123/", false, "house", 8123, "/api/websocket"),
            ("HTTPS://house.example", true, "house.example", 443, "/api/websocket"),
            ("ws://house", false, "house", 80, "/api/websocket"),
            ("wss://house/ha/", true, "house", 443, "/ha/api/websocket"),
            ("wss://house/ha/api/websocket", true, "house", 443, "/ha/api/websocket"),
            (" http://[fd00::1]:8123 ", false, "fd00::1", 8123, "/api/websocket"),
            ("http://[fd00::1]", false, "fd00::1", 80, "/api/websocket"),
        ] {
            let e = endpoint(url).unwrap();
            assert_eq!((e.tls(), e.host(), e.port(), e.path()), (tls, host, port, path), "{url}");
        }
        assert_eq!(endpoint("http://[fd00::1]").unwrap().handshake_url(), "ws://[fd00::1]:80/api/websocket");
    }

    #[test]
    fn mistakes_are_named() {
        for (url, error) in [
            ("", AddressError::Empty),
            ("house:8123", AddressError::NoScheme),
            ("ftp://house", AddressError::UnknownScheme),
            ("http://", AddressError::NoHost),
            ("http://:8123", AddressError::NoHost),
            ("http://house:port", AddressError::BadPort),
            ("http://house:0", AddressError::BadPort),
            ("http://house:70000", AddressError::BadPort),
            ("http://me:pw@house", AddressError::Credentials),
            ("http://house/?a=b", AddressError::Query),
            ("http://hou se", AddressError::StrangeHost),
            ("http://[zz]", AddressError::StrangeHost),
            ("http://house/a b", AddressError::StrangePath),
        ] {
            assert_eq!(endpoint(url).unwrap_err(), error, "{url}");
        }
        assert_eq!(endpoint(&format!("http://{}", "a".repeat(3000))).unwrap_err(), AddressError::TooLong);
    }

    #[test]
    fn r17_debug_shows_neither_token_nor_address() {
        let shown = format!("{:?}", (endpoint("http://house:8123").unwrap(), Token::new(" abc\n").unwrap()));
        assert!(!shown.contains("house") && !shown.contains("secret") && !shown.contains("abc"), "{shown}");
        assert_eq!(Token::new("  "), Err(AddressError::EmptyToken));
        assert_eq!(Token::new("a b"), Err(AddressError::StrangeToken));
    }

    #[test]
    fn the_supervisor_has_a_fixed_place() {
        let e = Endpoint::supervisor(Token::new("t").unwrap());
        assert_eq!(e.handshake_url(), "ws://supervisor:80/core/websocket");
        assert!(e.is_supervisor() && !e.tls());
        assert_eq!(e.rest_path("config"), "/core/api/config");
    }

    #[test]
    fn rest_lies_next_to_the_websocket() {
        assert_eq!(endpoint("http://house:8123").unwrap().rest_path("config"), "/api/config");
        let e = endpoint("wss://[fd00::1]/ha/api/websocket").unwrap();
        assert_eq!((e.rest_path("config"), e.authority()), ("/ha/api/config".into(), "[fd00::1]:443".into()));
    }
}
