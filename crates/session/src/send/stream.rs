//! Outgoing byte stream: frames go in, slices come out.

use bytes::{Bytes, BytesMut};
use remote_access_protocol::ChannelId;

use crate::config::SLICE_SIZE;
use crate::ids::{ParticipantId, StreamId};

/// An outgoing byte stream to a fixed set of participants.
///
/// LiveKit stamps the destinations on every packet, so they never change in a stream's life.
#[derive(Debug)]
pub(crate) struct OutgoingStream {
    pub(crate) id: StreamId,
    /// The channel, if the stream is a lane.
    pub(crate) channel: Option<ChannelId>,
    /// Sorted.
    pub(crate) destinations: Vec<ParticipantId>,
    /// Whether the transport was told to open it.
    pub(crate) opened: bool,
    /// Whether it ends at the next frame boundary.
    pub(crate) retired: bool,
    rest: Bytes,
    written: u64,
}

impl OutgoingStream {
    pub(crate) fn new(
        id: StreamId,
        destinations: Vec<ParticipantId>,
        channel: Option<ChannelId>,
    ) -> Self {
        Self {
            id,
            channel,
            destinations,
            opened: false,
            retired: false,
            rest: Bytes::new(),
            written: 0,
        }
    }

    /// Whether the last slice ended with a whole frame.
    pub(crate) fn at_boundary(&self) -> bool {
        self.rest.is_empty()
    }

    /// Bytes that went out so far.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Cuts the next slice: the rest of the current frame, then as many frames as fit.
    ///
    /// A frame that is longer than the slice's room is begun only if the slice is still empty.
    /// Small frames are copied together; a slice of one frame is not copied.
    pub(crate) fn slice(&mut self, mut next_frame: impl FnMut(usize) -> Option<Bytes>) -> Bytes {
        if self.rest.is_empty() {
            match next_frame(usize::MAX) {
                Some(frame) => self.rest = frame,
                None => return Bytes::new(),
            }
        }
        let first = self.rest.split_to(self.rest.len().min(SLICE_SIZE));
        let slice = if self.rest.is_empty() {
            coalesce(first, next_frame)
        } else {
            first
        };
        self.written += slice.len() as u64;
        slice
    }
}

fn coalesce(first: Bytes, mut next_frame: impl FnMut(usize) -> Option<Bytes>) -> Bytes {
    let Some(second) = next_frame(SLICE_SIZE - first.len()) else {
        return first;
    };
    let mut slice = BytesMut::with_capacity(SLICE_SIZE);
    slice.extend_from_slice(&first);
    slice.extend_from_slice(&second);
    while let Some(frame) = next_frame(SLICE_SIZE - slice.len()) {
        slice.extend_from_slice(&frame);
    }
    slice.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    fn take_fitting(queue: &mut VecDeque<Bytes>, room: usize) -> Option<Bytes> {
        queue.front().filter(|frame| frame.len() <= room)?;
        queue.pop_front()
    }

    proptest! {
        #[test]
        fn slices_are_bounded_and_lose_nothing(sizes in prop::collection::vec(1usize..40_000, 0..30)) {
            let mut queue: VecDeque<Bytes> = sizes
                .iter()
                .enumerate()
                .map(|(index, &size)| Bytes::from(vec![index as u8; size]))
                .collect();
            let expected: Vec<u8> = queue.iter().flat_map(|frame| frame.to_vec()).collect();
            let mut stream = OutgoingStream::new(StreamId(1), vec![], None);
            let mut found = Vec::new();
            loop {
                let slice = stream.slice(|room| take_fitting(&mut queue, room));
                if slice.is_empty() {
                    break;
                }
                prop_assert!(slice.len() <= SLICE_SIZE);
                found.extend_from_slice(&slice);
            }
            prop_assert!(stream.at_boundary());
            prop_assert_eq!(stream.written(), expected.len() as u64);
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn small_frames_share_a_slice() {
        let mut queue: VecDeque<Bytes> = (0..100).map(|_| Bytes::from(vec![1; 100])).collect();
        let mut stream = OutgoingStream::new(StreamId(1), vec![], None);
        let slice = stream.slice(|room| take_fitting(&mut queue, room));
        assert_eq!(slice.len(), 10_000);
    }
}
