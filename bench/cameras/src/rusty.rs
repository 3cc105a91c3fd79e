//! The encoder in pure Rust.

use rusty_h264::{Encoder, EncoderConfig, Preset, YuvPlanes};

use crate::picture::Picture;
use crate::trial::Video;

#[derive(Clone, Copy, Debug)]
pub enum Effort {
    BaselineFast,
    BaselineBalanced,
    HighFast,
    HighBalanced,
}

pub const EFFORTS: [Effort; 4] = [
    Effort::BaselineFast,
    Effort::BaselineBalanced,
    Effort::HighFast,
    Effort::HighBalanced,
];

pub struct Rusty(Encoder, Effort);

impl Rusty {
    pub fn new(width: usize, height: usize, rate: u32, effort: Effort) -> Self {
        let mut config = match effort {
            Effort::BaselineFast | Effort::BaselineBalanced => {
                EncoderConfig::baseline(width, height)
            }
            Effort::HighFast | Effort::HighBalanced => {
                let mut config = EncoderConfig::new(width, height);
                config.mbtree = false;
                config.scenecut = 0;
                config.num_ref_frames = 1;
                config
            }
        };
        config.preset = match effort {
            Effort::BaselineFast | Effort::HighFast => Preset::Fast,
            Effort::BaselineBalanced | Effort::HighBalanced => Preset::Balanced,
        };
        config.bitrate = rate;
        config.framerate = 30.0;
        config.qp = 32;
        config.gop_size = 150;
        Self(Encoder::new(config).expect("an encoder"), effort)
    }
}

impl Video for Rusty {
    fn name(&self) -> String {
        format!("rusty_h264 0.17.0, {:?}", self.1)
    }

    fn encode(&mut self, picture: &Picture) -> Vec<u8> {
        let (width, height) = (picture.width, picture.height);
        let planes = YuvPlanes::new(
            width,
            height,
            &picture.y,
            &picture.u,
            &picture.v,
            width,
            width / 2,
        )
        .expect("planes of its size");
        self.0.encode_planes(&planes).expect("encodes")
    }
}
