//! The connection engine: one thread per peer connection owns the sockets and every protocol object.
//!
//! Other threads push [`Command`]s and wake it. What they may read (states, buffered amounts) lives
//! in [`Shared`] and [`Channel`](channel::Channel). Callbacks run on the thread, with no lock held.

mod callback;
pub(crate) mod channel;
mod channels;
mod driver;
mod dtls;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod ice;
mod network;
mod resolver;
mod shared;
mod state;

pub(crate) use is::IceCreds;
pub(crate) use shared::{Command, Rejected, RemoteDescription, Shared};

use std::io;
use std::sync::Arc;

use crate::certificate::Certificate;
use crate::configuration::RtcConfiguration;

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
