//! ICE candidates as the API passes them around.

pub use webrtc_channels::ice_candidate::IceCandidate;
