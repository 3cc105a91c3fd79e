//! Events that come together are handled together.

use std::time::{Duration, Instant};

use flume::Receiver;

/// A burst is over when nothing came for this long.
const QUIET: Duration = Duration::from_millis(1);
/// A burst is handled after this time, though more may come: other work waits behind it.
const LONGEST: Duration = Duration::from_millis(10);
/// So many events are handled at once.
const MOST: usize = 256;

/// An event and those that come right behind it.
pub(super) fn burst<T>(first: T, more: &Receiver<T>) -> Vec<T> {
    let end = Instant::now() + LONGEST;
    let mut events = vec![first];
    while events.len() < MOST {
        let patience = end.min(Instant::now() + QUIET);
        match more.recv_deadline(patience) {
            Ok(event) => events.push(event),
            Err(_) => break,
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_taken_up_to_a_limit() {
        let (sender, receiver) = flume::unbounded();
        for number in 1..1000 {
            sender.send(number).expect("a receiver");
        }
        let first = burst(0, &receiver);
        assert_eq!(first, (0..first.len()).collect::<Vec<_>>());
        assert!(first.len() <= MOST);
        assert_eq!(first.len() + receiver.len(), 1000);
        drop(sender);
    }

    #[test]
    fn what_never_ends_is_handled_nevertheless() {
        let (sender, receiver) = flume::bounded(0);
        let endless = std::thread::spawn(move || while sender.send(()).is_ok() {});
        assert!(burst((), &receiver).len() <= MOST);
        drop(receiver);
        endless.join().expect("no panic");
    }
}
