//! Requests on their way to the robot's side, bounded for each participant.

use std::collections::{BTreeMap, VecDeque};

use super::request::{ClientChannelKey, Request};
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
    /// Stops on the way of their own. Each is in `requests` too.
    stops: VecDeque<ClientChannelKey>,
    requests: VecDeque<Request>,
    waiting: BTreeMap<ParticipantId, (usize, usize)>,
    bytes: usize,
}

impl RequestQueue {
    /// Queues a request. A stop also goes a way of its own, see [`Self::pop_stop`], and takes the
    /// place of the commands of its channel that wait: they are void.
    pub(crate) fn push(&mut self, request: Request) -> Result<(), Busy> {
        if let Request::Stop { key } = request {
            self.discard_commands(key);
        }
        let size = request.bytes();
        if let Some(participant) = request.participant() {
            let waiting = self.waiting.get(&participant);
            let (count, bytes) = waiting.copied().unwrap_or_default();
            let full = count >= MAX_WAITING
                || (count > 0 && bytes + size > MAX_WAITING_BYTES)
                || self.bytes + size > MAX_TOTAL_BYTES;
            if full && !request.is_ending() {
                return Err(Busy);
            }
            self.waiting.insert(participant, (count + 1, bytes + size));
        } else {
            // The last word counts.
            let kind = std::mem::discriminant(&request);
            self.requests
                .retain(|other| std::mem::discriminant(other) != kind);
        }
        self.bytes += size;
        if let Request::Stop { key } = request {
            self.stops.push_back(key);
        }
        self.requests.push_back(request);
        Ok(())
    }

    /// Removes the messages of a channel that wait.
    fn discard_commands(&mut self, channel: ClientChannelKey) {
        let is_command =
            |request: &Request| matches!(request, Request::Publish { key, .. } if *key == channel);
        let waiting = std::mem::take(&mut self.requests).into_iter();
        let (void, rest): (VecDeque<_>, VecDeque<_>) = waiting.partition(is_command);
        self.requests = rest;
        for request in &void {
            self.uncount(request);
        }
    }

    /// Takes the next stop, before all that waits of any participant.
    pub(crate) fn pop_stop(&mut self) -> Option<ClientChannelKey> {
        self.stops.pop_front()
    }

    /// Takes the next request.
    pub(crate) fn pop(&mut self) -> Option<Request> {
        let request = self.requests.pop_front()?;
        self.uncount(&request);
        Some(request)
    }

    /// Counts a request as one that waits no more.
    fn uncount(&mut self, request: &Request) {
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requests::request::RequestKey;
    use bytes::Bytes;
    use remote_access_protocol::parameter::Parameter;
    use remote_access_protocol::ClientChannelId;

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
    fn the_values_of_parameters_count_and_a_refusal_leaves_nothing() {
        let mut queue = RequestQueue::default();
        let set = |participant| Request::SetParameters {
            key: RequestKey {
                participant: ParticipantId(participant),
                number: 0,
            },
            parameters: vec![Parameter {
                name: "/n.p".to_owned(),
                kind: None,
                value: Some(vec![0; 500_000].into()),
            }],
        };
        let taken = (0..100).filter(|_| queue.push(set(1)).is_ok()).count();
        assert_eq!(taken, 1, "each takes 10 MB or so");
        let others = (2..100).filter(|&id| queue.push(set(id)).is_ok());
        assert_eq!(others.count(), 5);
        assert_eq!(queue.waiting.len(), 6);
    }

    #[test]
    fn what_ends_something_is_never_refused() {
        let mut queue = RequestQueue::default();
        while queue.push(publish(1, 10)).is_ok() {}
        assert_eq!(queue.push(Request::Stop { key: key(1) }), Ok(()));
        assert_eq!(queue.push(Request::Unadvertise { key: key(1) }), Ok(()));
    }

    #[test]
    fn a_stop_overtakes_the_work_of_others_and_replaces_commands_that_wait() {
        let mut queue = RequestQueue::default();
        queue.push(publish(2, 16 << 20)).unwrap();
        for _ in 0..3 {
            queue.push(publish(1, 10)).unwrap();
        }
        queue.push(Request::Stop { key: key(1) }).unwrap();
        queue.push(Request::Unadvertise { key: key(1) }).unwrap();
        assert_eq!(queue.pop_stop(), Some(key(1)));
        assert_eq!(queue.pop_stop(), None);
        assert!(
            matches!(queue.pop(), Some(Request::Publish { key, .. }) if key.participant.0 == 2)
        );
        // It tells those apart that came before it from those after it.
        assert_eq!(queue.pop(), Some(Request::Stop { key: key(1) }));
        assert_eq!(queue.pop(), Some(Request::Unadvertise { key: key(1) }));
        assert_eq!(
            (queue.pop(), queue.bytes, queue.waiting.len()),
            (None, 0, 0)
        );
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
