//! An image as RGB, not larger than wanted.

use crate::compressed::Decoded;
use crate::image::Image;
use crate::rows::rgb_row;

/// The largest image that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Pixels in a row, from 1.
    pub width: usize,
    /// Rows, from 1.
    pub height: usize,
}

/// An image as RGB.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RgbImage {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Three bytes a pixel, row by row.
    pub rgb: Vec<u8>,
    /// Whether all pixels are grey.
    pub is_grey: bool,
}

impl RgbImage {
    /// Takes over the image of a message. One that is larger than `largest` shrinks by a whole
    /// factor, each pixel the mean of those that it stands for. The memory is used again.
    pub fn take(&mut self, image: &Image<'_>, largest: Size) {
        let size = Size {
            width: image.width as usize,
            height: image.height as usize,
        };
        self.is_grey = image.format.is_grey();
        self.take_rows(size, largest, |row, rgb| rgb_row(image, row, rgb));
    }

    /// Takes over a decoded image, in the same way.
    pub fn take_decoded(&mut self, image: &Decoded, largest: Size) {
        let size = Size {
            width: image.width,
            height: image.height,
        };
        self.is_grey = image.is_grey();
        self.take_rows(size, largest, |row, rgb| image.rgb_row(row, rgb));
    }

    /// `rgb_row` writes a row of an image of `size`.
    fn take_rows(&mut self, size: Size, largest: Size, rgb_row: impl Fn(usize, &mut [u8])) {
        let Size { width, height } = size;
        let factor = width
            .div_ceil(largest.width.max(1))
            .max(height.div_ceil(largest.height.max(1)))
            // An image that is much longer than wide keeps at least one row.
            .min(width.min(height))
            .max(1);
        self.width = width / factor;
        self.height = height / factor;
        self.rgb.resize(self.width * self.height * 3, 0);
        if factor == 1 {
            for (row, rgb) in self.rgb.chunks_exact_mut(width * 3).enumerate() {
                rgb_row(row, rgb);
            }
        } else {
            self.shrink(width, factor, rgb_row);
        }
    }

    fn shrink(&mut self, width: usize, factor: usize, rgb_row: impl Fn(usize, &mut [u8])) {
        let mut source = vec![0; width * 3];
        let mut sums = vec![0u32; self.width * 3];
        let count = (factor * factor) as u32;
        for (row, rgb) in self.rgb.chunks_exact_mut(self.width * 3).enumerate() {
            sums.fill(0);
            for inner in 0..factor {
                rgb_row(row * factor + inner, &mut source);
                for (sum, pixels) in sums
                    .chunks_exact_mut(3)
                    .zip(source.chunks_exact(3 * factor))
                {
                    for pixel in pixels.chunks_exact(3) {
                        for (sum, &level) in sum.iter_mut().zip(pixel) {
                            *sum += u32::from(level);
                        }
                    }
                }
            }
            for (level, sum) in rgb.iter_mut().zip(&sums) {
                *level = (sum / count) as u8;
            }
        }
    }
}
