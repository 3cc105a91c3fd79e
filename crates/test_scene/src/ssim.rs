//! How alike two images are.

/// Side of the windows that are compared, and the step from one to the next, in pixels.
const WINDOW: usize = 8;
const STEP: usize = 4;
/// The constants of the measure for levels up to 255.
const C1: f64 = 6.5025;
const C2: f64 = 58.5225;

/// The structural similarity of two planes of `width` by `height` levels: the mean over windows of 8 × 8,
/// 1 for equal ones.
///
/// # Panics
/// A plane is smaller than its size, or than a window.
#[must_use]
pub fn ssim(left: &[u8], right: &[u8], width: usize, height: usize) -> f64 {
    let mut sum = 0.0;
    let mut windows = 0.0;
    for top in (0..=height - WINDOW).step_by(STEP) {
        for start in (0..=width - WINDOW).step_by(STEP) {
            sum += window(left, right, top * width + start, width);
            windows += 1.0;
        }
    }
    sum / windows
}

fn window(left: &[u8], right: &[u8], start: usize, width: usize) -> f64 {
    let (mut a, mut b, mut aa, mut bb, mut ab) = (0u32, 0u32, 0u32, 0u32, 0u32);
    for row in 0..WINDOW {
        let at = start + row * width;
        for (&x, &y) in left[at..at + WINDOW].iter().zip(&right[at..at + WINDOW]) {
            let (x, y) = (u32::from(x), u32::from(y));
            a += x;
            b += y;
            aa += x * x;
            bb += y * y;
            ab += x * y;
        }
    }
    let count = (WINDOW * WINDOW) as f64;
    let (ma, mb) = (f64::from(a) / count, f64::from(b) / count);
    let va = f64::from(aa) / count - ma * ma;
    let vb = f64::from(bb) / count - mb * mb;
    let covariance = f64::from(ab) / count - ma * mb;
    ((2.0 * ma * mb + C1) * (2.0 * covariance + C2)) / ((ma * ma + mb * mb + C1) * (va + vb + C2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_planes_are_one_and_unlike_ones_are_not() {
        let plane: Vec<u8> = (0..64 * 64).map(|at| (at * 37 % 251) as u8).collect();
        assert!((ssim(&plane, &plane, 64, 64) - 1.0).abs() < 1e-9);
        let other: Vec<u8> = plane.iter().map(|level| 255 - level).collect();
        assert!(ssim(&plane, &other, 64, 64) < 0.0);
    }
}
