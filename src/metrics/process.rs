//! The process in numbers, from `/proc`.

use std::fs;

/// Ticks per second in `/proc/self/stat`: `USER_HZ`, which is 100 on every architecture that ROS 2
/// runs on.
const TICKS: f64 = 100.0;

/// CPU, memory and file figures of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ProcessFigures {
    /// Seconds of processor time, of all threads together.
    pub cpu_seconds: f64,
    /// Bytes of memory that are in use.
    pub resident_bytes: u64,
    pub threads: u64,
    pub open_files: u64,
}

impl ProcessFigures {
    /// `None` where there is no `/proc`.
    pub(super) fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let open_files = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
        Some(Self {
            cpu_seconds: cpu_seconds(&stat)?,
            resident_bytes: number(&status, "VmRSS:")? * 1024,
            threads: number(&status, "Threads:")?,
            // One of them is the listing itself.
            open_files: open_files.saturating_sub(1),
        })
    }
}

/// The sum of the times in user and in kernel mode.
fn cpu_seconds(stat: &str) -> Option<f64> {
    // The second field is the name in brackets, which may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let ticks: Result<Vec<u64>, _> = rest
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse)
        .collect();
    Some(ticks.ok()?.iter().sum::<u64>() as f64 / TICKS)
}

/// The number in the line of `/proc/self/status` that begins with `key`.
fn number(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = "12 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 150 50 9 9 20 0";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(cpu_seconds("12 (a"), None);
    }

    #[test]
    fn this_process_has_figures() {
        let figures = ProcessFigures::read().expect("/proc");
        assert!(figures.resident_bytes > 1_000_000 && figures.threads > 0);
        assert!(figures.open_files > 2);
    }
}
