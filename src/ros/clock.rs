//! Simulated time as it is published on `/clock`.

use super::subscription::Subscription;
use tokio::sync::watch;

pub(super) const CLOCK: &str = "/clock";
pub(super) const CLOCK_TYPE: &str = "rosgraph_msgs/msg/Clock";

/// Gets simulated time. Dropping it ends the subscription to it.
pub struct ClockWatch {
    /// The latest time in nanoseconds; 0 until the first one.
    pub time: watch::Receiver<u64>,
    pub(super) _subscription: Subscription,
}

/// The time in a message of `/clock`: behind the encapsulation, seconds and nanoseconds. `None` if
/// it is none, or before the epoch.
pub(super) fn time_of(cdr: &[u8]) -> Option<u64> {
    let word = |at: usize| -> Option<[u8; 4]> { cdr.get(at..at + 4)?.try_into().ok() };
    let (seconds, nanoseconds) = if cdr.get(1)? & 1 == 1 {
        (i32::from_le_bytes(word(4)?), u32::from_le_bytes(word(8)?))
    } else {
        (i32::from_be_bytes(word(4)?), u32::from_be_bytes(word(8)?))
    };
    let seconds = u64::try_from(seconds).ok()?;
    Some(seconds * 1_000_000_000 + u64::from(nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_read_in_either_byte_order() {
        let little = [0, 1, 0, 0, 7, 0, 0, 0, 5, 0, 0, 0];
        let big = [0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 5];
        assert_eq!(time_of(&little), Some(7_000_000_005));
        assert_eq!(time_of(&big), Some(7_000_000_005));
        for length in 0..little.len() {
            assert_eq!(time_of(&little[..length]), None);
        }
        let before = [0, 1, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0];
        assert_eq!(time_of(&before), None);
    }
}
