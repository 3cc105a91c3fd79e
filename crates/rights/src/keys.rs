//! Keys that grants are signed and checked with.

use std::fmt;

use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use base64::Engine;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

/// Prefix of the 32 bytes of a public key in its standard form (RFC 8410).
const PUBLIC_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];
/// Prefix of the 32 bytes of a private key in its standard form (RFC 8410).
const PRIVATE_PREFIX: [u8; 16] = [
    0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
];
/// Bytes of a key itself.
const KEY_SIZE: usize = 32;

/// A text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It is no public key.
    #[error(
        "it must be the public key of Ed25519 as `openssl pkey -in key.pem -pubout` prints it, on one line: \
         60 characters that begin with MCowBQYDK2VwAyEA"
    )]
    Public,
    /// It is no private key.
    #[error("it must be a private key of Ed25519, as `openssl genpkey -algorithm ed25519 -out key.pem` makes it")]
    Private,
}

/// A key that grants are checked with.
#[derive(Clone)]
pub struct VerifyingKey {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: DecodingKey,
}

impl VerifyingKey {
    /// The secret of the LiveKit server's API key, which grants are signed with, too.
    #[must_use]
    pub fn secret(secret: &str) -> Self {
        Self {
            algorithm: Algorithm::HS256,
            key: DecodingKey::from_secret(secret.as_bytes()),
        }
    }

    /// A public key of Ed25519: the lines of its PEM form, or the one between the first and the last.
    ///
    /// # Errors
    /// It is none.
    pub fn public(text: &str) -> Result<Self, KeyError> {
        let bytes = key_of(text, &PUBLIC_PREFIX).ok_or(KeyError::Public)?;
        let key = DecodingKey::from_ed_components(&URL_SAFE_NO_PAD.encode(bytes));
        Ok(Self {
            algorithm: Algorithm::EdDSA,
            key: key.map_err(|_| KeyError::Public)?,
        })
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({:?})", self.algorithm)
    }
}

/// A key that grants are signed with. It is never printed.
#[derive(Clone)]
pub struct SigningKey {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: EncodingKey,
}

impl SigningKey {
    /// The secret of the LiveKit server's API key.
    #[must_use]
    pub fn secret(secret: &str) -> Self {
        Self {
            algorithm: Algorithm::HS256,
            key: EncodingKey::from_secret(secret.as_bytes()),
        }
    }

    /// A private key of Ed25519 in PEM form.
    ///
    /// # Errors
    /// It is none.
    pub fn private(pem: &str) -> Result<Self, KeyError> {
        let bytes = key_of(pem, &PRIVATE_PREFIX).ok_or(KeyError::Private)?;
        let der = [PRIVATE_PREFIX.as_slice(), &bytes].concat();
        Ok(Self {
            algorithm: Algorithm::EdDSA,
            key: EncodingKey::from_ed_der(&der),
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?})", self.algorithm)
    }
}

/// The key in a PEM text or its middle, if it has the standard form.
fn key_of(text: &str, prefix: &[u8]) -> Option<[u8; KEY_SIZE]> {
    let lines = text.lines().map(str::trim);
    let base64: String = lines.filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(base64).ok()?;
    der.strip_prefix(prefix)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
        -----END PRIVATE KEY-----\n";

    #[test]
    fn keys_are_read_as_openssl_writes_them_and_never_printed() {
        let key = SigningKey::private(PRIVATE).unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey(EdDSA)");
        let line = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        assert!(VerifyingKey::public(line).is_ok());
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{line}\n-----END PUBLIC KEY-----\n");
        assert!(VerifyingKey::public(&pem).is_ok());
        assert_eq!(
            format!("{:?}", SigningKey::secret("hunter2")),
            "SigningKey(HS256)"
        );
        assert_eq!(
            format!("{:?}", VerifyingKey::secret("hunter2")),
            "VerifyingKey(HS256)"
        );
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "MCow", "hunter2", PRIVATE, &line_of(31), &line_of(33)] {
            assert_eq!(
                VerifyingKey::public(text).unwrap_err(),
                KeyError::Public,
                "{text}"
            );
        }
        for text in ["", "hunter2", &line_of(32)] {
            assert_eq!(
                SigningKey::private(text).unwrap_err(),
                KeyError::Private,
                "{text}"
            );
        }
    }

    fn line_of(size: usize) -> String {
        STANDARD.encode([PUBLIC_PREFIX.as_slice(), &vec![7; size]].concat())
    }
}
