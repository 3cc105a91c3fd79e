//! End-to-end encryption: the key that the participants of a room share and the server never sees.
//!
//! Packets are encrypted as LiveKit's SDKs do it: AES-128-GCM under a key that PBKDF2 makes of a
//! text. [`crate::guard`] decrypts what comes; the SDK encrypts what goes.

use std::path::PathBuf;

use livekit::e2ee::key_provider::{KeyProvider, KeyProviderOptions};
use livekit::e2ee::{E2eeOptions, EncryptionType};
use livekit::webrtc::native::frame_cryptor::{
    DataPacketCryptor, EncryptedPacket, EncryptionAlgorithm, KeyProvider as ReceiverKeys,
    KeyProviderOptions as ReceiverOptions,
};
use livekit_protocol::EncryptedPacketPayload;
use prost::Message;

use crate::secret::Secret;

/// Fewest characters of a key. `openssl rand -base64 24` gives 32.
const MIN_LENGTH: usize = 16;
/// The place of the key in the SDK's ring.
const INDEX: i32 = 0;

/// A key for end-to-end encryption.
#[derive(Clone, Debug)]
pub struct EncryptionKey(Secret);

/// The variables that hold a key. An empty one counts as not set.
#[derive(Clone, Debug, Default)]
pub struct EncryptionVariables {
    /// `LIVEKIT_E2EE_KEY`, which takes precedence.
    pub key: Option<Secret>,
    /// `LIVEKIT_E2EE_KEY_FILE`.
    pub file: Option<PathBuf>,
}

/// A key that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptionKeyError {
    /// The file cannot be read.
    #[error("cannot read {path} (LIVEKIT_E2EE_KEY_FILE): {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// The key is too easy to guess.
    #[error(
        "the key for end-to-end encryption (LIVEKIT_E2EE_KEY or LIVEKIT_E2EE_KEY_FILE) has {0} characters, and \
         needs at least {MIN_LENGTH}: `openssl rand -base64 24` makes one"
    )]
    Short(usize),
}

impl EncryptionVariables {
    /// Reads the process's environment.
    #[must_use]
    pub fn read() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
        Self {
            key: variable("LIVEKIT_E2EE_KEY").map(Secret::new),
            file: variable("LIVEKIT_E2EE_KEY_FILE").map(PathBuf::from),
        }
    }

    /// The key, if there is one.
    ///
    /// # Errors
    /// The file cannot be read, or the key is too short.
    pub fn key(&self) -> Result<Option<EncryptionKey>, EncryptionKeyError> {
        let text = match (&self.key, &self.file) {
            (Some(key), _) => key.expose().to_owned(),
            (None, Some(path)) => {
                std::fs::read_to_string(path).map_err(|reason| EncryptionKeyError::File {
                    path: path.clone(),
                    reason,
                })?
            }
            (None, None) => return Ok(None),
        };
        let text = text.trim();
        match text.chars().count() {
            length if length < MIN_LENGTH => Err(EncryptionKeyError::Short(length)),
            _ => Ok(Some(EncryptionKey(Secret::new(text.to_owned())))),
        }
    }
}

impl EncryptionKey {
    /// The key, to hand it to whoever needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The SDK's options for it. Derives the key, which takes tens of milliseconds.
    #[must_use]
    pub fn options(&self) -> E2eeOptions {
        let key = self.expose().as_bytes().to_vec();
        E2eeOptions {
            encryption_type: EncryptionType::Gcm,
            key_provider: KeyProvider::with_shared_key(KeyProviderOptions::default(), key),
        }
    }
}

/// Decryption of the packets that come.
pub(crate) struct Decryption(DataPacketCryptor);

impl Decryption {
    /// Derives the key, which takes tens of milliseconds.
    pub(crate) fn new(key: &EncryptionKey) -> Self {
        let options = KeyProviderOptions::default();
        let keys = ReceiverKeys::new(ReceiverOptions {
            shared_key: true,
            // To try the keys that may follow takes long, and any participant could ask for it.
            ratchet_window_size: 0,
            ratchet_salt: options.ratchet_salt,
            failure_tolerance: options.failure_tolerance,
            key_ring_size: 1,
            key_derivation_algorithm: options.key_derivation_algorithm,
        });
        keys.set_shared_key(INDEX, key.expose().as_bytes().to_vec());
        Self(DataPacketCryptor::new(EncryptionAlgorithm::AesGcm, keys))
    }

    /// Decrypts a packet of a participant.
    ///
    /// # Errors
    /// It was encrypted under another key, or is not what it should be.
    pub(crate) fn open(
        &self,
        participant: &str,
        packet: livekit_protocol::EncryptedPacket,
    ) -> Result<EncryptedPacketPayload, WrongKey> {
        let packet = EncryptedPacket {
            data: packet.encrypted_value,
            iv: packet.iv,
            key_index: packet.key_index,
        };
        let plain = self.0.decrypt(participant, &packet);
        let plain = plain.map_err(|_| WrongKey)?;
        EncryptedPacketPayload::decode(plain.as_slice()).map_err(|_| WrongKey)
    }
}

/// A packet was encrypted under another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WrongKey;
