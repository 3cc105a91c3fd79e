//! Says which path the peer is to use, where there was another one before.
//!
//! By the standard a peer that is controlled keeps the pair it was told first, unless a better one
//! is nominated: pion, and with it livekit-server, goes on sending to an address that is gone. The
//! official library numbers its nominations (draft-thatcher-ice-renomination-01), and pion follows the
//! highest number. Who does not know the attribute skips it.

use stun_proto::types::attribute::{AttributeType, Fingerprint, MessageIntegrity, RawAttribute};
use stun_proto::types::message::{
    IntegrityAlgorithm, Message, MessageWriteVec, ShortTermCredentials,
};
use stun_proto::types::prelude::{Attribute, AttributeStaticType, MessageWrite, MessageWriteExt};

/// Marks a check that nominates its pair (RFC 8445, section 16.1).
const USE_CANDIDATE: AttributeType = AttributeType::new(0x0025);
/// The attribute of the official library and of pion.
const NOMINATION: AttributeType = AttributeType::new(0xC001);

/// A nominating check with this number in it, signed anew. `None` if the packet is no such check.
pub(super) fn numbered(packet: &[u8], number: u32, password: &str) -> Option<Vec<u8>> {
    let check = Message::from_bytes(packet).ok()?;
    if !check.has_attribute(USE_CANDIDATE) {
        return None;
    }
    let write = MessageWriteVec::with_capacity(packet.len() + 8);
    let mut signed = Message::builder(check.get_type(), check.transaction_id(), write);
    let seals = [MessageIntegrity::TYPE, Fingerprint::TYPE];
    for (_, attribute) in check.iter_attributes() {
        if !seals.contains(&attribute.get_type()) {
            signed.add_attribute(&attribute).ok()?;
        }
    }
    // The peer reads 24 bits.
    let number = (number & 0xFF_FFFF).to_be_bytes();
    signed
        .add_attribute(&RawAttribute::new(NOMINATION, &number))
        .ok()?;
    let credentials = ShortTermCredentials::new(password.to_owned()).into();
    signed
        .add_message_integrity(&credentials, IntegrityAlgorithm::Sha1)
        .ok()?;
    signed.add_fingerprint().ok()?;
    Some(signed.finish())
}

#[cfg(test)]
mod tests {
    use stun_proto::types::attribute::Software;
    use stun_proto::types::message::BINDING;

    use super::*;

    const PASSWORD: &str = "0123456789012345678901";

    fn check(nominating: bool) -> Vec<u8> {
        let mut check = Message::builder_request(BINDING, MessageWriteVec::new());
        check
            .add_attribute(&Software::new("other").unwrap())
            .unwrap();
        if nominating {
            check
                .add_attribute(&RawAttribute::new(USE_CANDIDATE, &[]))
                .unwrap();
        }
        let credentials = ShortTermCredentials::new(PASSWORD.to_owned()).into();
        check
            .add_message_integrity(&credentials, IntegrityAlgorithm::Sha1)
            .unwrap();
        check.add_fingerprint().unwrap();
        check.finish()
    }

    #[test]
    fn the_number_is_added_and_the_check_is_still_valid() {
        let packet = check(true);
        let numbered = numbered(&packet, 0x0102_0304, PASSWORD).unwrap();
        let (before, after) = (
            Message::from_bytes(&packet).unwrap(),
            // Parsing checks the fingerprint.
            Message::from_bytes(&numbered).unwrap(),
        );
        assert_eq!(before.transaction_id(), after.transaction_id());
        let credentials = ShortTermCredentials::new(PASSWORD.to_owned()).into();
        after.validate_integrity(&credentials).unwrap();
        assert_eq!(after.attribute::<Software>().unwrap().software(), "other");
        let number = after.raw_attribute(NOMINATION).unwrap();
        assert_eq!(&*number.value, [0, 2, 3, 4]);
    }

    #[test]
    fn other_packets_stay_as_they_are() {
        assert_eq!(numbered(&check(false), 2, PASSWORD), None);
        assert_eq!(numbered(b"\x00\x01 no check at all", 2, PASSWORD), None);
    }
}
