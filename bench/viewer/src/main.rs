//! A viewer on the Rust LiveKit SDK: subscribes, counts, and reports as JSON lines.
//!
//! It speaks to the harness as the Python viewer does: `joined`, `advertise` and `first` as they
//! happen, and `report` when standard input says anything or ends. The LiveKit token comes in the
//! environment variable `LIVEKIT_TOKEN`.
#![forbid(unsafe_code)]

mod confirm;
mod events;
mod options;
mod receive;
mod request;
mod tally;

use std::sync::Arc;

use anyhow::Context;
use livekit::{Room, RoomEvent, RoomOptions};
use tokio::sync::mpsc;

use crate::confirm::Confirmer;
use crate::options::Options;
use crate::receive::Receiver;
use crate::tally::Tally;

/// Requests that wait for the robot's attention; a viewer has few.
const REQUESTS: usize = 256;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let token = std::env::var("LIVEKIT_TOKEN").context("LIVEKIT_TOKEN is not set")?;
    events::emit("start", serde_json::json!({}));
    let (room, mut incoming) = Room::connect(&options.url, &token, RoomOptions::default())
        .await
        .context("cannot join the room")?;
    events::emit("joined", serde_json::json!({}));

    let tally = Arc::new(Tally::default());
    let (requests, waiting) = mpsc::channel(REQUESTS);
    tokio::spawn(request::send_requests(
        room.local_participant(),
        options.clone(),
        waiting,
    ));
    let confirmer = Arc::new(Confirmer::new(options.confirm_port)?);
    let receiver = Receiver::new(&options, Arc::clone(&tally), confirmer, requests)?;
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
                if let Some(reader) = reader.take() {
                    tokio::spawn(receiver.clone().read(reader, participant_identity));
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
