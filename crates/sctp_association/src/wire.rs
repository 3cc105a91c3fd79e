//! Reads the headers of SCTP packets (RFC 9260, section 3), to learn what was sent and what arrived.

use std::ops::Range;

use bytes::Bytes;

/// Bytes of the common header before the first chunk.
const COMMON_HEADER: usize = 12;
/// Where the checksum is in it.
const CHECKSUM: Range<usize> = 8..12;
/// Blocks that one SACK may hold here; what is left out is said later.
const MAX_GAPS: usize = 1024;
/// Bytes of a DATA chunk before its user data.
const DATA_HEADER: usize = 16;
/// Bytes of a SACK chunk before its gaps.
const SACK_HEADER: usize = 16;
const DATA_CHUNK: u8 = 0;
/// Flags of a DATA chunk: the first piece of its message, and not delivered in order.
const BEGINNING: u8 = 2;
const UNORDERED: u8 = 4;
const SACK_CHUNK: u8 = 3;
const FORWARD_TSN_CHUNK: u8 = 192;
/// The chunks that hold error causes: ABORT and ERROR.
const CAUSE_CHUNKS: [u8; 2] = [6, 9];
/// Bytes of a chunk's or an error cause's header.
const HEADER: usize = 4;

/// The part of a DATA chunk that the accounting needs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DataChunk {
    pub(crate) tsn: u32,
    pub(crate) stream: u16,
    /// Bytes of user data, without padding.
    pub(crate) length: usize,
    /// It is the first piece of its message.
    pub(crate) begins: bool,
    pub(crate) unordered: bool,
}

/// Contents of a SACK chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sack<'a> {
    /// This chunk and all before it have arrived.
    pub(crate) cumulative: u32,
    gaps: &'a [u8],
    duplicates: u16,
}

impl Sack<'_> {
    /// Whether it says no more than how far all has arrived.
    pub(crate) fn is_plain(&self) -> bool {
        self.gaps.is_empty() && self.duplicates == 0
    }

    /// Further chunks that arrived: the first and the last of each block, counted from the
    /// cumulative number. The peer may say anything here.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = (u16, u16)> + '_ {
        self.gaps.chunks_exact(4).map(|gap| {
            let number = |index: usize| u16::from_be_bytes([gap[index], gap[index + 1]]);
            (number(0), number(2))
        })
    }
}

/// The DATA chunks of a packet, in order. Stops at the first malformed chunk.
pub(crate) fn data_chunks(packet: &[u8]) -> impl Iterator<Item = DataChunk> + '_ {
    chunks(packet)
        .filter(|chunk| chunk[0] == DATA_CHUNK)
        .map_while(|chunk| {
            let &[_, flags, _, _, t0, t1, t2, t3, s0, s1, ..] =
                chunk.first_chunk::<DATA_HEADER>()?;
            Some(DataChunk {
                tsn: u32::from_be_bytes([t0, t1, t2, t3]),
                stream: u16::from_be_bytes([s0, s1]),
                length: chunk.len() - DATA_HEADER,
                begins: flags & BEGINNING != 0,
                unordered: flags & UNORDERED != 0,
            })
        })
}

/// The SACK chunks of a packet. Stops at the first malformed chunk.
pub(crate) fn sacks(packet: &[u8]) -> impl Iterator<Item = Sack<'_>> + '_ {
    chunks(packet)
        .filter(|chunk| chunk[0] == SACK_CHUNK)
        .map_while(sack)
}

/// The SACK chunk of a packet that has nothing else.
pub(crate) fn lone_sack(packet: &[u8]) -> Option<Sack<'_>> {
    let mut chunks = chunks(packet);
    let chunk = chunks.next().filter(|chunk| chunk[0] == SACK_CHUNK)?;
    sack(chunk).filter(|_| chunks.next().is_none())
}

/// Up to which chunk a packet tells the peer to wait no longer, if it does (RFC 3758).
pub(crate) fn forward_tsn(packet: &[u8]) -> Option<u32> {
    let chunk = chunks(packet).find(|chunk| chunk[0] == FORWARD_TSN_CHUNK)?;
    chunk[HEADER..]
        .first_chunk()
        .copied()
        .map(u32::from_be_bytes)
}

/// The packet with one SACK instead of its first, and without any other: this chunk and all before it
/// have arrived, and these blocks, counted from it. The rest stays.
pub(crate) fn with_sack(packet: &[u8], cumulative: u32, gaps: &[(u16, u16)]) -> Bytes {
    let gaps = &gaps[..gaps.len().min(MAX_GAPS)];
    let mut changed = packet[..COMMON_HEADER].to_vec();
    let mut done = false;
    for chunk in chunks(packet) {
        match sack(chunk).filter(|_| chunk[0] == SACK_CHUNK) {
            Some(_) if done => {}
            Some(_) => {
                done = true;
                changed.extend(&chunk[..2]);
                changed.extend(((SACK_HEADER + 4 * gaps.len()) as u16).to_be_bytes());
                changed.extend(cumulative.to_be_bytes());
                changed.extend(&chunk[8..12]); // The room at the receiver.
                changed.extend((gaps.len() as u16).to_be_bytes());
                changed.extend([0; 2]); // No duplicates.
                for (start, end) in gaps {
                    changed.extend(start.to_be_bytes());
                    changed.extend(end.to_be_bytes());
                }
            }
            None => {
                changed.extend(chunk);
                changed.resize(changed.len().next_multiple_of(4), 0);
            }
        }
    }
    set_checksum(&mut changed);
    changed.into()
}

/// Writes the checksum of a packet (RFC 9260, appendix A).
pub(crate) fn set_checksum(packet: &mut [u8]) {
    packet[CHECKSUM].fill(0);
    let checksum = crc32c::crc32c(packet);
    packet[CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
}

fn sack(chunk: &[u8]) -> Option<Sack<'_>> {
    let &[_, _, _, _, t0, t1, t2, t3, _, _, _, _, n0, n1, d0, d1, ..] =
        chunk.first_chunk::<SACK_HEADER>()?;
    let gaps = 4 * usize::from(u16::from_be_bytes([n0, n1]));
    Some(Sack {
        cumulative: u32::from_be_bytes([t0, t1, t2, t3]),
        gaps: chunk.get(SACK_HEADER..SACK_HEADER + gaps)?,
        duplicates: u16::from_be_bytes([d0, d1]),
    })
}

/// Whether all error causes of a packet end within their chunks. rtc-sctp 0.21 panics at others.
pub(crate) fn causes_fit(packet: &[u8]) -> bool {
    chunks(packet)
        .filter(|chunk| CAUSE_CHUNKS.contains(&chunk[0]))
        .all(|chunk| {
            let mut rest = &chunk[HEADER..];
            while let Some(&[_, _, l0, l1]) = rest.first_chunk() {
                let length = usize::from(u16::from_be_bytes([l0, l1]));
                match rest.get(length..) {
                    Some(next) if length >= HEADER => rest = next,
                    _ => return false,
                }
            }
            true
        })
}

/// The chunks of a packet with their headers, without padding. None is shorter than its header.
fn chunks(packet: &[u8]) -> impl Iterator<Item = &[u8]> + '_ {
    let mut rest = packet.get(COMMON_HEADER..).unwrap_or_default();
    std::iter::from_fn(move || {
        let &[_, _, l0, l1] = rest.first_chunk()?;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let chunk = rest.get(..length).filter(|chunk| chunk.len() >= 4)?;
        // The last chunk may lack its padding.
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn data(tsn: u32, stream: u16, user: &[u8]) -> Vec<u8> {
        let mut chunk = vec![DATA_CHUNK, BEGINNING];
        chunk.extend(((DATA_HEADER + user.len()) as u16).to_be_bytes());
        chunk.extend(tsn.to_be_bytes());
        chunk.extend(stream.to_be_bytes());
        chunk.extend([0, 0, 0, 0, 0, 53]);
        chunk.extend(user);
        chunk.resize(chunk.len().next_multiple_of(4), 0);
        chunk
    }

    #[test]
    fn finds_data_between_other_chunks() {
        let mut packet = vec![0; COMMON_HEADER];
        packet.extend([3, 0, 0, 6, 1, 2, 0, 0]);
        packet.extend(data(9, 2, b"abcde"));
        packet.extend([4, 0, 0, 4]);
        packet.extend(data(10, 1, b"x"));
        let chunks: Vec<_> = data_chunks(&packet).collect();
        let expected = [
            DataChunk {
                tsn: 9,
                stream: 2,
                length: 5,
                begins: true,
                unordered: false,
            },
            DataChunk {
                tsn: 10,
                stream: 1,
                length: 1,
                begins: true,
                unordered: false,
            },
        ];
        assert_eq!(chunks, expected);
    }

    #[test]
    fn finds_what_arrived() {
        let mut packet = vec![0; COMMON_HEADER];
        packet.extend(data(9, 2, b"abcde"));
        packet.extend([SACK_CHUNK, 0, 0, 24, 0, 0, 1, 2, 0, 0, 0, 0, 0, 2, 0, 0]);
        packet.extend([0, 2, 0, 3, 0, 9, 1, 0]);
        packet.extend([SACK_CHUNK, 0, 0, 16, 0, 0, 1, 2, 0, 0, 0, 0, 0, 1, 0, 0]);
        let sacks: Vec<_> = sacks(&packet).collect();
        assert_eq!(sacks.len(), 1, "the second one lacks its gap");
        assert_eq!(sacks[0].cumulative, 258);
        assert_eq!(sacks[0].gaps().collect::<Vec<_>>(), [(2, 3), (9, 256)]);
        assert_eq!(lone_sack(&packet), None, "it has data too");
    }

    #[test]
    fn a_sack_is_replaced_between_other_chunks() {
        let mut packet = vec![1; COMMON_HEADER];
        packet.extend([
            SACK_CHUNK, 0, 0, 20, 0, 0, 0, 2, 0, 0, 9, 9, 0, 1, 0, 0, 0, 2, 0, 3,
        ]);
        packet.extend(data(9, 2, b"abcde"));
        packet.extend([SACK_CHUNK, 0, 0, 16, 0, 0, 0, 2, 0, 0, 9, 9, 0, 0, 0, 0]);
        let changed = with_sack(&packet, 5, &[(3, 4), (7, 7)]);
        let [sack] = sacks(&changed).collect::<Vec<_>>()[..] else {
            panic!("one SACK");
        };
        assert_eq!(sack.cumulative, 5);
        assert_eq!(sack.gaps().collect::<Vec<_>>(), [(3, 4), (7, 7)]);
        assert_eq!(data_chunks(&changed).count(), 1);
        assert_eq!(changed[20..24], [0, 0, 9, 9], "the room at the receiver");
        let mut again = changed.to_vec();
        set_checksum(&mut again);
        assert_eq!(again, changed);
    }

    proptest! {
        #[test]
        fn never_panics_and_ends(packet in prop::collection::vec(any::<u8>(), 0..128)) {
            prop_assert!(data_chunks(&packet).count() <= packet.len());
            prop_assert!(sacks(&packet).map(|sack| sack.gaps().count()).sum::<usize>() <= packet.len());
            if packet.len() >= COMMON_HEADER {
                with_sack(&packet, 1, &[(1, 1)]);
            }
        }
    }
}
