//! The self-signed certificate of a connection.
//!
//! WebRTC peers do not check who signed it: they compare its hash with the one in the session
//! description (RFC 8827, section 5). So one that lives as long as its connection is enough.

use std::time::Duration;

use dimpl::DtlsCertificate;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::elliptic_curve::Generate;
use p256::pkcs8::{EncodePrivateKey, EncodePublicKey};
use sha2::{Digest, Sha256};
use thiserror::Error;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{SubjectPublicKeyInfo, SubjectPublicKeyInfoRef};
use x509_cert::time::Validity;

/// Validity of a certificate. Peers do not check; browsers use 30 days.
const VALID_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// A certificate could not be made.
#[derive(Debug, Error)]
#[error("cannot create a certificate: {0}")]
pub struct CertificateError(String);

/// A certificate, its key and its fingerprint.
pub struct Certificate {
    pub(crate) dtls: DtlsCertificate,
    /// SHA-256 of the certificate as upper-case hex pairs joined by colons.
    pub(crate) fingerprint: String,
}

impl Certificate {
    /// Makes a new P-256 key and a certificate for it.
    ///
    /// # Errors
    /// The encoder refuses, which would be a bug.
    pub fn generate() -> Result<Self, CertificateError> {
        let key = SigningKey::generate();
        let public = key.verifying_key().to_public_key_der().map_err(failed)?;
        let spki = SubjectPublicKeyInfo::from_der(public.as_bytes()).map_err(failed)?;
        let name: Name = "CN=WebRTC".parse().map_err(failed)?;
        // A positive number of at most eight bytes.
        let serial = SerialNumber::from(fastrand::u64(1..i64::MAX as u64));
        let validity = Validity::from_now(VALID_FOR).map_err(failed)?;
        let certificate = CertificateBuilder::new(SelfSigned(name), serial, validity, spki)
            .and_then(|builder| builder.build::<_, DerSignature>(&key))
            .map_err(failed)?;
        let certificate = certificate.to_der().map_err(failed)?;
        let private = key.to_pkcs8_der().map_err(failed)?;
        Ok(Self {
            fingerprint: hex_fingerprint(&Sha256::digest(&certificate)),
            dtls: DtlsCertificate {
                certificate,
                private_key: private.as_bytes().to_vec(),
            },
        })
    }

    /// SHA-256 of the certificate as upper-case hex pairs joined by colons.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The certificate and its private key, both in DER, as `dimpl` takes them.
    pub fn into_dtls(self) -> DtlsCertificate {
        self.dtls
    }
}

fn failed(error: impl std::fmt::Display) -> CertificateError {
    CertificateError(error.to_string())
}

/// Subject and issuer are the same, and there are no extensions.
struct SelfSigned(Name);

impl BuilderProfile for SelfSigned {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        self.0.clone()
    }

    fn build_extensions(
        &self,
        _key: SubjectPublicKeyInfoRef<'_>,
        _issuer_key: SubjectPublicKeyInfoRef<'_>,
        _certificate: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        Ok(Vec::new())
    }
}

/// `AB:CD:…`, as a session description writes it.
fn hex_fingerprint(digest: &[u8]) -> String {
    let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}
