//! The handler that tracks hold.

use std::sync::Arc;

/// A point in the sending of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishTimingStage {
    /// Handed to the encoder.
    EncoderUpload,
    /// Encoded.
    EncoderOutput,
    /// Cut into packets.
    WebrtcPacketize,
}

/// A point in the receiving of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscribeTimingStage {
    /// Received in full.
    WebrtcReceive,
    /// Handed to the decoder.
    DecoderUpload,
    /// Decoded.
    DecoderOutput,
}

/// When a sent frame reached a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishTimingEvent {
    /// The stage.
    pub stage: PublishTimingStage,
    /// When, in µs.
    pub timestamp_us: u64,
    /// When the frame was captured, in µs.
    pub capture_timestamp_us: u64,
    /// The frame's number, if it has one.
    pub frame_id: Option<u32>,
}

/// When a received frame reached a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubscribeTimingEvent {
    /// The stage.
    pub stage: SubscribeTimingStage,
    /// When, in µs.
    pub timestamp_us: u64,
    /// When the frame was captured, in µs.
    pub capture_timestamp_us: u64,
    /// The frame's number, if it has one.
    pub frame_id: Option<u32>,
}

/// Called for sent frames.
pub type PublishTimingObserver = Arc<dyn Fn(PublishTimingEvent) + Send + Sync + 'static>;
/// Called for received frames.
pub type SubscribeTimingObserver = Arc<dyn Fn(SubscribeTimingEvent) + Send + Sync + 'static>;

/// Reads and writes trailers. This one never sees a frame.
#[derive(Debug, Clone)]
pub struct PacketTrailerHandler(pub(super) ());

impl PacketTrailerHandler {
    /// Does nothing.
    pub fn set_enabled(&self, _enabled: bool) {}

    /// Always `false`.
    pub fn enabled(&self) -> bool {
        false
    }

    /// Always `None`.
    pub fn lookup_frame_metadata(&self, _rtp_timestamp: u32) -> Option<(u64, u32, Vec<u8>)> {
        None
    }

    /// Does nothing.
    pub fn store_frame_metadata(
        &self,
        _capture_timestamp_us: i64,
        _user_timestamp: u64,
        _frame_id: u32,
        _user_data: &[u8],
    ) {
    }

    /// Does nothing.
    pub fn set_publish_timing_observer(&self, _observer: Option<PublishTimingObserver>) {}

    /// Does nothing.
    pub fn set_subscribe_timing_observer(&self, _observer: Option<SubscribeTimingObserver>) {}
}
