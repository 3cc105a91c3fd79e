//! Options, states, errors and callbacks of data channels.

use std::str::Utf8Error;

use serde::Deserialize;
use thiserror::Error;

/// Relative importance of a data channel.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum Priority {
    /// Least.
    VeryLow,
    /// The default.
    Low,
    /// Twice the default.
    Medium,
    /// Four times the default.
    High,
}

/// Settings of a new channel.
#[derive(Clone, Debug)]
pub struct DataChannelInit {
    /// Deliver messages in the order they were sent.
    pub ordered: bool,
    /// Give a message up after this many milliseconds. Excludes `max_retransmits`.
    pub max_retransmit_time: Option<i32>,
    /// Give a message up after this many retransmissions. Excludes `max_retransmit_time`.
    pub max_retransmits: Option<i32>,
    /// Name of the application protocol; not interpreted.
    pub protocol: String,
    /// Both sides create the channel with the same `id`; nothing is announced in band.
    pub negotiated: bool,
    /// SCTP stream, 0 to 65534. -1 lets the library choose, which a negotiated channel may not.
    pub id: i32,
    /// Its share of the link while several channels have more to send than fits: each step up is
    /// twice as much. Low, if it is not said.
    pub priority: Option<Priority>,
}

impl Default for DataChannelInit {
    fn default() -> Self {
        Self {
            ordered: true,
            max_retransmit_time: None,
            max_retransmits: None,
            protocol: String::new(),
            negotiated: false,
            id: -1,
            priority: None,
        }
    }
}

/// Why a message was not accepted.
#[derive(Debug, Error)]
pub enum DataChannelError {
    /// The channel is not open, or more than 16 MiB would be buffered.
    #[error("failed to send data, dc not open? send buffer is full ?")]
    Send,
    /// The message is larger than the peer takes. The official library says [`Self::Send`] instead.
    #[error("the message of {size} bytes is larger than the {limit} that the peer takes")]
    TooLarge {
        /// Bytes of the message.
        size: u64,
        /// Bytes of the largest message that the peer takes (`a=max-message-size`).
        limit: u64,
    },
    /// A text message is not UTF-8.
    #[error("only utf8 strings can be sent")]
    Utf8(#[from] Utf8Error),
}

/// Life of a channel.
#[derive(Debug, Copy, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataChannelState {
    /// Not connected yet.
    Connecting,
    /// Messages can be sent.
    Open,
    /// Accepted data is still being sent; nothing more is accepted.
    Closing,
    /// Over.
    Closed,
}

/// A received message.
#[derive(Debug)]
pub struct DataBuffer<'a> {
    /// The message.
    pub data: &'a [u8],
    /// Binary, as opposed to text.
    pub binary: bool,
}

/// Called when the state changed.
pub type OnStateChange = Box<dyn FnMut(DataChannelState) + Send + Sync>;
/// Called for each message. Messages that arrive before it is set wait for it, up to 16 MiB.
pub type OnMessage = Box<dyn FnMut(DataBuffer) + Send + Sync>;
/// Called with the number of bytes that left the buffer. The calls add up to exactly the bytes
/// that `DataChannel::send` accepted and that were put on the wire or given up.
pub type OnBufferedAmountChange = Box<dyn FnMut(u64) + Send + Sync>;
