//! Sockets whose send buffer is full.
//!
//! Loopback never fills one: what is sent has arrived. So these tests run again in a network
//! namespace whose loopback passes 8 Mbit/s, which needs root.

use std::time::{Duration, Instant};

use mio::{Events, Poll};
use quinn_udp::UdpSockRef;

use super::*;
use crate::engine::network::namespace::in_namespace;

/// Bytes of each packet.
const PACKET: usize = 1_200;
/// Asked of the kernel: room for some ten packets.
const SMALL_BUFFER: usize = 16 * 1024;
const PATIENCE: Duration = Duration::from_secs(60);
/// Makes loopback slow.
const SLOW: &str =
    "ip link set lo up && tc qdisc add dev lo root tbf rate 8mbit burst 16kb limit 8mb";

struct Ends {
    poll: Poll,
    events: Events,
    sockets: Sockets,
    from: SocketAddr,
    to: std::net::UdpSocket,
    arrived: Vec<u32>,
}

impl Ends {
    fn new() -> Self {
        let poll = Poll::new().unwrap();
        let mut sockets = Sockets::default();
        let ip = [127, 0, 0, 1].into();
        let from = sockets.open(ip, Token(0), poll.registry()).unwrap();
        let socket = &sockets.sockets[0];
        let _ = socket
            .state
            .set_send_buffer_size(UdpSockRef::from(&socket.io), SMALL_BUFFER);
        let to = std::net::UdpSocket::bind((ip, 0)).unwrap();
        to.set_nonblocking(true).unwrap();
        let mut ends = Self {
            poll,
            events: Events::with_capacity(8),
            sockets,
            from,
            to,
            arrived: Vec::new(),
        };
        // A new socket is writable; that news must not be taken for a later one.
        ends.wait(Duration::from_millis(50));
        ends
    }

    fn send(&mut self, number: u32) {
        let mut packet = vec![0; PACKET];
        packet[..4].copy_from_slice(&number.to_be_bytes());
        let to = self.to.local_addr().unwrap();
        assert!(self.sockets.send(self.from, to, &packet));
        self.sockets.flush();
    }

    fn is_blocked(&self) -> bool {
        self.sockets.is_blocked(self.from)
    }

    /// Waits for the socket and takes what arrived meanwhile.
    fn wait(&mut self, time: Duration) {
        self.poll.poll(&mut self.events, Some(time)).unwrap();
        for event in &self.events {
            self.sockets.handle_event(event);
        }
        let mut packet = [0; 2 * PACKET];
        while let Ok(length) = self.to.recv(&mut packet) {
            assert_eq!(length, PACKET);
            let number = u32::from_be_bytes(*packet.first_chunk().unwrap());
            self.arrived.push(number);
        }
    }

    fn wait_until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !condition(self) {
            assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
            self.wait(Duration::from_millis(5));
        }
    }
}

#[test]
fn who_waits_while_it_is_blocked_loses_nothing() {
    in_namespace(
        module_path!(),
        "who_waits_while_it_is_blocked_loses_nothing",
        SLOW,
        || {
            let mut ends = Ends::new();
            let mut blocked = 0;
            for number in 0..300 {
                ends.send(number);
                blocked += u32::from(ends.is_blocked());
                ends.wait_until("it is writable", |ends| !ends.is_blocked());
            }
            assert!(blocked > 10, "the buffer was full only {blocked} times");
            ends.wait_until("all arrived", |ends| ends.arrived.len() == 300);
            assert!(ends.arrived.iter().copied().eq(0..300), "in order");
        },
    );
}

#[test]
fn who_does_not_wait_loses_packets_and_no_memory() {
    in_namespace(
        module_path!(),
        "who_does_not_wait_loses_packets_and_no_memory",
        SLOW,
        || {
            let mut ends = Ends::new();
            for number in 0..1_000 {
                ends.send(number);
            }
            assert!(ends.is_blocked());
            assert_eq!(ends.sockets.sockets[0].blocked.len(), MAX_BLOCKED);
            ends.wait_until("it is writable", |ends| !ends.is_blocked());
            ends.send(1_000);
            ends.wait_until("it goes on", |ends| ends.arrived.last() == Some(&1_000));
            let arrived = ends.arrived.len();
            assert!(arrived > MAX_BLOCKED && arrived < 1_000, "{arrived}");
        },
    );
}
