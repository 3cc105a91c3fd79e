//! Packets of a room in front of the SDK, plain and encrypted.
#![no_main]

use std::sync::LazyLock;
use std::time::Instant;

use libfuzzer_sys::fuzz_target;
use livekit::webrtc::native::frame_cryptor::{
    DataPacketCryptor, EncryptionAlgorithm, KeyDerivationAlgorithm, KeyProvider, KeyProviderOptions,
};
use livekit_protocol::data_packet::Value;
use livekit_protocol::{DataPacket, EncryptedPacket};
use prost::Message;
use remote_access_room::guard::{Guard, GuardLimits};
use remote_access_room::{EncryptionVariables, Secret};

const SENDER: &str = "anna";
const KEY: &str = "the key of a room";

struct Room {
    sender: DataPacketCryptor,
    /// A guard that has seen nothing: to derive its key takes long.
    encrypted: Guard,
}

static ROOM: LazyLock<Room> = LazyLock::new(|| {
    let variables = EncryptionVariables {
        key: Some(Secret::new(KEY.to_owned())),
        file: None,
    };
    let key = variables.key().expect("long enough").expect("a key");
    // What the SDK has by default.
    let keys = KeyProvider::new(KeyProviderOptions {
        shared_key: true,
        ratchet_window_size: 0,
        ratchet_salt: b"LKFrameEncryptionKey".to_vec(),
        failure_tolerance: -1,
        key_ring_size: 16,
        key_derivation_algorithm: KeyDerivationAlgorithm::PBKDF2,
    });
    keys.set_shared_key(0, KEY.as_bytes().to_vec());
    Room {
        sender: DataPacketCryptor::new(EncryptionAlgorithm::AesGcm, keys),
        encrypted: Guard::new(limits(), Some(&key)),
    }
});

fn limits() -> GuardLimits {
    GuardLimits::of_viewers(4, 8_000_000)
}

/// A packet that holds these bytes, encrypted with the key of the room.
fn seal(content: &[u8]) -> Vec<u8> {
    let sealed = ROOM.sender.encrypt(SENDER, 0, content).expect("encrypted");
    let value = EncryptedPacket {
        encrypted_value: sealed.data,
        iv: sealed.iv,
        key_index: sealed.key_index,
        ..EncryptedPacket::default()
    };
    let packet = DataPacket {
        participant_identity: SENDER.to_owned(),
        value: Some(Value::EncryptedPacket(value)),
        ..DataPacket::default()
    };
    packet.encode_to_vec()
}

/// Only packets of streams get through.
fn check(packet: &[u8]) {
    let packet = DataPacket::decode(packet).expect("a packet");
    let value = packet.value.expect("content");
    assert!(matches!(
        value,
        Value::StreamHeader(_) | Value::StreamChunk(_) | Value::StreamTrailer(_)
    ));
}

// Several packets, each behind its length in one byte.
fuzz_target!(|data: &[u8]| {
    let mut plain = Guard::new(limits(), None);
    let mut encrypted = ROOM.encrypted.clone();
    let now = Instant::now();
    let mut rest = data;
    while let Some((&length, tail)) = rest.split_first() {
        let (packet, after) = tail.split_at(tail.len().min(usize::from(length)));
        rest = after;
        plain.packet(now, packet, &mut check);
        encrypted.packet(now, packet, &mut |_| panic!("passed without encryption"));
        encrypted.packet(now, &seal(packet), &mut check);
    }
});
