//! The engine's parsers, for fuzzing.

use std::time::Instant;

use bytes::BytesMut;
use is::Protocol;

use super::dtls::Dtls;
use super::ice::Ice;
use super::network::{self, Found, Path};
use super::IceCreds;
use crate::certificate::Certificate;
use crate::configuration::IceServer;
use crate::sdp::Fingerprint;

/// A candidate line of the peer.
pub(crate) fn candidate(line: &str) {
    agent().add_remote(line);
}

/// URLs of servers.
pub(crate) fn servers(servers: &[IceServer]) {
    network::parse_servers(servers);
}

/// A packet of the peer or of a server.
pub(crate) fn packet(bytes: &[u8]) {
    let now = Instant::now();
    let path = Path {
        proto: Protocol::Udp,
        local: ([127, 0, 0, 1], 1).into(),
        remote: ([127, 0, 0, 1], 2).into(),
    };
    let mut ice = agent();
    ice.handle_packet(bytes, path, now);
    while ice.poll_transmit(now).is_some() {}
    let _ = ice.poll_states(now);

    sctp_packet(bytes, now);

    let mut inbound = BytesMut::from(bytes);
    while let Ok(Some(_)) = network::next_turn_message(&mut inbound) {}

    let expected = Fingerprint {
        algorithm: "sha-256".to_owned(),
        digest: vec![0; 32],
    };
    thread_local! {
        static CERTIFICATE: Certificate = Certificate::generate().expect("a certificate");
    }
    let certificate = CERTIFICATE.with(|certificate| certificate.dtls.clone());
    if let Ok(mut dtls) = Dtls::new(certificate, bytes.len() % 2 == 0, expected, now) {
        let _ = dtls.poll(|_| {});
        dtls.handle_packet(bytes, now);
        let _ = dtls.poll(|_| {});
    }
}

/// A packet of the peer, decrypted.
fn sctp_packet(bytes: &[u8], now: Instant) {
    for client in [true, false] {
        let mut association = sctp_association::new(client, now);
        while association.poll_packet(now).is_some() {}
        association.handle_packet(bytes, now);
        while association.poll_packet(now).is_some() {}
        while association.poll_event().is_some() {}
    }
    sctp_association::fuzzing::chunks(bytes);
}

fn agent() -> Ice {
    let now = Instant::now();
    let credentials = |name: &str| IceCreds {
        ufrag: name.to_owned(),
        pass: "0123456789012345678901".to_owned(),
    };
    let mut ice = Ice::new(credentials("local"), now);
    if let Ok(candidate) = is::Candidate::host(([127, 0, 0, 1], 1).into(), "udp") {
        ice.add_local(Found {
            candidate,
            preference: 1,
            server: None,
        });
    }
    ice.set_remote_credentials(credentials("remote"), true);
    ice
}
