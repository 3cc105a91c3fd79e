//! TLS to TURN servers, with the server's certificate checked.
//!
//! Trusted are Mozilla's roots (the crate `webpki-roots`) and, for servers with a certificate of
//! their owner's own authority, those in the PEM file that the environment variable
//! `SSL_CERT_FILE` names.

use std::sync::{Arc, OnceLock};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

pub(super) use rustls::ClientConnection;

/// TLS cannot be used, or the server is not who it should be.
#[derive(Debug, Error)]
#[error("TLS: {0}")]
pub(super) struct TlsError(#[from] rustls::Error);

/// Prepares a connection to the server of this name (or address).
///
/// # Errors
/// The name cannot be in a certificate.
pub(super) fn connect(host: &str) -> Result<ClientConnection, TlsError> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    Ok(ClientConnection::new(config()?, name)?)
}

/// The settings, made once for the process: reading the roots takes a few milliseconds.
fn config() -> Result<Arc<ClientConfig>, TlsError> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(path) = std::env::var_os("SSL_CERT_FILE") {
        match CertificateDer::pem_file_iter(&path) {
            Ok(certificates) => {
                let (added, ignored) = roots.add_parsable_certificates(certificates.flatten());
                log::debug!("SSL_CERT_FILE: {added} authorities added, {ignored} ignored");
            }
            Err(error) => log::warn!("SSL_CERT_FILE {path:?} is not read: {error}"),
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(CONFIG.get_or_init(|| Arc::new(config)).clone())
}
