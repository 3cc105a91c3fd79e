//! An image as encoders of video take it.

use crate::rgb_image::RgbImage;

/// A plane of luma and two of chroma with half the rows and columns (I420), in BT.601 with limited range:
/// what decoders expect of a stream that does not say otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planes {
    /// Pixels in a row, even.
    pub width: usize,
    /// Rows, even.
    pub height: usize,
    /// Luma, row by row.
    pub y: Vec<u8>,
    /// Cb, row by row.
    pub u: Vec<u8>,
    /// Cr, row by row.
    pub v: Vec<u8>,
}

impl Planes {
    /// Takes over an image, without its last column or row if their number is odd. The memory is
    /// used again.
    pub fn take(&mut self, image: &RgbImage) {
        self.width = image.width & !1;
        self.height = image.height & !1;
        let (width, half) = (self.width, self.width / 2);
        self.y.resize(width * self.height, 0);
        self.u.resize(half * (self.height / 2), 0);
        self.v.resize(half * (self.height / 2), 0);
        if self.y.is_empty() {
            return;
        }
        let stride = image.width * 3;
        let twice = image.rgb.chunks_exact(2 * stride);
        let chroma = self
            .u
            .chunks_exact_mut(half)
            .zip(self.v.chunks_exact_mut(half));
        for ((rows, luma), (u, v)) in twice.zip(self.y.chunks_exact_mut(2 * width)).zip(chroma) {
            let (upper, lower) = rows.split_at(stride);
            let (luma_upper, luma_lower) = luma.split_at_mut(width);
            luma_row(upper, luma_upper);
            luma_row(lower, luma_lower);
            chroma_row(upper, lower, u, v);
        }
    }
}

fn luma_row(rgb: &[u8], luma: &mut [u8]) {
    for (y, pixel) in luma.iter_mut().zip(rgb.chunks_exact(3)) {
        let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
        *y = ((16_829 * r + 33_039 * g + 6_416 * b + (16 << 16) + (1 << 15)) >> 16) as u8;
    }
}

fn chroma_row(upper: &[u8], lower: &[u8], u: &mut [u8], v: &mut [u8]) {
    let squares = upper.chunks_exact(6).zip(lower.chunks_exact(6));
    for ((u, v), (upper, lower)) in u.iter_mut().zip(v).zip(squares) {
        let sum = |at: usize| {
            [upper[at], upper[at + 3], lower[at], lower[at + 3]]
                .into_iter()
                .map(i32::from)
                .sum::<i32>()
        };
        let (r, g, b) = (sum(0), sum(1), sum(2));
        // The sums are of four pixels, hence two bits more.
        let level = |sum: i32| ((sum + (128 << 18) + (1 << 17)) >> 18) as u8;
        *u = level(-9_714 * r - 19_070 * g + 28_784 * b);
        *v = level(28_784 * r - 24_103 * g - 4_681 * b);
    }
}
