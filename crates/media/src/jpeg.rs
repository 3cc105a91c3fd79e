//! Pictures one by one.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::error::MediaError;
use crate::picture::Picture;

/// A picture as JPEG, with halved chroma. `quality` is 1 to 100.
///
/// # Errors
/// The picture has more than 65,535 rows or columns, or none.
pub fn jpeg(picture: &Picture, quality: u8) -> Result<Vec<u8>, MediaError> {
    let size = |length: usize| {
        u16::try_from(length).map_err(|error| MediaError::Encoder(error.to_string()))
    };
    let (width, height) = (size(picture.width)?, size(picture.height)?);
    // About what a picture of middling quality takes.
    let mut bytes = Vec::with_capacity(picture.rgb.len() / 16);
    let mut encoder = Encoder::new(&mut bytes, quality.clamp(1, 100));
    let encoded = if picture.is_grey {
        let grey: Vec<u8> = picture.rgb.iter().step_by(3).copied().collect();
        encoder.encode(&grey, width, height, ColorType::Luma)
    } else {
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder.encode(&picture.rgb, width, height, ColorType::Rgb)
    };
    encoded.map_err(|error| MediaError::Encoder(error.to_string()))?;
    Ok(bytes)
}
