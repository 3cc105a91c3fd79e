//! Answers to requests. Small ones are control messages; large ones take turns with data.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::ids::StreamId;

/// Answers up to this size, in bytes, are control messages: a few slices hold up nobody.
pub(crate) const SMALL: usize = 64 * 1024;
/// Bytes of large answers that may wait for one participant. One always may.
const MAX_WAITING: usize = 32 << 20;
/// Bytes of large answers that may wait for all participants.
const MAX_TOTAL: usize = 128 << 20;

/// Large answers that wait for one participant.
#[derive(Debug, Default)]
pub(crate) struct AnswerQueue {
    frames: VecDeque<Bytes>,
    /// The answer that is being sent, until all of it is.
    sending: Option<Bytes>,
    bytes: usize,
    /// The stream that carries them, of a participant that reads many.
    pub(crate) stream: Option<StreamId>,
}

impl AnswerQueue {
    /// Queues an answer, if there is room for it beside the `total` bytes of all participants.
    /// Returns whether there was.
    pub(crate) fn push(&mut self, frame: Bytes, total: usize) -> bool {
        let size = frame.len();
        let no_room = self.bytes > 0 && self.bytes + size > MAX_WAITING;
        if no_room || total + size > MAX_TOTAL {
            return false;
        }
        self.bytes += size;
        self.frames.push_back(frame);
        true
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Size of the next answer.
    pub(crate) fn next_size(&self) -> Option<usize> {
        self.frames.front().map(Bytes::len)
    }

    /// Takes the next answer. It counts until [`Self::sent`].
    pub(crate) fn pop(&mut self) -> Option<Bytes> {
        let frame = self.frames.pop_front()?;
        self.sending = Some(frame.clone());
        Some(frame)
    }

    /// The answer that was taken last went out whole. Returns its size.
    pub(crate) fn sent(&mut self) -> usize {
        let size = self.sending.take().map_or(0, |frame| frame.len());
        self.bytes -= size;
        size
    }

    /// As [`Self::sent`], for answers that have no stream of their own.
    pub(crate) fn sent_on_primary(&mut self) -> usize {
        if self.stream.is_some() {
            return 0;
        }
        self.sent()
    }

    /// The streams are new: what was not sent whole is sent again.
    pub(crate) fn resync(&mut self) {
        self.stream = None;
        if let Some(frame) = self.sending.take() {
            self.frames.push_front(frame);
        }
    }

    /// Forgets all answers. Returns their bytes.
    pub(crate) fn clear(&mut self) -> usize {
        std::mem::take(self).bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(size: usize) -> Bytes {
        Bytes::from(vec![0; size])
    }

    #[test]
    fn one_answer_of_any_size_may_wait_and_the_total_is_bounded() {
        let mut queue = AnswerQueue::default();
        assert!(!queue.push(answer(10), MAX_TOTAL));
        assert!(queue.push(answer(MAX_WAITING + 1), 0));
        assert!(!queue.push(answer(1), 0));
        assert_eq!(queue.clear(), MAX_WAITING + 1);
        assert!(queue.push(answer(1), 0));
    }

    #[test]
    fn an_answer_counts_until_all_of_it_is_sent_and_is_sent_again_on_new_streams() {
        let mut queue = AnswerQueue::default();
        assert!(queue.push(answer(100), 0) && queue.push(answer(20), 0));
        assert_eq!(queue.pop().map(|frame| frame.len()), Some(100));
        queue.resync();
        assert_eq!(queue.next_size(), Some(100));
        queue.pop();
        assert_eq!(queue.sent(), 100);
        assert_eq!(queue.sent(), 0);
        assert_eq!(queue.clear(), 20);
    }
}
