//! Images of measurements, as depths and labels: smaller, with each value as it was.

use png::{BitDepth, ColorType, Compression, Filter};

use crate::error::MediaError;
use crate::format::PixelFormat;
use crate::image::{excerpt, Claims, Rows, Stamp};

/// Red, green and blue, as `image_transport` has them in its files.
const BGR: &str = "png compressed bgr8";
/// The same, with alpha.
const BGRA: &str = "png compressed bgra8";

/// The encodings whose values PNG holds, how they lie, and what `image_transport` says of their PNG.
const ENCODINGS: [(&str, PixelFormat, &str); 10] = {
    use PixelFormat::{Colour, Mono16, Mono8};
    [
        ("16UC1", Mono16, "png compressed"),
        ("mono16", Mono16, "png compressed"),
        ("8UC1", Mono8, "png compressed"),
        ("mono8", Mono8, "png compressed"),
        ("rgb8", Colour { size: 3, red: 0 }, BGR),
        ("bgr8", Colour { size: 3, red: 2 }, BGR),
        ("8UC3", Colour { size: 3, red: 2 }, BGR),
        ("rgba8", Colour { size: 4, red: 0 }, BGRA),
        ("bgra8", Colour { size: 4, red: 2 }, BGRA),
        ("8UC4", Colour { size: 4, red: 2 }, BGRA),
    ]
};

/// An image of values that may not change, where it lies in its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LosslessImage<'a> {
    /// When it was taken.
    pub stamp: Stamp,
    /// The coordinate frame of the camera.
    pub frame_id: &'a str,
    encoding: &'static str,
    compression: &'static str,
    width: u32,
    height: u32,
    big_endian: bool,
    format: PixelFormat,
    rows: Rows<'a>,
}

impl<'a> LosslessImage<'a> {
    /// Reads a serialized `sensor_msgs/msg/Image`.
    ///
    /// # Errors
    /// It is no image, PNG does not hold its values, or it says of itself what is not so.
    pub fn parse(message: &'a [u8]) -> Result<Self, MediaError> {
        let claims = Claims::read(message)?;
        let known = ENCODINGS
            .iter()
            .find(|(name, ..)| name.eq_ignore_ascii_case(claims.encoding));
        let &(encoding, format, compression) =
            known.ok_or_else(|| MediaError::NotLossless(excerpt(claims.encoding)))?;
        let rows = claims.rows(
            encoding,
            format.row_bytes(claims.width),
            format.rows(claims.height),
        )?;
        Ok(Self {
            stamp: claims.stamp,
            frame_id: claims.frame_id,
            encoding,
            compression,
            width: claims.width,
            height: claims.height,
            big_endian: claims.big_endian,
            format,
            rows,
        })
    }

    /// The `format` of a message with its [`png`](Self::png), as `image_transport` writes it.
    #[must_use]
    pub fn format(&self) -> String {
        format!("{}; {}", self.encoding, self.compression)
    }

    /// Its values as PNG.
    ///
    /// # Errors
    /// The encoder fails.
    pub fn png(&self) -> Result<Vec<u8>, MediaError> {
        let failed = |error: png::EncodingError| MediaError::Encoder(error.to_string());
        let values = self.values();
        let mut bytes = Vec::with_capacity(values.len() / 2);
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(match self.format {
            PixelFormat::Colour { size: 3, .. } => ColorType::Rgb,
            PixelFormat::Colour { .. } => ColorType::Rgba,
            _ => ColorType::Grayscale,
        });
        encoder.set_depth(match self.format {
            PixelFormat::Mono16 => BitDepth::Sixteen,
            _ => BitDepth::Eight,
        });
        encoder.set_compression(Compression::Fast);
        encoder.set_filter(Filter::Adaptive);
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(&values).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(bytes)
    }

    /// The values in the order and the byte order of PNG.
    fn values(&self) -> Vec<u8> {
        let length = self.format.row_bytes(self.width) as usize;
        let mut values = Vec::with_capacity(length * self.height as usize);
        for row in 0..self.height as usize {
            let begin = values.len();
            values.extend_from_slice(self.rows.get(row));
            let row = &mut values[begin..];
            match self.format {
                PixelFormat::Mono16 if !self.big_endian => {
                    row.chunks_exact_mut(2).for_each(|value| value.swap(0, 1));
                }
                PixelFormat::Colour { size, red: 2 } => {
                    let pixels = row.chunks_exact_mut(usize::from(size));
                    pixels.for_each(|pixel| pixel.swap(0, 2));
                }
                _ => {}
            }
        }
        values
    }
}
