//! A portal's origin: scheme, host and port, as it stands in invites and statements.

use std::fmt;
use std::net::IpAddr;

use crate::net::Target;

/// An origin in its one spelling: lower case, no default port, no path.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    text: String,
    target: Target,
}

/// Why a text is no usable origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadOrigin {
    /// Not `https://HOST` or `https://HOST:PORT`.
    #[error("a portal's address looks like https://portal.example, without a path")]
    Malformed,
    /// Plain HTTP to another machine.
    #[error("plain http is only possible to a portal on this very machine")]
    PlainHttp,
}

impl Origin {
    /// Reads an origin; one slash at its end is forgiven.
    ///
    /// # Errors
    /// See [`BadOrigin`].
    pub fn parse(text: &str) -> Result<Self, BadOrigin> {
        let uri: http::Uri = text.trim().parse().map_err(|_| BadOrigin::Malformed)?;
        let (scheme, host) = uri.scheme_str().zip(uri.host()).ok_or(BadOrigin::Malformed)?;
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        if has_user || host.is_empty() || uri.path().len() > 1 || uri.query().is_some() {
            return Err(BadOrigin::Malformed);
        }
        let (tls, usual) = match scheme {
            "https" => (true, 443),
            "http" => (false, 80),
            _ => return Err(BadOrigin::Malformed),
        };
        let host = host.to_ascii_lowercase();
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if !tls && !is_loopback(&bare) {
            return Err(BadOrigin::PlainHttp);
        }
        let port = uri.port_u16().unwrap_or(usual);
        let text =
            if port == usual { format!("{scheme}://{host}") } else { format!("{scheme}://{host}:{port}") };
        Ok(Self { text, target: Target { host: bare, port, tls } })
    }

    /// The one spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where to connect.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// Value of the `Host` header.
    #[must_use]
    pub fn host_header(&self) -> &str {
        self.text.split_once("://").map_or("", |(_, host)| host)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹origin›")
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_one_spelling() {
        for (text, spelled) in [
            ("https://Portal.Example", "https://portal.example"),
            ("https://portal.example:443/", "https://portal.example"),
            ("https://portal.example:8443", "https://portal.example:8443"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://localhost", "http://localhost"),
        ] {
            assert_eq!(Origin::parse(text).unwrap().as_str(), spelled);
        }
        assert_eq!(Origin::parse("http://[::1]:8080").unwrap().target().host, "::1");
    }

    /// S63: plain HTTP reaches nothing but this machine.
    #[test]
    fn other_texts_are_refused() {
        for text in
            ["portal.example", "https://", "https://a/path", "https://u:p@a", "ftp://a", "https://a?b", ""]
        {
            assert_eq!(Origin::parse(text), Err(BadOrigin::Malformed), "{text}");
        }
        for text in ["http://portal.example", "http://192.168.1.5:8080", "http://127.0.0.1.example"] {
            assert_eq!(Origin::parse(text), Err(BadOrigin::PlainHttp), "{text}");
        }
    }
}
