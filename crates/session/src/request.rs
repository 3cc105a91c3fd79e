//! What viewers ask of the robot, on its way to the robot's side, and what is still to be answered.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use remote_access_protocol::parameter::Parameter;
use remote_access_protocol::{AssetRequestId, CallId, ClientChannelId, ServiceId};

use super::ParticipantId;

/// Requests that may wait for the robot's side, of one viewer.
const MAX_WAITING: usize = 256;
/// Bytes of requests that may wait for the robot's side, of one viewer. One request always may.
const MAX_WAITING_BYTES: usize = 16 << 20;
/// Bytes of requests that may wait for the robot's side, of all viewers.
const MAX_TOTAL_BYTES: usize = 64 << 20;

/// A channel that a viewer publishes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientChannelKey {
    /// The viewer.
    pub viewer: ParticipantId,
    /// Its channel.
    pub channel: ClientChannelId,
}

/// A request that is to be answered. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestKey {
    /// The viewer.
    pub viewer: ParticipantId,
    number: u64,
}

/// How a message, a request or a response is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// ROS 2's own.
    Cdr,
    /// JSON, converted by the definition of the type.
    Json,
}

impl Encoding {
    /// All of them, as `serverInfo` tells.
    pub const ALL: [Self; 2] = [Self::Cdr, Self::Json];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cdr => "cdr",
            Self::Json => "json",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.name() == name)
    }
}

/// What the robot's side is to do for a viewer. It is allowed, and what can be checked without
/// knowing the robot is checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// A viewer is going to publish.
    Advertise {
        /// Its channel.
        key: ClientChannelKey,
        /// The topic.
        topic: String,
        /// The type, for ROS `package/msg/Type`.
        type_name: String,
        /// How its messages are written.
        encoding: Encoding,
    },
    /// Publish a message on a channel that was advertised.
    Publish {
        /// The channel.
        key: ClientChannelKey,
        /// The message in the channel's encoding.
        message: Bytes,
    },
    /// Publish a stop on a channel that was advertised: a message with the type's default values.
    Stop {
        /// The channel.
        key: ClientChannelKey,
    },
    /// A viewer publishes on this channel no more.
    Unadvertise {
        /// The channel.
        key: ClientChannelKey,
    },
    /// Call a service. To be answered by [`Session::service_response`](super::Session).
    Call {
        /// Names the call in the answer.
        key: RequestKey,
        /// The service.
        service: ServiceId,
        /// How the request is written, and the response is to be.
        encoding: Encoding,
        /// The request.
        payload: Bytes,
    },
    /// Nobody waits for the answer any more.
    Cancel(RequestKey),
    /// The answer did not come in time. Nobody waits for it any more.
    Overdue(RequestKey),
    /// To be answered by [`Session::parameter_values`](super::Session).
    GetParameters {
        /// Names the request in the answer.
        key: RequestKey,
        /// The parameters. Empty: all.
        names: Vec<String>,
    },
    /// Set parameters, and answer with the values that they have then, as for
    /// [`Request::GetParameters`].
    SetParameters {
        /// Names the request in the answer.
        key: RequestKey,
        /// The new values.
        parameters: Vec<Parameter>,
    },
    /// Whether somebody watches parameters, see [`Session::parameters_changed`](super::Session).
    WatchParameters(bool),
    /// Whether somebody watches the connection graph, see
    /// [`Session::connection_graph`](super::Session).
    WatchGraph(bool),
    /// Fetch a file. To be answered by [`Session::asset`](super::Session).
    FetchAsset {
        /// Names the request in the answer.
        key: RequestKey,
        /// Which one.
        uri: String,
    },
}

impl Request {
    fn viewer(&self) -> Option<ParticipantId> {
        match self {
            Self::Advertise { key, .. }
            | Self::Publish { key, .. }
            | Self::Stop { key }
            | Self::Unadvertise { key } => Some(key.viewer),
            Self::Call { key, .. }
            | Self::Cancel(key)
            | Self::Overdue(key)
            | Self::GetParameters { key, .. }
            | Self::SetParameters { key, .. }
            | Self::FetchAsset { key, .. } => Some(key.viewer),
            Self::WatchParameters(_) | Self::WatchGraph(_) => None,
        }
    }

    /// Bytes of what the viewer sent. What JSON makes of it takes more, but JSON is short.
    fn bytes(&self) -> usize {
        match self {
            Self::Publish { message, .. } => message.len(),
            Self::Call { payload, .. } => payload.len(),
            Self::Advertise {
                topic, type_name, ..
            } => topic.len() + type_name.len(),
            Self::GetParameters { names, .. } => names.iter().map(String::len).sum(),
            Self::SetParameters { parameters, .. } => parameters
                .iter()
                .map(|parameter| parameter.name.len() + size_of::<Parameter>())
                .sum(),
            Self::FetchAsset { uri, .. } => uri.len(),
            _ => 0,
        }
    }

    /// Whether it ends or undoes an earlier one: such a request is never refused, and there are
    /// no more of them than of the others.
    fn is_ending(&self) -> bool {
        matches!(
            self,
            Self::Stop { .. }
                | Self::Unadvertise { .. }
                | Self::Cancel(_)
                | Self::Overdue(_)
                | Self::WatchParameters(_)
                | Self::WatchGraph(_)
        )
    }
}

/// The robot's side does not take requests as fast as they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the robot is busy: too many requests wait")]
pub(super) struct Busy;

/// Requests on their way to the robot's side, bounded for each viewer.
#[derive(Debug, Default)]
pub(super) struct RequestQueue {
    requests: VecDeque<Request>,
    waiting: BTreeMap<ParticipantId, (usize, usize)>,
    bytes: usize,
}

impl RequestQueue {
    pub fn push(&mut self, request: Request) -> Result<(), Busy> {
        let size = request.bytes();
        if let Some(viewer) = request.viewer() {
            let (count, bytes) = self.waiting.entry(viewer).or_default();
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

    pub fn pop(&mut self) -> Option<Request> {
        let request = self.requests.pop_front()?;
        self.bytes -= request.bytes();
        if let Some(viewer) = request.viewer() {
            if let Some((count, bytes)) = self.waiting.get_mut(&viewer) {
                *count -= 1;
                *bytes -= request.bytes();
                if *count == 0 {
                    self.waiting.remove(&viewer);
                }
            }
        }
        Some(request)
    }
}

/// A request that is not answered yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Pending {
    Call {
        service: ServiceId,
        call: CallId,
        encoding: Encoding,
    },
    /// `get` or `set`; answered with values if there is an id, or always for a `get`.
    Parameters {
        id: Option<String>,
        answer: bool,
    },
    Asset(AssetRequestId),
}

/// The requests that are not answered yet, each with the time until which that may take.
#[derive(Debug, Default)]
pub(super) struct PendingRequests {
    requests: BTreeMap<RequestKey, (Pending, Instant)>,
    next: u64,
}

impl PendingRequests {
    pub fn add(
        &mut self,
        now: Instant,
        viewer: ParticipantId,
        what: Pending,
        timeout: Duration,
    ) -> RequestKey {
        let number = self.next;
        self.next += 1;
        let key = RequestKey { viewer, number };
        self.requests.insert(key, (what, now + timeout));
        key
    }

    pub fn take(&mut self, key: RequestKey) -> Option<Pending> {
        self.requests.remove(&key).map(|(what, _)| what)
    }

    /// How many of a kind one viewer waits for.
    pub fn count(&self, viewer: ParticipantId, kind: impl Fn(&Pending) -> bool) -> usize {
        self.of(viewer).filter(|(_, what)| kind(what)).count()
    }

    /// All that one viewer waits for.
    pub fn of(&self, viewer: ParticipantId) -> impl Iterator<Item = (RequestKey, &Pending)> {
        let key = |number| RequestKey { viewer, number };
        self.requests
            .range(key(0)..=key(u64::MAX))
            .map(|(&key, (what, _))| (key, what))
    }

    /// Everything that is waited for.
    pub fn iter(&self) -> impl Iterator<Item = (RequestKey, &Pending)> {
        self.requests.iter().map(|(&key, (what, _))| (key, what))
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        self.requests.values().map(|&(_, deadline)| deadline).min()
    }

    /// Those whose time is up.
    pub fn expired(&self, now: Instant) -> Vec<RequestKey> {
        let due = self.requests.iter().filter(|(_, (_, at))| *at <= now);
        due.map(|(&key, _)| key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(viewer: u64) -> ClientChannelKey {
        ClientChannelKey {
            viewer: ParticipantId(viewer),
            channel: ClientChannelId(1),
        }
    }

    fn publish(viewer: u64, size: usize) -> Request {
        Request::Publish {
            key: key(viewer),
            message: Bytes::from(vec![0; size]),
        }
    }

    #[test]
    fn a_viewer_fills_its_own_share_only() {
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

    #[test]
    fn each_request_is_taken_once_and_expires_in_time() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut pending = PendingRequests::default();
        let viewer = ParticipantId(1);
        let first = pending.add(start, viewer, Pending::Asset(AssetRequestId(1)), second);
        let later = pending.add(start, viewer, Pending::Asset(AssetRequestId(1)), 2 * second);
        let other = pending.add(
            start,
            ParticipantId(2),
            Pending::Asset(AssetRequestId(1)),
            3 * second,
        );
        assert_eq!(pending.count(viewer, |_| true), 2);
        assert_eq!(pending.expired(start + second), [first]);
        assert!(pending.take(first).is_some());
        assert!(pending.take(first).is_none());
        assert_eq!(pending.next_deadline(), Some(start + 2 * second));
        assert!(pending.take(later).is_some());
        assert_eq!(pending.of(ParticipantId(2)).count(), 1);
        assert!(pending.take(other).is_some());
        assert_eq!(pending.next_deadline(), None);
    }
}
