//! End-to-end encryption of data packets: keys, ratcheting, and packets that are not what they say.

use libwebrtc::native::frame_cryptor::{
    DataPacketCryptor, EncryptedPacket, EncryptionAlgorithm, KeyDerivationAlgorithm, KeyProvider,
    KeyProviderOptions,
};

fn provider(shared_key: bool, ratchet_window_size: i32) -> KeyProvider {
    KeyProvider::new(KeyProviderOptions {
        shared_key,
        ratchet_window_size,
        ratchet_salt: b"LKFrameEncryptionKey".to_vec(),
        failure_tolerance: -1,
        key_ring_size: 16,
        // The other algorithm is slow on purpose; what it derives is tested beside it.
        key_derivation_algorithm: KeyDerivationAlgorithm::HKDF,
    })
}

fn shared(secret: &[u8]) -> (KeyProvider, DataPacketCryptor) {
    let keys = provider(true, 3);
    assert!(keys.set_shared_key(0, secret.to_vec()));
    (keys.clone(), cryptor(keys))
}

fn cryptor(keys: KeyProvider) -> DataPacketCryptor {
    DataPacketCryptor::new(EncryptionAlgorithm::AesGcm, keys)
}

#[test]
fn the_same_secret_reads_what_was_written_and_another_does_not() {
    let (_, alice) = shared(b"secret");
    let (_, bob) = shared(b"secret");
    let (_, eve) = shared(b"another");
    for size in [0, 1, 15, 16, 15_000] {
        let data = vec![7; size];
        let packet = alice.encrypt("alice", 0, &data).unwrap();
        assert_eq!(packet.iv.len(), 12);
        assert_eq!(packet.data.len(), size + 16, "a tag of 16 bytes");
        assert_eq!(bob.decrypt("alice", &packet).unwrap(), data);
        let error = eve.decrypt("alice", &packet).unwrap_err().to_string();
        assert!(
            error.contains("alice") && error.contains("does not fit"),
            "{error}"
        );
        assert!(
            !error.contains("another"),
            "a secret is in an error: {error}"
        );
    }
}

#[test]
fn vectors_never_repeat() {
    let (_, alice) = shared(b"secret");
    let clone = alice.clone();
    let vectors: std::collections::HashSet<_> = (0..1_000)
        .map(|i| if i % 2 == 0 { &alice } else { &clone })
        .map(|cryptor| cryptor.encrypt("alice", 0, b"x").unwrap().iv)
        .collect();
    assert_eq!(vectors.len(), 1_000);
}

#[test]
fn changed_packets_are_refused() {
    let (_, alice) = shared(b"secret");
    let packet = alice.encrypt("alice", 0, b"stop").unwrap();
    for position in 0..packet.data.len() {
        let mut forged = packet.clone();
        forged.data[position] ^= 1;
        assert!(alice.decrypt("alice", &forged).is_err());
    }
    for length in (0..40).filter(|length| *length != 12) {
        let forged = EncryptedPacket {
            iv: vec![0; length],
            ..packet.clone()
        };
        let error = alice.decrypt("alice", &forged).unwrap_err().to_string();
        assert!(error.contains("12"), "{error}");
    }
    for length in 0..16 {
        let forged = EncryptedPacket {
            data: packet.data[..length].to_vec(),
            ..packet.clone()
        };
        assert!(alice.decrypt("alice", &forged).is_err());
    }
    for key_index in [1, 15, 16, 255, u32::MAX - 1, 1 << 31] {
        let forged = EncryptedPacket {
            key_index,
            ..packet.clone()
        };
        let error = alice.decrypt("alice", &forged).unwrap_err().to_string();
        assert!(error.contains("no key"), "{error}");
    }
    assert_eq!(alice.decrypt("alice", &packet).unwrap(), b"stop");
}

#[test]
fn a_ratcheted_sender_is_followed_within_the_window() {
    let (sender_keys, alice) = shared(b"secret");
    let (receiver_keys, bob) = shared(b"secret");
    let first = alice.encrypt("alice", 0, b"first").unwrap();
    sender_keys.ratchet_shared_key(0).unwrap();
    let ratcheted = sender_keys.ratchet_shared_key(0).unwrap();
    assert_eq!(ratcheted.len(), 32);
    let third = alice.encrypt("alice", 0, b"third").unwrap();
    assert_eq!(bob.decrypt("alice", &third).unwrap(), b"third");
    // Only the sender's key went on, and it does not go back.
    assert_eq!(receiver_keys.get_shared_key(0).unwrap(), b"secret");
    assert_eq!(
        receiver_keys.get_key("alice".to_owned(), 0),
        Some(ratcheted)
    );
    assert!(bob.decrypt("alice", &first).is_err());
    assert_eq!(bob.decrypt("carol", &first).unwrap(), b"first");
    // A new shared key is everyone's.
    receiver_keys.set_shared_key(0, b"secret".to_vec());
    assert_eq!(bob.decrypt("alice", &first).unwrap(), b"first");
    for _ in 0..2 {
        sender_keys.ratchet_shared_key(0).unwrap();
    }
    let fifth = alice.encrypt("alice", 0, b"fifth").unwrap();
    assert!(
        bob.decrypt("alice", &fifth).is_err(),
        "beyond the window of 3"
    );
    assert_eq!(
        bob.decrypt("alice", &first).unwrap(),
        b"first",
        "the key stays"
    );
}

#[test]
fn every_participant_has_keys_of_its_own_where_none_are_shared() {
    let keys = provider(false, 0);
    assert!(!keys.set_shared_key(0, b"x".to_vec()));
    assert!(keys.set_key("alice".to_owned(), 0, b"a".to_vec()));
    assert!(keys.set_key("bob".to_owned(), 3, b"b".to_vec()));
    let cryptor = cryptor(keys.clone());
    let packet = cryptor.encrypt("alice", 0, b"hello").unwrap();
    assert_eq!(cryptor.decrypt("alice", &packet).unwrap(), b"hello");
    for (participant, index) in [("bob", 0), ("carol", 0), ("alice", 3)] {
        let error = cryptor
            .encrypt(participant, index, b"x")
            .unwrap_err()
            .to_string();
        assert!(error.contains(participant), "{error}");
    }
    assert!(cryptor.encrypt("bob", 3, b"x").is_ok());
    assert_eq!(keys.get_key("bob".to_owned(), -1).unwrap(), b"b");
    let ratcheted = keys.ratchet_key("bob".to_owned(), 3).unwrap();
    assert_eq!(keys.get_key("bob".to_owned(), 3), Some(ratcheted));
    assert_eq!(keys.ratchet_key("carol".to_owned(), 0), None);
    assert_eq!(keys.get_shared_key(0), None);
    assert_eq!(keys.ratchet_shared_key(0), None);
}

#[test]
fn another_algorithm_is_refused() {
    let keys = provider(true, 0);
    keys.set_shared_key(0, b"secret".to_vec());
    let cryptor = DataPacketCryptor::new(EncryptionAlgorithm::AesCbc, keys);
    let error = cryptor.encrypt("alice", 0, b"x").unwrap_err().to_string();
    assert!(error.contains("AesGcm"), "{error}");
}
