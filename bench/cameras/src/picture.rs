//! A picture as encoders take it.

/// A picture as RGB and as planes of luma and halved chroma (I420, BT.601, limited range).
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub rgb: Vec<u8>,
    pub y: Vec<u8>,
    pub u: Vec<u8>,
    pub v: Vec<u8>,
}

impl Picture {
    pub fn of(rgb: &[u8], width: usize, height: usize) -> Self {
        let pixel = |x: usize, y: usize| {
            let at = (y * width + x) * 3;
            [rgb[at], rgb[at + 1], rgb[at + 2]].map(f32::from)
        };
        let luma = |[r, g, b]: [f32; 3]| (16.5 + 0.2568 * r + 0.5041 * g + 0.0979 * b) as u8;
        let y = (0..width * height)
            .map(|at| luma(pixel(at % width, at / width)))
            .collect();
        let chroma = |factors: [f32; 3]| {
            let mut plane = Vec::with_capacity(width * height / 4);
            for row in (0..height).step_by(2) {
                for column in (0..width).step_by(2) {
                    let four =
                        [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(x, y)| pixel(column + x, row + y));
                    let mean = [0, 1, 2].map(|c| four.iter().map(|p| p[c]).sum::<f32>() / 4.0);
                    let sum: f32 = mean
                        .iter()
                        .zip(factors)
                        .map(|(level, factor)| level * factor)
                        .sum();
                    plane.push((128.5 + sum) as u8);
                }
            }
            plane
        };
        Self {
            width,
            height,
            rgb: rgb.to_vec(),
            y,
            u: chroma([-0.1482, -0.2910, 0.4392]),
            v: chroma([0.4392, -0.3678, -0.0714]),
        }
    }
}
