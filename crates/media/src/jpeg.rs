//! Images one by one.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::error::MediaError;
use crate::rgb_image::RgbImage;

/// An image as JPEG, with halved chroma. `quality` is 1 to 100.
///
/// # Errors
/// The image has more than 65,535 rows or columns, or none.
pub fn jpeg(image: &RgbImage, quality: u8) -> Result<Vec<u8>, MediaError> {
    let size = |length: usize| {
        u16::try_from(length).map_err(|error| MediaError::Encoder(error.to_string()))
    };
    let (width, height) = (size(image.width)?, size(image.height)?);
    // About what an image of middling quality takes.
    let mut bytes = Vec::with_capacity(image.rgb.len() / 16);
    let mut encoder = Encoder::new(&mut bytes, quality.clamp(1, 100));
    let encoded = if image.is_grey {
        let grey: Vec<u8> = image.rgb.iter().step_by(3).copied().collect();
        encoder.encode(&grey, width, height, ColorType::Luma)
    } else {
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder.encode(&image.rgb, width, height, ColorType::Rgb)
    };
    encoded.map_err(|error| MediaError::Encoder(error.to_string()))?;
    Ok(bytes)
}
