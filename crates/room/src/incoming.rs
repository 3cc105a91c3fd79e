//! Reading a byte stream frame by frame.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use futures_util::StreamExt;
use livekit::{ByteStreamReader, StreamError};
use remote_access_protocol::frame::{Frame, FrameDecoder, FrameError};

/// Why a stream cannot be read any further, though its sender did not end it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// The transport lost a part of it, or the sender is gone.
    #[error("the stream broke: {0}")]
    Stream(#[from] StreamError),
    /// Its bytes are not frames of the protocol.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// Too many bytes of incomplete frames wait in all streams of the budget.
    #[error("too many bytes of incomplete frames")]
    TooMuch,
}

/// Bytes of incomplete frames that several streams may hold together.
#[derive(Clone, Debug)]
pub struct BufferBudget {
    used: Arc<AtomicUsize>,
    limit: usize,
}

impl BufferBudget {
    /// `limit` is in bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            used: Arc::default(),
            limit,
        }
    }

    /// Replaces what a stream held by what it holds now. Returns `false` if that is too much.
    fn replace(&self, before: usize, now: usize) -> bool {
        self.used.fetch_add(now, Ordering::Relaxed);
        let used = self.used.fetch_sub(before, Ordering::Relaxed) - before;
        used <= self.limit
    }
}

/// Reads the frames of one byte stream. Dropping it ends the stream.
pub struct FrameReader {
    reader: ByteStreamReader,
    decoder: FrameDecoder,
    budget: BufferBudget,
    held: usize,
    over: bool,
}

impl FrameReader {
    /// Reads a stream that was opened just now.
    #[must_use]
    pub fn new(reader: ByteStreamReader, budget: BufferBudget) -> Self {
        Self {
            reader,
            decoder: FrameDecoder::default(),
            budget,
            held: 0,
            over: false,
        }
    }

    /// The next frame; `None` after the stream's end or after an error.
    ///
    /// An incomplete frame at the end is left out: a sender that resyncs ends its streams
    /// wherever they are.
    pub async fn next(&mut self) -> Option<Result<Frame, Broken>> {
        while !self.over {
            match self.decoder.next_frame() {
                Ok(Some(frame)) => return Some(Ok(frame)),
                Ok(None) => {}
                Err(error) => return Some(Err(self.fail(error.into()))),
            }
            if !self.count(self.decoder.buffered()) {
                return Some(Err(self.fail(Broken::TooMuch)));
            }
            match self.reader.next().await {
                Some(Ok(chunk)) => self.decoder.push(&chunk),
                Some(Err(error)) => return Some(Err(self.fail(error.into()))),
                None => self.over = true,
            }
        }
        None
    }

    fn count(&mut self, held: usize) -> bool {
        let before = std::mem::replace(&mut self.held, held);
        self.budget.replace(before, held)
    }

    fn fail(&mut self, error: Broken) -> Broken {
        self.over = true;
        error
    }
}

impl Drop for FrameReader {
    fn drop(&mut self) {
        self.count(0);
        self.reader.closer().close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_for_all_streams_together() {
        let budget = BufferBudget::new(100);
        assert!(budget.replace(0, 60));
        assert!(budget.clone().replace(0, 40));
        assert!(!budget.replace(60, 61));
        assert!(budget.replace(61, 0));
        assert_eq!(budget.used.load(Ordering::Relaxed), 40);
    }
}
