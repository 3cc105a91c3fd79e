//! Confirmations to a closed-loop producer: `IDENTITY NEXT_SEQUENCE` over UDP.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Often enough for a window of some hundred messages, rare enough not to matter.
const EVERY: Duration = Duration::from_millis(2);

/// Sends confirmations to one port of the loopback.
pub(crate) struct Confirmer {
    socket: Option<UdpSocket>,
    last: Mutex<Instant>,
}

impl Confirmer {
    /// Does nothing when `port` is 0.
    pub(crate) fn new(port: u16) -> std::io::Result<Self> {
        let socket = match port {
            0 => None,
            port => {
                let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
                socket.set_nonblocking(true)?;
                socket.connect((Ipv4Addr::LOCALHOST, port))?;
                Some(socket)
            }
        };
        Ok(Self {
            socket,
            last: Mutex::new(Instant::now()),
        })
    }

    /// Says that everything before `next` has arrived, unless that was said a moment ago.
    pub(crate) fn arrived(&self, next: u64) {
        let mut last = self.last.lock();
        if last.elapsed() >= EVERY {
            *last = Instant::now();
            self.send(next);
        }
    }

    /// Says it in any case.
    pub(crate) fn send(&self, next: u64) {
        if let Some(socket) = &self.socket {
            let text = format!("{} {next}", std::process::id());
            // Lost or refused: the next one says the same and more.
            let _ = socket.send(text.as_bytes());
        }
    }
}
