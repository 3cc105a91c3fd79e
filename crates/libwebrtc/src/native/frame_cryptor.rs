//! End-to-end encryption: of data packets in full, of media not at all, since no media is sent.

mod data_packet;
mod key_ring;
mod provider;

pub use data_packet::DataPacketCryptor;
pub use provider::KeyProvider;

use crate::{
    native::packet_trailer::PacketTrailerHandler, peer_connection_factory::PeerConnectionFactory,
    rtp_receiver::RtpReceiver, rtp_sender::RtpSender,
};

/// Called with a participant and the state of its encryption.
pub type OnStateChange = Box<dyn FnMut(String, EncryptionState) + Send + Sync>;

/// How a key is derived from a secret.
#[derive(Copy, Clone, Debug)]
#[non_exhaustive]
pub enum KeyDerivationAlgorithm {
    /// PBKDF2-HMAC-SHA-256 with 100,000 rounds, for secrets that people choose.
    PBKDF2,
    /// HKDF-SHA-256, for random secrets.
    HKDF,
}

/// Settings of a [`KeyProvider`].
#[derive(Debug, Clone)]
pub struct KeyProviderOptions {
    /// One key for all participants.
    pub shared_key: bool,
    /// How many keys that follow by ratcheting are tried on a packet that does not fit, at most
    /// 256. The first such packet costs two derivations for each.
    pub ratchet_window_size: i32,
    /// Salt of every derivation. All participants must use the same.
    pub ratchet_salt: Vec<u8>,
    /// Failures before a key counts as wrong. Concerns media only.
    pub failure_tolerance: i32,
    /// Keys of each participant, 1 to 256; 16 if it is not positive.
    pub key_ring_size: i32,
    /// How keys are derived.
    pub key_derivation_algorithm: KeyDerivationAlgorithm,
}

/// A cipher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncryptionAlgorithm {
    /// AES-GCM.
    AesGcm,
    /// AES-CBC, which no SDK uses for data.
    AesCbc,
}

/// State of a participant's encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncryptionState {
    /// Nothing happened yet.
    New,
    /// It works.
    Ok,
    /// Encrypting failed.
    EncryptionFailed,
    /// Decrypting failed.
    DecryptionFailed,
    /// There is no key.
    MissingKey,
    /// The key was ratcheted.
    KeyRatcheted,
    /// Something else failed.
    InternalError,
}

/// An encrypted data packet.
#[derive(Debug, Clone)]
pub struct EncryptedPacket {
    /// The ciphertext and its tag of 16 bytes.
    pub data: Vec<u8>,
    /// The initialization vector, 12 bytes.
    pub iv: Vec<u8>,
    /// Which key of the ring was used.
    pub key_index: u32,
}

/// Encrypts media frames. This one never sees a frame.
#[derive(Clone)]
pub struct FrameCryptor {
    participant_id: String,
}

impl FrameCryptor {
    /// An inert cryptor.
    pub fn new_for_rtp_sender(
        _peer_factory: &PeerConnectionFactory,
        participant_id: String,
        _algorithm: EncryptionAlgorithm,
        _key_provider: KeyProvider,
        _sender: RtpSender,
    ) -> Self {
        Self { participant_id }
    }

    /// An inert cryptor.
    pub fn new_for_rtp_receiver(
        _peer_factory: &PeerConnectionFactory,
        participant_id: String,
        _algorithm: EncryptionAlgorithm,
        _key_provider: KeyProvider,
        _receiver: RtpReceiver,
    ) -> Self {
        Self { participant_id }
    }

    /// Does nothing.
    pub fn set_enabled(&self, _enabled: bool) {}

    /// Always `false`.
    pub fn enabled(&self) -> bool {
        false
    }

    /// Does nothing.
    pub fn set_key_index(&self, _index: i32) {}

    /// Always 0.
    pub fn key_index(&self) -> i32 {
        0
    }

    /// The participant it was created for.
    pub fn participant_id(&self) -> String {
        self.participant_id.clone()
    }

    /// Does nothing: the state never changes.
    pub fn on_state_change(&self, _handler: Option<OnStateChange>) {}

    /// Does nothing.
    pub fn set_packet_trailer_handler(&self, _handler: &PacketTrailerHandler) {}
}
