//! What an encoder costs.

use std::fs::read_to_string;

/// Processor time of this thread, in milliseconds.
pub(crate) fn cpu_ms() -> f64 {
    let stat = read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = stat
        .split(' ')
        .next()
        .and_then(|word| word.parse::<f64>().ok());
    nanoseconds.expect("a number") / 1e6
}
