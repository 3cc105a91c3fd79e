//! Counters of what was sent and what was dropped.

/// Reason why a message did not get to a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DropReason {
    /// Newer ones pushed it out of its queue.
    Overtaken,
    /// It waited too long.
    TooOld,
    /// All queues together were too large.
    NoMemory,
    /// Its topic has a rate limit.
    RateLimit,
    /// It was over the 16 MiB that a frame may have.
    TooLarge,
    /// It waited while its participant was resynced.
    Resync,
}

/// Messages that were dropped, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// Newer ones pushed them out of their queue, which is bounded: the participant is too slow.
    pub overtaken: u64,
    /// They waited for longer than they may: the participant is too slow.
    pub too_old: u64,
    /// All queues together were too large.
    pub no_memory: u64,
    /// Their topic has a rate limit.
    pub rate_limit: u64,
    /// They were over the 16 MiB that a frame may have.
    pub too_large: u64,
    /// They waited while their participant was resynced.
    pub resync: u64,
}

impl Drops {
    pub(crate) fn count(&mut self, reason: DropReason) {
        let counter = match reason {
            DropReason::Overtaken => &mut self.overtaken,
            DropReason::TooOld => &mut self.too_old,
            DropReason::NoMemory => &mut self.no_memory,
            DropReason::RateLimit => &mut self.rate_limit,
            DropReason::TooLarge => &mut self.too_large,
            DropReason::Resync => &mut self.resync,
        };
        *counter += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.overtaken += other.overtaken;
        self.too_old += other.too_old;
        self.no_memory += other.no_memory;
        self.rate_limit += other.rate_limit;
        self.too_large += other.too_large;
        self.resync += other.resync;
    }

    /// Messages that a participant missed because it, or the robot's memory, could not keep up.
    #[must_use]
    pub fn by_slowness(&self) -> u64 {
        self.overtaken + self.too_old + self.no_memory
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_slowness() + self.rate_limit + self.too_large + self.resync
    }
}

/// Messages and their bytes, with all headers of the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages.
    pub messages: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Traffic {
    pub(crate) fn count(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes as u64;
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.bytes += other.bytes;
    }
}
