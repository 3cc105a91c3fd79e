//! A TCP connection, with TLS where the other side asks for it.
//!
//! It never blocks: what cannot be sent yet waits in a buffer, whose size the owner watches.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr};

use bytes::{Buf, BytesMut};
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Socket, Type};

use super::sockets::bind_device;

use super::tls::{ClientConnection, TlsError};

/// Bytes that may wait in the kernel without having been sent. TCP keeps what is under way beside that.
#[cfg(any(target_os = "android", target_os = "linux"))]
const NOT_SENT: u32 = 16 * 1024;
/// Bytes that may wait before the owner should hold back.
const BLOCKED_AT: usize = 16 * 1024;
/// Bytes that may wait at all. What does not fit is dropped, as a full network would do.
const MAX_WAITING: usize = 1024 * 1024;
/// Bytes given to TLS at once: about one record.
const TLS_PIECE: usize = 16 * 1024;

/// Result of a read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// This many bytes.
    Data(usize),
    /// Nothing now.
    Pending,
    /// The connection is over.
    Closed,
}

pub(super) struct Stream {
    io: TcpStream,
    pub(super) token: Token,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    tls: Option<Box<ClientConnection>>,
    connecting: bool,
    closed: bool,
    /// The kernel may have more to read. Events are edge-triggered, so this is remembered.
    pub(super) readable: bool,
    waiting: BytesMut,
}

impl Stream {
    /// Begins to connect from a local address.
    ///
    /// # Errors
    /// The address cannot be used, or there is no way to the other side.
    pub(super) fn connect(
        (local, device): (IpAddr, Option<&str>),
        remote: SocketAddr,
        tls: Option<ClientConnection>,
        token: Token,
        registry: &Registry,
    ) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(remote),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        // Where it is not to be had, more waits in the kernel, where nothing can overtake it.
        #[cfg(any(target_os = "android", target_os = "linux"))]
        let _ = socket.set_tcp_notsent_lowat(NOT_SENT);
        socket.bind(&SocketAddr::new(local, 0).into())?;
        bind_device(&socket, device);
        match socket.connect(&remote.into()) {
            Err(error) if !is_in_progress(&error) => return Err(error),
            _ => {}
        }
        let mut io = TcpStream::from_std(socket.into());
        let local = io.local_addr()?;
        registry.register(&mut io, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self {
            io,
            token,
            local,
            remote,
            tls: tls.map(Box::new),
            connecting: true,
            closed: false,
            readable: false,
            waiting: BytesMut::new(),
        })
    }

    /// The kernel reported something about this connection.
    pub(super) fn handle_event(&mut self, event: &Event) {
        self.readable |= event.is_readable();
        if event.is_writable() {
            if self.connecting {
                match self.io.take_error() {
                    Ok(None) if self.io.peer_addr().is_ok() => self.connecting = false,
                    Ok(None) => {}
                    Ok(Some(error)) | Err(error) => {
                        self.fail(&error);
                    }
                }
            }
            self.flush();
        }
    }

    /// Queues bytes. Answers `false` if too much waits already: they were dropped as a whole.
    pub(super) fn push(&mut self, parts: &[&[u8]]) -> bool {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if self.closed || self.waiting.len() + length > MAX_WAITING {
            return false;
        }
        for part in parts {
            self.waiting.extend_from_slice(part);
        }
        true
    }

    /// Whether more should not be produced for now.
    pub(super) fn is_blocked(&self) -> bool {
        self.waiting.len() >= BLOCKED_AT
    }

    /// Sends what the kernel takes.
    pub(super) fn flush(&mut self) {
        while !self.connecting && !self.closed {
            match self.write_some() {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.fail(&error),
            }
        }
    }

    /// One write. `false` means that there is nothing to write.
    fn write_some(&mut self) -> io::Result<bool> {
        let Some(tls) = &mut self.tls else {
            if self.waiting.is_empty() {
                return Ok(false);
            }
            let written = self.io.write(&self.waiting)?;
            self.waiting.advance(written);
            return Ok(true);
        };
        if !tls.wants_write() && !tls.is_handshaking() && !self.waiting.is_empty() {
            let piece = self.waiting.len().min(TLS_PIECE);
            let taken = tls.writer().write(&self.waiting[..piece])?;
            self.waiting.advance(taken);
        }
        if !tls.wants_write() {
            return Ok(false);
        }
        tls.write_tls(&mut self.io)?;
        Ok(true)
    }

    /// Reads what arrived.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Outcome {
        while !self.closed {
            match self.read_some(buffer) {
                Ok(Some(0)) => self.closed = true,
                Ok(Some(length)) => return Outcome::Data(length),
                Ok(None) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.readable = false;
                    // A handshake answers what it read.
                    self.flush();
                    return Outcome::Pending;
                }
                Err(error) => self.fail(&error),
            }
        }
        Outcome::Closed
    }

    /// One read. `None` means that there may be more.
    fn read_some(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        if !self.readable {
            return Err(ErrorKind::WouldBlock.into());
        }
        let Some(tls) = &mut self.tls else {
            return self.io.read(buffer).map(Some);
        };
        match tls.reader().read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            done => return done.map(Some),
        }
        if tls.read_tls(&mut self.io)? == 0 {
            return Ok(Some(0));
        }
        tls.process_new_packets()
            .map_err(|error| io::Error::other(TlsError::from(error)))?;
        Ok(None)
    }

    fn fail(&mut self, error: &io::Error) {
        log::debug!(
            "TCP connection from {} to {}: {error}",
            self.local,
            self.remote
        );
        self.closed = true;
    }

    /// Tells the other side that no more comes, and gives the socket back.
    pub(super) fn close(mut self, registry: &Registry) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
        }
        self.flush();
        // A socket that cannot be deregistered is closed all the same.
        let _ = registry.deregister(&mut self.io);
    }
}

fn is_in_progress(error: &io::Error) -> bool {
    #[cfg(unix)]
    let in_progress = error.raw_os_error() == Some(libc::EINPROGRESS);
    #[cfg(not(unix))]
    let in_progress = false;
    in_progress || error.kind() == ErrorKind::WouldBlock
}
