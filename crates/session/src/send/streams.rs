//! Outgoing streams, and what the transport is to do with them.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use remote_access_protocol::ChannelId;

use super::stream::OutgoingStream;
use crate::ids::{ParticipantId, StreamId};
use crate::transmit::Transmit;

/// The streams to participants.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    streams: BTreeMap<StreamId, OutgoingStream>,
    next: u64,
    outbox: VecDeque<Transmit>,
}

impl Streams {
    /// Makes a stream; `channel` is that of a lane. The transport opens it at the first write.
    pub(crate) fn open(
        &mut self,
        destinations: Vec<ParticipantId>,
        channel: Option<ChannelId>,
    ) -> StreamId {
        let id = StreamId(self.next);
        self.next += 1;
        let stream = OutgoingStream::new(id, destinations, channel);
        self.streams.insert(id, stream);
        id
    }

    pub(crate) fn get(&self, id: StreamId) -> Option<&OutgoingStream> {
        self.streams.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: StreamId) -> Option<&mut OutgoingStream> {
        self.streams.get_mut(&id)
    }

    /// Whether a stream is in the middle of a frame.
    pub(crate) fn is_unfinished(&self, id: StreamId) -> bool {
        self.get(id).is_some_and(|stream| !stream.at_boundary())
    }

    /// Whether a stream is at a frame's end and has had so many bytes.
    pub(crate) fn is_used_up(&self, id: StreamId, bytes: u64) -> bool {
        let stream = self.get(id);
        stream.is_some_and(|stream| stream.at_boundary() && stream.written() >= bytes)
    }

    /// Streams that the transport has open.
    pub(crate) fn open_ones(&self) -> impl Iterator<Item = &OutgoingStream> {
        self.streams.values().filter(|stream| stream.opened)
    }

    /// Queues a write, after the opening of its stream if that is due.
    pub(crate) fn write(&mut self, id: StreamId, data: Bytes) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        if data.is_empty() {
            return;
        }
        if !stream.opened {
            stream.opened = true;
            self.outbox.push_back(Transmit::Open {
                stream: id,
                destinations: stream.destinations.clone(),
            });
        }
        self.outbox.push_back(Transmit::Write { stream: id, data });
        if stream.retired && stream.at_boundary() {
            self.close(id);
        }
    }

    /// Ends a stream at its next frame boundary. Returns it if a frame is to be finished first.
    pub(crate) fn retire(&mut self, id: StreamId) -> Option<&OutgoingStream> {
        let stream = self.streams.get_mut(&id)?;
        stream.retired = true;
        if stream.at_boundary() {
            self.close(id);
        }
        self.get(id)
    }

    /// Ends a stream at once, whatever is left of it.
    pub(crate) fn close(&mut self, id: StreamId) {
        if self.streams.remove(&id).is_some_and(|stream| stream.opened) {
            self.outbox.push_back(Transmit::Close { stream: id });
        }
    }

    /// Ends the streams that lead to this participant alone. They end in the middle of a frame.
    pub(crate) fn close_own(&mut self, id: ParticipantId) {
        let own: Vec<StreamId> = self
            .streams
            .values()
            .filter(|stream| stream.destinations == [id])
            .map(|stream| stream.id)
            .collect();
        for stream in own {
            self.outbox.retain(|transmit| match transmit {
                Transmit::Write { stream: to, .. } => *to != stream,
                Transmit::Open { .. } | Transmit::Close { .. } => true,
            });
            self.close(stream);
        }
    }

    /// Forgets a stream that the transport could not open or write.
    pub(crate) fn fail(&mut self, id: StreamId) -> Option<OutgoingStream> {
        let stream = self.streams.remove(&id)?;
        self.outbox.retain(|transmit| transmit.stream() != id);
        Some(stream)
    }

    /// Forgets all streams: the connection is lost.
    pub(crate) fn clear(&mut self) {
        self.streams.clear();
        self.outbox.clear();
    }

    /// Whether nothing was chosen for the transport yet.
    pub(crate) fn is_idle(&self) -> bool {
        self.outbox.is_empty()
    }

    /// The next thing that the transport is to do.
    pub(crate) fn poll(&mut self) -> Option<Transmit> {
        self.outbox.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEWER: ParticipantId = ParticipantId(1);
    const OTHER: ParticipantId = ParticipantId(2);

    fn begin(streams: &mut Streams, destinations: Vec<ParticipantId>, size: usize) -> StreamId {
        let id = streams.open(destinations, None);
        let mut frames = vec![Bytes::from(vec![0; size])];
        let slice = streams.get_mut(id).unwrap().slice(|_| frames.pop());
        streams.write(id, slice);
        id
    }

    fn kinds(streams: &mut Streams) -> String {
        std::iter::from_fn(|| streams.poll())
            .map(|transmit| match transmit {
                Transmit::Open { .. } => 'o',
                Transmit::Write { .. } => 'w',
                Transmit::Close { .. } => 'c',
            })
            .collect()
    }

    #[test]
    fn a_stream_that_was_never_written_is_never_opened() {
        let mut streams = Streams::default();
        let id = streams.open(vec![VIEWER], None);
        streams.write(id, Bytes::new());
        assert!(streams.retire(id).is_none());
        assert_eq!(kinds(&mut streams), "");
    }

    #[test]
    fn a_retired_stream_finishes_its_frame() {
        let mut streams = Streams::default();
        let id = begin(&mut streams, vec![VIEWER], 20_000);
        assert!(streams.retire(id).is_some());
        assert_eq!(kinds(&mut streams), "ow");
        let rest = streams.get_mut(id).unwrap().slice(|_| None);
        streams.write(id, rest);
        assert_eq!(kinds(&mut streams), "wc");
    }

    #[test]
    fn the_streams_of_one_that_is_gone_end_at_once_and_shared_ones_go_on() {
        let mut streams = Streams::default();
        begin(&mut streams, vec![VIEWER], 20_000);
        let shared = begin(&mut streams, vec![VIEWER, OTHER], 20_000);
        streams.close_own(VIEWER);
        assert_eq!(kinds(&mut streams), "oowc");
        assert!(streams.is_unfinished(shared));
    }
}
