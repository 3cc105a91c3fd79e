//! Choices of ciphers and keys.

/// Derivation of a key from a secret.
#[derive(Copy, Clone, Debug)]
#[non_exhaustive]
pub enum KeyDerivationAlgorithm {
    /// PBKDF2-HMAC-SHA-256 with 100,000 rounds, for secrets that people choose.
    PBKDF2,
    /// HKDF-SHA-256, for random secrets.
    HKDF,
}

/// Settings of a [`KeyProvider`](super::KeyProvider).
#[derive(Debug, Clone)]
pub struct KeyProviderOptions {
    /// One key for all participants.
    pub shared_key: bool,
    /// Number of keys that follow by ratcheting to try on a packet that does not fit, at most
    /// 256. The first such packet costs two derivations for each.
    pub ratchet_window_size: i32,
    /// Salt of every derivation. All participants must use the same.
    pub ratchet_salt: Vec<u8>,
    /// Failures before a key counts as wrong. Concerns media only.
    pub failure_tolerance: i32,
    /// Keys of each participant, 1 to 256; 16 if it is not positive.
    pub key_ring_size: i32,
    /// Derivation of the keys.
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
