//! DTLS: encrypts everything that is not STUN. The protocol is the sans-IO crate `dimpl`.

use std::sync::Arc;
use std::time::Instant;

use dimpl::{Config, DtlsCertificate, Output};
use sha2::{Digest, Sha256, Sha384, Sha512};
use thiserror::Error;

use crate::sdp::Fingerprint;

/// Bytes of the largest DTLS record. SCTP packets are at most 1191 bytes, so only the handshake
/// comes near it.
const MTU: usize = 1280;
/// Bytes of the buffer that outputs are written to; it grows when a record does not fit.
const BUFFER: usize = 4096;

/// The DTLS connection is over.
#[derive(Debug, Error)]
pub(super) enum DtlsError {
    #[error("the peer's certificate does not match the fingerprint of its description")]
    FingerprintMismatch,
    #[error("the peer closed the connection")]
    Closed,
    #[error("{0}")]
    Protocol(String),
}

/// What comes out of the connection.
pub(super) enum DtlsOutput<'a> {
    /// A packet for the peer.
    Packet(&'a [u8]),
    /// The handshake is done.
    Connected,
    /// Decrypted data from the peer.
    Data(&'a [u8]),
}

pub(super) struct Dtls {
    inner: dimpl::Dtls,
    expected: Fingerprint,
    verified: bool,
    connected: bool,
    deadline: Option<Instant>,
    buffer: Vec<u8>,
}

impl Dtls {
    /// Prepares a connection; nothing is sent before the first timeout.
    ///
    /// # Errors
    /// The configuration or the certificate is refused.
    pub(super) fn new(
        certificate: DtlsCertificate,
        client: bool,
        expected: Fingerprint,
        now: Instant,
    ) -> Result<Self, DtlsError> {
        let config = Config::builder().mtu(MTU).build().map_err(protocol_error)?;
        let mut inner = dimpl::Dtls::new_12(Arc::new(config), certificate, now);
        if client {
            inner.set_active(true);
        }
        inner.handle_timeout(now).map_err(protocol_error)?;
        Ok(Self {
            inner,
            expected,
            verified: false,
            connected: false,
            deadline: None,
            buffer: vec![0; BUFFER],
        })
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connected
    }

    /// The fingerprint the peer's certificate must have.
    pub(super) fn expected(&self) -> &Fingerprint {
        &self.expected
    }

    /// Takes in a packet. Damaged or forged ones are dropped; [`poll`](Self::poll) follows.
    pub(super) fn handle_packet(&mut self, packet: &[u8]) {
        if let Err(error) = self.inner.handle_packet(packet) {
            log::debug!("DTLS packet dropped: {error}");
        }
    }

    /// # Errors
    /// The handshake was given up.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsError> {
        match self.deadline {
            Some(deadline) if now >= deadline => {
                self.inner.handle_timeout(now).map_err(protocol_error)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
    }

    /// Encrypts a piece of data; [`poll`](Self::poll) follows and gives the packet.
    ///
    /// # Errors
    /// The connection is over.
    pub(super) fn send(&mut self, data: &[u8]) -> Result<(), DtlsError> {
        self.inner
            .send_application_data(data)
            .map(|_| ())
            .map_err(protocol_error)
    }

    /// Begins to close the connection; [`poll`](Self::poll) gives the last packet.
    pub(super) fn close(&mut self) {
        if let Err(error) = self.inner.close() {
            log::debug!("DTLS close: {error}");
        }
    }

    /// Hands out everything that is ready.
    ///
    /// # Errors
    /// The connection is over. Data that came before is handed out first.
    pub(super) fn poll(&mut self, mut take: impl FnMut(DtlsOutput<'_>)) -> Result<(), DtlsError> {
        loop {
            match self.inner.poll_output(&mut self.buffer) {
                Output::Packet(packet) => take(DtlsOutput::Packet(packet)),
                // Nothing from a peer that has not proved who it is goes any further.
                Output::ApplicationData(data) if self.verified => take(DtlsOutput::Data(data)),
                Output::PeerCert(certificate) => {
                    if !matches(&self.expected, certificate) {
                        return Err(DtlsError::FingerprintMismatch);
                    }
                    self.verified = true;
                }
                Output::Connected if self.verified => {
                    self.connected = true;
                    take(DtlsOutput::Connected);
                }
                Output::Connected => return Err(DtlsError::FingerprintMismatch),
                Output::CloseNotify => return Err(DtlsError::Closed),
                Output::BufferTooSmall { needed } => self.buffer.resize(needed, 0),
                Output::Timeout(deadline) => {
                    self.deadline = Some(deadline);
                    return Ok(());
                }
                _ => {}
            }
        }
    }
}

fn protocol_error(error: dimpl::Error) -> DtlsError {
    DtlsError::Protocol(error.to_string())
}

/// Whether a certificate has this fingerprint. Hash functions that are broken or unknown never match.
fn matches(expected: &Fingerprint, certificate: &[u8]) -> bool {
    match expected.algorithm.as_str() {
        "sha-256" => Sha256::digest(certificate)[..] == expected.digest[..],
        "sha-384" => Sha384::digest(certificate)[..] == expected.digest[..],
        "sha-512" => Sha512::digest(certificate)[..] == expected.digest[..],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_hash_matches() {
        let certificate = b"certificate";
        let print = |algorithm: &str, digest: Vec<u8>| Fingerprint {
            algorithm: algorithm.to_owned(),
            digest,
        };
        let right = Sha256::digest(certificate).to_vec();
        assert!(matches(&print("sha-256", right.clone()), certificate));
        assert!(matches(
            &print("sha-512", Sha512::digest(certificate).to_vec()),
            certificate
        ));
        assert!(!matches(&print("sha-384", right.clone()), certificate));
        assert!(!matches(&print("md5", right.clone()), certificate));
        assert!(!matches(
            &print("sha-256", right[..31].to_vec()),
            certificate
        ));
        assert!(!matches(&print("sha-256", right), b"another"));
    }
}
