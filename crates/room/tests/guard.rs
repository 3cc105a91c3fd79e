//! Packets of a room that reach the SDK.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use livekit::webrtc::native::frame_cryptor::{
    DataPacketCryptor, EncryptionAlgorithm, KeyDerivationAlgorithm, KeyProvider, KeyProviderOptions,
};
use livekit_protocol::data_packet::Value;
use livekit_protocol::data_stream::header::ContentHeader;
use livekit_protocol::data_stream::{
    ByteHeader, Chunk, CompressionType, Header, TextHeader, Trailer,
};
use livekit_protocol::encrypted_packet_payload::Value as Payload;
use livekit_protocol::{
    DataPacket, EncryptedPacket, EncryptedPacketPayload, RpcRequest, UserPacket,
};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;
use remote_access_room::guard::{Guard, GuardLimits};
use remote_access_room::{EncryptionKey, EncryptionVariables, Secret};

const LIMITS: GuardLimits = GuardLimits {
    streams: 3,
    rate: Some(1_000.0),
    burst: 10_000.0,
};

struct Room {
    guard: Guard,
    now: Instant,
}

impl Room {
    fn new() -> Self {
        Self::with_key(None)
    }

    fn with_key(key: Option<&EncryptionKey>) -> Self {
        Self {
            guard: Guard::new(LIMITS, key),
            now: Instant::now(),
        }
    }

    /// Part of a packet that the SDK gets.
    fn packet(&mut self, from: &str, value: Value) -> Vec<Value> {
        let packet = DataPacket {
            participant_identity: from.to_owned(),
            value: Some(value),
            ..DataPacket::default()
        };
        self.bytes(&packet.encode_to_vec())
    }

    fn bytes(&mut self, data: &[u8]) -> Vec<Value> {
        let mut delivered = Vec::new();
        self.guard.packet(self.now, data, &mut |data| {
            let packet = DataPacket::decode(data).unwrap();
            delivered.extend(packet.value);
        });
        delivered
    }

    fn passes(&mut self, from: &str, value: Value) -> bool {
        self.packet(from, value.clone()) == [value]
    }
}

fn stream(id: &str) -> Header {
    Header {
        stream_id: id.to_owned(),
        topic: "ws-protocol".to_owned(),
        content_header: Some(ContentHeader::ByteHeader(ByteHeader::default())),
        ..Header::default()
    }
}

fn header(id: &str) -> Value {
    Value::StreamHeader(stream(id))
}

fn chunk(id: &str, size: usize) -> Value {
    Value::StreamChunk(Chunk {
        stream_id: id.to_owned(),
        content: vec![7; size],
        ..Chunk::default()
    })
}

fn trailer(id: &str, reason: &str) -> Value {
    Value::StreamTrailer(Trailer {
        stream_id: id.to_owned(),
        reason: reason.to_owned(),
        ..Trailer::default()
    })
}

fn key(text: &str) -> EncryptionKey {
    let variables = EncryptionVariables {
        key: Some(Secret::new(text.to_owned())),
        file: None,
    };
    variables.key().unwrap().unwrap()
}

/// What a participant with this key makes of a payload, as the SDK does.
fn encrypted(key: &str, payload: Payload) -> Value {
    let keys = KeyProvider::new(KeyProviderOptions {
        shared_key: true,
        ratchet_window_size: 0,
        ratchet_salt: b"LKFrameEncryptionKey".to_vec(),
        failure_tolerance: -1,
        key_ring_size: 16,
        key_derivation_algorithm: KeyDerivationAlgorithm::PBKDF2,
    });
    keys.set_shared_key(0, key.as_bytes().to_vec());
    let payload = EncryptedPacketPayload {
        value: Some(payload),
    };
    let packet = DataPacketCryptor::new(EncryptionAlgorithm::AesGcm, keys)
        .encrypt("anna", 0, &payload.encode_to_vec())
        .unwrap();
    Value::EncryptedPacket(EncryptedPacket {
        encrypted_value: packet.data,
        iv: packet.iv,
        key_index: packet.key_index,
        ..EncryptedPacket::default()
    })
}

#[test]
fn with_a_key_only_what_was_encrypted_with_it_passes_and_is_decrypted() {
    const KEY: &str = "the key of a room";
    let mut room = Room::with_key(Some(&key(KEY)));
    assert_eq!(room.packet("anna", header("a")), [], "not encrypted");
    let opens = encrypted(KEY, Payload::StreamHeader(stream("a")));
    assert_eq!(room.packet("anna", opens), [header("a")]);
    let Value::StreamChunk(content) = chunk("a", 100) else {
        unreachable!()
    };
    let written = encrypted(KEY, Payload::StreamChunk(content.clone()));
    assert_eq!(room.packet("mallory", written.clone()), []);
    assert_eq!(room.packet("anna", written), [chunk("a", 100)]);
    assert_eq!(room.packet("anna", chunk("a", 100)), [], "not encrypted");
    let other = encrypted("the key of another", Payload::StreamChunk(content));
    assert_eq!(room.packet("anna", other), [], "another key");
    let call = encrypted(KEY, Payload::RpcRequest(RpcRequest::default()));
    assert_eq!(room.packet("anna", call), [], "not a stream");
    let mut broken = encrypted(KEY, Payload::StreamHeader(stream("b")));
    if let Value::EncryptedPacket(packet) = &mut broken {
        packet.iv.pop();
        packet.key_index = u32::MAX;
    }
    assert_eq!(room.packet("anna", broken), []);
}

#[test]
fn without_a_key_nothing_encrypted_passes() {
    let mut room = Room::new();
    let opens = encrypted("the key of a room", Payload::StreamHeader(stream("a")));
    assert_eq!(room.packet("anna", opens), []);
}

#[test]
fn a_stream_of_the_protocol_passes_from_its_header_to_its_end() {
    let mut room = Room::new();
    assert!(room.passes("anna", header("a")));
    assert!(room.passes("anna", chunk("a", 100)));
    assert!(room.passes("anna", trailer("a", "")));
    assert_eq!(room.packet("anna", chunk("a", 100)), [], "it has ended");
    assert_eq!(room.packet("anna", trailer("a", "")), []);
    assert!(room.passes("anna", header("a")), "its id is free again");
}

#[test]
fn only_who_opened_a_stream_goes_on_with_it_or_ends_it() {
    let mut room = Room::new();
    assert!(room.passes("anna", header("a")));
    assert_eq!(room.packet("mallory", chunk("a", 10)), []);
    assert_eq!(room.packet("mallory", trailer("a", "")), []);
    assert_eq!(room.packet("mallory", header("a")), []);
    assert_eq!(room.packet("", chunk("a", 10)), []);
    assert!(room.passes("anna", chunk("a", 10)));
}

#[test]
fn streams_that_nobody_wants_do_not_pass() {
    let text = ContentHeader::TextHeader(TextHeader::default());
    let unwanted = [
        Header {
            topic: "lk.rpc_request".to_owned(),
            ..stream("a")
        },
        Header {
            content_header: Some(text),
            ..stream("a")
        },
        Header {
            content_header: None,
            ..stream("a")
        },
        Header {
            compression: CompressionType::DeflateRaw as i32,
            ..stream("a")
        },
        Header {
            compression: 99,
            ..stream("a")
        },
        Header {
            attributes: HashMap::from([("a".to_owned(), "x".repeat(5_000))]),
            ..stream("a")
        },
        stream(&"x".repeat(200)),
    ];
    for header in unwanted {
        let mut room = Room::new();
        assert_eq!(room.packet("anna", Value::StreamHeader(header)), []);
        assert_eq!(room.packet("anna", chunk("a", 10)), []);
    }
}

#[test]
fn packets_of_no_stream_do_not_pass() {
    let mut room = Room::new();
    assert_eq!(room.packet("anna", Value::User(UserPacket::default())), []);
    let call = Value::RpcRequest(RpcRequest::default());
    assert_eq!(room.packet("anna", call), []);
    assert_eq!(room.bytes(b"\xff\xff\xff"), []);
    assert_eq!(room.bytes(&[0; 70_000]), []);
}

#[test]
fn a_stream_in_one_packet_passes_and_leaves_nothing_open() {
    let mut room = Room::new();
    for number in 0..10 {
        let header = Header {
            inline_content: Some(vec![1; 100]),
            ..stream(&number.to_string())
        };
        assert!(room.passes("anna", Value::StreamHeader(header)));
    }
    assert!(room.passes("anna", header("a")));
    assert_eq!(room.packet("anna", chunk("0", 10)), []);
}

#[test]
fn one_stream_more_than_allowed_ends_the_oldest() {
    let mut room = Room::new();
    for id in ["a", "b", "c"] {
        assert!(room.passes("anna", header(id)));
    }
    assert!(room.passes("boris", header("d")), "it is another's");
    let ended = trailer("a", "too many open streams");
    assert_eq!(room.packet("anna", header("e")), [ended, header("e")]);
    assert_eq!(room.packet("anna", chunk("a", 10)), []);
    assert!(room.passes("anna", chunk("b", 10)));
}

#[test]
fn who_sends_too_much_loses_its_streams_and_nobody_else_does() {
    let mut room = Room::new();
    for (from, id) in [("anna", "a"), ("mallory", "m"), ("mallory", "n")] {
        assert!(room.passes(from, header(id)));
    }
    assert!(room.passes("mallory", chunk("m", 8_000)));
    let ended = ["m", "n"].map(|id| trailer(id, "too many bytes per second"));
    assert_eq!(room.packet("mallory", chunk("m", 8_000)), ended);
    assert_eq!(room.packet("mallory", chunk("m", 1)), []);
    assert!(room.passes("anna", chunk("a", 8_000)));
    room.now += Duration::from_secs(8);
    assert!(room.passes("mallory", header("o")));
    assert!(room.passes("mallory", chunk("o", 8_000)));
}

#[test]
fn many_small_packets_are_too_much_as_well() {
    let mut room = Room::new();
    assert!(room.passes("mallory", header("m")));
    let passed = (0..1_000).filter(|_| room.passes("mallory", chunk("m", 1)));
    assert!(passed.count() < 40);
}

#[test]
fn a_flood_of_names_ends_the_streams_of_who_was_silent_longest() {
    let mut room = Room::new();
    assert!(room.passes("anna", header("a")));
    let mut ended = 0;
    for number in 0..2_000 {
        room.now += Duration::from_millis(1);
        let id = number.to_string();
        let delivered = room.packet(&format!("flood {number}"), header(&id));
        assert_eq!(delivered.last(), Some(&header(&id)));
        ended += delivered.len() - 1;
    }
    assert_eq!(ended, 2_001 - 512, "512 are followed");
    assert_eq!(room.packet("anna", chunk("a", 10)), []);
    assert!(room.passes("flood 1999", chunk("1999", 10)));
}

/// One packet of a few participants about a few streams.
fn any_packet() -> impl Strategy<Value = (String, Value)> {
    let value = prop_oneof![
        "[a-e]".prop_map(|id| header(&id)),
        ("[a-e]", 0..3_000usize).prop_map(|(id, size)| chunk(&id, size)),
        "[a-e]".prop_map(|id| trailer(&id, "")),
    ];
    ("[x-z]", value)
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_passed_as_they_are(data in vec(any::<u8>(), 0..300)) {
        Guard::new(LIMITS, None).packet(Instant::now(), &data, &mut |passed| assert_eq!(passed, data));
    }

    /// The SDK sees a room in which everybody keeps to the rules.
    #[test]
    fn each_stream_has_one_sender_at_a_time(packets in vec(any_packet(), 0..200)) {
        let mut room = Room::new();
        let mut open: HashMap<String, String> = HashMap::new();
        for (from, value) in packets {
            for delivered in room.packet(&from, value) {
                match delivered {
                    Value::StreamHeader(header) => {
                        assert_eq!(open.insert(header.stream_id, from.clone()), None);
                        assert!(open.values().filter(|owner| **owner == from).count() <= LIMITS.streams);
                    }
                    Value::StreamChunk(chunk) => assert_eq!(open.get(&chunk.stream_id), Some(&from)),
                    Value::StreamTrailer(trailer) => assert_eq!(open.remove(&trailer.stream_id), Some(from.clone())),
                    other => panic!("{other:?} passed"),
                }
            }
        }
    }
}
