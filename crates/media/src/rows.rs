//! Rows of pixels as RGB.

use crate::format::PixelFormat;
use crate::image::Image;

/// Writes row `row` of `image` into `rgb`, three bytes a pixel.
pub(crate) fn rgb_row(image: &Image<'_>, row: usize, rgb: &mut [u8]) {
    let bytes = image.row(row);
    match image.format {
        PixelFormat::Mono8 => {
            for (pixel, &level) in rgb.chunks_exact_mut(3).zip(bytes) {
                pixel.fill(level);
            }
        }
        PixelFormat::Mono16 => {
            let high = usize::from(!image.big_endian);
            for (pixel, both) in rgb.chunks_exact_mut(3).zip(bytes.chunks_exact(2)) {
                pixel.fill(both[high]);
            }
        }
        PixelFormat::Colour { size: 3, red } => colour::<3>(bytes, usize::from(red), rgb),
        PixelFormat::Colour { red, .. } => colour::<4>(bytes, usize::from(red), rgb),
        PixelFormat::Packed422 { luma } => packed(bytes, usize::from(luma), rgb),
        PixelFormat::SemiPlanar420 { cb_first } => {
            let chroma = image.row(image.height as usize + row / 2);
            semi_planar(bytes, chroma, cb_first, rgb);
        }
        PixelFormat::Bayer {
            red_column,
            red_row,
        } => bayer(
            image,
            row,
            usize::from(red_column),
            usize::from(red_row),
            rgb,
        ),
    }
}

fn colour<const SIZE: usize>(bytes: &[u8], red: usize, rgb: &mut [u8]) {
    for (pixel, from) in rgb.chunks_exact_mut(3).zip(bytes.chunks_exact(SIZE)) {
        pixel.copy_from_slice(&[from[red], from[1], from[2 - red]]);
    }
}

/// Four bytes of two pixels: luma at `luma` and two further, Cb and Cr between.
fn packed(bytes: &[u8], luma: usize, rgb: &mut [u8]) {
    for (two, from) in rgb.chunks_mut(6).zip(bytes.chunks_exact(4)) {
        let (cb, cr) = (from[1 - luma], from[3 - luma]);
        for (pixel, y) in two.chunks_exact_mut(3).zip([from[luma], from[luma + 2]]) {
            pixel.copy_from_slice(&from_yuv(y, cb, cr));
        }
    }
}

fn semi_planar(luma: &[u8], chroma: &[u8], cb_first: bool, rgb: &mut [u8]) {
    let pairs = luma.chunks(2).zip(chroma.chunks_exact(2));
    for (two, (lumas, chroma)) in rgb.chunks_mut(6).zip(pairs) {
        let (cb, cr) = if cb_first {
            (chroma[0], chroma[1])
        } else {
            (chroma[1], chroma[0])
        };
        for (pixel, &y) in two.chunks_exact_mut(3).zip(lumas) {
            pixel.copy_from_slice(&from_yuv(y, cb, cr));
        }
    }
}

/// BT.601, limited range, as cameras deliver it.
fn from_yuv(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let luma = 298 * (i32::from(y) - 16) + 128;
    let (cb, cr) = (i32::from(cb) - 128, i32::from(cr) - 128);
    [luma + 409 * cr, luma - 100 * cb - 208 * cr, luma + 516 * cb]
        .map(|level| (level >> 8).clamp(0, 255) as u8)
}

/// Each missing colour is the mean of that colour's neighbours.
fn bayer(image: &Image<'_>, row: usize, red_column: usize, red_row: usize, rgb: &mut [u8]) {
    let last = image.height as usize - 1;
    // At the edges the grid goes on as a mirror, which keeps its colours in place.
    let above = image.row(if row == 0 { 1.min(last) } else { row - 1 });
    let below = image.row(if row == last {
        last.saturating_sub(1)
    } else {
        row + 1
    });
    let here = image.row(row);
    let end = here.len().saturating_sub(1);
    for (x, pixel) in rgb.chunks_exact_mut(3).enumerate() {
        let left = if x == 0 { 1.min(end) } else { x - 1 };
        let right = if x >= end {
            end.saturating_sub(1)
        } else {
            x + 1
        };
        let at = |row: &[u8], x: usize| u16::from(row.get(x).copied().unwrap_or(0));
        let mean = |a: u16, b: u16| ((a + b) / 2) as u8;
        let own = at(here, x) as u8;
        let horizontal = (at(here, left), at(here, right));
        let vertical = (at(above, x), at(below, x));
        let on_red_row = row % 2 == red_row;
        let on_red_column = x % 2 == red_column;
        let colours = if on_red_row == on_red_column {
            // Red or blue itself: green around, the other at the corners.
            let corners = at(above, left) + at(above, right) + at(below, left) + at(below, right);
            let other = (corners / 4) as u8;
            let sides = horizontal.0 + horizontal.1 + vertical.0 + vertical.1;
            let green = (sides / 4) as u8;
            if on_red_row {
                [own, green, other]
            } else {
                [other, green, own]
            }
        } else {
            let (h, v) = (
                mean(horizontal.0, horizontal.1),
                mean(vertical.0, vertical.1),
            );
            if on_red_row {
                [h, own, v]
            } else {
                [v, own, h]
            }
        };
        pixel.copy_from_slice(&colours);
    }
}
