//! The LiveKit side: everything that names the LiveKit SDK.
//!
//! [`LiveKit`] is the transport that the [driver](crate::driver) runs on in the product: viewers
//! are participants of a room, and bytes go by byte streams.

mod arrivals;
mod connection;
mod description;
mod early;
mod grants;
mod inbox;
mod outbox;
mod participants;
mod path;

use std::sync::Arc;

use remote_access_room::{Endpoint, ParticipantLookup, RoomConnector};

use crate::access::AccessControl;
use crate::driver::{Connecting, Transport};
use connection::RoomConnection;

/// Reaches viewers in a room of a LiveKit server.
pub struct LiveKit {
    connector: RoomConnector,
    lookup: Option<ParticipantLookup>,
    access: Arc<AccessControl>,
    /// Times that a connection was asked for.
    connections: u64,
}

impl LiveKit {
    /// A transport that joins the room of the endpoint's token, with viewers that may do what `access`
    /// says.
    #[must_use]
    pub fn new(endpoint: Endpoint, access: AccessControl) -> Self {
        Self {
            lookup: ParticipantLookup::new(&endpoint),
            connector: RoomConnector::new(endpoint),
            access: Arc::new(access),
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
        let access = Arc::clone(&self.access);
        let lookup = self.lookup.clone();
        Box::pin(async move {
            let joined = connector.join().await;
            RoomConnection::new(joined, connector, lookup, access, number)
        })
    }
}
