//! A robot and two viewers in memory: both subscribe to a topic, and each message goes out once.
//!
//! `cargo run -p remote_access_session --example two_viewers`

use std::time::Instant;

use remote_access_protocol::server::{message_data, BinaryMessage, Channel};
use remote_access_protocol::{client::ClientMessage, frame::FrameDecoder, ChannelId};
use remote_access_session::*;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let (now, id) = (Instant::now(), ChannelId(1));
    let mut session = Session::new(SessionConfig::default(), RobotInfo::default(), now, 0);
    let chatter = Channel::ros2(id, "/chatter", "std_msgs/msg/String", "string data");
    session.add_channels(now, vec![ChannelInfo::new(chatter)]);
    for viewer in [1, 2] {
        session.participant_joined(now, ParticipantId(viewer), Rights::all());
        session.inbound_opened(now, ParticipantId(viewer), InboundId(viewer), true)?;
        send(&mut session, viewer, &ClientMessage::Subscribe(vec![id]))?;
    }
    println!("Each viewer is greeted, pings, and acknowledges its Pong:");
    transmit(&mut session)?;
    for viewer in [1, 2] {
        send(&mut session, viewer, &ClientMessage::Ping { timestamp: 0 })?;
        for acknowledgement in transmit(&mut session)? {
            send(&mut session, viewer, &acknowledgement)?;
        }
    }
    println!("Each message goes out once, on a stream to both:");
    for text in ["Hello", "World"] {
        let frame = message_data(id, 0, text.as_bytes()).ok_or("too long")?;
        session.message(now, id, PublisherId::default(), frame);
        transmit(&mut session)?;
    }
    Ok(())
}

/// Passes a viewer's message to the session.
fn send(session: &mut Session, viewer: u64, message: &ClientMessage) -> Result<()> {
    let frame = message.frame().ok_or("too long")?;
    Ok(session.inbound_bytes(Instant::now(), InboundId(viewer), &frame)?)
}

/// Carries out what the session wants to send. Returns the acknowledgements of the Pongs among it.
fn transmit(session: &mut Session) -> Result<Vec<ClientMessage>> {
    let (mut decoder, mut acknowledgements) = (FrameDecoder::default(), Vec::new());
    while let Some(transmit) = session.next_transmit(Instant::now()) {
        println!("  {transmit:?}");
        if let Transmit::Write { data, .. } = transmit {
            decoder.push(&data);
        }
        while let Some(frame) = decoder.next_frame()? {
            let message = BinaryMessage::parse(frame.payload);
            acknowledgements.extend(message.ok().and_then(|each| each.acknowledgement()));
        }
    }
    Ok(acknowledgements)
}
