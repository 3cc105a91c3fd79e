//! The encodings of `sensor_msgs/msg/Image` that are images for people.
//!
//! Depths (`16UC1`, `32FC1`) and labels are measurements: made smaller, they would be wrong.

/// How the pixels of an image lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PixelFormat {
    /// One byte of brightness.
    Mono8,
    /// Two bytes of brightness, in the byte order that the message names.
    Mono16,
    /// Bytes of red, green and blue at these places of a pixel's `size` bytes.
    Colour {
        /// Bytes of a pixel.
        size: u8,
        /// The place of red; green is at 1, blue at `2 - red`.
        red: u8,
    },
    /// Two pixels in four bytes with one chroma for both; luma at these places.
    Packed422 {
        /// The place of the first luma: 0 or 1. Chroma is at the places between.
        luma: u8,
    },
    /// A plane of luma, then one of interleaved chroma with half the rows and columns.
    SemiPlanar420 {
        /// Whether Cb comes first (NV12), not Cr (NV21).
        cb_first: bool,
    },
    /// One colour for each pixel, of a grid of two by two.
    Bayer {
        /// The column of red in the grid.
        red_column: u8,
        /// The row of red in the grid.
        red_row: u8,
    },
}

/// The names, in small letters.
const NAMES: [(&str, PixelFormat); 18] = {
    use PixelFormat::{Bayer, Colour, Mono16, Mono8, Packed422, SemiPlanar420};
    const fn bayer(red_column: u8, red_row: u8) -> PixelFormat {
        Bayer {
            red_column,
            red_row,
        }
    }
    [
        ("rgb8", Colour { size: 3, red: 0 }),
        ("bgr8", Colour { size: 3, red: 2 }),
        ("8uc3", Colour { size: 3, red: 2 }),
        ("rgba8", Colour { size: 4, red: 0 }),
        ("bgra8", Colour { size: 4, red: 2 }),
        ("8uc4", Colour { size: 4, red: 2 }),
        ("mono8", Mono8),
        ("mono16", Mono16),
        ("yuv422", Packed422 { luma: 1 }),
        ("uyvy", Packed422 { luma: 1 }),
        ("yuv422_yuy2", Packed422 { luma: 0 }),
        ("yuyv", Packed422 { luma: 0 }),
        ("nv12", SemiPlanar420 { cb_first: true }),
        ("nv21", SemiPlanar420 { cb_first: false }),
        ("bayer_rggb8", bayer(0, 0)),
        ("bayer_grbg8", bayer(1, 0)),
        ("bayer_gbrg8", bayer(0, 1)),
        ("bayer_bggr8", bayer(1, 1)),
    ]
};

impl PixelFormat {
    /// The format of an encoding, and the encoding's usual name.
    #[must_use]
    pub fn parse(encoding: &str) -> Option<(Self, &'static str)> {
        NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(encoding))
            .map(|&(name, format)| (format, name))
    }

    /// Bytes of a row of `width` pixels.
    #[must_use]
    pub fn row_bytes(self, width: u32) -> u64 {
        let width = u64::from(width);
        match self {
            Self::Mono8 | Self::Bayer { .. } => width,
            // The chroma of an odd last pixel is there all the same.
            Self::SemiPlanar420 { .. } => width.next_multiple_of(2),
            Self::Packed422 { .. } => width.next_multiple_of(2) * 2,
            Self::Mono16 => width * 2,
            Self::Colour { size, .. } => width * u64::from(size),
        }
    }

    /// Rows of bytes of an image of `height` rows.
    #[must_use]
    pub fn rows(self, height: u32) -> u64 {
        let height = u64::from(height);
        match self {
            Self::SemiPlanar420 { .. } => height + height.div_ceil(2),
            _ => height,
        }
    }

    /// Whether pixels have brightness alone.
    #[must_use]
    pub fn is_grey(self) -> bool {
        matches!(self, Self::Mono8 | Self::Mono16)
    }
}
