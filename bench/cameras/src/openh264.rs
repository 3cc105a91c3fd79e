//! Cisco's encoder, compiled from its sources.

use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameRate, IntraFramePeriod, RateControlMode,
};
use openh264::formats::YUVSlices;
use openh264::OpenH264API;

use crate::picture::Picture;
use crate::trial::Video;

#[derive(Clone, Copy, Debug)]
pub enum Effort {
    Low,
    Medium,
}

pub const EFFORTS: [Effort; 2] = [Effort::Low, Effort::Medium];

pub struct Openh264(Encoder, Effort);

impl Openh264 {
    pub fn new(rate: u32, effort: Effort) -> Self {
        let config = EncoderConfig::new()
            .bitrate(BitRate::from_bps(rate))
            .max_frame_rate(FrameRate::from_hz(30.0))
            .rate_control_mode(RateControlMode::Bitrate)
            .intra_frame_period(IntraFramePeriod::from_num_frames(150))
            .num_threads(1)
            .complexity(match effort {
                Effort::Low => Complexity::Low,
                Effort::Medium => Complexity::Medium,
            });
        Self(
            Encoder::with_api_config(OpenH264API::from_source(), config).expect("an encoder"),
            effort,
        )
    }
}

impl Video for Openh264 {
    fn name(&self) -> String {
        format!("openh264 0.9.9, {:?}", self.1).to_lowercase()
    }

    fn encode(&mut self, picture: &Picture) -> Vec<u8> {
        let (width, height) = (picture.width, picture.height);
        let planes = YUVSlices::new(
            (&picture.y, &picture.u, &picture.v),
            (width, height),
            (width, width / 2, width / 2),
        );
        self.0.encode(&planes).expect("encodes").to_vec()
    }
}
