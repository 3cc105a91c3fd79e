//! The frames of an H.264 stream that comes in pieces.

use crate::annex_b::{start_codes, unit_type, units, IDR, PPS, SLICE, SPS, START_CODE};
use crate::error::MediaError;
use crate::video::Coded;

/// Most bytes of a frame.
const MOST_BYTES: usize = 16 << 20;

/// Cuts a stream (H.264, Annex B, without B-frames) into frames: access units.
///
/// The end of a frame shows in the beginning of the next one. Who knows that the stream pauses gets it
/// sooner, by [`pause`](Self::pause).
#[derive(Debug, Default)]
pub struct AccessUnits {
    /// The frame that is not complete.
    bytes: Vec<u8>,
    /// Bytes in which no further start code begins.
    scanned: usize,
    /// Whether a slice has begun.
    has_slice: bool,
    /// The parameter sets that came last, for key frames that come without.
    sps: Vec<u8>,
    pps: Vec<u8>,
}

impl AccessUnits {
    /// The frames that end in what came.
    ///
    /// # Errors
    /// It is no such stream, or a frame has more than 16 MiB. The rest of the stream is of no use then.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Coded>, MediaError> {
        self.bytes.extend_from_slice(bytes);
        let mut frames = Vec::new();
        while let Some(end) = self.next_end()? {
            frames.push(self.take(end));
        }
        let begins = self.bytes.len() <= START_CODE.len()
            || self.bytes.starts_with(&START_CODE)
            || self.bytes.starts_with(&[0, 0, 0, 1]);
        if !begins {
            return Err(MediaError::NotAnnexB);
        }
        if self.bytes.len() > MOST_BYTES {
            return Err(MediaError::FrameSize { most: MOST_BYTES });
        }
        Ok(frames)
    }

    /// Whether a frame has begun that may be complete.
    #[must_use]
    pub fn has_slice(&self) -> bool {
        self.has_slice
    }

    /// The frame that waits for the next one; to be asked when nothing has come for a while. If it was
    /// not complete, [`push`](Self::push) fails at its rest.
    pub fn pause(&mut self) -> Option<Coded> {
        self.has_slice.then(|| self.take(self.bytes.len()))
    }

    /// The end of the first frame, if the next one has begun.
    fn next_end(&mut self) -> Result<Option<usize>, MediaError> {
        let from = self.scanned;
        // The two bytes after a start code tell what it begins.
        let found = start_codes(&self.bytes[from..]).map(|at| from + at);
        let mut scanned = self.bytes.len().saturating_sub(START_CODE.len() - 1);
        let mut end = None;
        for at in found {
            let &[header, first, ..] = &self.bytes[at + START_CODE.len()..] else {
                scanned = at;
                break;
            };
            let kind = header & 0x1F;
            let is_slice = kind == SLICE || kind == IDR;
            // A slice that begins with the first macroblock has a 1 in its first bit.
            let begins = match kind {
                SLICE | IDR => first & 0x80 != 0,
                6..=9 | 14..=18 => true,
                _ => false,
            };
            if begins && self.has_slice {
                // The zero before a start code belongs to it.
                end = Some(at - usize::from(at > 0 && self.bytes[at - 1] == 0));
                break;
            }
            if is_slice && !begins && !self.has_slice {
                // The rest of a frame that was taken for whole.
                return Err(MediaError::NotAnnexB);
            }
            self.has_slice |= is_slice;
        }
        self.scanned = scanned.max(from);
        Ok(end)
    }

    fn take(&mut self, end: usize) -> Coded {
        let rest = self.bytes.split_off(end);
        let mut annex_b = std::mem::replace(&mut self.bytes, rest);
        (self.scanned, self.has_slice) = (0, false);
        let (mut is_key_frame, mut has_sps) = (false, false);
        for unit in units(&annex_b) {
            match unit_type(unit) {
                IDR => is_key_frame = true,
                SPS => {
                    has_sps = true;
                    unit.clone_into(&mut self.sps);
                }
                PPS => unit.clone_into(&mut self.pps),
                _ => {}
            }
        }
        if is_key_frame && !has_sps {
            // Nobody who begins with it could decode it.
            is_key_frame = !self.sps.is_empty();
            let sets = [&self.sps, &self.pps].into_iter();
            let mut with_sets: Vec<u8> = sets.flat_map(|set| unit_of(set)).collect();
            with_sets.append(&mut annex_b);
            annex_b = with_sets;
        }
        Coded {
            annex_b,
            is_key_frame,
        }
    }
}

/// A unit with its start code, or nothing of an empty one.
fn unit_of(unit: &[u8]) -> Vec<u8> {
    if unit.is_empty() {
        return Vec::new();
    }
    let end = unit
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at + 1);
    [&[0], &START_CODE[..], &unit[..end]].concat()
}
