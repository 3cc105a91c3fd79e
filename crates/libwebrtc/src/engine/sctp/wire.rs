//! Reads the headers of outgoing SCTP packets (RFC 9260, section 3), to learn what was sent.

/// Bytes of the common header before the first chunk.
const COMMON_HEADER: usize = 12;
/// Bytes of a DATA chunk before its user data.
const DATA_HEADER: usize = 16;
const DATA_CHUNK: u8 = 0;

/// The part of a DATA chunk that the accounting needs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DataChunk {
    pub(crate) tsn: u32,
    pub(crate) stream: u16,
    /// Bytes of user data, without padding.
    pub(crate) length: usize,
}

/// The DATA chunks of a packet, in order. Stops at the first malformed chunk.
pub(crate) fn data_chunks(packet: &[u8]) -> impl Iterator<Item = DataChunk> + '_ {
    let mut rest = packet.get(COMMON_HEADER..).unwrap_or_default();
    std::iter::from_fn(move || loop {
        let &[kind, _, l0, l1] = rest.first_chunk()?;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let chunk = rest.get(..length).filter(|chunk| chunk.len() >= 4)?;
        // The last chunk may lack its padding.
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        if kind == DATA_CHUNK {
            let &[_, _, _, _, t0, t1, t2, t3, s0, s1, ..] = chunk.first_chunk::<DATA_HEADER>()?;
            return Some(DataChunk {
                tsn: u32::from_be_bytes([t0, t1, t2, t3]),
                stream: u16::from_be_bytes([s0, s1]),
                length: length - DATA_HEADER,
            });
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn data(tsn: u32, stream: u16, user: &[u8]) -> Vec<u8> {
        let mut chunk = vec![DATA_CHUNK, 3];
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
            },
            DataChunk {
                tsn: 10,
                stream: 1,
                length: 1,
            },
        ];
        assert_eq!(chunks, expected);
    }

    proptest! {
        #[test]
        fn never_panics_and_ends(packet in prop::collection::vec(any::<u8>(), 0..128)) {
            prop_assert!(data_chunks(&packet).count() <= packet.len());
        }
    }
}
