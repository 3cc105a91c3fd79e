//! Parameters of media senders and receivers: plain data, kept so that callers compile.

pub use webrtc_channels::data_channel::Priority;

use crate::direction::RtpTransceiverDirection;

/// Quality that an encoder gives up first when bandwidth is short.
#[derive(Debug, Copy, Clone, PartialEq, Eq, Default)]
pub enum DegradationPreference {
    /// Neither; frames may be dropped instead.
    MaintainFramerateAndResolution,
    /// Resolution.
    MaintainFramerate,
    /// Frame rate.
    MaintainResolution,
    /// Some of both.
    #[default]
    Balanced,
}

/// An RTP header extension in use.
#[derive(Debug, Clone)]
pub struct RtpHeaderExtensionParameters {
    /// Its URI.
    pub uri: String,
    /// Its number in this session.
    pub id: i32,
    /// Whether it is encrypted.
    pub encrypted: bool,
}

/// All parameters of a sender or receiver.
#[derive(Debug, Clone, Default)]
pub struct RtpParameters {
    /// Codecs in use.
    pub codecs: Vec<RtpCodecParameters>,
    /// Header extensions in use.
    pub header_extensions: Vec<RtpHeaderExtensionParameters>,
    /// Encodings in use.
    pub encodings: Vec<RtpEncodingParameters>,
    /// RTCP settings.
    pub rtcp: RtcpParameters,
    degradation_preference: Option<DegradationPreference>,
}

impl RtpParameters {
    /// Sets what the encoder gives up first.
    pub fn set_degradation_preference(&mut self, preference: DegradationPreference) {
        self.degradation_preference = Some(preference);
    }

    /// Quality that the encoder gives up first, if it was set.
    pub fn degradation_preference(&self) -> Option<DegradationPreference> {
        self.degradation_preference
    }
}

/// A codec in use.
#[derive(Debug, Clone, Default)]
pub struct RtpCodecParameters {
    /// RTP payload type.
    pub payload_type: u8,
    /// Such as `video/VP8`.
    pub mime_type: String,
    /// RTP clock in Hz.
    pub clock_rate: Option<u64>,
    /// Audio channels.
    pub channels: Option<u16>,
}

/// RTCP settings.
#[derive(Debug, Clone, Default)]
pub struct RtcpParameters {
    /// Canonical name.
    pub cname: String,
    /// Whether reduced-size RTCP is used.
    pub reduced_size: bool,
}

/// One encoding of a sender.
#[derive(Debug, Clone)]
pub struct RtpEncodingParameters {
    /// Whether it is sent.
    pub active: bool,
    /// Bits per second at most.
    pub max_bitrate: Option<u64>,
    /// Frames per second at most.
    pub max_framerate: Option<f64>,
    /// Relative importance.
    pub priority: Priority,
    /// RTP stream identifier.
    pub rid: String,
    /// Divides width and height.
    pub scale_resolution_down_by: Option<f64>,
    /// Such as `L3T3_KEY`.
    pub scalability_mode: Option<String>,
    /// Whether `ssrc` is set.
    pub has_ssrc: bool,
    /// RTP synchronization source.
    pub ssrc: u32,
}

impl Default for RtpEncodingParameters {
    fn default() -> Self {
        Self {
            active: true,
            max_bitrate: None,
            max_framerate: None,
            priority: Priority::Low,
            rid: String::new(),
            scale_resolution_down_by: None,
            scalability_mode: None,
            has_ssrc: false,
            ssrc: 0,
        }
    }
}

/// A codec that could be used.
#[derive(Debug, Clone)]
pub struct RtpCodecCapability {
    /// Audio channels.
    pub channels: Option<u16>,
    /// RTP clock in Hz.
    pub clock_rate: Option<u64>,
    /// Such as `video/VP8`.
    pub mime_type: String,
    /// Format parameters.
    pub sdp_fmtp_line: Option<String>,
}

/// A header extension that could be used.
#[derive(Debug, Clone)]
pub struct RtpHeaderExtensionCapability {
    /// Its URI.
    pub uri: String,
    /// Which way.
    pub direction: RtpTransceiverDirection,
}

/// Codecs and header extensions that could be used.
#[derive(Debug, Clone)]
pub struct RtpCapabilities {
    /// Codecs.
    pub codecs: Vec<RtpCodecCapability>,
    /// Header extensions.
    pub header_extensions: Vec<RtpHeaderExtensionCapability>,
}
