//! ICE over TCP (RFC 6544): this side connects to the passive candidates of the peer.
//!
//! An active candidate has no port of its own: each pair gets a connection, made when the first
//! check is to be sent on it. Packets are framed by their length (RFC 4571).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use mio::event::Event;
use mio::{Registry, Token};

use super::stream::{Outcome, Stream};

/// The port of an active candidate (RFC 6544, section 4.5): it stands for none.
pub(super) const ACTIVE_PORT: u16 = 9;
/// Connections kept at most. A peer has few passive candidates.
const MAX_LINKS: usize = 16;
/// After a connection ended, the next one to the same place is tried this much later.
const RETRY: Duration = Duration::from_secs(2);
/// A connection that nothing was sent on for so long is closed: its pair was given up.
const IDLE: Duration = Duration::from_secs(30);
/// Bytes read in one turn from one connection, so that a flood cannot keep others waiting.
const READ_PER_TURN: usize = 256 * 1024;

struct Link {
    /// The candidate's address, with [`ACTIVE_PORT`].
    local: SocketAddr,
    remote: SocketAddr,
    stream: Option<Stream>,
    /// Received part of a packet.
    inbound: BytesMut,
    used: Instant,
    retry_at: Instant,
}

/// All connections of this kind.
#[derive(Default)]
pub(super) struct IceTcp {
    links: Vec<Link>,
}

impl IceTcp {
    /// Queues a packet, on a new connection if there is none. `token` is used up for a new one.
    pub(super) fn send(
        &mut self,
        (local, remote): (SocketAddr, SocketAddr),
        device: Option<&str>,
        packet: &[u8],
        now: Instant,
        token: impl FnOnce() -> Token,
        registry: &Registry,
    ) {
        let Ok(length) = u16::try_from(packet.len()) else {
            return;
        };
        let Some(link) = self.link(local, remote, now) else {
            log::debug!("no TCP connection to {remote}: there are {MAX_LINKS} already");
            return;
        };
        link.used = now;
        if link.stream.is_none() && now >= link.retry_at {
            link.inbound.clear();
            link.retry_at = now + RETRY;
            match Stream::connect((local.ip(), device), remote, None, token(), registry) {
                Ok(stream) => link.stream = Some(stream),
                Err(error) => log::debug!("TCP from {} to {remote}: {error}", local.ip()),
            }
        }
        if let Some(stream) = &mut link.stream {
            if !stream.push(&[&length.to_be_bytes(), packet]) {
                log::debug!("packet dropped: the TCP connection to {remote} is full");
            }
        }
    }

    fn link(&mut self, local: SocketAddr, remote: SocketAddr, now: Instant) -> Option<&mut Link> {
        let found = self
            .links
            .iter()
            .position(|link| link.local == local && link.remote == remote);
        let index = match found {
            Some(index) => index,
            None if self.links.len() >= MAX_LINKS => return None,
            None => {
                self.links.push(Link {
                    local,
                    remote,
                    stream: None,
                    inbound: BytesMut::new(),
                    used: now,
                    retry_at: now,
                });
                self.links.len() - 1
            }
        };
        self.links.get_mut(index)
    }

    /// The kernel reported something. Answers whether it was about one of these connections.
    pub(super) fn handle_event(&mut self, event: &Event) -> bool {
        for stream in self.streams() {
            if stream.token == event.token() {
                stream.handle_event(event);
                return true;
            }
        }
        false
    }

    fn streams(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.links
            .iter_mut()
            .filter_map(|link| link.stream.as_mut())
    }

    pub(super) fn flush(&mut self) {
        for stream in self.streams() {
            stream.flush();
        }
    }

    pub(super) fn has_unread(&self) -> bool {
        self.links
            .iter()
            .filter_map(|link| link.stream.as_ref())
            .any(|stream| stream.readable)
    }

    pub(super) fn is_blocked(&self, local: SocketAddr, remote: SocketAddr) -> bool {
        self.links.iter().any(|link| {
            link.local == local
                && link.remote == remote
                && link.stream.as_ref().is_some_and(Stream::is_blocked)
        })
    }

    /// Reads from all connections and hands out whole packets: `(local, remote, packet)`.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        registry: &Registry,
        mut take: impl FnMut(SocketAddr, SocketAddr, Vec<u8>),
    ) {
        for link in &mut self.links {
            let mut open = true;
            let mut budget = READ_PER_TURN;
            while let Some(stream) = link.stream.as_mut().filter(|_| open && budget > 0) {
                match stream.read(buffer) {
                    Outcome::Data(length) => {
                        budget = budget.saturating_sub(length);
                        link.inbound.extend_from_slice(&buffer[..length]);
                        while let Some(packet) = next_packet(&mut link.inbound) {
                            take(link.local, link.remote, packet);
                        }
                    }
                    Outcome::Pending => break,
                    Outcome::Closed => open = false,
                }
            }
            if !open {
                if let Some(stream) = link.stream.take() {
                    stream.close(registry);
                }
            }
        }
    }

    /// Closes what is not used any more.
    pub(super) fn handle_timeout(&mut self, now: Instant, registry: &Registry) {
        self.close_if(registry, |link| now >= link.used + IDLE);
    }

    /// When the next connection is closed for lack of use.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.links.iter().map(|link| link.used + IDLE).min()
    }

    pub(super) fn remove_local(&mut self, local: SocketAddr, registry: &Registry) {
        self.close_if(registry, |link| link.local == local);
    }

    fn close_if(&mut self, registry: &Registry, gone: impl Fn(&Link) -> bool) {
        for link in self.links.extract_if(.., |link| gone(link)) {
            if let Some(stream) = link.stream {
                stream.close(registry);
            }
        }
    }
}

/// Cuts a packet off the front, once all of it is there.
fn next_packet(inbound: &mut BytesMut) -> Option<Vec<u8>> {
    let header = inbound.first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*header));
    if inbound.len() < 2 + length {
        return None;
    }
    inbound.advance(2);
    Some(inbound.split_to(length).to_vec())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packets_survive_any_cutting(
            packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20),
            piece in 1_usize..97,
        ) {
            let mut wire = Vec::new();
            for packet in &packets {
                wire.extend_from_slice(&(packet.len() as u16).to_be_bytes());
                wire.extend_from_slice(packet);
            }
            let mut inbound = BytesMut::new();
            let mut read = Vec::new();
            for piece in wire.chunks(piece) {
                inbound.extend_from_slice(piece);
                while let Some(packet) = next_packet(&mut inbound) {
                    read.push(packet);
                }
            }
            prop_assert_eq!(read, packets);
            prop_assert!(inbound.is_empty());
        }
    }
}
