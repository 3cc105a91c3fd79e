//! Sources: what takes turns on the uplink, and on a participant's primary stream.

use remote_access_protocol::ChannelId;

use crate::class::Class;
use crate::ids::{ParticipantId, StreamId};

/// Source of bytes for the uplink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// A channel, for the participants that read many streams and share lanes.
    Channel(ChannelId),
    /// A channel, for one that reads many streams and is served on its own.
    Own(ParticipantId, ChannelId),
    /// All channels of a participant that reads one stream.
    Participant(ParticipantId),
    /// Large answers to a participant that reads many streams.
    Answers(ParticipantId),
    /// Control messages beyond what goes before data.
    Control(ParticipantId),
    /// A stream that ends after the frame that it has begun.
    Finish(StreamId),
}

/// A source that has something to send, perhaps, and is to take turns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Woken {
    pub(crate) source: Source,
    pub(crate) class: Class,
    /// A participant that gets what it sends.
    pub(crate) receiver: ParticipantId,
}

/// Source of data for a participant's primary stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PrimarySource {
    /// The messages of a channel.
    Channel(ChannelId),
    /// Large answers.
    Answers,
}
