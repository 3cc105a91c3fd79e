//! STUN and TURN servers: reading their URLs (RFC 7064, RFC 7065) and finding their addresses.

use std::net::{IpAddr, SocketAddr};

use thiserror::Error;

use crate::configuration::IceServer;
use crate::engine::resolver::{Addresses, Name};

/// URLs used at most. A configuration with more is a mistake or an attack.
const MAX_URLS: usize = 16;
/// Ports without and with TLS (RFC 8489, section 18.6).
const PORT: u16 = 3478;
const TLS_PORT: u16 = 5349;

/// Service of a server, and its transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// Asked for this side's own address, over UDP.
    Stun,
    /// Asked to relay.
    TurnUdp,
    TurnTcp,
    TurnTls,
}

/// One server as the application named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub(super) url: String,
    pub(super) service: Service,
    /// The host is a name, or an address without brackets.
    pub(super) name: Name,
    pub(super) username: String,
    pub(super) password: String,
}

/// A server and the addresses of its name, at most one of each family.
pub(crate) type Resolved = (Server, Addresses);

/// A URL that names no server.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum UrlError {
    #[error("it must begin with stun:, turn: or turns:")]
    Scheme,
    #[error("STUN over TLS gives no candidates and is not supported")]
    StunTls,
    #[error("the host or the port is malformed")]
    Host,
    #[error("the only parameter is transport=udp or transport=tcp, and TLS needs tcp")]
    Transport,
}

/// Reads the servers of a configuration. What cannot be used is left out, with a warning.
pub(in crate::engine) fn parse_servers(servers: &[IceServer]) -> Vec<Server> {
    let mut parsed: Vec<Server> = Vec::new();
    for server in servers {
        for url in &server.urls {
            match parse_url(url) {
                Ok((service, host, port)) => {
                    let server = Server {
                        url: url.clone(),
                        service,
                        name: Name { host, port },
                        username: server.username.clone(),
                        password: server.password.clone(),
                    };
                    if !parsed.contains(&server) {
                        parsed.push(server);
                    }
                }
                Err(error) => log::warn!("ICE server {url:?} is not used: {error}"),
            }
        }
    }
    if parsed.len() > MAX_URLS {
        log::warn!(
            "only the first {MAX_URLS} of {} ICE servers are used",
            parsed.len()
        );
        parsed.truncate(MAX_URLS);
    }
    parsed
}

fn parse_url(url: &str) -> Result<(Service, String, u16), UrlError> {
    let (scheme, rest) = url.split_once(':').ok_or(UrlError::Scheme)?;
    let (authority, query) = match rest.split_once('?') {
        Some((authority, query)) => (authority, Some(query)),
        None => (rest, None),
    };
    let tcp = match query {
        None => None,
        Some("transport=udp") => Some(false),
        Some("transport=tcp") => Some(true),
        Some(_) => return Err(UrlError::Transport),
    };
    let (service, default_port) = match (scheme, tcp) {
        // The parameter means nothing for STUN, but some configurations have it.
        ("stun", None | Some(false)) => (Service::Stun, PORT),
        ("stuns", _) => return Err(UrlError::StunTls),
        ("turn", None | Some(false)) => (Service::TurnUdp, PORT),
        ("turn", Some(true)) => (Service::TurnTcp, PORT),
        ("turns", None | Some(true)) => (Service::TurnTls, TLS_PORT),
        // DTLS to the server: nobody offers it.
        ("turns" | "stun", Some(_)) => return Err(UrlError::Transport),
        _ => return Err(UrlError::Scheme),
    };
    let (host, port) = split_host(authority).ok_or(UrlError::Host)?;
    Ok((service, host.to_owned(), port.unwrap_or(default_port)))
}

/// Splits `host`, `host:port`, `[v6]` and `[v6]:port`.
fn split_host(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            match after {
                "" => (host, None),
                _ => (host, Some(after.strip_prefix(':')?)),
            }
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
    if host.is_empty() || !host.chars().all(plain) {
        return None;
    }
    let port = match port {
        Some(port) => Some(port.parse().ok().filter(|port| *port != 0)?),
        None => None,
    };
    Some((host, port))
}

/// Finds the addresses of servers that are named by address; returns the others too.
pub(super) fn resolve_literals(servers: Vec<Server>) -> (Vec<Resolved>, Vec<Server>) {
    let mut resolved = Vec::new();
    let mut named = Vec::new();
    for server in servers {
        match server.name.host.parse::<IpAddr>() {
            Ok(ip) => {
                let address = SocketAddr::new(ip, server.name.port);
                resolved.push((server, Ok(vec![address])));
            }
            Err(_) => named.push(server),
        }
    }
    (resolved, named)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_urls_of_real_configurations() {
        let read = parse_url;
        let is = |service, host: &str, port| Ok((service, host.to_owned(), port));
        assert_eq!(read("stun:a.b"), is(Service::Stun, "a.b", 3478));
        assert_eq!(
            read("stun:stun.l.google.com:19302"),
            is(Service::Stun, "stun.l.google.com", 19302)
        );
        assert_eq!(
            read("turn:1.2.3.4:443?transport=udp"),
            is(Service::TurnUdp, "1.2.3.4", 443)
        );
        assert_eq!(
            read("turn:h?transport=tcp"),
            is(Service::TurnTcp, "h", 3478)
        );
        assert_eq!(
            read("turns:h:443?transport=tcp"),
            is(Service::TurnTls, "h", 443)
        );
        assert_eq!(read("turns:h"), is(Service::TurnTls, "h", 5349));
        assert_eq!(
            read("turn:[2001:db8::1]:99"),
            is(Service::TurnUdp, "2001:db8::1", 99)
        );
        assert_eq!(read("turn:[::1]"), is(Service::TurnUdp, "::1", 3478));
    }

    #[test]
    fn says_what_is_wrong_with_a_url() {
        assert_eq!(parse_url("http://h"), Err(UrlError::Scheme));
        assert_eq!(parse_url("h:3478"), Err(UrlError::Scheme));
        assert_eq!(parse_url("stuns:h"), Err(UrlError::StunTls));
        assert_eq!(parse_url("turns:h?transport=udp"), Err(UrlError::Transport));
        assert_eq!(parse_url("turn:h?x=y"), Err(UrlError::Transport));
        for bad in [
            "turn:",
            "turn:h:0",
            "turn:h:99999",
            "turn:[::1",
            "turn:[x]",
            "turn:a b",
            "turn:h:1:2",
        ] {
            assert_eq!(parse_url(bad), Err(UrlError::Host), "{bad}");
        }
    }

    #[test]
    fn the_same_server_twice_is_used_once_and_many_are_cut() {
        let server = |urls: Vec<String>| IceServer {
            urls,
            username: "u".to_owned(),
            password: "p".to_owned(),
        };
        let twice = server(vec![
            "turn:h".to_owned(),
            "turn:h".to_owned(),
            "bad".to_owned(),
        ]);
        assert_eq!(parse_servers(&[twice]).len(), 1);
        let many = server((1..100).map(|n| format!("turn:h:{n}")).collect());
        assert_eq!(parse_servers(&[many]).len(), MAX_URLS);
    }

    #[test]
    fn addresses_need_no_resolver() {
        let urls = ["stun:127.0.0.1:1", "stun:[::1]:2", "stun:name:3"]
            .map(str::to_owned)
            .to_vec();
        let server = IceServer {
            urls,
            username: String::new(),
            password: String::new(),
        };
        let (resolved, named) = resolve_literals(parse_servers(&[server]));
        let addresses: Vec<String> = resolved
            .iter()
            .map(|(_, found)| found.as_ref().unwrap()[0].to_string())
            .collect();
        assert_eq!(addresses, ["127.0.0.1:1", "[::1]:2"]);
        assert_eq!(named[0].name.host, "name");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(url in "(stun|turn|turns|stuns|)(:|)[\\PC]{0,40}") {
            if let Ok((_, host, port)) = parse_url(&url) {
                prop_assert!(!host.is_empty() && port != 0);
                prop_assert!(url.contains(&host));
            }
        }
    }
}
