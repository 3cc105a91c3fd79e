//! Compares providers of cryptography for the DTLS record layer and prints a Markdown table.
//!
//! Two ends in one thread, no network: each record of the size of a full SCTP packet is encrypted,
//! handed over and decrypted. `cargo run --release -- [SECONDS]`

use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::crypto::{aws_lc_rs, rust_crypto, CryptoProvider};
use dimpl::{Config, Dtls, Output};
use webrtc_channels::certificate::Certificate;

/// Bytes of a full SCTP packet of the drop-in.
const PACKET: usize = 1_191;
/// Records between two looks at the clock.
const ROUND: usize = 1_000;
/// Handshakes that are timed.
const HANDSHAKES: u32 = 50;

type Provider = fn() -> CryptoProvider;
type Make = fn(Arc<Config>, dimpl::DtlsCertificate, Instant) -> Dtls;

fn main() {
    let seconds = std::env::args().nth(1).and_then(|s| s.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(3));
    let providers: [(&str, Provider); 2] = [
        ("rust-crypto", rust_crypto::default_provider),
        ("aws-lc-rs", aws_lc_rs::default_provider),
    ];
    let versions: [(&str, Make); 2] = [("1.2", Dtls::new_12), ("1.3", Dtls::new_13)];
    println!("| provider | DTLS | encrypt, MB/s | s/GB | decrypt, MB/s | s/GB | handshake, both ends, ms |");
    println!("|---|---|---|---|---|---|---|");
    for (name, provider) in providers {
        for (version, make) in versions {
            let began = Instant::now();
            for _ in 0..HANDSHAKES {
                Ends::connected(provider, make);
            }
            let handshake = began.elapsed().as_secs_f64() * 1e3 / f64::from(HANDSHAKES);
            let (encrypt, decrypt) = Ends::connected(provider, make).measure(time);
            println!(
                "| {name} | {version} | {:.0} | {:.2} | {:.0} | {:.2} | {handshake:.1} |",
                1e3 / encrypt,
                encrypt,
                1e3 / decrypt,
                decrypt
            );
        }
    }
    let (seal, open) = ring_alone(time);
    println!(
        "| ring, AES-128-GCM alone | – | {:.0} | {seal:.2} | {:.0} | {open:.2} | – |",
        1e3 / seal,
        1e3 / open
    );
}

/// Two ends that hand packets to each other.
struct Ends {
    client: Dtls,
    server: Dtls,
    buffer: Vec<u8>,
}

impl Ends {
    fn connected(provider: Provider, make: Make) -> Self {
        let now = Instant::now();
        let end = |client: bool| {
            let config = Config::builder()
                .mtu(1_280)
                .with_crypto_provider(provider())
                .build()
                .expect("a configuration");
            let certificate = Certificate::generate()
                .expect("a certificate")
                .into_dtls();
            let mut end = make(Arc::new(config), certificate, now);
            if client {
                end.set_active(true);
            }
            end.handle_timeout(now).expect("a start");
            end
        };
        let mut ends = Self {
            client: end(true),
            server: end(false),
            buffer: vec![0; 4_096],
        };
        let mut connected = 0;
        for _ in 0..100 {
            for client in [true, false] {
                let (from, to) = ends.direction(client);
                let (packets, done) = outputs(from, &mut vec![0; 4_096]);
                connected += usize::from(done);
                for packet in packets {
                    to.handle_packet(&packet)
                        .expect("a packet of the other end");
                }
            }
            if connected == 2 {
                return ends;
            }
        }
        panic!("the handshake does not end");
    }

    fn direction(&mut self, client: bool) -> (&mut Dtls, &mut Dtls) {
        match client {
            true => (&mut self.client, &mut self.server),
            false => (&mut self.server, &mut self.client),
        }
    }

    /// Seconds for each gigabyte: encrypting, and decrypting.
    fn measure(mut self, time: Duration) -> (f64, f64) {
        let data = vec![7; PACKET];
        let (mut sealing, mut opening) = (Duration::ZERO, Duration::ZERO);
        let mut bytes = 0;
        while sealing + opening < time {
            let began = Instant::now();
            let mut packets = Vec::with_capacity(ROUND);
            for _ in 0..ROUND {
                self.client
                    .send_application_data(&data)
                    .expect("a connection");
                while let Output::Packet(packet) = self.client.poll_output(&mut self.buffer) {
                    packets.push(packet.to_vec());
                }
            }
            sealing += began.elapsed();
            let began = Instant::now();
            for packet in &packets {
                self.server.handle_packet(packet).expect("a record");
                loop {
                    match self.server.poll_output(&mut self.buffer) {
                        Output::ApplicationData(data) => bytes += data.len(),
                        Output::Timeout(_) => break,
                        _ => {}
                    }
                }
            }
            opening += began.elapsed();
        }
        assert!(bytes >= ROUND * PACKET, "nothing arrived");
        let gigabytes = bytes as f64 / 1e9;
        (
            sealing.as_secs_f64() / gigabytes,
            opening.as_secs_f64() / gigabytes,
        )
    }
}

/// The packets that an end has ready, and whether it said that it is connected.
fn outputs(end: &mut Dtls, buffer: &mut Vec<u8>) -> (Vec<Vec<u8>>, bool) {
    let (mut packets, mut connected) = (Vec::new(), false);
    loop {
        match end.poll_output(buffer) {
            Output::Packet(packet) => packets.push(packet.to_vec()),
            Output::Connected => connected = true,
            Output::BufferTooSmall { needed } => buffer.resize(needed, 0),
            Output::Timeout(_) => return (packets, connected),
            _ => {}
        }
    }
}

/// Seconds for each gigabyte of the cipher without any protocol around it.
fn ring_alone(time: Duration) -> (f64, f64) {
    use ring::aead::{Aad, LessSafeKey, Nonce, UnboundKey, AES_128_GCM};
    let key = UnboundKey::new(&AES_128_GCM, &[7; 16]).expect("a key of 16 bytes");
    let key = LessSafeKey::new(key);
    let nonce = |number: u32| {
        let mut nonce = [0; 12];
        nonce[8..].copy_from_slice(&number.to_be_bytes());
        Nonce::assume_unique_for_key(nonce)
    };
    let (mut sealing, mut opening, mut bytes) = (Duration::ZERO, Duration::ZERO, 0_usize);
    let mut number = 0;
    while sealing + opening < time {
        let began = Instant::now();
        let mut records = Vec::with_capacity(ROUND);
        for offset in 0..ROUND as u32 {
            let mut record = vec![7; PACKET];
            key.seal_in_place_append_tag(nonce(number + offset), Aad::from([0; 13]), &mut record)
                .expect("room for the tag");
            records.push(record);
        }
        sealing += began.elapsed();
        let began = Instant::now();
        for (offset, record) in (0..).zip(&mut records) {
            let plain = key.open_in_place(nonce(number + offset), Aad::from([0; 13]), record);
            bytes += plain.expect("what was sealed").len();
        }
        opening += began.elapsed();
        number += ROUND as u32;
    }
    let gigabytes = bytes as f64 / 1e9;
    (
        sealing.as_secs_f64() / gigabytes,
        opening.as_secs_f64() / gigabytes,
    )
}
