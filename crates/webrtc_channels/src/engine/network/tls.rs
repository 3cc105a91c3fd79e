//! TLS to TURN servers, with the server's certificate checked.
//!
//! Trusted are the roots of the system, or those that the environment variables `SSL_CERT_FILE` and
//! `SSL_CERT_DIR` name instead, and Mozilla's (the crate `webpki-roots`), for systems without any.

use std::sync::{Arc, OnceLock};

use rustls::pki_types::ServerName;
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
    let found = rustls_native_certs::load_native_certs();
    for error in found.errors {
        log::warn!("trusted certificates of the system: {error}");
    }
    let (added, ignored) = roots.add_parsable_certificates(found.certs);
    log::debug!("{added} authorities of the system are trusted, {ignored} cannot be read");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(CONFIG.get_or_init(|| Arc::new(config)).clone())
}
