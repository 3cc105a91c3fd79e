//! A viewer on the Rust LiveKit SDK: subscribes, counts, and reports as JSON lines.
//!
//! It speaks to the harness as the Python viewer does: `joined`, `advertise` and `first` as they
//! happen, and `report` when standard input says anything or ends. The LiveKit token comes in the
//! environment variable `LIVEKIT_TOKEN`, the key for end-to-end encryption, if any, in
//! `LIVEKIT_E2EE_KEY`. With `--websocket` it is a client of the viewer
//! gateway instead, which is measured beside it.

mod capture;
mod confirm;
mod events;
mod options;
mod receive;
mod request;
mod tally;
mod websocket;

use std::sync::Arc;

use anyhow::Context;
use livekit::{Room, RoomEvent, RoomOptions};
use remote_access_room::{EncryptionKey, EncryptionVariables};

use crate::confirm::Confirmer;
use crate::options::Options;
use crate::receive::Receiver;
use crate::tally::Tally;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    events::emit("start", serde_json::json!({}));
    let tally = Arc::new(Tally::default());
    let confirmer = Arc::new(Confirmer::new(options.confirm_port)?);
    if let Some(port) = options.websocket {
        websocket::watch(port, &options.channels, &tally, &confirmer).await?;
        events::emit("report", tally.report());
        return Ok(());
    }
    let token = std::env::var("LIVEKIT_TOKEN").context("LIVEKIT_TOKEN is not set")?;
    if let Some(path) = &options.capture {
        capture::capture(path)?;
    }
    let key = EncryptionVariables::read().key()?;
    let mut room_options = RoomOptions::default();
    room_options.encryption = key.as_ref().map(EncryptionKey::options);
    let (room, mut incoming) = Room::connect(&options.url, &token, room_options)
        .await
        .context("cannot join the room")?;
    events::emit("joined", serde_json::json!({}));

    let room = Arc::new(room);
    let shared = Arc::clone(&room);
    let receiver = Receiver::new(&options, Arc::clone(&tally), confirmer, shared);
    let mut end = events::end_of_input();
    loop {
        let event = tokio::select! {
            _ = &mut end => break,
            event = incoming.recv() => event,
        };
        match event {
            Some(RoomEvent::ByteStreamOpened {
                reader,
                topic,
                participant_identity,
            }) if topic == options.topic => {
                let receiver = receiver.clone();
                match (reader.take(), options.bare) {
                    (Some(reader), Some(size)) => {
                        tokio::spawn(receiver.read_bare(reader, participant_identity, size));
                    }
                    (Some(reader), None) => {
                        tokio::spawn(receiver.read(reader, participant_identity));
                    }
                    (None, _) => {}
                }
            }
            Some(_) => {}
            None => anyhow::bail!("the room is gone"),
        }
    }
    events::emit("report", tally.report());
    // Closing may hang when the server is gone; the process ends either way.
    tokio::time::timeout(std::time::Duration::from_secs(2), room.close())
        .await
        .ok();
    std::process::exit(0)
}
