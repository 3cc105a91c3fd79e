//! What the viewer asks of the robot: subscriptions, pings, acknowledgements of pongs.

use std::time::Duration;

use bytes::Bytes;
use livekit::id::ParticipantIdentity;
use livekit::participant::LocalParticipant;
use livekit::{ByteStreamWriter, StreamByteOptions, StreamWriter};
use remote_access_protocol::frame;
use tokio::sync::mpsc;

use crate::events::now;
use crate::options::Options;

const OP_PING: u8 = 4;
const OP_PING_ACK: u8 = 5;

/// A request to one robot.
pub enum Request {
    /// Send me these channels.
    Subscribe(ParticipantIdentity, Vec<u64>),
    /// The pong with this device stamp has arrived.
    Acknowledge(u64),
}

/// Writes requests to the robot's stream, and pings once there is one; ends with the channel.
pub async fn send_requests(
    participant: LocalParticipant,
    options: Options,
    mut waiting: mpsc::Receiver<Request>,
) {
    let mut writer: Option<ByteStreamWriter> = None;
    let period = options.ping.unwrap_or(Duration::from_secs(3600));
    let mut pings = tokio::time::interval(period);
    loop {
        let frame = tokio::select! {
            request = waiting.recv() => match request {
                None => return,
                Some(Request::Subscribe(robot, channels)) => {
                    if writer.is_none() {
                        writer = open(&participant, &options, robot).await;
                    }
                    subscribe(&channels)
                }
                Some(Request::Acknowledge(stamp)) => stamped(OP_PING_ACK, stamp),
            },
            _ = pings.tick(), if options.ping.is_some() => stamped(OP_PING, (now() * 1e3) as u64),
        };
        let (Some(writer), Some(frame)) = (&writer, frame) else {
            continue;
        };
        if let Err(error) = writer.write(&frame).await {
            eprintln!("request not sent: {error}");
        }
    }
}

async fn open(
    participant: &LocalParticipant,
    options: &Options,
    robot: ParticipantIdentity,
) -> Option<ByteStreamWriter> {
    let mut stream = StreamByteOptions::new_with_topic(options.topic.clone());
    stream.destination_identities = vec![robot];
    if options.many {
        let many = remote_access_protocol::STREAMS_MANY.to_owned();
        stream
            .attributes
            .insert(remote_access_protocol::STREAMS_ATTRIBUTE.to_owned(), many);
    }
    participant
        .stream_bytes(stream)
        .await
        .inspect_err(|error| eprintln!("no stream to the robot: {error}"))
        .ok()
}

/// In the shape that the bridge and the peer both understand.
fn subscribe(channels: &[u64]) -> Option<Bytes> {
    let channels: Vec<_> = channels
        .iter()
        .map(|id| serde_json::json!({ "id": id }))
        .collect();
    frame::text(&serde_json::json!({ "op": "subscribe", "channels": channels }).to_string())
}

fn stamped(opcode: u8, stamp: u64) -> Option<Bytes> {
    let mut message = vec![opcode];
    message.extend_from_slice(&stamp.to_le_bytes());
    frame::binary(&message)
}
