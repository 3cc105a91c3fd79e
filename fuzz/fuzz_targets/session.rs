//! Any bytes from two viewers, while the session sends and acknowledgements come and go.
#![no_main]

use std::time::{Duration, Instant};

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use remote_access_protocol::capability::Capability;
use remote_access_protocol::server::{message_data_header, Channel};
use remote_access_protocol::ChannelId;
use remote_access_session::{
    ChannelInfo, Connections, Delivery, InboundId, NameRule, ParticipantId, PublisherId, RateLimit, Request,
    Policy, Rights, RobotInfo, Session, SessionConfig,
};

const CHANNELS: u64 = 3;
const BUDGET: usize = 100_000;

fuzz_target!(|data: &[u8]| {
    let mut now = Instant::now();
    let config = SessionConfig {
        queue_budget: BUDGET,
        latched_budget: BUDGET,
        stream_rotate_bytes: 50_000,
        policy: Policy::new(Capability::ALL, NameRule::all()),
        command_topics: NameRule::new(|topic| topic.len() < 8),
        ..SessionConfig::default()
    };
    let mut session = Session::new(config, RobotInfo::default(), now, 0);
    session.add_channels(now, (0..CHANNELS).map(channel).collect());
    for id in 0..2 {
        session.participant_joined(now, ParticipantId(id), Rights::all());
        let _ = session.inbound_opened(now, ParticipantId(id), InboundId(id), id == 0);
    }
    let mut next_inbound = 2;
    let mut streams = [0, 1];
    for piece in data.chunks(48) {
        let Some((&what, bytes)) = piece.split_first() else {
            break;
        };
        let id = u64::from(what & 1);
        let index = usize::from(what & 1);
        if what & 2 == 0
            && session
                .inbound_bytes(now, InboundId(streams[index]), bytes)
                .is_err()
        {
            streams[index] = next_inbound;
            next_inbound += 1;
            let inbound = InboundId(streams[index]);
            let _ = session.inbound_opened(now, ParticipantId(id), inbound, what & 4 != 0);
        }
        let publisher = PublisherId(u128::from(what >> 5));
        let frame = frame(id, usize::from(what) * 200);
        session.message(
            now,
            ChannelId(u64::from(what >> 3) % CHANNELS),
            publisher,
            frame,
        );
        assert!(session.queued_bytes() <= BUDGET);
        assert!(session.latched_bytes() <= BUDGET);
        now += Duration::from_millis(u64::from(what >> 2));
        session.handle_timeout(now);
        for _ in 0..what & 15 {
            if session.next_transmit(now).is_none() {
                break;
            }
        }
        while session.poll_event().is_some() {}
        if what & 16 != 0 {
            answer(&mut session, now);
        }
    }
});

/// Answers all requests.
fn answer(session: &mut Session, now: Instant) {
    while let Some(request) = session.poll_request() {
        match request {
            Request::Call { key, payload, .. } => session.service_response(now, key, Ok(payload)),
            Request::GetParameters { key, .. } => session.parameter_values(now, key, vec![]),
            Request::SetParameters { key, parameters } => {
                session.parameters_changed(now, &parameters);
                session.parameter_values(now, key, parameters);
            }
            Request::WatchGraph(true) => session.connection_graph(now, Connections::default()),
            Request::FetchAsset { key, .. } => session.asset(now, key, Ok(vec![0; 70_000].into())),
            _ => {}
        }
    }
}

fn channel(id: u64) -> ChannelInfo {
    ChannelInfo {
        channel: Channel {
            id: ChannelId(id),
            topic: "/a".into(),
            encoding: "cdr".into(),
            schema_name: "a/msg/A".into(),
            schema_encoding: None,
            schema: String::new(),
            metadata: Default::default(),
        },
        delivery: Delivery {
            depth: 2,
            reliable: id != 1,
            latched: id == 2,
        },
        rate_limit: RateLimit::default(),
    }
}

fn frame(channel: u64, size: usize) -> Bytes {
    let header = message_data_header(ChannelId(channel), 0, size);
    let mut frame = header.map(|header| header.to_vec()).unwrap_or_default();
    frame.resize(frame.len() + size, 0);
    frame.into()
}
