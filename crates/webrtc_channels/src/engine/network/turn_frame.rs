//! Cuts the bytes of a TCP connection to a TURN server into messages (RFC 8656, section 12.5).
//!
//! `turn-client-proto` 0.7 neither pads what it puts on a channel nor skips the padding of the
//! server, so over TCP it gets whole messages, without padding.

use bytes::{Buf, BytesMut};

/// Bytes of a STUN header and of a channel's header.
const STUN_HEADER: usize = 20;
const CHANNEL_HEADER: usize = 4;

/// The server sends something else.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::engine) struct NotTurn;

/// The next whole message, without its padding.
///
/// # Errors
/// The next bytes are no message: the connection is of no use any more.
pub(in crate::engine) fn next(inbound: &mut BytesMut) -> Result<Option<BytesMut>, NotTurn> {
    let Some(&[first, _, high, low]) = inbound.first_chunk::<4>() else {
        return Ok(None);
    };
    let stated = usize::from(u16::from_be_bytes([high, low]));
    let length = match first {
        0..=3 => STUN_HEADER + stated,
        64..=79 => CHANNEL_HEADER + stated,
        _ => return Err(NotTurn),
    };
    let padded = length.next_multiple_of(4);
    if inbound.len() < padded {
        return Ok(None);
    }
    let message = inbound.split_to(length);
    inbound.advance(padded - length);
    Ok(Some(message))
}

/// Number of bytes of padding after a message.
pub(super) fn padding(message: &[u8]) -> usize {
    message.len().next_multiple_of(4) - message.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn channel_data(data: &[u8]) -> Vec<u8> {
        let mut message = vec![0x40, 1];
        message.extend_from_slice(&(data.len() as u16).to_be_bytes());
        message.extend_from_slice(data);
        message
    }

    #[test]
    fn what_is_not_turn_is_noticed() {
        let mut http = BytesMut::from(&b"HTTP/1.1 400 Bad Request"[..]);
        http[0] = 0x80;
        assert_eq!(next(&mut http), Err(NotTurn));
        assert_eq!(next(&mut BytesMut::from(&[0xff; 4][..])), Err(NotTurn));
        assert_eq!(next(&mut BytesMut::from(&[0xff; 3][..])), Ok(None));
    }

    proptest! {
        #[test]
        fn messages_survive_any_cutting(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..20),
            piece in 1_usize..31,
        ) {
            let messages: Vec<_> = payloads.iter().map(|data| channel_data(data)).collect();
            let mut wire = Vec::new();
            for message in &messages {
                wire.extend_from_slice(message);
                wire.extend(std::iter::repeat_n(0xee, padding(message)));
            }
            let mut inbound = BytesMut::new();
            let mut read = Vec::new();
            for piece in wire.chunks(piece) {
                inbound.extend_from_slice(piece);
                while let Some(message) = next(&mut inbound).unwrap() {
                    read.push(message.to_vec());
                }
            }
            prop_assert_eq!(read, messages);
        }

        #[test]
        fn any_bytes_are_cut_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut inbound = BytesMut::from(&bytes[..]);
            let mut cut = 0;
            while let Ok(Some(message)) = next(&mut inbound) {
                cut += message.len().next_multiple_of(4);
            }
            prop_assert_eq!(cut + inbound.len(), bytes.len());
        }
    }
}
