//! Access rules for clients.
//!
//! Any page that a browser on this machine shows can reach a local port. Two headers that pages
//! cannot forge tell them apart: `Origin` says which page opens a WebSocket, and `Host` gives away
//! a foreign name that was made to point to this machine (DNS rebinding).

use std::net::{IpAddr, SocketAddr};

use hyper::header::{HeaderMap, HOST, ORIGIN};

/// Web pages that may open a WebSocket unless others are named: the tools that it is for.
const KNOWN_ORIGINS: [&str; 3] = [
    "https://app.foxglove.dev",
    "https://studio.foxglove.dev",
    "https://lichtblick-suite.github.io",
];

/// Reason why a connection is refused. The text is for who tried it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// The request names another host: DNS rebinding, or a tunnel.
    #[error("this port answers to http://localhost and http://127.0.0.1 only")]
    Host,
    /// The page was asked for from another machine.
    #[error(
        "the page is for this machine only; elsewhere, use it as static files with a token of its \
         own"
    )]
    Peer,
    /// A web page that is not known opens a WebSocket.
    #[error("the page {0:?} may not connect; allow it with --allow-origin {0}")]
    Page(String),
}

/// Decides on connections.
#[derive(Clone, Debug)]
pub struct Access {
    /// Whether the port is bound to the loopback interface.
    loopback: bool,
    /// More web pages that may open a WebSocket.
    origins: Vec<String>,
}

impl Access {
    /// `address` is what the port is bound to. `origins` are more web pages that may open a
    /// WebSocket, for example `https://tools.example.com`; `*` is all of them.
    #[must_use]
    pub fn new(address: IpAddr, origins: Vec<String>) -> Self {
        Self {
            loopback: address.is_loopback(),
            origins,
        }
    }

    /// A port of the loopback interface is known by names of the loopback interface alone.
    pub fn check_host(&self, headers: &HeaderMap) -> Result<(), AccessError> {
        if !self.loopback || host_is_loopback(headers) {
            return Ok(());
        }
        Err(AccessError::Host)
    }

    /// The page has a token in it: it goes to this machine, whatever the port is bound to.
    pub fn check_page(&self, peer: SocketAddr, headers: &HeaderMap) -> Result<(), AccessError> {
        if peer.ip().to_canonical().is_loopback() && host_is_loopback(headers) {
            return Ok(());
        }
        Err(AccessError::Peer)
    }

    /// A web page may open a WebSocket if it is of this machine, or known. Programs, and pages
    /// that do not come from the web, may.
    pub fn check_origin(&self, headers: &HeaderMap) -> Result<(), AccessError> {
        let Some(origin) = headers.get(ORIGIN) else {
            return Ok(());
        };
        let origin = origin.to_str().unwrap_or_default();
        let listed = |known: &str| known == origin || known == "*";
        let is_web = origin.starts_with("http://") || origin.starts_with("https://");
        // A page of any site can have itself called "null".
        let is_local = !is_web && origin != "null" && origin.contains("://");
        let host = origin.split_once("://").map_or("", |(_, host)| host);
        if is_local
            || is_web && is_loopback(host)
            || KNOWN_ORIGINS.contains(&origin)
            || self.origins.iter().any(|known| listed(known))
        {
            return Ok(());
        }
        Err(AccessError::Page(origin.to_owned()))
    }
}

fn host_is_loopback(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next().map(|host| host.to_str()), hosts.next()) {
        (Some(Ok(host)), None) => is_loopback(host),
        _ => false,
    }
}

/// Whether `name`, `name:port`, an address or an address with a port means this machine.
fn is_loopback(authority: &str) -> bool {
    if let Ok(address) = authority.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        _ => authority,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_foreign_name_for_this_machine_is_refused() {
        let access = Access::new(Ipv4Addr::LOCALHOST.into(), vec![]);
        let good = [
            "localhost",
            "localhost:8765",
            "127.0.0.1:1",
            "[::1]:8765",
            "LOCALHOST:80",
        ];
        for host in good {
            assert!(
                access.check_host(&headers(&[("host", host)])).is_ok(),
                "{host}"
            );
        }
        let bad = [
            "evil.com",
            "evil.com:8765",
            "localhost.evil.com",
            "127.0.0.1.evil.com:80",
            "10.0.0.1",
            "",
        ];
        for host in bad {
            assert!(
                access.check_host(&headers(&[("host", host)])).is_err(),
                "{host}"
            );
        }
        assert!(access.check_host(&headers(&[])).is_err());
        let two = [("host", "localhost"), ("host", "evil.com")];
        assert!(access.check_host(&headers(&two)).is_err());
    }

    #[test]
    fn the_page_stays_on_this_machine_even_on_an_open_port() {
        let access = Access::new(Ipv4Addr::UNSPECIFIED.into(), vec![]);
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let mapped = SocketAddr::from((Ipv4Addr::LOCALHOST.to_ipv6_mapped(), 1));
        let remote = SocketAddr::from((Ipv4Addr::new(192, 168, 0, 7), 1));
        let host = headers(&[("host", "localhost:8765")]);
        assert!(access.check_page(local, &host).is_ok());
        assert!(access.check_page(mapped, &host).is_ok());
        assert!(access
            .check_page(SocketAddr::from((Ipv6Addr::LOCALHOST, 1)), &host)
            .is_ok());
        assert!(access.check_page(remote, &host).is_err());
        assert!(access
            .check_page(local, &headers(&[("host", "robot.lan:8765")]))
            .is_err());
        assert!(access
            .check_host(&headers(&[("host", "robot.lan:8765")]))
            .is_ok());
    }

    #[test]
    fn tools_may_connect_and_other_web_pages_may_not() {
        let access = Access::new(
            Ipv4Addr::LOCALHOST.into(),
            vec!["https://mine.example".into()],
        );
        let good = [
            "https://app.foxglove.dev",
            "http://localhost:8080",
            "http://127.0.0.1:8765",
            "file://",
            "foxglove://app",
            "https://mine.example",
        ];
        for origin in good {
            let result = access.check_origin(&headers(&[("origin", origin)]));
            assert!(result.is_ok(), "{origin}: {result:?}");
        }
        let bad = [
            "https://evil.com",
            "https://app.foxglove.dev.evil.com",
            "http://app.foxglove.dev",
            "https://localhost.evil.com",
            "null",
            "",
        ];
        for origin in bad {
            assert!(
                access
                    .check_origin(&headers(&[("origin", origin)]))
                    .is_err(),
                "{origin}"
            );
        }
        assert!(access.check_origin(&headers(&[])).is_ok());
        let all = Access::new(Ipv4Addr::LOCALHOST.into(), vec!["*".into()]);
        assert!(all
            .check_origin(&headers(&[("origin", "https://evil.com")]))
            .is_ok());
    }
}
