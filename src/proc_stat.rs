//! Processor time of a process, from `/proc`.

use std::fs;
use std::time::Duration;

/// Milliseconds of a tick in `/proc/PID/stat`: `USER_HZ` is 100 on every architecture that ROS 2 runs on.
const TICK_MS: u64 = 10;

/// The processor time of all threads of a process together, in user and in kernel mode; `stat` is
/// the path of its file `stat`.
pub(crate) fn cpu_time(stat: &str) -> Option<Duration> {
    sum_of_times(&fs::read_to_string(stat).ok()?)
}

fn sum_of_times(stat: &str) -> Option<Duration> {
    // The second field is the name in brackets, which may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let times = rest.split_whitespace().skip(11).take(2);
    let ticks: Result<Vec<u64>, _> = times.map(str::parse).collect();
    Some(Duration::from_millis(
        ticks.ok()?.iter().sum::<u64>() * TICK_MS,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 0 0 0 0 0 150 25 3 4 20 0 2 0 9 0 0";
        assert_eq!(sum_of_times(stat), Some(Duration::from_millis(1_750)));
        assert_eq!(sum_of_times("7 (a) S 1"), Some(Duration::ZERO));
        assert_eq!(sum_of_times(""), None);
    }
}
