//! Pictures one by one.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::picture::Picture;

pub fn encode(picture: &Picture, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder
        .encode(
            &picture.rgb,
            picture.width as u16,
            picture.height as u16,
            ColorType::Rgb,
        )
        .expect("encodes");
    bytes
}
