//! The cipher that the peers agree on, read from the handshake: `dimpl` does not tell it.

/// Bytes of a record's header, and of a handshake message's.
const RECORD_HEADER: usize = 13;
const HANDSHAKE_HEADER: usize = 12;
/// Content type of handshake records, and the type of the server's first message.
const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;
/// Version and random, before the session identifier.
const BEFORE_SESSION: usize = 2 + 32;

/// The cipher suite in a datagram that has a ServerHello, which is never encrypted.
pub(super) fn chosen_in(mut datagram: &[u8]) -> Option<u16> {
    while let Some(header) = datagram.first_chunk::<RECORD_HEADER>() {
        let length = usize::from(u16::from_be_bytes([header[11], header[12]]));
        let record = datagram.get(RECORD_HEADER..RECORD_HEADER + length)?;
        // Epoch 0 is what is sent in the clear.
        if header[0] == HANDSHAKE && header[3..5] == [0, 0] && record.first() == Some(&SERVER_HELLO)
        {
            let body = record.get(HANDSHAKE_HEADER + BEFORE_SESSION..)?;
            let (session, rest) = body.split_first()?;
            let suite = rest.get(usize::from(*session)..)?.first_chunk()?;
            return Some(u16::from_be_bytes(*suite));
        }
        datagram = &datagram[RECORD_HEADER + length..];
    }
    None
}

/// The registered name of a suite that `dimpl` can choose (IANA, "TLS Cipher Suites").
pub(super) fn name_of(suite: u16) -> &'static str {
    match suite {
        0x1301 => "TLS_AES_128_GCM_SHA256",
        0x1302 => "TLS_AES_256_GCM_SHA384",
        0x1303 => "TLS_CHACHA20_POLY1305_SHA256",
        0xC02B => "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        0xC02C => "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        0xCCA9 => "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn server_hello(session: u8) -> Vec<u8> {
        let mut message = vec![SERVER_HELLO];
        message.resize(HANDSHAKE_HEADER + BEFORE_SESSION, 0);
        message.push(session);
        message.resize(message.len() + usize::from(session), 9);
        message.extend([0xC0, 0x2B, 0]);
        record(&message)
    }

    fn record(content: &[u8]) -> Vec<u8> {
        let mut record = vec![HANDSHAKE, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 1];
        record.extend((content.len() as u16).to_be_bytes());
        record.extend(content);
        record
    }

    #[test]
    fn it_is_found_behind_other_records() {
        for session in [0, 32] {
            let datagram = [record(&[11; 40]), server_hello(session)].concat();
            assert_eq!(chosen_in(&datagram), Some(0xC02B));
        }
        assert_eq!(chosen_in(&record(&[1; 60])), None);
        assert_eq!(name_of(0xC02B), "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
        assert_eq!(name_of(1), "");
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(
            bytes in prop::collection::vec(any::<u8>(), 0..80), end in 0..100usize,
        ) {
            let _ = chosen_in(&bytes);
            let datagram = [server_hello(32), bytes].concat();
            let _ = chosen_in(&datagram[..end.min(datagram.len())]);
        }
    }
}
