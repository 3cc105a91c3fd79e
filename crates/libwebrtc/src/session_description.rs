//! Session descriptions (offers and answers) as the API passes them around.

pub use webrtc_channels::session_description::{SdpParseError, SdpType, SessionDescription};
