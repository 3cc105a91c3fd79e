//! Arbitrary bytes are survived.

use bytes::Bytes;
use proptest::prelude::*;
use remote_access_protocol::frame::{Frame, Opcode};

use super::World;
use crate::local::LocalMessage;

proptest! {
    #[test]
    fn any_bytes_of_the_robot_and_of_clients_are_survived(
        texts in prop::collection::vec(".{0,60}", 0..10),
        binaries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
    ) {
        let mut world = World::with_robot();
        let client = world.client();
        for text in &texts {
            let payload = Bytes::copy_from_slice(text.as_bytes());
            world.state.robot_frame(0, Frame { opcode: Opcode::Text, payload });
            if let Ok(message) = LocalMessage::parse_text(text) {
                world.state.client_message(client.id, message);
            }
        }
        for binary in binaries {
            let payload = Bytes::from(binary);
            world.state.robot_frame(0, Frame { opcode: Opcode::Binary, payload: payload.clone() });
            if let Ok(message) = LocalMessage::parse_binary(payload) {
                world.state.client_message(client.id, message);
            }
        }
        world.data(1, 1);
        prop_assert!(client.outbox.try_next().is_ok());
    }
}
