//! Fair queuing by bytes between the streams that have something to send (start-time fair queuing).
//!
//! Each channel with something to send gets a share of the link by its weight, whatever the sizes of
//! its messages. A channel that was silent goes before those that always have more: a small message
//! waits for no more than the one that is being sent.

use std::collections::HashMap;

/// Bytes that a message costs on top of its own, so that empty ones are not free: the headers of a
/// packet with one chunk.
const HEADERS: u64 = 28;
/// The weight that shares are measured in.
const UNIT: u64 = 256;

/// Remembers how much each channel has had.
#[derive(Debug, Default)]
pub struct FairQueue {
    /// Where the channel that was served last began, in weighted bytes.
    now: u64,
    /// Where each channel's next message begins, if that is after `now`.
    next: HashMap<u16, u64>,
}

impl FairQueue {
    /// The channel to be served among those that have something to send.
    pub fn choose(&self, waiting: impl Iterator<Item = u16>) -> Option<u16> {
        waiting.min_by_key(|stream| (self.begin(*stream), *stream))
    }

    fn begin(&self, stream: u16) -> u64 {
        self.next
            .get(&stream)
            .map_or(self.now, |at| *at.max(&self.now))
    }

    /// A channel was served: this many bytes, at this weight (256 is the usual one).
    pub fn served(&mut self, stream: u16, bytes: usize, weight: u16) {
        self.now = self.begin(stream);
        let cost = (bytes as u64 + HEADERS) * UNIT / u64::from(weight.max(1));
        self.next.insert(stream, self.now + cost);
    }

    /// A channel is over.
    pub fn forget(&mut self, stream: u16) {
        self.next.remove(&stream);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Serves channels that always have messages of these sizes and weights; requeue their bytes.
    fn serve(channels: &[(usize, u16)], rounds: usize) -> Vec<usize> {
        let mut queue = FairQueue::default();
        let mut bytes = vec![0; channels.len()];
        for _ in 0..rounds {
            let stream = queue.choose(0..channels.len() as u16).unwrap();
            let (size, weight) = channels[usize::from(stream)];
            queue.served(stream, size, weight);
            bytes[usize::from(stream)] += size;
        }
        bytes
    }

    #[test]
    fn bytes_are_shared_whatever_the_sizes() {
        let bytes = serve(&[(15_000, 256), (1_000, 256)], 10_000);
        let ratio = bytes[0] as f64 / bytes[1] as f64;
        assert!((0.95..1.05).contains(&ratio), "{bytes:?}");
    }

    #[test]
    fn weights_count() {
        let bytes = serve(&[(1_000, 1024), (1_000, 256), (1_000, 128)], 10_000);
        let ratio = |a: usize, b: usize| bytes[a] as f64 / bytes[b] as f64;
        assert!((3.9..4.1).contains(&ratio(0, 1)), "{bytes:?}");
        assert!((1.9..2.1).contains(&ratio(1, 2)), "{bytes:?}");
    }

    #[test]
    fn one_that_was_silent_goes_first_and_saves_nothing_up() {
        let mut queue = FairQueue::default();
        for _ in 0..100 {
            queue.served(1, 15_000, 256);
        }
        assert_eq!(queue.choose([1, 2].into_iter()), Some(2));
        queue.served(2, 15_000, 256);
        assert_eq!(queue.choose([1, 2].into_iter()), Some(1));
        queue.served(1, 15_000, 256);
        assert_eq!(queue.choose([1, 2].into_iter()), Some(2));
    }

    #[test]
    fn nothing_is_left_of_one_that_is_over() {
        let mut queue = FairQueue::default();
        queue.served(1, 100, 0);
        queue.forget(1);
        assert!(queue.next.is_empty());
        assert_eq!(queue.choose(std::iter::empty()), None);
    }
}
