//! Control messages that wait for one participant.

use std::collections::VecDeque;

use bytes::Bytes;

/// Pongs that wait. More wait only for a viewer that pings faster than it reads.
const MAX_PONGS: usize = 16;

/// One control message.
#[derive(Clone, Debug)]
pub(crate) enum Control {
    /// A complete frame.
    Frame(Bytes),
    /// A complete frame that all participants share, so that it takes memory once.
    Shared(Bytes),
    /// A Pong, whose device timestamp is known only when it is written. It marks its position unless
    /// another one follows at once.
    Pong { timestamp: u64, marks: bool },
    /// The robot's time in nanoseconds.
    Time(u64),
}

/// The queue did not take a message: the participant needs a resync.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overflow;

/// Bounded queue of control messages in order.
#[derive(Debug)]
pub(crate) struct ControlQueue {
    messages: VecDeque<Control>,
    bytes: usize,
    limit: usize,
    pongs: usize,
}

impl ControlQueue {
    /// `limit` is in bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            messages: VecDeque::new(),
            bytes: 0,
            limit,
            pongs: 0,
        }
    }

    pub(crate) fn push(&mut self, frame: Bytes) -> Result<(), Overflow> {
        if self.bytes + frame.len() > self.limit {
            return Err(Overflow);
        }
        self.bytes += frame.len();
        self.messages.push_back(Control::Frame(frame));
        Ok(())
    }

    /// Queues a frame that all participants share. It counts for nothing, so that any catalogue can
    /// be delivered.
    pub(crate) fn push_shared(&mut self, frame: Bytes) {
        self.messages.push_back(Control::Shared(frame));
    }

    /// Answers pings, the last of which marks its position. Of too many that wait the later ones
    /// stay unanswered.
    pub(crate) fn push_pongs(&mut self, timestamps: &[u64]) {
        for (index, &timestamp) in timestamps.iter().enumerate() {
            let marks = index + 1 == timestamps.len();
            if self.pongs < MAX_PONGS {
                self.pongs += 1;
                self.messages.push_back(Control::Pong { timestamp, marks });
            }
        }
    }

    /// Sends the robot's time, in place of an earlier one that still waits.
    pub(crate) fn push_time(&mut self, time: u64) {
        let waiting = self
            .messages
            .iter_mut()
            .rev()
            .find_map(|message| match message {
                Control::Time(time) => Some(time),
                Control::Frame(_) | Control::Shared(_) | Control::Pong { .. } => None,
            });
        match waiting {
            Some(waiting) => *waiting = time,
            None => self.messages.push_back(Control::Time(time)),
        }
    }

    /// Takes the next message if its frame has at most `room` bytes.
    pub(crate) fn pop(&mut self, room: usize) -> Option<Control> {
        self.take(0, room)
    }

    /// Takes the next Pong, before all that waits, if its frame has at most `room` bytes.
    pub(crate) fn pop_pong(&mut self, room: usize) -> Option<Control> {
        let is_pong = |message: &Control| matches!(message, Control::Pong { .. });
        let index = self.messages.iter().position(is_pong)?;
        self.take(index, room)
    }

    fn take(&mut self, index: usize, room: usize) -> Option<Control> {
        let size = match self.messages.get(index)? {
            Control::Frame(frame) | Control::Shared(frame) => frame.len(),
            Control::Pong { .. } => PONG_SIZE,
            Control::Time(_) => TIME_SIZE,
        };
        if size > room {
            return None;
        }
        let message = self.messages.remove(index)?;
        match &message {
            Control::Frame(frame) => self.bytes -= frame.len(),
            Control::Pong { .. } => self.pongs -= 1,
            Control::Shared(_) | Control::Time(_) => {}
        }
        Some(message)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(crate) fn has_pongs(&self) -> bool {
        self.pongs > 0
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.limit);
    }
}

/// Size of a framed Pong in bytes.
const PONG_SIZE: usize = 22;
/// Size of a framed Time in bytes.
const TIME_SIZE: usize = 14;

#[cfg(test)]
mod tests {
    use super::*;
    use remote_access_protocol::server::BinaryMessage;

    #[test]
    fn the_bytes_are_bounded() {
        let mut queue = ControlQueue::new(100);
        assert_eq!(queue.push(Bytes::from(vec![0; 60])), Ok(()));
        assert_eq!(queue.push(Bytes::from(vec![0; 60])), Err(Overflow));
        assert!(queue.pop(59).is_none());
        assert!(matches!(queue.pop(60), Some(Control::Frame(_))));
        assert_eq!(queue.push(Bytes::from(vec![0; 60])), Ok(()));
        queue.push_shared(Bytes::from(vec![0; 1000]));
        assert_eq!(queue.bytes(), 60, "others hold it too");
    }

    #[test]
    fn a_flood_of_pings_is_bounded() {
        let mut queue = ControlQueue::new(100);
        for timestamp in 0..1000 {
            queue.push_pongs(&[timestamp]);
        }
        let mut pongs = 0;
        while queue.pop(usize::MAX).is_some() {
            pongs += 1;
        }
        assert_eq!(pongs, MAX_PONGS);
        let pong = BinaryMessage::Pong {
            timestamp: 0,
            device_timestamp: 0,
        };
        assert_eq!(pong.frame().map(|frame| frame.len()), Some(PONG_SIZE));
    }

    #[test]
    fn of_the_time_the_latest_waits() {
        let mut queue = ControlQueue::new(100);
        for time in 0..1000 {
            queue.push_time(time);
        }
        assert!(queue.pop(TIME_SIZE - 1).is_none());
        assert!(matches!(queue.pop(TIME_SIZE), Some(Control::Time(999))));
        assert!(queue.is_empty());
        let size = BinaryMessage::Time(0).frame().map(|frame| frame.len());
        assert_eq!(size, Some(TIME_SIZE));
    }
}
