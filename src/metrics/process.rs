//! The process in numbers, from `/proc`.

use std::fs;

use crate::proc_stat::cpu_time;

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
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let open_files = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
        Some(Self {
            cpu_seconds: cpu_time("/proc/self/stat")?.as_secs_f64(),
            resident_bytes: number(&status, "VmRSS:")? * 1024,
            threads: number(&status, "Threads:")?,
            // One of them is the listing itself.
            open_files: open_files.saturating_sub(1),
        })
    }
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
    fn this_process_has_figures() {
        let figures = ProcessFigures::read().expect("/proc");
        assert!(figures.resident_bytes > 1_000_000 && figures.threads > 0);
        assert!(figures.open_files > 2);
    }
}
