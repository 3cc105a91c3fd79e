//! Session descriptions (RFC 8866, RFC 8829) as far as data channels need them.
//!
//! The parser accepts any well-formed description and keeps the lines it does not know. Media
//! sections are answered as `inactive`, so that the bundled transport survives them.

mod error;
mod parse;
#[cfg(test)]
mod tests;
mod write;

pub use error::SdpParseError;
pub(crate) use parse::{Fingerprint, RemoteTransport, Sdp, Setup};
pub(crate) use write::{write, LocalTransport, Role, Section};
