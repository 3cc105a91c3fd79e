//! Joins a LiveKit room on the pure-Rust WebRTC and tells who is there and what they send.
//!
//! ```sh
//! LIVEKIT_URL=ws://localhost:7880 LIVEKIT_TOKEN=… cargo run --release --example join_room
//! ```

use std::io::{Error, ErrorKind};

use livekit::RoomEvent;
use remote_access_room::{Endpoint, RoomConnector, Secret, TokenSource};

fn variable(name: &str) -> Result<String, Error> {
    std::env::var(name).map_err(|_| {
        Error::new(
            ErrorKind::NotFound,
            format!("set {name} in the environment"),
        )
    })
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let endpoint = Endpoint {
        url: variable("LIVEKIT_URL")?,
        token: TokenSource::Given(Secret::new(variable("LIVEKIT_TOKEN")?)),
        encryption: None,
    };
    // However long it takes: a server that is not there yet is tried again.
    let (room, mut events) = RoomConnector::new(endpoint).join().await;
    println!("joined {:?}", room.name());
    for identity in room.remote_participants().keys() {
        println!("{identity} is there");
    }
    while let Some(event) = events.recv().await {
        match event {
            RoomEvent::ParticipantConnected(other) => println!("{} came", other.identity()),
            RoomEvent::ParticipantDisconnected(other) => println!("{} left", other.identity()),
            RoomEvent::ByteStreamOpened {
                topic,
                participant_identity,
                ..
            } => println!("{participant_identity} sends a stream on {topic:?}"),
            _ => {}
        }
    }
    Ok(())
}
