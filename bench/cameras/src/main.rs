//! Encoders of pictures, compared on the same moving scenes: likeness at a bit rate, CPU per picture,
//! and how evenly the bits come.
//!
//!     cargo run --release -- [--pictures 300] [--width 640] [--height 480]
//!
//! `ffmpeg` on the path decodes what the encoders of video give, and is an encoder itself, with x264 and openh264.
//! The crate openh264 is several times faster where `nasm` is on the path when it is built.
#![forbid(unsafe_code)]

mod jpeg;
mod openh264;
mod picture;
mod program;
mod rusty;
mod trial;

use std::process::ExitCode;

use picture::Picture;
use test_scene::{Motion, Scene};

/// Bits per second that are tried.
const RATES: [u32; 4] = [500_000, 1_000_000, 1_500_000, 2_000_000];

fn main() -> ExitCode {
    let mut options = [("--pictures", 300), ("--width", 640), ("--height", 480)];
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse().ok());
        match (
            options.iter_mut().find(|(option, _)| *option == name),
            value,
        ) {
            (Some(option), Some(value)) => option.1 = value,
            _ => {
                eprintln!(
                    "{name}: unknown, or no number follows; options: --pictures, --width, --height"
                );
                return ExitCode::FAILURE;
            }
        }
    }
    let [pictures, width, height] = options.map(|(_, value)| value);
    for motion in [Motion::Driving, Motion::Standing] {
        let scene = Scene::new(width & !1, height & !1, motion);
        let pictures: Vec<_> = (0..pictures as u32)
            .map(|number| Picture::of(&scene.rgb(number), width & !1, height & !1))
            .collect();
        println!(
            "\n{motion:?}, {width}x{height}, {} pictures at 30 Hz\n",
            pictures.len()
        );
        println!("| encoder | asked Mbit/s | got | SSIM | ms of CPU, mean | p99 | largest picture kB | skipped | latency ms, p50 |");
        println!("|---|---|---|---|---|---|---|---|---|");
        for rate in RATES {
            for effort in openh264::EFFORTS {
                trial::video(&pictures, rate, &mut openh264::Openh264::new(rate, effort));
            }
            for effort in rusty::EFFORTS {
                trial::video(
                    &pictures,
                    rate,
                    &mut rusty::Rusty::new(width & !1, height & !1, rate, effort),
                );
            }
            for program in program::PROGRAMS {
                trial::program(&pictures, rate, program);
            }
        }
        for quality in [50, 75] {
            trial::stills(&pictures, quality);
        }
    }
    ExitCode::SUCCESS
}
