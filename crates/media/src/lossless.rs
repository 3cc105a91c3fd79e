//! Images of measurements, as depths and labels: smaller, with each value as it was.

use png::{BitDepth, ColorType, Compression, Filter};

use crate::error::MediaError;
use crate::image::{excerpt, Claims, Rows, Stamp};

/// The encodings whose values PNG holds, with the `format` that `image_transport` gives their PNG.
const FORMATS: [(&str, Samples, &str); 10] = [
    ("16UC1", Samples::Two, "16UC1; png compressed"),
    ("mono16", Samples::Two, "mono16; png compressed"),
    ("8UC1", Samples::One, "8UC1; png compressed"),
    ("mono8", Samples::One, "mono8; png compressed"),
    (
        "rgb8",
        Samples::Three { red: 0 },
        "rgb8; png compressed bgr8",
    ),
    (
        "bgr8",
        Samples::Three { red: 2 },
        "bgr8; png compressed bgr8",
    ),
    (
        "8UC3",
        Samples::Three { red: 2 },
        "8UC3; png compressed bgr8",
    ),
    (
        "rgba8",
        Samples::Four { red: 0 },
        "rgba8; png compressed bgra8",
    ),
    (
        "bgra8",
        Samples::Four { red: 2 },
        "bgra8; png compressed bgra8",
    ),
    (
        "8UC4",
        Samples::Four { red: 2 },
        "8UC4; png compressed bgra8",
    ),
];

/// The values of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Samples {
    /// One byte.
    One,
    /// Two bytes of one value, in the byte order that the message names.
    Two,
    /// Red, green and blue; red at this place.
    Three { red: usize },
    /// The same, and alpha.
    Four { red: usize },
}

impl Samples {
    fn bytes(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Three { .. } => 3,
            Self::Four { .. } => 4,
        }
    }

    fn colours(self) -> (ColorType, BitDepth) {
        match self {
            Self::One => (ColorType::Grayscale, BitDepth::Eight),
            Self::Two => (ColorType::Grayscale, BitDepth::Sixteen),
            Self::Three { .. } => (ColorType::Rgb, BitDepth::Eight),
            Self::Four { .. } => (ColorType::Rgba, BitDepth::Eight),
        }
    }
}

/// An image of values that may not change, where it lies in its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LosslessImage<'a> {
    /// When it was taken.
    pub stamp: Stamp,
    /// The coordinate frame of the camera.
    pub frame_id: &'a str,
    /// The `format` of its [`png`](Self::png), as `image_transport` writes it.
    pub format: &'static str,
    width: u32,
    height: u32,
    big_endian: bool,
    samples: Samples,
    rows: Rows<'a>,
}

impl<'a> LosslessImage<'a> {
    /// Reads a serialized `sensor_msgs/msg/Image`.
    ///
    /// # Errors
    /// It is no image, PNG does not hold its values, or it says of itself what is not so.
    pub fn parse(message: &'a [u8]) -> Result<Self, MediaError> {
        let claims = Claims::read(message)?;
        let known = FORMATS
            .iter()
            .find(|(name, ..)| name.eq_ignore_ascii_case(claims.encoding));
        let &(name, samples, format) =
            known.ok_or_else(|| MediaError::NotLossless(excerpt(claims.encoding)))?;
        let length = u64::from(claims.width) * u64::from(samples.bytes());
        Ok(Self {
            stamp: claims.stamp,
            frame_id: claims.frame_id,
            format,
            width: claims.width,
            height: claims.height,
            big_endian: claims.big_endian,
            samples,
            rows: claims.rows(name, length, claims.height.into())?,
        })
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
        let (colour, depth) = self.samples.colours();
        encoder.set_color(colour);
        encoder.set_depth(depth);
        encoder.set_compression(Compression::Fast);
        encoder.set_filter(Filter::Adaptive);
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(&values).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(bytes)
    }

    /// The values in the order and the byte order of PNG.
    fn values(&self) -> Vec<u8> {
        let length = (self.width * self.samples.bytes()) as usize;
        let mut values = Vec::with_capacity(length * self.height as usize);
        for row in 0..self.height as usize {
            let begin = values.len();
            values.extend_from_slice(self.rows.get(row));
            let row = &mut values[begin..];
            match self.samples {
                Samples::Two if !self.big_endian => {
                    row.chunks_exact_mut(2).for_each(|value| value.swap(0, 1));
                }
                Samples::Three { red: 2 } => {
                    row.chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
                }
                Samples::Four { red: 2 } => {
                    row.chunks_exact_mut(4).for_each(|pixel| pixel.swap(0, 2));
                }
                _ => {}
            }
        }
        values
    }
}
