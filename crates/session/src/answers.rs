//! Answers to requests. Small ones are control messages; large ones take turns with data.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use remote_access_protocol::ChannelId;

use super::dispatch::Flow;
use super::drr::{Class, Turn, Wait};
use super::{ParticipantId, Session, StreamId};

/// Answers up to this size, in bytes, are control messages: a few slices hold up nobody.
const SMALL: usize = 64 * 1024;
/// Bytes of large answers that may wait for one participant. One always may.
const MAX_WAITING: usize = 32 << 20;
/// Bytes of large answers that may wait for all participants.
const MAX_TOTAL: usize = 128 << 20;

/// Stands for the answers where a participant's channels take turns on one stream.
pub(super) const ANSWERS: ChannelId = ChannelId(u64::MAX);

/// Large answers that wait for one participant.
#[derive(Debug, Default)]
pub(super) struct AnswerQueue {
    frames: VecDeque<Bytes>,
    /// The answer that is being sent, until all of it is.
    sending: Option<Bytes>,
    bytes: usize,
    /// The stream that carries them, of a participant that reads many.
    stream: Option<StreamId>,
}

impl AnswerQueue {
    fn push(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Size of the next answer.
    pub fn next_size(&self) -> Option<usize> {
        self.frames.front().map(Bytes::len)
    }

    /// Takes the next answer. It counts until [`Self::sent`].
    pub fn pop(&mut self) -> Option<Bytes> {
        let frame = self.frames.pop_front()?;
        self.sending = Some(frame.clone());
        Some(frame)
    }

    /// The answer that was taken last went out whole. Returns its size.
    pub fn sent(&mut self) -> usize {
        let size = self.sending.take().map_or(0, |frame| frame.len());
        self.bytes -= size;
        size
    }

    /// As [`Self::sent`], for answers that have no stream of their own.
    pub fn sent_on_primary(&mut self) -> usize {
        if self.stream.is_some() {
            return 0;
        }
        self.sent()
    }

    /// The streams are new: what was not sent whole is sent again.
    pub fn restart(&mut self) {
        self.stream = None;
        if let Some(frame) = self.sending.take() {
            self.frames.push_front(frame);
        }
    }

    /// Forgets all answers. Returns their bytes.
    pub fn clear(&mut self) -> usize {
        std::mem::take(self).bytes
    }
}

impl Session {
    /// Sends an answer to a participant. One that finds no room is replaced by `instead`.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        id: ParticipantId,
        frame: Bytes,
        instead: Option<Bytes>,
    ) {
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        if frame.len() <= SMALL {
            self.push_control(now, id, Some(frame));
            return;
        }
        let waiting = participant.answers.bytes;
        let no_room = waiting > 0 && waiting + frame.len() > MAX_WAITING;
        if no_room || self.answer_bytes + frame.len() > MAX_TOTAL {
            self.push_control(now, id, instead);
            return;
        }
        self.answer_bytes += frame.len();
        participant.answers.push(frame);
        self.activate_answers(id);
    }

    /// The answers of a participant have something to send, perhaps.
    pub(super) fn activate_answers(&mut self, id: ParticipantId) {
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        if participant.answers.is_empty() {
            return;
        }
        if participant.many_streams {
            self.turns.insert(Flow::Answers(id), Class::Bulk);
        } else {
            participant.turns.insert(ANSWERS, Class::Bulk);
            self.turns.insert(Flow::Participant(id), Class::Periodic);
        }
    }

    /// Sends a slice of the answers to a participant that reads many streams.
    pub(super) fn answers_turn(&mut self, now: Instant, id: ParticipantId) -> Turn {
        let Some(participant) = self.participants.get_mut(&id) else {
            return Turn::Empty;
        };
        let answers = &participant.answers;
        let open = answers.stream;
        let at_boundary = open
            .and_then(|stream| self.streams.get(&stream))
            .is_none_or(|stream| stream.at_boundary());
        if at_boundary && answers.is_empty() {
            participant.answers.stream = None;
            if let Some(stream) = open {
                self.retire_stream(stream);
            }
            return Turn::Empty;
        }
        if participant.restart_at.is_some() || !participant.flow.has_credit(now) {
            return Turn::Blocked(Wait::Retry);
        }
        let stream = open.unwrap_or_else(|| self.open_stream(vec![id]));
        let (Some(participant), Some(outgoing)) = (
            self.participants.get_mut(&id),
            self.streams.get_mut(&stream),
        ) else {
            return Turn::Empty;
        };
        let answers = &mut participant.answers;
        answers.stream = Some(stream);
        let bytes = outgoing.slice(|room| {
            if room < usize::MAX {
                return None;
            }
            answers.pop()
        });
        if outgoing.at_boundary() {
            self.answer_bytes -= answers.sent();
        }
        participant.flow.on_sent(bytes.len());
        participant.flow.charge(bytes.len());
        let size = bytes.len();
        self.write(stream, bytes);
        Turn::Sent(size)
    }
}
