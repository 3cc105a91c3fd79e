//! Streams of robots that are not looked at, or not yet.

use std::collections::HashSet;

use livekit::id::ParticipantIdentity;
use livekit::ByteStreamReader;

/// Streams that are kept while no robot is looked at.
const MAX_KEPT: usize = 64;
/// Participants of whom it is remembered that they sent something.
const MAX_MISSED: usize = 1024;

/// A robot greets everybody at once, also before it is known to be one.
#[derive(Default)]
pub(super) struct Early {
    kept: Vec<(ParticipantIdentity, ByteStreamReader)>,
    missed: HashSet<ParticipantIdentity>,
}

impl Early {
    /// Keeps a stream of what may be looked at in a moment.
    pub(super) fn keep(&mut self, identity: &ParticipantIdentity, reader: ByteStreamReader) {
        if self.kept.len() < MAX_KEPT {
            self.kept.push((identity.clone(), reader));
        } else {
            self.miss(identity, reader);
        }
    }

    /// Ends a stream unread.
    pub(super) fn miss(&mut self, identity: &ParticipantIdentity, reader: ByteStreamReader) {
        reader.closer().close();
        if self.missed.len() < MAX_MISSED {
            self.missed.insert(identity.clone());
        }
    }

    /// The streams of a participant, and whether others of it were ended unread.
    pub(super) fn take(&mut self, identity: &ParticipantIdentity) -> (Vec<ByteStreamReader>, bool) {
        let mut taken = Vec::new();
        for (sender, reader) in std::mem::take(&mut self.kept) {
            if sender == *identity {
                taken.push(reader);
            } else {
                // Now that there is a robot to look at, the others are not.
                self.miss(&sender, reader);
            }
        }
        (taken, self.missed.remove(identity))
    }

    /// A participant is gone.
    pub(super) fn forget(&mut self, identity: &ParticipantIdentity) {
        self.kept.retain(|(sender, _)| sender != identity);
        self.missed.remove(identity);
    }
}
