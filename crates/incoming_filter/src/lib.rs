//! A filter between WebRTC data channels and the program that reads them.
//!
//! LiveKit's SDK takes every packet that any participant sends, and keeps what nobody asked for
//! without bound. A program that wants to look at the packets first [`install`]s a filter; the
//! pure-Rust drop-in for `libwebrtc` asks for it ([`filter_for`]) when a channel gets its reader.
//! Where LiveKit's own `libwebrtc` is linked nobody asks, and nothing is filtered.

use std::sync::OnceLock;

/// Decides what the reader of one data channel gets.
pub trait MessageFilter: Send + Sync {
    /// Looks at a binary message that arrived. What the reader shall get instead of it is handed
    /// to `deliver`, in order; usually the message itself, or nothing.
    fn message(&mut self, data: &[u8], deliver: &mut dyn FnMut(&[u8]));
}

/// Makes the filter for a channel with this label.
pub type MakeFilter = Box<dyn Fn(&str) -> Box<dyn MessageFilter> + Send + Sync>;

/// A filter was installed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlreadyInstalled;

static MAKE: OnceLock<MakeFilter> = OnceLock::new();

/// Filters all data channels of this process that get their reader from now on.
///
/// # Errors
/// Only the first filter counts.
pub fn install(make: MakeFilter) -> Result<(), AlreadyInstalled> {
    MAKE.set(make).map_err(|_| AlreadyInstalled)
}

/// The filter for a channel that gets its reader, if one was installed.
#[must_use]
pub fn filter_for(label: &str) -> Option<Box<dyn MessageFilter>> {
    MAKE.get().map(|make| make(label))
}
