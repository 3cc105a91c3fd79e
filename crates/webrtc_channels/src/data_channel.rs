//! Data channels.

pub(crate) mod types;

pub use types::*;

use std::fmt::{Debug, Formatter};
use std::sync::Arc;

use crate::engine::channel::Channel;

/// A bidirectional channel of messages. Clones are the same channel.
///
/// All callbacks run on the connection's thread, one at a time, with no lock held: they may call
/// anything, but a callback that blocks stops the connection.
#[derive(Clone)]
pub struct DataChannel {
    channel: Arc<Channel>,
}

impl DataChannel {
    pub(crate) fn new(channel: Arc<Channel>) -> Self {
        Self { channel }
    }

    /// Queues a message. It never blocks: at most 16 MiB are queued per channel.
    ///
    /// # Errors
    /// See [`DataChannelError`]. The message was not queued.
    pub fn send(&self, data: &[u8], binary: bool) -> Result<(), DataChannelError> {
        if !binary {
            std::str::from_utf8(data)?;
        }
        self.channel.send(data, binary)
    }

    /// The SCTP stream, or -1 while it is not chosen yet.
    pub fn id(&self) -> i32 {
        self.channel.id()
    }

    /// The name it was opened with.
    pub fn label(&self) -> String {
        self.channel.label().to_owned()
    }

    /// The state now.
    pub fn state(&self) -> DataChannelState {
        self.channel.state()
    }

    /// Closes the channel once everything accepted has been sent.
    pub fn close(&self) {
        self.channel.close();
    }

    /// Bytes accepted by [`send`](Self::send) and not yet put on the wire for the first time.
    pub fn buffered_amount(&self) -> u64 {
        self.channel.buffered_amount()
    }

    /// Sets, replaces or removes the state callback.
    pub fn on_state_change(&self, callback: Option<OnStateChange>) {
        self.channel.on_state_change.set(callback);
    }

    /// Sets, replaces or removes the message callback.
    pub fn on_message(&self, callback: Option<OnMessage>) {
        let callback = callback.map(|callback| filtered(&self.label(), callback));
        self.channel.set_on_message(callback);
    }

    /// Sets, replaces or removes the buffer callback.
    pub fn on_buffered_amount_change(&self, callback: Option<OnBufferedAmountChange>) {
        self.channel.on_buffered_amount_change.set(callback);
    }
}

/// The callback behind the filter of this process, if it has one.
fn filtered(label: &str, mut callback: OnMessage) -> OnMessage {
    let Some(mut filter) = incoming_filter::filter_for(label) else {
        return callback;
    };
    Box::new(move |message| {
        if message.binary {
            filter.message(message.data, &mut |data| {
                callback(DataBuffer { data, binary: true });
            });
        }
    })
}

impl Debug for DataChannel {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataChannel")
            .field("id", &self.id())
            .field("label", &self.channel.label())
            .field("state", &self.state())
            .finish()
    }
}
