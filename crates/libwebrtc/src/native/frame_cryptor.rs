//! End-to-end encryption. Keys are kept; encrypting and decrypting is not implemented yet and fails.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use parking_lot::Mutex;

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
    /// PBKDF2.
    PBKDF2,
    /// HKDF.
    HKDF,
}

/// Settings of a [`KeyProvider`].
#[derive(Debug, Clone)]
pub struct KeyProviderOptions {
    /// One key for all participants.
    pub shared_key: bool,
    /// How many ratchet steps to try.
    pub ratchet_window_size: i32,
    /// Salt of the ratchet.
    pub ratchet_salt: Vec<u8>,
    /// Failures before a key counts as wrong.
    pub failure_tolerance: i32,
    /// How many keys are kept.
    pub key_ring_size: i32,
    /// How keys are derived.
    pub key_derivation_algorithm: KeyDerivationAlgorithm,
}

/// A cipher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncryptionAlgorithm {
    /// AES-GCM.
    AesGcm,
    /// AES-CBC.
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
    /// The ciphertext.
    pub data: Vec<u8>,
    /// The initialization vector.
    pub iv: Vec<u8>,
    /// Which key of the ring was used.
    pub key_index: u32,
}

/// Keys by their owner and index. The owner `None` is for shared keys.
type Keys = HashMap<(Option<String>, i32), Vec<u8>>;

/// Keeps keys.
#[derive(Clone, Default)]
pub struct KeyProvider {
    keys: Arc<Mutex<Keys>>,
}

impl KeyProvider {
    /// An empty key ring.
    pub fn new(_options: KeyProviderOptions) -> Self {
        Self::default()
    }

    /// Sets the shared key of this index.
    pub fn set_shared_key(&self, key_index: i32, key: Vec<u8>) -> bool {
        self.keys.lock().insert((None, key_index), key);
        true
    }

    /// Always `None`: ratcheting is not implemented.
    pub fn ratchet_shared_key(&self, _key_index: i32) -> Option<Vec<u8>> {
        None
    }

    /// The shared key of this index.
    pub fn get_shared_key(&self, key_index: i32) -> Option<Vec<u8>> {
        self.keys.lock().get(&(None, key_index)).cloned()
    }

    /// Sets a participant's key of this index.
    pub fn set_key(&self, participant_id: String, key_index: i32, key: Vec<u8>) -> bool {
        self.keys
            .lock()
            .insert((Some(participant_id), key_index), key);
        true
    }

    /// Always `None`: ratcheting is not implemented.
    pub fn ratchet_key(&self, _participant_id: String, _key_index: i32) -> Option<Vec<u8>> {
        None
    }

    /// A participant's key of this index.
    pub fn get_key(&self, participant_id: String, key_index: i32) -> Option<Vec<u8>> {
        self.keys
            .lock()
            .get(&(Some(participant_id), key_index))
            .cloned()
    }

    /// Does nothing: no media is sent.
    pub fn set_sif_trailer(&self, _trailer: Vec<u8>) {}
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

/// Encrypts data packets. Not implemented yet: every call fails.
#[derive(Clone)]
pub struct DataPacketCryptor(());

impl DataPacketCryptor {
    /// A cryptor that fails.
    pub fn new(_algorithm: EncryptionAlgorithm, _key_provider: KeyProvider) -> Self {
        Self(())
    }

    /// Always fails.
    ///
    /// # Errors
    /// Encryption of data is not implemented.
    pub fn encrypt(
        &self,
        _participant_id: &str,
        _key_index: u32,
        _data: &[u8],
    ) -> Result<EncryptedPacket, Box<dyn Error>> {
        Err("end-to-end encryption is not supported by the pure-Rust libwebrtc".into())
    }

    /// Always fails.
    ///
    /// # Errors
    /// Encryption of data is not implemented.
    pub fn decrypt(
        &self,
        _participant_id: &str,
        _encrypted_packet: &EncryptedPacket,
    ) -> Result<Vec<u8>, Box<dyn Error>> {
        Err("end-to-end encryption is not supported by the pure-Rust libwebrtc".into())
    }
}
