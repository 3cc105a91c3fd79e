//! The units of an H.264 stream with start codes (ITU-T H.264, Annex B).

/// Type of a slice that refers to other frames.
pub(crate) const SLICE: u8 = 1;
/// Type of a slice of a key frame (instantaneous decoder refresh).
pub(crate) const IDR: u8 = 5;
/// Type of a sequence parameter set.
pub(crate) const SPS: u8 = 7;
/// Type of a picture parameter set.
pub(crate) const PPS: u8 = 8;

/// The three bytes that each unit begins with; a zero may come before them.
pub(crate) const START_CODE: [u8; 3] = [0, 0, 1];

/// Positions of the start codes.
pub(crate) fn start_codes(bytes: &[u8]) -> impl Iterator<Item = usize> + '_ {
    bytes
        .windows(START_CODE.len())
        .enumerate()
        .filter_map(|(at, window)| (window == START_CODE).then_some(at))
}

/// The units without their start codes; what comes before the first is left out.
pub(crate) fn units(annex_b: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = start_codes(annex_b).skip(1).chain([annex_b.len()]);
    start_codes(annex_b)
        .zip(ends)
        .map(|(start, end)| &annex_b[start + START_CODE.len()..end])
}

/// The type of a unit; 0, which is none, for an empty one.
pub(crate) fn unit_type(unit: &[u8]) -> u8 {
    unit.first().map_or(0, |header| header & 0x1F)
}
