//! Requests on their way to the robot's side, bounded for each participant.

use std::collections::{BTreeMap, VecDeque};

use super::request::Request;
use crate::ids::ParticipantId;

/// Requests that may wait for the robot's side, of one participant.
const MAX_WAITING: usize = 256;
/// Bytes of requests that may wait for the robot's side, of one participant. One request always may.
const MAX_WAITING_BYTES: usize = 16 << 20;
/// Bytes of requests that may wait for the robot's side, of all participants.
const MAX_TOTAL_BYTES: usize = 64 << 20;

/// The robot's side does not take requests as fast as they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the robot is busy: too many requests wait")]
pub(crate) struct Busy;

/// Requests on their way to the robot's side, bounded for each viewer.
#[derive(Debug, Default)]
pub(crate) struct RequestQueue {
    requests: VecDeque<Request>,
    waiting: BTreeMap<ParticipantId, (usize, usize)>,
    bytes: usize,
}

impl RequestQueue {
    pub(crate) fn push(&mut self, request: Request) -> Result<(), Busy> {
        let size = request.bytes();
        if let Some(participant) = request.participant() {
            let (count, bytes) = self.waiting.entry(participant).or_default();
            let full = *count >= MAX_WAITING
                || (*count > 0 && *bytes + size > MAX_WAITING_BYTES)
                || self.bytes + size > MAX_TOTAL_BYTES;
            if full && !request.is_ending() {
                return Err(Busy);
            }
            *count += 1;
            *bytes += size;
        } else {
            // The last word counts.
            let kind = std::mem::discriminant(&request);
            self.requests
                .retain(|other| std::mem::discriminant(other) != kind);
        }
        self.bytes += size;
        self.requests.push_back(request);
        Ok(())
    }

    pub(crate) fn pop(&mut self) -> Option<Request> {
        let request = self.requests.pop_front()?;
        self.bytes -= request.bytes();
        if let Some(participant) = request.participant() {
            if let Some((count, bytes)) = self.waiting.get_mut(&participant) {
                *count -= 1;
                *bytes -= request.bytes();
                if *count == 0 {
                    self.waiting.remove(&participant);
                }
            }
        }
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use remote_access_protocol::ClientChannelId;

    use crate::requests::request::ClientChannelKey;

    fn key(participant: u64) -> ClientChannelKey {
        ClientChannelKey {
            participant: ParticipantId(participant),
            channel: ClientChannelId(1),
        }
    }

    fn publish(participant: u64, size: usize) -> Request {
        Request::Publish {
            key: key(participant),
            message: Bytes::from(vec![0; size]),
        }
    }

    #[test]
    fn a_participant_fills_its_own_share_only() {
        let mut queue = RequestQueue::default();
        let taken = (0..1000)
            .filter(|_| queue.push(publish(1, 10)).is_ok())
            .count();
        assert_eq!(taken, MAX_WAITING);
        assert_eq!(queue.push(publish(2, 10)), Ok(()));
        while queue.pop().is_some() {}
        assert_eq!((queue.bytes, queue.waiting.len()), (0, 0));
        assert_eq!(queue.push(publish(1, 10)), Ok(()));
    }

    #[test]
    fn bytes_are_bounded_but_one_message_of_any_size_passes() {
        let mut queue = RequestQueue::default();
        assert_eq!(queue.push(publish(1, MAX_WAITING_BYTES + 1)), Ok(()));
        assert_eq!(queue.push(publish(1, 1)), Err(Busy));
        let others = (2..100).filter(|&viewer| queue.push(publish(viewer, 16 << 20)).is_ok());
        assert!(others.count() < 5);
        assert!(queue.bytes <= MAX_TOTAL_BYTES);
    }

    #[test]
    fn what_ends_something_is_never_refused() {
        let mut queue = RequestQueue::default();
        while queue.push(publish(1, 10)).is_ok() {}
        assert_eq!(queue.push(Request::Stop { key: key(1) }), Ok(()));
        assert_eq!(queue.push(Request::Unadvertise { key: key(1) }), Ok(()));
    }

    #[test]
    fn of_watching_the_last_word_counts() {
        let mut queue = RequestQueue::default();
        for round in 0..1001 {
            queue.push(Request::WatchGraph(round % 2 == 0)).unwrap();
        }
        queue.push(Request::WatchParameters(true)).unwrap();
        assert_eq!(queue.pop(), Some(Request::WatchGraph(true)));
        assert_eq!(queue.pop(), Some(Request::WatchParameters(true)));
        assert_eq!(queue.pop(), None);
    }
}
