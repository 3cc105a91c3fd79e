//! The LiveKit side: everything that names the LiveKit SDK.
//!
//! [`LiveKit`] is the transport that the [driver](crate::driver) runs on in the product: viewers
//! are participants of a room, and bytes go by byte streams.

mod connection;
mod early;
mod inbox;
mod outbox;
mod participants;
mod path;

use remote_access_room::{Endpoint, RoomConnector};

use crate::driver::{Connecting, Transport};
use connection::RoomConnection;

/// Reaches viewers in a room of a LiveKit server.
pub struct LiveKit {
    connector: RoomConnector,
    /// Times that a connection was asked for.
    connections: u64,
}

impl LiveKit {
    /// A transport that joins the room of the endpoint's token.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            connector: RoomConnector::new(endpoint),
            connections: 0,
        }
    }
}

impl Transport for LiveKit {
    type Connection = RoomConnection;

    fn connect(&mut self) -> Connecting<RoomConnection> {
        self.connections += 1;
        let number = self.connections;
        let connector = self.connector.clone();
        Box::pin(async move {
            let joined = connector.join().await;
            RoomConnection::new(joined, connector, number)
        })
    }
}
