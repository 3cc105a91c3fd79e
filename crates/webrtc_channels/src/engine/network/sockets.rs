//! The UDP sockets of a connection.
//!
//! Packets for one destination are gathered and handed to the kernel in one call (GSO). A socket
//! that would block keeps its packets and sends them when the kernel reports it writable again.

#[cfg(test)]
mod blocking_tests;

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSliceMut};
use std::net::{IpAddr, SocketAddr};

use mio::event::Event;
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};

/// Receive and send buffers asked of the kernel, in bytes. With the usual 200 kB a burst of SCTP
/// packets overflows, and a tenth of them is sent again.
const KERNEL_BUFFER: usize = 4 << 20;
/// Datagram trains read in one call, and bytes of each: the most that the kernel joins (GRO).
const TRAINS: usize = 8;
const TRAIN_BYTES: usize = 65_536;
/// Bytes in one call to the kernel. UDP's own limit is 65,507.
const BATCH_BYTES: usize = 60_000;
/// Batches kept while a socket would block, at most 2 MB. What comes after is dropped, as a full
/// network would do; the protocols above send it again.
const MAX_BLOCKED: usize = 32;

/// Packets of one size for one destination, the last of which may be smaller.
struct Batch {
    destination: SocketAddr,
    bytes: Vec<u8>,
    segment: usize,
    segments: usize,
}

struct Socket {
    io: UdpSocket,
    token: Token,
    state: UdpSocketState,
    address: SocketAddr,
    /// The kernel may have more to read. Events are edge-triggered, so this is remembered.
    readable: bool,
    batch: Option<Batch>,
    blocked: VecDeque<Batch>,
    /// Emptied buffers, to be used again.
    spare: Vec<Vec<u8>>,
}

#[derive(Default)]
pub(super) struct Sockets {
    sockets: Vec<Socket>,
}

/// Datagrams of one call, with the buffers they were read into.
pub(in crate::engine) struct Received {
    buffer: Vec<u8>,
    metas: [RecvMeta; TRAINS],
    trains: usize,
}

impl Received {
    pub(in crate::engine) fn new() -> Self {
        Self {
            buffer: vec![0; TRAINS * TRAIN_BYTES],
            metas: [RecvMeta::default(); TRAINS],
            trains: 0,
        }
    }

    /// The datagrams, each with its source.
    pub(in crate::engine) fn datagrams(&self) -> impl Iterator<Item = (SocketAddr, &[u8])> {
        let trains = self
            .buffer
            .chunks(TRAIN_BYTES)
            .zip(&self.metas)
            .take(self.trains);
        trains.flat_map(|(bytes, meta)| {
            let train = bytes.get(..meta.len).unwrap_or_default();
            train
                .chunks(meta.stride.max(1))
                .map(move |datagram| (meta.addr, datagram))
        })
    }
}

/// Binds a socket to an interface, or to none. Where that is not to be had, the kernel decides.
pub(super) fn bind_device(socket: &socket2::Socket, device: Option<&str>) {
    #[cfg(any(target_os = "android", target_os = "linux"))]
    if let Err(error) = socket.bind_device(device.map(str::as_bytes)) {
        log::debug!("a socket is not bound to {device:?}: {error}");
    }
    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    let _ = (socket, device);
}

impl Sockets {
    /// Opens a socket on a local address and returns its full address.
    ///
    /// # Errors
    /// The address is gone, or there are too many open files.
    pub(super) fn open(
        &mut self,
        ip: IpAddr,
        token: Token,
        registry: &Registry,
    ) -> io::Result<SocketAddr> {
        let mut io = UdpSocket::bind(SocketAddr::new(ip, 0))?;
        let state = UdpSocketState::new(UdpSockRef::from(&io))?;
        // The kernel may grant less; that only costs speed.
        let _ = state.set_recv_buffer_size(UdpSockRef::from(&io), KERNEL_BUFFER);
        let _ = state.set_send_buffer_size(UdpSockRef::from(&io), KERNEL_BUFFER);
        let address = io.local_addr()?;
        registry.register(&mut io, token, Interest::READABLE | Interest::WRITABLE)?;
        self.sockets.push(Socket {
            io,
            token,
            state,
            address,
            readable: false,
            batch: None,
            blocked: VecDeque::new(),
            spare: Vec::new(),
        });
        Ok(address)
    }

    /// Binds the socket at this address to an interface, or to none.
    pub(super) fn bind_device(&self, address: SocketAddr, device: Option<&str>) {
        let mut sockets = self.sockets.iter();
        if let Some(socket) = sockets.find(|socket| socket.address == address) {
            bind_device(&socket2::SockRef::from(&socket.io), device);
        }
    }

    /// Closes the socket at this address.
    pub(super) fn close(&mut self, address: SocketAddr, registry: &Registry) {
        for mut socket in self
            .sockets
            .extract_if(.., |socket| socket.address == address)
        {
            // A socket that cannot be deregistered is closed all the same.
            let _ = registry.deregister(&mut socket.io);
        }
    }

    /// The addresses of all sockets.
    pub(super) fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.sockets.iter().map(|socket| socket.address)
    }

    /// The kernel reported something. Answers whether it was about one of these sockets.
    pub(super) fn handle_event(&mut self, event: &Event) -> bool {
        let Some(socket) = self.sockets.iter_mut().find(|s| s.token == event.token()) else {
            return false;
        };
        socket.readable |= event.is_readable();
        if event.is_writable() {
            socket.flush_blocked();
        }
        true
    }

    pub(super) fn has_unread(&self) -> bool {
        self.sockets.iter().any(|socket| socket.readable)
    }

    /// Reads from the socket with this index. `None` means that it has no more, or does not exist.
    pub(super) fn receive(&mut self, index: usize, into: &mut Received) -> Option<SocketAddr> {
        let socket = self.sockets.get_mut(index)?;
        into.trains = 0;
        if !socket.readable {
            return None;
        }
        let mut chunks = into.buffer.chunks_mut(TRAIN_BYTES);
        let mut slices: [IoSliceMut<'_>; TRAINS] =
            std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        match socket
            .state
            .recv(UdpSockRef::from(&socket.io), &mut slices, &mut into.metas)
        {
            Ok(trains) => {
                into.trains = trains;
                Some(socket.address)
            }
            // An earlier packet was refused by its destination; there may be others to read.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => Some(socket.address),
            Err(error) if error.kind() == ErrorKind::Interrupted => Some(socket.address),
            Err(error) => {
                if error.kind() != ErrorKind::WouldBlock {
                    log::debug!("receive on {}: {error}", socket.address);
                }
                socket.readable = false;
                None
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.sockets.len()
    }

    /// Queues a packet; [`flush`](Self::flush) sends it. Answers whether there is such a socket.
    pub(super) fn send(&mut self, local: SocketAddr, remote: SocketAddr, packet: &[u8]) -> bool {
        match self
            .sockets
            .iter_mut()
            .find(|socket| socket.address == local)
        {
            Some(socket) => socket.push(remote, packet),
            None => return false,
        }
        true
    }

    pub(super) fn flush(&mut self) {
        for socket in &mut self.sockets {
            socket.flush();
        }
    }

    /// Whether packets of this socket wait for the kernel, so that more should not be produced.
    pub(super) fn is_blocked(&self, local: SocketAddr) -> bool {
        self.sockets
            .iter()
            .any(|socket| socket.address == local && !socket.blocked.is_empty())
    }
}

impl Socket {
    fn push(&mut self, destination: SocketAddr, packet: &[u8]) {
        let max_segments = self.state.max_gso_segments();
        let fits = self.batch.as_ref().is_some_and(|batch| {
            batch.destination == destination
                && packet.len() <= batch.segment
                // A smaller packet may only be the last.
                && batch.bytes.len() == batch.segment * batch.segments
                && batch.segments < max_segments
                && batch.bytes.len() + packet.len() <= BATCH_BYTES
        });
        if !fits {
            self.flush();
        }
        let spare = &mut self.spare;
        let batch = self.batch.get_or_insert_with(|| Batch {
            destination,
            bytes: spare.pop().unwrap_or_default(),
            segment: packet.len(),
            segments: 0,
        });
        batch.bytes.extend_from_slice(packet);
        batch.segments += 1;
    }

    fn flush(&mut self) {
        let Some(batch) = self.batch.take() else {
            return;
        };
        if self.blocked.is_empty() && self.transmit(&batch) {
            self.recycle(batch);
        } else if self.blocked.len() < MAX_BLOCKED {
            self.blocked.push_back(batch);
        } else {
            log::debug!(
                "{} packets dropped: {} is blocked",
                batch.segments,
                self.address
            );
        }
    }

    fn flush_blocked(&mut self) {
        while let Some(batch) = self.blocked.pop_front() {
            if self.transmit(&batch) {
                self.recycle(batch);
            } else {
                self.blocked.push_front(batch);
                return;
            }
        }
    }

    fn recycle(&mut self, batch: Batch) {
        let mut bytes = batch.bytes;
        bytes.clear();
        if self.spare.len() < 2 {
            self.spare.push(bytes);
        }
    }

    /// Hands a batch to the kernel. `false` means that it would block. Other errors are like loss.
    fn transmit(&self, batch: &Batch) -> bool {
        let transmit = Transmit {
            destination: batch.destination,
            ecn: None,
            contents: &batch.bytes,
            segment_size: (batch.segments > 1).then_some(batch.segment),
            src_ip: None,
        };
        match self.state.try_send(UdpSockRef::from(&self.io), &transmit) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(error) => {
                log::debug!(
                    "send from {} to {}: {error}",
                    self.address,
                    batch.destination
                );
                true
            }
            Ok(()) => true,
        }
    }
}
