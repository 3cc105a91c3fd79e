//! Throughput and CPU of two connections on loopback: a line for each size of
//! messages. `bench/loopback` runs it beside Chromium.
//!
//! `cargo run --release -p webrtc_channels --example loopback -- [SECONDS] [SIZES…]`

#[path = "../tests/support/pair.rs"]
mod pair;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pair::Pair;
use webrtc_channels::data_channel::DataChannelInit;

/// Bytes that wait in the sender's buffer, as in `bench/loopback/page.html`.
const WAITING: u64 = 1 << 20;
/// Before the measurement, for the congestion window to open.
const WARM_UP: Duration = Duration::from_secs(1);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let numbers: Vec<_> = std::env::args()
        .skip(1)
        .map(|argument| argument.parse::<u64>().expect("a number"))
        .collect();
    let (seconds, sizes) = match numbers.split_first() {
        Some((seconds, sizes)) => (*seconds, sizes.to_vec()),
        None => (10, Vec::new()),
    };
    let sizes = if sizes.is_empty() {
        vec![1_000, 15_000, 100_000]
    } else {
        sizes
    };
    for size in sizes {
        let (rate, cpu) = measure(size, Duration::from_secs(seconds)).await;
        println!(
            "{{\"size\": {size}, \"megabytes_per_second\": {rate:.1}, \"cpu_seconds_per_gigabyte\": {cpu:.2}}}"
        );
    }
}

/// Megabytes per second, and seconds of CPU of this process for each gigabyte.
async fn measure(size: u64, time: Duration) -> (f64, f64) {
    let pair = Pair::connected().await;
    let (near, far) = pair
        .open_channel("loopback", DataChannelInit::default())
        .await;
    let arrived = Arc::new(AtomicU64::new(0));
    let count = arrived.clone();
    far.on_message(Some(Box::new(move |message| {
        count.fetch_add(message.data.len() as u64, Ordering::Relaxed);
    })));
    let message = vec![7; size as usize];
    let (began, mut start) = (Instant::now(), None);
    loop {
        while near.buffered_amount() < WAITING {
            if near.send(&message, true).is_err() {
                break;
            }
        }
        tokio::time::sleep(Duration::from_micros(500)).await;
        match start {
            None if began.elapsed() > WARM_UP => {
                start = Some((Instant::now(), cpu(), arrived.load(Ordering::Relaxed)));
            }
            Some((at, used, bytes)) if at.elapsed() > time => {
                let bytes = (arrived.load(Ordering::Relaxed) - bytes) as f64;
                let rate = bytes / 1e6 / at.elapsed().as_secs_f64();
                let cpu = (cpu() - used) / (bytes / 1e9);
                pair.near.close();
                pair.far.close();
                return (rate, cpu);
            }
            _ => {}
        }
    }
}

/// Seconds of CPU that this process has used: user and system, all threads (Linux).
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<_> = text
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |index: usize| {
        fields
            .get(index)
            .and_then(|field| field.parse::<f64>().ok())
    };
    // Linux counts a hundred ticks a second for all programs.
    ticks(11)
        .zip(ticks(12))
        .map_or(f64::NAN, |(user, system)| (user + system) / 100.0)
}
