//! A robot and two viewers in memory: the viewers subscribe to a topic, and each message goes out
//! once for both of them.
//!
//! `cargo run -p remote_access_session --example two_viewers`

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::Bytes;
use remote_access_protocol::client::ClientMessage;
use remote_access_protocol::frame::FrameDecoder;
use remote_access_protocol::server::{message_data_header, BinaryMessage, Channel};
use remote_access_protocol::ChannelId;
use remote_access_session::{
    ChannelInfo, Delivery, Event, InboundId, ParticipantId, PublisherId, RateLimit, RobotInfo,
    Session, SessionConfig, Transmit,
};

const CHATTER: ChannelId = ChannelId(1);

fn main() {
    let now = Instant::now();
    let mut session = Session::new(SessionConfig::default(), RobotInfo::default(), now, 0);
    session.add_channels(now, vec![chatter()]);
    for id in [1, 2] {
        session.participant_joined(now, ParticipantId(id));
        let opened = session.inbound_opened(now, ParticipantId(id), InboundId(id), true);
        opened.expect("a known participant may open a stream");
        send(
            &mut session,
            now,
            id,
            &ClientMessage::Subscribe(vec![CHATTER]),
        );
    }
    assert_eq!(session.poll_event(), Some(Event::Subscribe(CHATTER)));
    println!("The viewers are greeted, ping, and acknowledge their Pongs:");
    transmit(&mut session, now);
    for id in [1, 2] {
        send(&mut session, now, id, &ClientMessage::Ping { timestamp: 0 });
        for device_timestamp in transmit(&mut session, now) {
            send(
                &mut session,
                now,
                id,
                &ClientMessage::PingAck { device_timestamp },
            );
        }
    }
    println!("Each message goes out once:");
    for number in 0..3 {
        session.message(now, CHATTER, PublisherId(0), message(number));
        transmit(&mut session, now);
    }
}

/// Passes a viewer's message to the session.
fn send(session: &mut Session, now: Instant, id: u64, message: &ClientMessage) {
    let frame = message.frame().expect("the message is short");
    let result = session.inbound_bytes(now, InboundId(id), &frame);
    result.expect("the message is well-formed");
}

/// Carries out all that the session wants to send, as a transport would. Returns the timestamps of
/// the Pongs among it. The messages here are short: each write holds whole frames.
fn transmit(session: &mut Session, now: Instant) -> Vec<u64> {
    let mut pongs = Vec::new();
    while let Some(transmit) = session.next_transmit(now) {
        match transmit {
            Transmit::Open {
                stream,
                destinations,
            } => println!("  open {stream:?} to {destinations:?}"),
            Transmit::Close { stream } => println!("  close {stream:?}"),
            Transmit::Write { stream, data } => {
                println!("  write {} bytes to {stream:?}", data.len());
                let mut decoder = FrameDecoder::default();
                decoder.push(&data);
                while let Ok(Some(frame)) = decoder.next_frame() {
                    let message = BinaryMessage::parse(frame.payload);
                    if let Ok(BinaryMessage::Pong {
                        device_timestamp, ..
                    }) = message
                    {
                        pongs.push(device_timestamp);
                    }
                }
            }
        }
    }
    pongs
}

/// A message of 100 bytes, in a frame.
fn message(number: u8) -> Bytes {
    let header = message_data_header(CHATTER, 0, 100).expect("the message is short");
    [header.as_slice(), &[number; 100]].concat().into()
}

fn chatter() -> ChannelInfo {
    ChannelInfo {
        channel: Channel {
            id: CHATTER,
            topic: "/chatter".to_owned(),
            encoding: "cdr".to_owned(),
            schema_name: "std_msgs/msg/String".to_owned(),
            schema_encoding: Some("ros2msg".to_owned()),
            schema: "string data".to_owned(),
            metadata: BTreeMap::new(),
        },
        delivery: Delivery {
            depth: 10,
            reliable: true,
            latched: false,
        },
        rate_limit: RateLimit::default(),
    }
}
