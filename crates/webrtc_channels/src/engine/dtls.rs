//! DTLS: encrypts everything that is not STUN. The protocol is the sans-IO crate `dimpl`.

mod cipher;

use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::{Config, DtlsCertificate, Output, ProtocolVersion};
use sha2::{Digest, Sha256, Sha384, Sha512};
use thiserror::Error;

use crate::sdp::Fingerprint;

/// Bytes of the largest DTLS record. SCTP packets are at most 1191 bytes, so only the handshake
/// comes near it.
const MTU: usize = 1280;
/// Wait before the first flight is sent again; it doubles. Of a browser's handshake a lost packet
/// costs 50 ms, by the RFC's default of a second it costs that.
const FIRST_FLIGHT: Duration = Duration::from_millis(150);
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

/// Output of the connection.
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
    /// The peer's certificate, once it was found to match.
    peer: Option<Vec<u8>>,
    /// The number of the cipher suite.
    suite: u16,
    connected: bool,
    deadline: Option<Instant>,
    buffer: Vec<u8>,
}

impl Dtls {
    /// Prepares a connection of DTLS 1.3, or 1.2 if the peer knows no better. Nothing is sent before
    /// the first timeout.
    ///
    /// # Errors
    /// The configuration or the certificate is refused.
    pub(super) fn new(
        certificate: DtlsCertificate,
        client: bool,
        expected: Fingerprint,
        now: Instant,
    ) -> Result<Self, DtlsError> {
        let config = Config::builder()
            .mtu(MTU)
            .flight_start_rto(FIRST_FLIGHT)
            // Cookies keep forged addresses from making a server work. ICE has shown that the peer
            // is where its packets come from.
            .use_server_cookie(false)
            .build()
            .map_err(protocol_error)?;
        let inner = dimpl::Dtls::new_auto(Arc::new(config), certificate, now);
        Self::start(inner, client, expected, now)
    }

    fn start(
        mut inner: dimpl::Dtls,
        client: bool,
        expected: Fingerprint,
        now: Instant,
    ) -> Result<Self, DtlsError> {
        if client {
            inner.set_active(true);
        }
        inner.handle_timeout(now).map_err(protocol_error)?;
        Ok(Self {
            inner,
            expected,
            peer: None,
            suite: 0,
            connected: false,
            deadline: None,
            buffer: vec![0; BUFFER],
        })
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connected
    }

    /// The version both sides agreed on, once they did.
    pub(super) fn version(&self) -> Option<ProtocolVersion> {
        self.inner.protocol_version()
    }

    /// The name of the cipher, once it is known.
    pub(super) fn cipher(&self) -> &'static str {
        cipher::name_of(self.suite)
    }

    /// The certificate of the peer, once it was shown.
    pub(super) fn peer_certificate(&self) -> Option<&[u8]> {
        self.peer.as_deref()
    }

    /// The fingerprint the peer's certificate must have.
    pub(super) fn expected(&self) -> &Fingerprint {
        &self.expected
    }

    /// Takes in a packet. Damaged or forged ones are dropped; [`poll`](Self::poll) follows.
    pub(super) fn handle_packet(&mut self, packet: &[u8], now: Instant) {
        // The handshake's timers start at the time it was told last.
        if !self.connected {
            if let Err(error) = self.inner.handle_timeout(now) {
                log::debug!("DTLS: {error}");
            }
            if let Some(suite) = cipher::chosen_in(packet) {
                self.suite = suite;
            }
        }
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
                Output::Packet(packet) => {
                    if !self.connected {
                        self.suite = cipher::chosen_in(packet).unwrap_or(self.suite);
                    }
                    take(DtlsOutput::Packet(packet));
                }
                // Nothing from a peer that has not proved who it is goes any further.
                Output::ApplicationData(data) if self.peer.is_some() => {
                    take(DtlsOutput::Data(data))
                }
                Output::PeerCert(certificate) => {
                    if !matches(&self.expected, certificate) {
                        return Err(DtlsError::FingerprintMismatch);
                    }
                    self.peer = Some(certificate.to_vec());
                }
                Output::Connected if self.peer.is_some() => {
                    self.connected = true;
                    log::debug!("DTLS connected, {:?}", self.version());
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
    use std::time::Duration;

    use super::*;
    use crate::certificate::Certificate;

    type Make = fn(Arc<Config>, DtlsCertificate, Instant) -> dimpl::Dtls;

    /// Hands packets back and forth until both are connected or one fails; `forge` damages the
    /// fingerprint that the client expects.
    fn handshake(client: Make, server: Make, forge: bool) -> Result<[Dtls; 2], DtlsError> {
        let mut now = Instant::now();
        let certificates = [0, 1].map(|_| Certificate::generate().unwrap());
        let mut expected = certificates.each_ref().map(|certificate| Fingerprint {
            algorithm: "sha-256".to_owned(),
            digest: Sha256::digest(&certificate.dtls.certificate).to_vec(),
        });
        expected[1].digest[0] ^= u8::from(forge);
        let [ours, theirs] = certificates.map(|certificate| certificate.dtls);
        let [of_client, of_server] = expected;
        let config = || Arc::new(Config::builder().mtu(MTU).build().unwrap());
        let mut ends = [
            Dtls::start(client(config(), ours, now), true, of_server, now)?,
            Dtls::start(server(config(), theirs, now), false, of_client, now)?,
        ];
        for _ in 0..1000 {
            for end in 0..2 {
                let mut packets = Vec::new();
                ends[end].handle_timeout(now)?;
                ends[end].poll(|output| {
                    if let DtlsOutput::Packet(packet) = output {
                        packets.push(packet.to_vec());
                    }
                })?;
                for packet in packets {
                    ends[1 - end].handle_packet(&packet, now);
                }
            }
            if ends.iter().all(Dtls::is_connected) {
                return Ok(ends);
            }
            now += Duration::from_millis(10);
        }
        panic!("the handshake does not end");
    }

    #[test]
    fn speaks_1_3_with_its_like_and_1_2_with_others() {
        let (new, old): (Make, Make) = (dimpl::Dtls::new_auto, dimpl::Dtls::new_12);
        for (client, server, version) in [
            (new, new, ProtocolVersion::DTLS1_3),
            (new, old, ProtocolVersion::DTLS1_2),
            (old, new, ProtocolVersion::DTLS1_2),
        ] {
            for end in handshake(client, server, false).unwrap() {
                assert_eq!(end.version(), Some(version));
            }
        }
    }

    #[test]
    fn a_certificate_that_was_not_announced_ends_it_in_both_versions() {
        for make in [dimpl::Dtls::new_auto as Make, dimpl::Dtls::new_12] {
            let outcome = handshake(make, make, true);
            assert!(matches!(outcome, Err(DtlsError::FingerprintMismatch)));
        }
    }

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
