//! Metadata that travels behind encoded video frames. Without media there are no frames.

pub(crate) mod handler;

pub use handler::{
    PacketTrailerHandler, PublishTimingEvent, PublishTimingObserver, PublishTimingStage,
    SubscribeTimingEvent, SubscribeTimingObserver, SubscribeTimingStage,
};

use crate::{
    peer_connection_factory::PeerConnectionFactory, rtp_receiver::RtpReceiver,
    rtp_sender::RtpSender,
};

/// An inert handler.
pub fn create_sender_handler(
    _peer_factory: &PeerConnectionFactory,
    _sender: &RtpSender,
) -> PacketTrailerHandler {
    PacketTrailerHandler(())
}

/// An inert handler.
pub fn create_receiver_handler(
    _peer_factory: &PeerConnectionFactory,
    _receiver: &RtpReceiver,
) -> PacketTrailerHandler {
    PacketTrailerHandler(())
}
