//! Encryption of data packets.

use std::error::Error;
use std::sync::Arc;

use p256::elliptic_curve::Generate;
use parking_lot::Mutex;
use thiserror::Error;

use super::key_ring::IV_SIZE;
use super::options::EncryptionAlgorithm;
use super::provider::KeyProvider;

/// Why a packet was not encrypted or decrypted.
#[derive(Debug, Error)]
enum CryptorError {
    #[error("the algorithm {0:?} is not supported for data; use AesGcm")]
    Algorithm(EncryptionAlgorithm),
    #[error("participant {participant:?} has no key with index {index}")]
    MissingKey { participant: String, index: u32 },
    #[error("the initialization vector has {0} bytes instead of {IV_SIZE}")]
    Iv(usize),
    #[error("the packet is too large to encrypt")]
    TooLarge,
    #[error(
        "a packet of participant {participant:?} does not fit its key {index}, nor one that follows"
    )]
    Decrypt { participant: String, index: u32 },
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

/// Encrypts and decrypts data packets with AES-128-GCM, as LiveKit's other SDKs do. Clones share
/// their keys and their initialization vectors.
///
/// A packet that does not fit the sender's key is tried with the keys that follow it by ratcheting,
/// as many as the provider's window says. If one fits, it becomes the sender's key.
#[derive(Clone)]
pub struct DataPacketCryptor {
    algorithm: EncryptionAlgorithm,
    keys: KeyProvider,
    ivs: Arc<Mutex<Ivs>>,
}

impl DataPacketCryptor {
    /// A cryptor with the keys of this provider.
    pub fn new(algorithm: EncryptionAlgorithm, key_provider: KeyProvider) -> Self {
        Self {
            algorithm,
            keys: key_provider,
            ivs: Arc::default(),
        }
    }

    /// Encrypts with the participant's key of this index.
    ///
    /// # Errors
    /// There is no such key, or the algorithm is not AES-GCM.
    pub fn encrypt(
        &self,
        participant_id: &str,
        key_index: u32,
        data: &[u8],
    ) -> Result<EncryptedPacket, Box<dyn Error>> {
        self.check_algorithm()?;
        let key = self
            .keys
            .find(participant_id, key_index as i32)
            .ok_or_else(|| CryptorError::MissingKey {
                participant: participant_id.to_owned(),
                index: key_index,
            })?;
        let iv = self.ivs.lock().next();
        let data = key.encrypt(iv, data).ok_or(CryptorError::TooLarge)?;
        Ok(EncryptedPacket {
            data,
            iv: iv.to_vec(),
            key_index,
        })
    }

    /// Decrypts with the participant's key of the packet's index, or one that follows it.
    ///
    /// # Errors
    /// There is no such key, the packet does not fit it, or the algorithm is not AES-GCM.
    pub fn decrypt(
        &self,
        participant_id: &str,
        encrypted_packet: &EncryptedPacket,
    ) -> Result<Vec<u8>, Box<dyn Error>> {
        self.check_algorithm()?;
        let EncryptedPacket {
            data,
            iv,
            key_index,
        } = encrypted_packet;
        // The index travels as an unsigned number and is a signed one everywhere else.
        let index = *key_index as i32;
        let key =
            self.keys
                .find(participant_id, index)
                .ok_or_else(|| CryptorError::MissingKey {
                    participant: participant_id.to_owned(),
                    index: *key_index,
                })?;
        let iv =
            <[u8; IV_SIZE]>::try_from(iv.as_slice()).map_err(|_| CryptorError::Iv(iv.len()))?;
        if let Some(plain) = key.decrypt(iv, data) {
            return Ok(plain);
        }
        let (follower, plain) = key
            .decrypt_ahead(self.keys.derivation(), iv, data)
            .ok_or_else(|| CryptorError::Decrypt {
                participant: participant_id.to_owned(),
                index: *key_index,
            })?;
        self.keys.follow(participant_id, index, &key, follower);
        Ok(plain)
    }

    fn check_algorithm(&self) -> Result<(), CryptorError> {
        match self.algorithm {
            EncryptionAlgorithm::AesGcm => Ok(()),
            other => Err(CryptorError::Algorithm(other)),
        }
    }
}

/// Initialization vectors that never repeat: a random beginning and a count. Under one shared key
/// all senders' vectors must differ, and 64 random bits make that so.
#[derive(Default)]
struct Ivs {
    prefix: [u8; 8],
    count: u32,
}

impl Ivs {
    fn next(&mut self) -> [u8; IV_SIZE] {
        if self.count == 0 {
            self.prefix = Generate::generate();
        }
        let mut iv = [0; IV_SIZE];
        iv[..8].copy_from_slice(&self.prefix);
        iv[8..].copy_from_slice(&self.count.to_be_bytes());
        self.count = self.count.wrapping_add(1);
        iv
    }
}
