//! The connection engine: one thread per peer connection owns the sockets and every protocol object.
//!
//! Other threads push [`Command`]s and wake it. What they may read (states, buffered amounts) lives
//! in [`Shared`] and [`Channel`]. Callbacks run on the thread, with no lock held.

mod callback;
mod certificate;
mod channel;
mod channels;
mod driver;
mod dtls;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod ice;
mod network;
mod sctp;
mod shared;
mod state;
mod turns;

pub(crate) use certificate::Certificate;
pub(crate) use channel::Channel;
pub(crate) use is::IceCreds;
pub(crate) use shared::{Command, Rejected, RemoteDescription, Shared};

use std::io;
use std::sync::Arc;

use crate::peer_connection_factory::RtcConfiguration;

/// Starts the thread of a connection.
///
/// # Errors
/// The poll object or the thread cannot be created.
pub(crate) fn spawn(
    certificate: Certificate,
    credentials: IceCreds,
    config: RtcConfiguration,
) -> io::Result<Arc<Shared>> {
    driver::spawn(certificate, credentials, config)
}
