//! News about interfaces, addresses and routes, from the kernel.

#[cfg(target_os = "linux")]
pub(super) use linux::Changes;

/// The system that tells nothing: the addresses are looked at from time to time.
#[cfg(not(target_os = "linux"))]
#[derive(Default)]
pub(super) struct Changes;

#[cfg(not(target_os = "linux"))]
impl Changes {
    pub(super) fn watch(_: &mio::Registry) -> Self {
        Self
    }

    pub(super) fn take(&mut self, _: &mio::event::Event) -> bool {
        false
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::os::fd::{AsRawFd, OwnedFd};

    use mio::event::Event;
    use mio::unix::SourceFd;
    use mio::{Interest, Registry, Token};
    use rustix::net::netlink::SocketAddrNetlink;
    use rustix::net::{bind, recv, socket_with, AddressFamily, RecvFlags, SocketFlags, SocketType};

    /// The token of the socket, beside that of the waker.
    const TOKEN: Token = Token(usize::MAX - 1);
    /// Groups of `linux/rtnetlink.h`: links, addresses and routes of both versions of IP.
    const GROUPS: u32 = (libc::RTMGRP_LINK
        | libc::RTMGRP_IPV4_IFADDR
        | libc::RTMGRP_IPV4_ROUTE
        | libc::RTMGRP_IPV6_IFADDR
        | libc::RTMGRP_IPV6_ROUTE) as u32;

    /// Tells when something has changed. What, is not read: the addresses are looked at anew.
    #[derive(Default)]
    pub(in crate::engine::network) struct Changes(Option<OwnedFd>);

    impl Changes {
        /// Begins to listen. Where that is not allowed the addresses are looked at from time to time.
        pub(in crate::engine::network) fn watch(registry: &Registry) -> Self {
            match listen(registry) {
                Ok(socket) => Self(Some(socket)),
                Err(error) => {
                    log::debug!("no news about network interfaces: {error}");
                    Self(None)
                }
            }
        }

        /// Whether an event of the poll is news.
        pub(in crate::engine::network) fn take(&mut self, event: &Event) -> bool {
            let Some(socket) = self.0.as_ref().filter(|_| event.token() == TOKEN) else {
                return false;
            };
            // Events are edge-triggered, so all is read.
            let mut buffer = [0; 8192];
            while recv(socket, &mut buffer, RecvFlags::empty()).is_ok() {}
            true
        }
    }

    fn listen(registry: &Registry) -> std::io::Result<OwnedFd> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let family = AddressFamily::NETLINK;
        // No protocol is number 0, NETLINK_ROUTE.
        let socket = socket_with(family, SocketType::RAW, flags, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
        let mut source = SourceFd(&socket.as_raw_fd());
        registry.register(&mut source, TOKEN, Interest::READABLE)?;
        Ok(socket)
    }

    #[cfg(test)]
    mod tests {
        use std::process::Command;
        use std::time::Duration;

        use mio::{Events, Poll};

        use super::*;
        use crate::engine::network::namespace::in_namespace;

        fn ip(line: &str) {
            let status = Command::new("ip").args(line.split(' ')).status();
            assert!(status.unwrap().success(), "ip {line}");
        }

        #[test]
        fn links_addresses_and_routes_are_news() {
            let name = "links_addresses_and_routes_are_news";
            in_namespace(module_path!(), name, "ip link set lo up", || {
                let mut poll = Poll::new().unwrap();
                let mut changes = Changes::watch(poll.registry());
                let mut events = Events::with_capacity(8);
                for line in [
                    "link add eth5 type veth peer name eth6",
                    "addr add 198.18.0.2/24 dev eth5",
                    "link set eth5 up",
                    "route add default via 198.18.0.1",
                    "link del eth5",
                ] {
                    ip(line);
                    poll.poll(&mut events, Some(Duration::from_secs(60)))
                        .unwrap();
                    let mut news = events.iter().map(|event| changes.take(event));
                    assert_eq!(news.next(), Some(true), "{line}");
                    // The kernel tells some of it a little later.
                    let wait = Some(Duration::from_millis(300));
                    while poll.poll(&mut events, wait).is_ok() && !events.is_empty() {
                        assert!(events.iter().all(|event| changes.take(event)));
                    }
                }
            });
        }
    }
}
