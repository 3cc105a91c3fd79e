//! Costs of encoding, for reports.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

/// Figures of what was encoded for one channel, of all times that it was watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EncoderFigures {
    /// Messages that were encoded.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Messages that newer ones overtook while the encoder was busy.
    pub skipped: u64,
    /// Messages that could not be encoded.
    pub failed: u64,
    /// Processor time that all of them took.
    pub cpu: Duration,
    /// Bits per second that are aimed at, of a video.
    pub bit_rate: Option<u32>,
}

/// The figures of all encoders by the names of their channels.
#[derive(Clone, Debug, Default)]
pub struct Encoders(Arc<Mutex<BTreeMap<String, EncoderFigures>>>);

impl Encoders {
    /// Changes the figures of a channel, which are zero at first.
    pub fn update(&self, channel: &str, change: impl FnOnce(&mut EncoderFigures)) {
        let mut all = self.0.lock();
        match all.get_mut(channel) {
            Some(figures) => change(figures),
            None => change(all.entry(channel.to_owned()).or_default()),
        }
    }

    /// Forgets a channel that exists no more.
    pub fn remove(&self, channel: &str) {
        self.0.lock().remove(channel);
    }

    /// The figures as they are now.
    pub(super) fn get(&self) -> BTreeMap<String, EncoderFigures> {
        self.0.lock().clone()
    }
}
