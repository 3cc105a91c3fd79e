//! Turns of large answers to a participant that reads many streams.

use std::time::Instant;

use super::drr::{Turn, Wait};
use super::routes::Routes;
use super::stream::OutgoingStream;
use crate::ids::ParticipantId;

/// Sends a slice of the answers, on a stream of their own.
pub(crate) fn answer_turn(routes: &mut Routes, now: Instant, id: ParticipantId) -> Turn {
    let Some(receiver) = routes.receivers.get_mut(&id) else {
        return Turn::Empty;
    };
    let open = receiver.answers.stream;
    let at_boundary = open
        .and_then(|stream| routes.streams.get(stream))
        .is_none_or(OutgoingStream::at_boundary);
    if at_boundary && receiver.answers.is_empty() {
        receiver.answers.stream = None;
        if let Some(stream) = open {
            routes.retire(stream);
        }
        return Turn::Empty;
    }
    if receiver.resync_at.is_some() || !receiver.flow.has_credit(now) {
        return Turn::Blocked(Wait::Retry);
    }
    let stream = open.unwrap_or_else(|| routes.streams.open(vec![id], None));
    let Some(outgoing) = routes.streams.get_mut(stream) else {
        return Turn::Empty;
    };
    let answers = &mut receiver.answers;
    answers.stream = Some(stream);
    let bytes = outgoing.slice(|room| {
        if room < usize::MAX {
            return None;
        }
        answers.pop()
    });
    if outgoing.at_boundary() {
        routes.answer_bytes -= answers.sent();
    }
    receiver.flow.on_sent(bytes.len());
    receiver.flow.charge(bytes.len());
    let size = bytes.len();
    routes.streams.write(stream, bytes);
    Turn::Sent(size)
}
