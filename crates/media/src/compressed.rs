//! A serialized `sensor_msgs/msg/CompressedImage`: a JPEG or a PNG.

use std::io::Cursor;

use png::{BitDepth, ColorType, Limits, Transformations};
use remote_access_cdr::{CdrError, Reader};
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use crate::error::MediaError;
use crate::image::{check_size, excerpt, Stamp, MOST_PIXELS};

/// Words in the `format` of images whose pixels are measurements, as `image_transport` writes it.
const MEASUREMENTS: [&str; 4] = ["compressedDepth", "16UC1", "16SC1", "32FC1"];
const JPEG: &[u8] = &[0xff, 0xd8, 0xff];
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A compressed image where it lies in its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompressedImage<'a> {
    /// When it was taken.
    pub stamp: Stamp,
    /// The coordinate frame of the camera.
    pub frame_id: &'a str,
    format: &'a str,
    data: &'a [u8],
}

/// The pixels of a compressed image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<u8>,
    /// Bytes of a pixel: of brightness, brightness and alpha, RGB or RGBA.
    pub(crate) pixel_bytes: usize,
}

impl<'a> CompressedImage<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// It is no compressed image.
    pub fn parse(message: &'a [u8]) -> Result<Self, MediaError> {
        Self::read(message).map_err(MediaError::CompressedMessage)
    }

    fn read(message: &'a [u8]) -> Result<Self, CdrError> {
        let mut reader = Reader::new(message)?;
        Ok(Self {
            stamp: Stamp::read(&mut reader)?,
            frame_id: reader.string()?,
            format: reader.string()?,
            data: reader.bytes()?,
        })
    }

    /// Its pixels.
    ///
    /// # Errors
    /// It is neither JPEG nor PNG, is damaged, has too many pixels, or holds measurements, which may not be changed.
    pub fn decode(&self) -> Result<Decoded, MediaError> {
        if MEASUREMENTS.iter().any(|word| self.format.contains(word)) {
            return Err(MediaError::Encoding(excerpt(self.format)));
        }
        if self.data.starts_with(JPEG) {
            decode_jpeg(self.data)
        } else if self.data.starts_with(PNG) {
            decode_png(self.data)
        } else {
            Err(MediaError::Format(excerpt(self.format)))
        }
    }
}

fn decode_jpeg(data: &[u8]) -> Result<Decoded, MediaError> {
    let failed = |error: zune_jpeg::errors::DecodeErrors| MediaError::Decoder(error.to_string());
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(data), options);
    decoder.decode_headers().map_err(failed)?;
    let info = decoder
        .info()
        .ok_or_else(|| MediaError::Decoder("no header".to_owned()))?;
    check_size(info.width.into(), info.height.into())?;
    let is_grey = info.components == 1;
    if is_grey {
        decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::Luma));
    }
    let pixels = decoder.decode().map_err(failed)?;
    Decoded::new(
        info.width.into(),
        info.height.into(),
        if is_grey { 1 } else { 3 },
        pixels,
    )
}

fn decode_png(data: &[u8]) -> Result<Decoded, MediaError> {
    let failed = |error: png::DecodingError| MediaError::Decoder(error.to_string());
    // Four bytes a pixel, and as much for the decoder itself.
    let limits = Limits {
        bytes: MOST_PIXELS as usize * 8,
    };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(data), limits);
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(failed)?;
    let info = reader.info();
    check_size(info.width, info.height)?;
    if info.bit_depth == BitDepth::Sixteen {
        // Images for people have eight bits.
        return Err(MediaError::Encoding("PNG of 16 bits".to_owned()));
    }
    let size = reader.output_buffer_size().unwrap_or_default();
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels).map_err(failed)?;
    let pixel_bytes = match frame.color_type {
        ColorType::Grayscale => 1,
        ColorType::GrayscaleAlpha => 2,
        ColorType::Rgb | ColorType::Indexed => 3,
        ColorType::Rgba => 4,
    };
    Decoded::new(
        frame.width as usize,
        frame.height as usize,
        pixel_bytes,
        pixels,
    )
}

impl Decoded {
    fn new(
        width: usize,
        height: usize,
        pixel_bytes: usize,
        pixels: Vec<u8>,
    ) -> Result<Self, MediaError> {
        if pixels.len() < width * height * pixel_bytes {
            return Err(MediaError::Decoder("pixels are missing".to_owned()));
        }
        Ok(Self {
            width,
            height,
            pixels,
            pixel_bytes,
        })
    }

    pub(crate) fn is_grey(&self) -> bool {
        self.pixel_bytes < 3
    }

    /// Writes row `row` into `rgb`, three bytes a pixel.
    pub(crate) fn rgb_row(&self, row: usize, rgb: &mut [u8]) {
        let length = self.width * self.pixel_bytes;
        let from = &self.pixels[row * length..][..length];
        let pixels = rgb
            .chunks_exact_mut(3)
            .zip(from.chunks_exact(self.pixel_bytes));
        for (pixel, from) in pixels {
            if self.is_grey() {
                pixel.fill(from[0]);
            } else {
                pixel.copy_from_slice(&from[..3]);
            }
        }
    }
}
