//! Reads the robot's streams: every one is parsed on its own.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use livekit::id::ParticipantIdentity;
use livekit::{ByteStreamReader, Room};
use parking_lot::Mutex;
use remote_access_protocol::client::ClientMessage;
use remote_access_protocol::frame::{Frame, FrameDecoder, Opcode};
use remote_access_protocol::server::{BinaryMessage, MESSAGE_DATA_HEADER_SIZE};
use remote_access_room::{BufferBudget, FrameReader, Uplink};
use serde::Deserialize;

use crate::confirm::Confirmer;
use crate::events::emit;
use crate::options::Options;
use crate::request::subscribe;
use crate::tally::Tally;

/// Bytes of incomplete frames, far more than any benchmark has.
const MAX_BUFFERED: usize = 1024 * 1024 * 1024;

/// The messages a viewer needs; both sides of the comparison send these fields.
#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "camelCase")]
pub(crate) enum Text {
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
pub(crate) struct Advertised {
    pub id: u64,
    pub topic: String,
}

/// Shared by the tasks that read streams.
#[derive(Clone)]
pub(crate) struct Receiver {
    prefix: Arc<str>,
    tally: Arc<Tally>,
    confirmer: Arc<Confirmer>,
    subscribed: Arc<Mutex<HashSet<u64>>>,
    room: Arc<Room>,
    budget: BufferBudget,
    options: Options,
    uplink: Arc<Mutex<Option<Uplink>>>,
}

impl Receiver {
    /// Starts confirming every 50 ms as soon as something is subscribed: a producer waits for that.
    pub(crate) fn new(
        options: &Options,
        tally: Arc<Tally>,
        confirmer: Arc<Confirmer>,
        room: Arc<Room>,
    ) -> Self {
        let receiver = Self {
            prefix: options.channels.as_str().into(),
            tally,
            confirmer,
            subscribed: Arc::default(),
            room,
            budget: BufferBudget::new(MAX_BUFFERED),
            options: options.clone(),
            uplink: Arc::default(),
        };
        tokio::spawn(receiver.clone().confirm_regularly());
        receiver
    }

    /// Reads one stream to its end.
    pub(crate) async fn read(self, reader: ByteStreamReader, robot: ParticipantIdentity) {
        let mut reader = FrameReader::new(reader, self.budget.clone());
        while let Some(frame) = reader.next().await {
            match frame {
                Ok(frame) => self.take(frame, &robot),
                Err(error) => self.tally.error(error.to_string()),
            }
        }
    }

    /// Reads one stream until its channels are subscribed, and counts its bytes from then on.
    pub(crate) async fn read_bare(
        self,
        mut reader: ByteStreamReader,
        robot: ParticipantIdentity,
        size: u64,
    ) {
        let framed = size + MESSAGE_DATA_HEADER_SIZE as u64;
        let mut decoder = FrameDecoder::default();
        while let Some(chunk) = reader.next().await {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(error) => return self.tally.error(error.to_string()),
            };
            if !self.subscribed.lock().is_empty() {
                let next = self.tally.bytes(chunk.len() as u64, framed);
                self.confirmer.arrived(next);
                continue;
            }
            decoder.push(&chunk);
            while let Ok(Some(frame)) = decoder.next_frame() {
                self.take(frame, &robot);
            }
        }
    }

    fn take(&self, frame: Frame, robot: &ParticipantIdentity) {
        if frame.opcode == Opcode::Text {
            match serde_json::from_slice(&frame.payload) {
                Ok(Text::Advertise { channels }) => self.advertised(channels, robot),
                Ok(Text::Status { message }) => self.tally.status(message),
                Ok(Text::Other) => {}
                Err(error) => self.tally.error(error.to_string()),
            }
            return;
        }
        match BinaryMessage::parse(frame.payload) {
            Ok(BinaryMessage::MessageData {
                channel, message, ..
            }) => {
                let next = self.tally.message(channel.0, &message);
                self.confirmer.arrived(next);
            }
            Ok(BinaryMessage::Pong {
                device_timestamp, ..
            }) => {
                if let Some(uplink) = &*self.uplink.lock() {
                    let answer = ClientMessage::PingAck { device_timestamp };
                    answer.frame().map(|frame| uplink.send(frame));
                }
            }
            Ok(_) => {}
            Err(error) => self.tally.error(error.to_string()),
        }
    }

    fn advertised(&self, channels: Vec<Advertised>, robot: &ParticipantIdentity) {
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
        if fresh.is_empty() {
            return;
        }
        let mut uplink = self.uplink.lock();
        let uplink = uplink.get_or_insert_with(|| {
            Uplink::open(Arc::clone(&self.room), robot.clone(), self.options.uplink())
        });
        let sent = subscribe(&fresh).is_some_and(|frame| uplink.send(frame));
        if !sent {
            self.tally.error("the subscription was not sent".to_owned());
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
