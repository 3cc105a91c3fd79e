//! Keys of data encryption: how they are derived, kept and ratcheted.
//!
//! The algorithms are those of LiveKit's C++ library and of its JavaScript SDK, so that all of them
//! get the same keys from the same secret: PBKDF2-HMAC-SHA-256 with 100,000 rounds, or HKDF-SHA-256
//! with 128 zero bytes as its info. 128 bits of it are the AES key; 256 bits are the material after
//! one step of the ratchet.

use std::sync::Arc;

use aes_gcm::aead::{Aead, KeyInit, Nonce};
use aes_gcm::Aes128Gcm;
use hkdf::Hkdf;
use parking_lot::Mutex;
use sha2::Sha256;

use super::options::KeyDerivationAlgorithm;

/// Rounds of PBKDF2, fixed in the other implementations.
const ROUNDS: u32 = 100_000;
/// The info of HKDF, fixed in the other implementations.
const HKDF_INFO: [u8; 128] = [0; 128];
/// Bytes of an initialization vector.
pub(super) const IV_SIZE: usize = 12;
/// Keys of a ring if the options say nothing useful.
const DEFAULT_RING_SIZE: usize = 16;
/// The largest ring.
const MAX_RING_SIZE: usize = 256;
/// The largest window of the ratchet. Each step costs two derivations, tens of milliseconds.
const MAX_WINDOW: usize = 256;

/// Derivation of all keys of a provider.
#[derive(Debug, Clone)]
pub(super) struct Derivation {
    algorithm: KeyDerivationAlgorithm,
    salt: Vec<u8>,
    window: usize,
}

impl Derivation {
    pub(super) fn new(algorithm: KeyDerivationAlgorithm, salt: Vec<u8>, window: i32) -> Self {
        Self {
            algorithm,
            salt,
            window: usize::try_from(window).unwrap_or(0).min(MAX_WINDOW),
        }
    }

    fn derive<const BYTES: usize>(&self, secret: &[u8]) -> [u8; BYTES] {
        let mut derived = [0; BYTES];
        match self.algorithm {
            KeyDerivationAlgorithm::PBKDF2 => {
                pbkdf2::pbkdf2_hmac::<Sha256>(secret, &self.salt, ROUNDS, &mut derived);
            }
            KeyDerivationAlgorithm::HKDF => {
                let expanded =
                    Hkdf::<Sha256>::new(Some(&self.salt), secret).expand(&HKDF_INFO, &mut derived);
                debug_assert!(expanded.is_ok(), "only fails above 255 blocks of 32 bytes");
            }
        }
        derived
    }
}

/// A secret and the cipher made of it.
pub(super) struct Key {
    material: Vec<u8>,
    cipher: Aes128Gcm,
    /// The keys that follow by ratcheting, as far as they were needed. Deriving them is slow, and
    /// a peer with a wrong key would make every packet of its pay for it.
    following: Mutex<Vec<Arc<Key>>>,
}

impl Key {
    pub(super) fn new(material: Vec<u8>, derivation: &Derivation) -> Arc<Self> {
        let key: [u8; 16] = derivation.derive(&material);
        Arc::new(Self {
            material,
            cipher: Aes128Gcm::new(&key.into()),
            following: Mutex::default(),
        })
    }

    pub(super) fn material(&self) -> &[u8] {
        &self.material
    }

    fn ratcheted(&self, derivation: &Derivation) -> Arc<Self> {
        let material: [u8; 32] = derivation.derive(&self.material);
        Self::new(material.to_vec(), derivation)
    }

    pub(super) fn encrypt(&self, iv: [u8; IV_SIZE], data: &[u8]) -> Option<Vec<u8>> {
        self.cipher
            .encrypt(&Nonce::<Aes128Gcm>::from(iv), data)
            .ok()
    }

    pub(super) fn decrypt(&self, iv: [u8; IV_SIZE], data: &[u8]) -> Option<Vec<u8>> {
        self.cipher
            .decrypt(&Nonce::<Aes128Gcm>::from(iv), data)
            .ok()
    }

    /// Tries the keys that follow this one. Returns the one that fits, and what it decrypted.
    pub(super) fn decrypt_ahead(
        &self,
        derivation: &Derivation,
        iv: [u8; IV_SIZE],
        data: &[u8],
    ) -> Option<(Arc<Self>, Vec<u8>)> {
        let mut following = self.following.lock();
        for step in 0..derivation.window {
            if step == following.len() {
                let last = following.last().map_or(self, |key| key);
                let next = last.ratcheted(derivation);
                following.push(next);
            }
            if let Some(plain) = following[step].decrypt(iv, data) {
                return Some((following[step].clone(), plain));
            }
        }
        None
    }
}

/// The keys of one participant, or those that all share.
#[derive(Clone)]
pub(super) struct KeyRing {
    keys: Vec<Option<Arc<Key>>>,
    current: usize,
}

impl KeyRing {
    pub(super) fn new(size: i32) -> Self {
        let size = match usize::try_from(size) {
            Ok(0) | Err(_) => DEFAULT_RING_SIZE,
            Ok(size) => size.min(MAX_RING_SIZE),
        };
        Self {
            keys: vec![None; size],
            current: 0,
        }
    }

    /// The key of an index; -1 is the one that was set last.
    pub(super) fn get(&self, index: i32) -> Option<&Arc<Key>> {
        let index = match index {
            -1 => self.current,
            index => usize::try_from(index).ok()?,
        };
        self.keys.get(index)?.as_ref()
    }

    /// Sets the key of an index, which counts around the ring; a negative one replaces the key that
    /// was set last.
    pub(super) fn set(&mut self, index: i32, key: Arc<Key>) {
        if let Ok(index) = usize::try_from(index) {
            self.current = index % self.keys.len();
        }
        self.keys[self.current] = Some(key);
    }

    /// Replaces a key by the one that follows it, and returns that.
    pub(super) fn ratchet(&mut self, index: i32, derivation: &Derivation) -> Option<Arc<Key>> {
        let key = self.get(index)?.ratcheted(derivation);
        self.set(index, key.clone());
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derivation(algorithm: KeyDerivationAlgorithm, salt: &[u8]) -> Derivation {
        Derivation::new(algorithm, salt.to_vec(), 3)
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Made with Python's hashlib.pbkdf2_hmac("sha256", secret, salt, 100000, length).
    #[test]
    fn pbkdf2_gives_what_other_implementations_give() {
        let derivation = derivation(KeyDerivationAlgorithm::PBKDF2, b"LKFrameEncryptionKey");
        let key: [u8; 16] = derivation.derive(b"a secret");
        assert_eq!(hex(&key), "385e4d00ebc0a4d03bd0ab8f1ce1f54a");
        let material: [u8; 32] = derivation.derive(b"a secret");
        assert_eq!(
            hex(&material),
            "385e4d00ebc0a4d03bd0ab8f1ce1f54a240d4631fea2ce18753415909695d0a7"
        );
    }

    /// Made with Python's cryptography, HKDF(SHA256(), 16, salt, bytes(128)).
    #[test]
    fn hkdf_gives_what_other_implementations_give() {
        let derivation = derivation(KeyDerivationAlgorithm::HKDF, b"LKFrameEncryptionKey");
        let key: [u8; 16] = derivation.derive(b"a secret");
        assert_eq!(hex(&key), "0f9dc56d9bb6d47ed7dd8808d219c8e4");
    }

    #[test]
    fn a_ring_counts_around_and_knows_the_last_one() {
        let derivation = derivation(KeyDerivationAlgorithm::HKDF, b"salt");
        let mut ring = KeyRing::new(4);
        assert!(ring.get(-1).is_none());
        ring.set(6, Key::new(b"six".to_vec(), &derivation));
        assert_eq!(ring.get(2).unwrap().material(), b"six");
        assert_eq!(ring.get(-1).unwrap().material(), b"six");
        assert!(ring.get(6).is_none(), "only setting counts around");
        assert!(ring.get(-2).is_none() && ring.get(i32::MIN).is_none());
        ring.set(-5, Key::new(b"new".to_vec(), &derivation));
        assert_eq!(ring.get(2).unwrap().material(), b"new");
        assert_eq!(KeyRing::new(0).keys.len(), 16);
        assert_eq!(KeyRing::new(-3).keys.len(), 16);
        assert_eq!(KeyRing::new(10_000).keys.len(), 256);
    }
}
