//! What the images of a depth camera take without loss: bytes and CPU, of PNG and of RVL.
//!
//!     cargo run --release -p remote_access_media --example depths
//!
//! The camera stands in a room: floor, walls, boxes. As from a stereo camera, the noise grows with the square of the
//! distance, depths are whole millimetres, and there are none (0) at edges and at single places.

#[path = "support/cpu.rs"]
mod cpu;

use cpu::cpu_ms;
use png::{BitDepth, ColorType, Compression, Encoder, Filter};

const WIDTH: usize = 640;
const HEIGHT: usize = 480;
const IMAGES: u32 = 20;
const RATE: f64 = 30.0;
/// The noise at one metre, in millimetres.
const NOISE: f32 = 1.5;

fn main() {
    let images: Vec<_> = (0..IMAGES).map(room).collect();
    println!("{WIDTH} x {HEIGHT}, {} kB raw\n", 2 * WIDTH * HEIGHT / 1000);
    println!("| encoded | kB | of raw | MB/s at 30 Hz | CPU ms |");
    println!("|---|---|---|---|---|");
    let row = |name: &str, encode: &dyn Fn(&[u16]) -> Vec<u8>| {
        let began = cpu_ms();
        let bytes: usize = images.iter().map(|image| encode(image).len()).sum();
        let cpu = (cpu_ms() - began) / f64::from(IMAGES);
        let each = bytes as f64 / f64::from(IMAGES);
        let part = 100.0 * each / (2 * WIDTH * HEIGHT) as f64;
        let (kb, rate) = (each / 1e3, each * RATE / 1e6);
        println!("| {name} | {kb:.0} | {part:.0} % | {rate:.1} | {cpu:.1} |");
    };
    for compression in [
        Compression::Fastest,
        Compression::Fast,
        Compression::Balanced,
    ] {
        for filter in [
            Filter::Sub,
            Filter::Up,
            Filter::Avg,
            Filter::Paeth,
            Filter::Adaptive,
        ] {
            let name = format!("PNG, {compression:?}, {filter:?}");
            row(&name, &|image| png(image, compression, filter));
        }
    }
    row("RVL", &rvl);
}

/// Depths in millimetres.
fn room(number: u32) -> Vec<u16> {
    let mut state = 12_345 + u64::from(number) * 7_919;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 24) as f32
    };
    let shift = number as f32 * 0.01;
    let distance = |x: usize, y: usize| {
        let (right, down) = ((x as f32 - 320.0) / 570.0, (y as f32 - 240.0) / 570.0);
        // Metres along the view: the floor, the far wall, a wall aslant, boxes.
        let mut depth: f32 = if down > 0.0 { 1.2 / down } else { 5.0 };
        depth = depth.min(5.0).min(3.5 / (right + 0.9).max(0.1));
        for (left, top, wide, high, away) in [
            (-0.3 + shift, 0.0, 0.25, 0.3, 1.6),
            (0.1, -0.2, 0.15, 0.5, 2.4),
            (0.3, 0.1, 0.2, 0.3, 1.1),
        ] {
            if (left..left + wide).contains(&right) && (top..top + high).contains(&down) {
                depth = depth.min(away + 0.4 * (right - left));
            }
        }
        depth
    };
    let mut depths = Vec::with_capacity(WIDTH * HEIGHT);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let depth = distance(x, y);
            let is_edge = (depth - distance(x + 4, y)).abs() > 0.1;
            let hole = random() < if is_edge { 0.8 } else { 0.005 };
            // Of three numbers the sum is nearly normal.
            let noise = (random() + random() + random() - 1.5) * 2.0 * NOISE * depth * depth;
            depths.push(if hole {
                0
            } else {
                (depth * 1000.0 + noise) as u16
            });
        }
    }
    depths
}

fn png(depths: &[u16], compression: Compression, filter: Filter) -> Vec<u8> {
    let bytes: Vec<u8> = depths
        .iter()
        .flat_map(|depth| depth.to_be_bytes())
        .collect();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, WIDTH as u32, HEIGHT as u32);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::Sixteen);
    encoder.set_compression(compression);
    encoder.set_filter(filter);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&bytes).expect("an image");
    writer.finish().expect("an end");
    file
}

/// Runs of zeros and differences in groups of three bits (A. Wilson, Fast Lossless Depth Image Compression, 2017).
fn rvl(depths: &[u16]) -> Vec<u8> {
    let mut groups = Groups::default();
    let mut previous = 0;
    let mut rest = depths;
    while !rest.is_empty() {
        let zeros = rest.iter().take_while(|&&depth| depth == 0).count();
        let others = rest[zeros..]
            .iter()
            .take_while(|&&depth| depth != 0)
            .count();
        groups.push(zeros as u32);
        groups.push(others as u32);
        for &depth in &rest[zeros..zeros + others] {
            let delta = i32::from(depth) - previous;
            groups.push(((delta << 1) ^ (delta >> 31)) as u32);
            previous = i32::from(depth);
        }
        rest = &rest[zeros + others..];
    }
    groups.bytes
}

/// Numbers in groups of three bits, with a fourth where more follow.
#[derive(Default)]
struct Groups {
    bytes: Vec<u8>,
    half: bool,
}

impl Groups {
    fn push(&mut self, mut number: u32) {
        loop {
            let more = number > 7;
            let nibble = (number & 7) as u8 | u8::from(more) << 3;
            match self.bytes.last_mut().filter(|_| self.half) {
                Some(last) => *last |= nibble << 4,
                None => self.bytes.push(nibble),
            }
            self.half = !self.half;
            number >>= 3;
            if !more {
                return;
            }
        }
    }
}
