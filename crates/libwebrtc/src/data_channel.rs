//! Data channels.

pub use webrtc_channels::data_channel::{
    DataBuffer, DataChannel, DataChannelError, DataChannelInit, DataChannelState,
    OnBufferedAmountChange, OnMessage, OnStateChange,
};
