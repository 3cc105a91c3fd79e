//! The images.

/// Side of the square texture that a scene is made of, in samples; it repeats.
const TEXTURE: usize = 512;
/// Standard deviation of the sensor's noise, of 255.
const NOISE: f32 = 2.5;
/// Things that cross the image.
const THINGS: usize = 4;

/// How the camera moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// It drives: pans, turns and comes closer.
    Driving,
    /// It stands, and things cross the image.
    Standing,
}

/// A source of images.
#[derive(Clone, Debug)]
pub struct Scene {
    width: usize,
    height: usize,
    motion: Motion,
    texture: Vec<[f32; 3]>,
}

impl Scene {
    /// A scene whose images are `width` by `height` pixels.
    #[must_use]
    pub fn new(width: usize, height: usize, motion: Motion) -> Self {
        let layers = [Layer::new(1), Layer::new(2), Layer::new(3)];
        let texture = (0..TEXTURE * TEXTURE)
            .map(|at| {
                let (x, y) = ((at % TEXTURE) as f32, (at / TEXTURE) as f32);
                let [shape, detail, hue] =
                    [&layers[0], &layers[1], &layers[2]].map(|layer| layer.at(x, y));
                // Edges, as between things and what is behind them.
                let level = 60.0 + 120.0 * (shape * 5.0).floor() / 5.0 + 60.0 * (detail - 0.5);
                [level + 40.0 * hue, level, level + 40.0 * (1.0 - hue)]
            })
            .collect();
        Self {
            width,
            height,
            motion,
            texture,
        }
    }

    /// Image `number` of the scene at 30 images a second, as RGB, row by row.
    #[must_use]
    pub fn rgb(&self, number: u32) -> Vec<u8> {
        let time = number as f32 / 30.0;
        let mut noise = Random::new(u64::from(number) + 1);
        let mut image = Vec::with_capacity(self.width * self.height * 3);
        let (sin, cos, zoom, dx, dy) = match self.motion {
            Motion::Driving => {
                let angle = 0.1 * (0.7 * time).sin();
                let zoom = 1.0 / (1.0 + 0.08 * time);
                (
                    angle.sin(),
                    angle.cos(),
                    zoom,
                    45.3 * time,
                    12.7 * (0.9 * time).sin(),
                )
            }
            Motion::Standing => (0.0, 1.0, 1.0, 0.0, 0.0),
        };
        let light = 1.0 + 0.03 * (1.3 * time).sin();
        let things: Vec<_> = (0..THINGS).map(|index| self.thing(index, time)).collect();
        for y in 0..self.height {
            for x in 0..self.width {
                let (px, py) = (
                    x as f32 - self.width as f32 / 2.0,
                    y as f32 - self.height as f32 / 2.0,
                );
                let thing = things.iter().find(|thing| thing.covers(x as f32, y as f32));
                let sample = match thing {
                    // Each has the texture of another place and carries it along.
                    Some(thing) => self.sample(px - thing.x + 131.0 * thing.size, py - thing.y),
                    None => self.sample(
                        (px * cos - py * sin) * zoom + dx,
                        (px * sin + py * cos) * zoom + dy,
                    ),
                };
                image.extend(sample.map(|level| (level * light + NOISE * noise.normal()) as u8));
            }
        }
        image
    }

    fn thing(&self, index: usize, time: f32) -> Thing {
        let (width, height) = (self.width as f32, self.height as f32);
        let size = (0.1 + 0.04 * index as f32) * height;
        let way = width + 2.0 * size;
        let speed = (0.12 + 0.07 * index as f32) * width;
        Thing {
            x: (speed * time + 0.31 * index as f32 * width) % way - size,
            y: height * (0.2 + 0.2 * index as f32) + 0.1 * height * (time + index as f32).sin(),
            size,
        }
    }

    /// The texture at a place between its samples.
    fn sample(&self, x: f32, y: f32) -> [f32; 3] {
        let (left, top) = (x.floor(), y.floor());
        let (fx, fy) = (x - left, y - top);
        let at = |x: i64, y: i64| {
            let side = TEXTURE as i64;
            self.texture[(y.rem_euclid(side) * side + x.rem_euclid(side)) as usize]
        };
        let (left, top) = (left as i64, top as i64);
        let [a, b, c, d] = [
            at(left, top),
            at(left + 1, top),
            at(left, top + 1),
            at(left + 1, top + 1),
        ];
        [0, 1, 2].map(|channel| {
            let upper = a[channel] + (b[channel] - a[channel]) * fx;
            let lower = c[channel] + (d[channel] - c[channel]) * fx;
            upper + (lower - upper) * fy
        })
    }
}

/// A disc that crosses the image.
#[derive(Clone, Copy, Debug)]
struct Thing {
    x: f32,
    y: f32,
    size: f32,
}

impl Thing {
    fn covers(&self, x: f32, y: f32) -> bool {
        let (dx, dy) = (x - self.x, y - self.y);
        dx * dx + dy * dy < self.size * self.size
    }
}

/// Noise at all scales that repeats after the side of the texture: 0 to 1.
struct Layer(Vec<Vec<f32>>);

impl Layer {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed * 7919);
        // Grids of 8 to 256 cells a side.
        let grids = (3..=8).map(|power| {
            let cells = 1usize << power;
            (0..cells * cells).map(|_| random.unit()).collect()
        });
        Self(grids.collect())
    }

    fn at(&self, x: f32, y: f32) -> f32 {
        let mut value = 0.0;
        let mut weight = 0.5;
        for grid in &self.0 {
            let cells = grid.len().isqrt();
            let (gx, gy) = (
                x * cells as f32 / TEXTURE as f32,
                y * cells as f32 / TEXTURE as f32,
            );
            let (left, top) = (gx as usize, gy as usize);
            let smooth = |f: f32| f * f * (3.0 - 2.0 * f);
            let (fx, fy) = (smooth(gx.fract()), smooth(gy.fract()));
            let cell = |x: usize, y: usize| grid[(y % cells) * cells + x % cells];
            let upper = cell(left, top) + (cell(left + 1, top) - cell(left, top)) * fx;
            let lower = cell(left, top + 1) + (cell(left + 1, top + 1) - cell(left, top + 1)) * fx;
            value += weight * (upper + (lower - upper) * fy);
            weight *= 0.6;
        }
        value / 1.2
    }
}

/// Small and repeatable (xorshift64*).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 24) as f32
    }

    /// About normal, with deviation 1: a sum of four uniform numbers.
    fn normal(&mut self) -> f32 {
        let bits = self.next();
        let sum: u64 = (0..4).map(|part| (bits >> (16 * part)) & 0xFFFF).sum();
        (sum as f32 / 65_536.0 - 2.0) * 1.732
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssim;

    fn green(rgb: &[u8]) -> Vec<u8> {
        rgb.iter().skip(1).step_by(3).copied().collect()
    }

    #[test]
    fn images_repeat_move_and_have_texture() {
        for motion in [Motion::Driving, Motion::Standing] {
            let scene = Scene::new(160, 120, motion);
            let [first, again, later] = [0, 0, 15].map(|number| green(&scene.rgb(number)));
            assert_eq!(first, again);
            let alike = ssim(&first, &later, 160, 120);
            assert!(alike < 0.9, "{motion:?}: {alike}");
            let mean =
                first.iter().map(|&level| f64::from(level)).sum::<f64>() / first.len() as f64;
            let variance = first
                .iter()
                .map(|&level| (f64::from(level) - mean).powi(2))
                .sum::<f64>()
                / first.len() as f64;
            assert!(variance > 200.0, "{motion:?}: {variance}");
        }
    }
}
