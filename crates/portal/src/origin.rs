//! The portal's origin: the address that stands in statements and invites.

use std::net::{IpAddr, SocketAddr};

use vestibule_protocol::invite::ORIGIN_BYTES;
use vestibule_protocol::problem::Problem;

use crate::problem;

/// Name of the setting.
pub const SETTING: &str = "origin";

/// Name of the setting that says that somebody gave the origin, rather than that it was guessed.
pub const GIVEN: &str = "origin_given";

/// Reads an origin and spells it in one way: lower case, no trailing slash, no default port.
///
/// # Errors
/// A `Problem` for anything that is not `https://host[:port]`, or `http://` with a host of this machine.
pub fn read(text: &str) -> Result<String, Problem> {
    let text = text.trim().trim_end_matches('/').to_ascii_lowercase();
    let uri: http::Uri = text.parse().map_err(|_| problem::origin_invalid())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(problem::origin_invalid());
    };
    let bare = uri.path_and_query().is_none_or(|path| path.as_str() == "/");
    let host = authority.host();
    let sound = bare
        && text.len() <= ORIGIN_BYTES
        && !authority.as_str().contains('@')
        && !host.is_empty()
        && !text.contains('#')
        && (scheme == "https" || (scheme == "http" && is_this_machine(host)));
    if !sound {
        return Err(problem::origin_invalid());
    }
    let default_port = if scheme == "https" { 443 } else { 80 };
    Ok(match authority.port_u16() {
        Some(port) if port != default_port => format!("{scheme}://{host}:{port}"),
        _ => format!("{scheme}://{host}"),
    })
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost"
        || host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// The origin of a portal that only this machine can reach.
#[must_use]
pub fn of_address(address: SocketAddr, tls: bool) -> String {
    format!("http{}://{address}", if tls { "s" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_for_one_origin() {
        for (text, origin) in [
            ("https://Portal.example/", "https://portal.example"),
            ("https://portal.example:443", "https://portal.example"),
            ("https://portal.example:8443", "https://portal.example:8443"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://localhost", "http://localhost"),
        ] {
            assert_eq!(read(text).unwrap(), origin);
        }
    }

    #[test]
    fn what_homes_would_refuse_is_refused_here() {
        for text in [
            "",
            "portal.example",
            "http://portal.example",
            "https://portal.example/path",
            "https://user@portal.example",
            "ftp://portal.example",
            "https://",
        ] {
            assert_eq!(read(text).unwrap_err().code, "origin_invalid", "{text}");
        }
    }
}
