//! Reads the robot's streams: every one is parsed on its own.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;
use futures_util::StreamExt;
use livekit::id::ParticipantIdentity;
use livekit::ByteStreamReader;
use parking_lot::Mutex;
use remote_access_protocol::frame::{Frame, FrameDecoder, Opcode};
use serde::Deserialize;
use tokio::sync::mpsc;

use crate::confirm::Confirmer;
use crate::events::emit;
use crate::options::Options;
use crate::request::Request;
use crate::tally::Tally;

const OP_MESSAGE_DATA: u8 = 1;
const OP_PONG: u8 = 6;
/// Channel id and log time before the message.
const MESSAGE_FIELDS: usize = 16;

/// The two messages a viewer needs; both sides of the comparison send these fields.
#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "camelCase")]
enum Text {
    Advertise {
        channels: Vec<Advertised>,
    },
    Status {
        message: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Advertised {
    id: u64,
    topic: String,
}

/// Shared by the tasks that read streams.
#[derive(Clone)]
pub struct Receiver {
    prefix: Arc<str>,
    tally: Arc<Tally>,
    confirmer: Arc<Confirmer>,
    requests: mpsc::Sender<Request>,
    subscribed: Arc<Mutex<HashSet<u64>>>,
}

impl Receiver {
    /// Starts confirming every 50 ms as soon as something is subscribed: a producer waits for that.
    pub fn new(
        options: &Options,
        tally: Arc<Tally>,
        confirmer: Arc<Confirmer>,
        requests: mpsc::Sender<Request>,
    ) -> anyhow::Result<Self> {
        let receiver = Self {
            prefix: options.channels.as_str().into(),
            tally,
            confirmer,
            requests,
            subscribed: Arc::default(),
        };
        tokio::spawn(receiver.clone().confirm_regularly());
        Ok(receiver)
    }

    /// Reads one stream to its end.
    pub async fn read(self, mut reader: ByteStreamReader, robot: ParticipantIdentity) {
        let mut decoder = FrameDecoder::default();
        while let Some(chunk) = reader.next().await {
            match chunk {
                Ok(chunk) => decoder.push(&chunk),
                Err(error) => return self.tally.error(error.to_string()),
            }
            loop {
                match decoder.next_frame() {
                    Ok(Some(frame)) => self.take(frame, &robot).await,
                    Ok(None) => break,
                    Err(error) => return self.tally.error(error.to_string()),
                }
            }
        }
    }

    async fn take(&self, frame: Frame, robot: &ParticipantIdentity) {
        let mut payload = frame.payload;
        if frame.opcode == Opcode::Text {
            match serde_json::from_slice(&payload) {
                Ok(Text::Advertise { channels }) => self.advertised(channels, robot).await,
                Ok(Text::Status { message }) => self.tally.status(message),
                Ok(Text::Other) => {}
                Err(error) => self.tally.error(error.to_string()),
            }
            return;
        }
        if payload.len() < 1 + MESSAGE_FIELDS {
            return;
        }
        match payload.get_u8() {
            OP_MESSAGE_DATA => {
                let channel = payload.get_u64_le();
                payload.advance(8);
                let next = self.tally.message(channel, &payload);
                self.confirmer.arrived(next);
            }
            OP_PONG => {
                payload.advance(8);
                let request = Request::Acknowledge(payload.get_u64_le());
                self.requests.send(request).await.ok();
            }
            _ => {}
        }
    }

    async fn advertised(&self, channels: Vec<Advertised>, robot: &ParticipantIdentity) {
        let mut fresh = Vec::new();
        {
            let mut subscribed = self.subscribed.lock();
            for channel in channels {
                if channel.topic.starts_with(&*self.prefix) && subscribed.insert(channel.id) {
                    fresh.push(channel.id);
                }
                self.tally.name(channel.id, channel.topic);
            }
        }
        let known = self.tally.channels();
        emit("advertise", serde_json::json!({ "channels": known }));
        if !fresh.is_empty() {
            let request = Request::Subscribe(robot.clone(), fresh);
            self.requests.send(request).await.ok();
        }
    }

    async fn confirm_regularly(self) {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            if !self.subscribed.lock().is_empty() {
                self.confirmer.send(self.tally.next());
            }
        }
    }
}
