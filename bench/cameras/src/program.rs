//! An encoder that is a program of its own: ffmpeg, as `camera_encoder_command` runs it.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::picture::Picture;

/// The time from one picture to the next.
const INTERVAL: Duration = Duration::from_nanos(1_000_000_000 / 30);
/// The kernel counts a process's time in hundredths of a second.
const TICK_MS: f64 = 10.0;

/// An encoder of ffmpeg with its arguments.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    pub name: &'static str,
    /// Its codec, and what sets that.
    pub arguments: &'static [&'static str],
}

pub const PROGRAMS: [Program; 4] = [
    Program {
        name: "x264, ultrafast",
        arguments: &["libx264", "-tune", "zerolatency", "-preset", "ultrafast"],
    },
    Program {
        name: "x264, superfast",
        arguments: &["libx264", "-tune", "zerolatency", "-preset", "superfast"],
    },
    Program {
        name: "x264, veryfast",
        arguments: &["libx264", "-tune", "zerolatency", "-preset", "veryfast"],
    },
    Program {
        name: "libopenh264",
        arguments: &[
            "libopenh264",
            "-rc_mode",
            "bitrate",
            "-allow_skip_frames",
            "0",
        ],
    },
];

/// What came of it.
pub struct Outcome {
    pub stream: Vec<u8>,
    /// Where in the stream each picture begins.
    pub starts: Vec<usize>,
    /// From a picture's first byte going in to its first byte coming out, in milliseconds.
    pub latencies: Vec<f64>,
    /// Processor time for a picture, in milliseconds, on average and without the start.
    pub cpu: f64,
}

impl Program {
    /// Encodes the pictures as they come from a camera.
    pub fn encode(&self, pictures: &[Picture], rate: u32) -> Outcome {
        let start = self.run(&pictures[..2], rate);
        let mut outcome = self.run(pictures, rate);
        outcome.cpu = (outcome.cpu - start.cpu) / (pictures.len() - 2) as f64;
        outcome
    }

    /// The same; the processor time is that of the whole program.
    fn run(&self, pictures: &[Picture], rate: u32) -> Outcome {
        let size = format!("{}x{}", pictures[0].width, pictures[0].height);
        let rate = rate.to_string();
        let input = [
            "-v",
            "error",
            "-probesize",
            "32",
            "-f",
            "rawvideo",
            "-pixel_format",
            "yuv420p",
            "-video_size",
            &size,
            "-framerate",
            "30",
            "-i",
            "-",
            "-c:v",
        ];
        let profile = if self.arguments.contains(&"libx264") {
            "baseline"
        } else {
            "constrained_baseline"
        };
        let limits = [
            "-profile:v",
            profile,
            "-threads",
            "1",
            "-b:v",
            &rate,
            "-maxrate",
            &rate,
            "-bufsize",
            &rate,
            "-g",
            "150",
            "-f",
            "h264",
            "-flush_packets",
            "1",
            "-",
        ];
        let mut child = Command::new("ffmpeg")
            .args(input)
            .args(self.arguments)
            .args(limits)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("ffmpeg on the path");
        let mut output = child.stdout.take().expect("piped");
        let reader = thread::spawn(move || read(&mut output));
        let mut input = child.stdin.take().expect("piped");
        let began = Instant::now();
        let mut given = Vec::new();
        for (picture, number) in pictures.iter().zip(0..) {
            thread::sleep((INTERVAL * number).saturating_sub(began.elapsed()));
            given.push(Instant::now());
            let mut planes = [&picture.y, &picture.u, &picture.v].into_iter();
            if planes.any(|plane| input.write_all(plane).is_err()) {
                // This ffmpeg does not have the encoder, and has said so.
                break;
            }
        }
        drop(input);
        let (stream, starts) = reader.join().expect("reads");
        let cpu = processor_ms(child.id());
        child.wait().expect("ffmpeg ends");
        let latencies = given
            .iter()
            .zip(&starts)
            .map(|(given, (came, _))| came.saturating_duration_since(*given).as_secs_f64() * 1e3)
            .collect();
        Outcome {
            stream,
            starts: starts.iter().map(|(_, at)| *at).collect(),
            latencies,
            cpu,
        }
    }
}

/// Reads until the end: the bytes, and when and where in them each picture began.
fn read(output: &mut impl Read) -> (Vec<u8>, Vec<(Instant, usize)>) {
    let (mut stream, mut starts) = (Vec::new(), Vec::new());
    let mut chunk = vec![0; 1 << 16];
    let mut at = 0;
    loop {
        let count = output.read(&mut chunk).expect("reads");
        if count == 0 {
            return (stream, starts);
        }
        let now = Instant::now();
        stream.extend(&chunk[..count]);
        while at + 5 <= stream.len() {
            // A slice of the first macroblock: its number, 0, is a set bit.
            let unit = &stream[at..at + 5];
            if unit[..3] == [0, 0, 1] && matches!(unit[3] & 31, 1 | 5) && unit[4] & 0x80 != 0 {
                starts.push((now, at));
            }
            at += 1;
        }
    }
}

/// The processor time of a process that has ended and was not waited for.
fn processor_ms(id: u32) -> f64 {
    // It has closed its output, and is about to end.
    thread::sleep(Duration::from_millis(100));
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("Linux");
    let fields = text.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|word| word.parse::<f64>().ok())
        .sum();
    ticks * TICK_MS
}
