//! One encoder on one scene.

use std::io::Write;
use std::process::{Command, Stdio};

use rustix::time::{clock_gettime, ClockId};
use test_scene::ssim;

use crate::jpeg;
use crate::picture::Picture;
use crate::program::Program;

/// An encoder of video.
pub trait Video {
    fn name(&self) -> String;
    /// The Annex B bytes of a picture; none if it was left out to hold the rate.
    fn encode(&mut self, picture: &Picture) -> Vec<u8>;
}

/// Encodes all pictures and prints a row.
pub fn video(pictures: &[Picture], rate: u32, encoder: &mut dyn Video) {
    let mut stream = Vec::new();
    let mut figures = Figures::default();
    let mut shown: Vec<&Picture> = Vec::new();
    for picture in pictures {
        let bytes = figures.time(|| encoder.encode(picture));
        if bytes.is_empty() {
            figures.skipped += 1;
        } else {
            shown.push(picture);
        }
        figures.sizes.push(bytes.len());
        stream.extend(bytes);
    }
    let likeness = likeness(&stream, &shown);
    figures.print(
        &encoder.name(),
        &format!("{}", f64::from(rate) / 1e6),
        &likeness,
    );
}

/// The same by a program.
pub fn program(pictures: &[Picture], rate: u32, program: Program) {
    let mut outcome = program.encode(pictures, rate);
    let shown: Vec<&Picture> = pictures.iter().collect();
    let likeness = likeness(&outcome.stream, &shown);
    let length = outcome.stream.len();
    let ends = outcome.starts.iter().skip(1).chain([&length]);
    let sizes = outcome
        .starts
        .iter()
        .zip(ends)
        .map(|(start, end)| end - start);
    outcome.latencies.sort_by(f64::total_cmp);
    println!(
        "| ffmpeg {} | {} | {:.2} | {likeness} | {:.1} | | {:.1} | {} | {:.1} |",
        program.name,
        f64::from(rate) / 1e6,
        outcome.stream.len() as f64 * 8.0 * 30.0 / pictures.len() as f64 / 1e6,
        outcome.cpu,
        sizes.max().unwrap_or(0) as f64 / 1e3,
        pictures.len().saturating_sub(outcome.starts.len()),
        outcome
            .latencies
            .get(outcome.latencies.len() / 2)
            .unwrap_or(&f64::NAN),
    );
}

/// The mean of the likenesses of what a stream of video shows and what it should show.
fn likeness(stream: &[u8], shown: &[&Picture]) -> String {
    let (width, height) = (shown[0].width, shown[0].height);
    let decoded = decode("h264", stream);
    let frames: Vec<_> = decoded.chunks_exact(width * height * 3 / 2).collect();
    if frames.len() != shown.len() {
        return format!("{} of {} decoded", frames.len(), shown.len());
    }
    let sum: f64 = frames
        .iter()
        .zip(shown)
        .map(|(frame, picture)| ssim(&frame[..width * height], &picture.y, width, height))
        .sum();
    format!("{:.3}", sum / frames.len() as f64)
}

/// The same of single pictures.
pub fn stills(pictures: &[Picture], quality: u8) {
    let mut figures = Figures::default();
    let mut likeness = 0.0;
    for picture in pictures {
        let bytes = figures.time(|| jpeg::encode(picture, quality));
        figures.sizes.push(bytes.len());
        // Every tenth is enough to tell.
        if figures.sizes.len() % 10 == 1 {
            let decoded = decode("mjpeg", &bytes);
            let luma = picture.width * picture.height;
            // A JPEG's luma has the full range.
            let limited: Vec<u8> = decoded[..luma]
                .iter()
                .map(|&level| (16.5 + f32::from(level) * 219.0 / 255.0) as u8)
                .collect();
            likeness += ssim(&limited, &picture.y, picture.width, picture.height);
        }
    }
    let compared = figures.sizes.len().div_ceil(10) as f64;
    let name = format!("jpeg-encoder 0.7.1, quality {quality}");
    figures.print(&name, "", &format!("{:.3}", likeness / compared));
}

#[derive(Default)]
struct Figures {
    milliseconds: Vec<f64>,
    sizes: Vec<usize>,
    skipped: usize,
}

impl Figures {
    fn time(&mut self, work: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
        let before = cpu_nanoseconds();
        let bytes = work();
        self.milliseconds
            .push((cpu_nanoseconds() - before) as f64 / 1e6);
        bytes
    }

    fn print(mut self, name: &str, asked: &str, likeness: &str) {
        self.milliseconds.sort_by(f64::total_cmp);
        let at =
            |part: f64| self.milliseconds[((self.milliseconds.len() - 1) as f64 * part) as usize];
        let bits = self.sizes.iter().sum::<usize>() as f64 * 8.0;
        let seconds = self.sizes.len() as f64 / 30.0;
        let largest = self.sizes.iter().max().copied().unwrap_or(0) as f64 / 1e3;
        println!(
            "| {name} | {asked} | {:.2} | {likeness} | {:.1} | {:.1} | {largest:.1} | {} | |",
            bits / seconds / 1e6,
            self.milliseconds.iter().sum::<f64>() / self.milliseconds.len() as f64,
            at(0.99),
            self.skipped
        );
    }
}

/// CPU time of this thread, which a busy machine does not stretch.
fn cpu_nanoseconds() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn decode(format: &str, stream: &[u8]) -> Vec<u8> {
    let mut decoder = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-f",
            format,
            "-i",
            "-",
            "-f",
            "rawvideo",
            "-fps_mode",
            "passthrough",
            "-",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ffmpeg on the path");
    let mut input = decoder.stdin.take().expect("piped");
    let stream = stream.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&stream));
    let output = decoder.wait_with_output().expect("ffmpeg ends");
    // A decoder that gave up says so by what is missing.
    let _ = writer.join();
    output.stdout
}
