//! The world: one robot, its uplink, a server that buffers without bound, and viewers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bytes::Bytes;
use remote_access_protocol::frame::{self, FRAME_HEADER_SIZE};
use remote_access_protocol::server::{message_data_header, Channel, MESSAGE_DATA_HEADER_SIZE};
use remote_access_protocol::ChannelId;
use remote_access_session::{
    ChannelInfo, Delivery, Event, InboundId, ParticipantId, PublisherId, RateLimit, Rights,
    RobotInfo, Session, SessionConfig, StreamId, Transmit, VideoFrame, SLICE_SIZE,
};

use super::link::{Link, Packet, What};
use super::random::Random;
use super::viewer::{Habits, Viewer};

/// Traffic of the robot on a channel.
#[derive(Clone, Debug)]
pub(crate) struct Topic {
    pub latched: bool,
    pub reliable: bool,
    pub depth: usize,
    /// Microseconds between two messages.
    pub period: u64,
    /// Bytes of a message with all headers, at least and less than.
    pub size: (u64, u64),
    pub publishers: u64,
    /// Frames from one key frame of a video to the next, if none is asked for.
    pub group: Option<u64>,
}

#[derive(Debug)]
struct TopicState {
    topic: Topic,
    next_at: u64,
    next_seq: u64,
    /// Whether the robot's side subscribes.
    wanted: bool,
    /// The latest numbers of each publisher, as many as the depth.
    history: BTreeMap<u64, Vec<u64>>,
    /// The key frames.
    keys: BTreeSet<u64>,
    key_frame_wanted: bool,
}

/// When a viewer was subscribed to a channel, in numbers of its messages.
#[derive(Clone, Debug)]
pub(crate) struct Interval {
    pub from: u64,
    /// Messages that were latched at the start.
    pub replayed: Vec<u64>,
    pub to: Option<u64>,
}

pub(crate) struct World {
    pub session: Session,
    pub config: SessionConfig,
    pub random: Random,
    /// Microseconds since the start.
    pub now: u64,
    pub step: u64,
    pub uplink: Link,
    pub uplink_bytes: u64,
    /// Fixed threshold for the transport's buffer; `None` asks the session.
    pub send_buffer: Option<u64>,
    /// Whether all queues together may hold less than what must not be left out.
    pub is_tight: bool,
    /// Whether the robot publishes.
    pub publishing: bool,
    pub viewers: BTreeMap<u64, Viewer>,
    /// Viewers that left, with what they got.
    pub gone: BTreeMap<u64, Viewer>,
    pub subscriptions: BTreeMap<(u64, u64), Vec<Interval>>,
    pub opened: u64,
    pub closed: u64,
    topics: BTreeMap<u64, TopicState>,
    open: BTreeMap<StreamId, Vec<ParticipantId>>,
    sizes: Random,
    start: Instant,
    next_inbound: u64,
}

impl World {
    /// `step` in microseconds; `uplink` in bytes per second and microseconds.
    pub(crate) fn new(seed: u64, config: SessionConfig, step: u64, uplink: Link) -> Self {
        let start = Instant::now();
        let robot = RobotInfo {
            name: "robot".into(),
            ..RobotInfo::default()
        };
        Self {
            session: Session::new(config.clone(), robot, start, 1_000_000),
            config,
            random: Random::new(seed),
            now: 0,
            step,
            uplink,
            uplink_bytes: 0,
            send_buffer: None,
            is_tight: false,
            publishing: true,
            viewers: BTreeMap::new(),
            gone: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            opened: 0,
            closed: 0,
            topics: BTreeMap::new(),
            open: BTreeMap::new(),
            sizes: Random::new(seed),
            start,
            next_inbound: 0,
        }
    }

    fn instant(&self) -> Instant {
        self.start + Duration::from_micros(self.now)
    }

    pub(crate) fn add_topic(&mut self, id: u64, topic: Topic) {
        let info = ChannelInfo {
            channel: Channel {
                id: ChannelId(id),
                topic: format!("/topic{id}"),
                encoding: "cdr".into(),
                schema_name: "a".into(),
                schema_encoding: None,
                schema: String::new(),
                metadata: BTreeMap::new(),
            },
            delivery: Delivery {
                depth: topic.depth,
                reliable: topic.reliable,
                latched: topic.latched,
            },
            rate_limit: RateLimit::default(),
        };
        self.session.add_channels(self.instant(), vec![info]);
        let state = TopicState {
            next_at: self.now + self.sizes.range(0, topic.period),
            topic,
            next_seq: 0,
            wanted: false,
            history: BTreeMap::new(),
            keys: BTreeSet::new(),
            key_frame_wanted: true,
        };
        self.topics.insert(id, state);
    }

    pub(crate) fn topics(&self) -> impl Iterator<Item = (u64, &Topic)> {
        self.topics.iter().map(|(&id, state)| (id, &state.topic))
    }

    /// Whether decoding of a video can begin with this frame.
    pub(crate) fn is_key_frame(&self, channel: u64, seq: u64) -> bool {
        self.topics[&channel].keys.contains(&seq)
    }

    pub(crate) fn next_seq(&self, channel: u64) -> u64 {
        self.topics[&channel].next_seq
    }

    fn inbound(&mut self) -> InboundId {
        self.next_inbound += 1;
        InboundId(self.next_inbound)
    }

    pub(crate) fn join(&mut self, id: u64, habits: Habits, downlink: Link) {
        let inbound = self.inbound();
        let now = self.instant();
        let participant = ParticipantId(id);
        self.session
            .participant_joined(now, participant, Rights::all());
        self.session
            .inbound_opened(now, participant, inbound, habits.many_streams)
            .expect("a first stream");
        let viewer = Viewer::new(habits, downlink, inbound);
        self.viewers.insert(id, viewer);
    }

    pub(crate) fn leave(&mut self, id: u64) {
        self.session
            .participant_left(self.instant(), ParticipantId(id));
        for ((viewer, channel), intervals) in &mut self.subscriptions {
            if *viewer == id {
                close(intervals, self.topics[channel].next_seq);
            }
        }
        if let Some(viewer) = self.viewers.remove(&id) {
            self.gone.insert(id, viewer);
        }
    }

    pub(crate) fn resync(&mut self, id: u64) {
        let inbound = self.inbound();
        let now = self.instant();
        let Some(viewer) = self.viewers.get_mut(&id) else {
            return;
        };
        viewer.ask_for_resync();
        self.session.inbound_closed(viewer.inbound);
        viewer.inbound = inbound;
        self.session
            .inbound_opened(now, ParticipantId(id), inbound, viewer.habits.many_streams)
            .expect("a stream");
    }

    /// The connection is interrupted: what is on the way is lost, and all viewers are resynced.
    pub(crate) fn interrupt(&mut self) {
        for mut packet in self.uplink.lose_all() {
            packet.what = What::Gap;
            for id in &packet.destinations {
                if let Some(viewer) = self.viewers.get_mut(&id.0) {
                    viewer.downlink.push(packet.clone());
                }
            }
        }
        for viewer in self.viewers.values_mut() {
            viewer.resynced();
        }
        self.session.resync_all(self.instant());
    }

    /// Changes a subscription at once.
    pub(crate) fn subscribe(&mut self, id: u64, channel: u64, on: bool) {
        let Some(viewer) = self.viewers.get(&id) else {
            return;
        };
        let op = if on { "subscribe" } else { "unsubscribe" };
        let frame = frame::text(&format!(r#"{{"op":"{op}","channelIds":[{channel}]}}"#));
        let state = &self.topics[&channel];
        let replayed = if state.topic.latched && state.wanted {
            state.history.values().flatten().copied().collect()
        } else {
            Vec::new()
        };
        let next = state.next_seq;
        let intervals = self.subscriptions.entry((id, channel)).or_default();
        let subscribed = intervals.last().is_some_and(|last| last.to.is_none());
        if on && !subscribed {
            intervals.push(Interval {
                from: next,
                replayed,
                to: None,
            });
        } else if !on {
            close(intervals, next);
        }
        self.session
            .inbound_bytes(self.instant(), viewer.inbound, &frame.expect("a frame"))
            .expect("an open stream");
        self.follow_demand();
    }

    /// The robot's side subscribes as it is told. When it does no more, what was latched is over.
    fn follow_demand(&mut self) {
        while let Some(event) = self.session.poll_event() {
            let (Event::Subscribe(channel)
            | Event::Unsubscribe(channel)
            | Event::KeyFrame(channel)
            | Event::Behind { channel, .. }) = event;
            let Some(state) = self.topics.get_mut(&channel.0) else {
                continue;
            };
            match event {
                // A robot begins to encode with a key frame.
                Event::Subscribe(_) => (state.wanted, state.key_frame_wanted) = (true, true),
                Event::Unsubscribe(_) => {
                    state.wanted = false;
                    state.history.clear();
                }
                Event::KeyFrame(_) => state.key_frame_wanted = true,
                Event::Behind { .. } => {}
            }
        }
    }

    /// One step of time.
    pub(crate) fn advance(&mut self) {
        self.now += self.step;
        self.publish();
        let now = self.instant();
        let ids: Vec<u64> = self.viewers.keys().copied().collect();
        for id in ids {
            let Some(viewer) = self.viewers.get_mut(&id) else {
                continue;
            };
            viewer.advance(self.now, self.step, &mut self.random);
            if viewer.broken {
                self.resync(id);
                continue;
            }
            for bytes in viewer.sent(self.now) {
                self.session
                    .inbound_bytes(now, viewer.inbound, &bytes)
                    .expect("frames of the protocol");
            }
        }
        self.session.handle_timeout(now);
        self.follow_demand();
        self.transmit();
        for packet in self.uplink.advance(self.now, self.step) {
            for id in &packet.destinations {
                if let Some(viewer) = self.viewers.get_mut(&id.0) {
                    viewer.downlink.push(packet.clone());
                }
            }
        }
        self.check_bounds();
    }

    pub(crate) fn run_until(&mut self, end: u64) {
        while self.now < end {
            self.advance();
        }
    }

    fn publish(&mut self) {
        let now = self.instant();
        for (&id, state) in &mut self.topics {
            while state.next_at <= self.now {
                state.next_at += state.topic.period;
                if !self.publishing {
                    continue;
                }
                let size = self.sizes.range(state.topic.size.0, state.topic.size.1);
                let publisher = self.sizes.range(0, state.topic.publishers);
                let seq = state.next_seq;
                state.next_seq += 1;
                if state.wanted && state.topic.latched {
                    let history = state.history.entry(publisher).or_default();
                    history.push(seq);
                    let surplus = history.len().saturating_sub(state.topic.depth);
                    history.drain(..surplus);
                }
                let frame = message(id, seq, self.now, size as usize);
                let publisher = PublisherId(publisher.into());
                match state.topic.group {
                    None => self.session.message(now, ChannelId(id), publisher, frame),
                    Some(group) => {
                        let last = state.keys.last().copied();
                        let due = last.is_none_or(|last| seq - last >= group);
                        let is_key_frame = due || std::mem::take(&mut state.key_frame_wanted);
                        if is_key_frame {
                            state.keys.insert(seq);
                        }
                        let video_frame = VideoFrame {
                            number: seq,
                            is_key_frame,
                        };
                        let channel = ChannelId(id);
                        self.session
                            .video_frame(now, channel, publisher, frame, video_frame);
                    }
                }
            }
        }
    }

    /// The adapter: keeps the transport's buffer filled up to the threshold.
    fn transmit(&mut self) {
        let now = self.instant();
        loop {
            let threshold = self
                .send_buffer
                .unwrap_or_else(|| self.session.suggested_send_buffer());
            if self.uplink.waiting() >= threshold {
                return;
            }
            let Some(transmit) = self.session.next_transmit(now) else {
                return;
            };
            self.carry_out(transmit);
        }
    }

    fn carry_out(&mut self, transmit: Transmit) {
        let (stream, destinations, what) = match transmit {
            Transmit::Open {
                stream,
                destinations,
            } => {
                self.opened += 1;
                let before = self.open.insert(stream, destinations.clone());
                assert!(before.is_none(), "{stream:?} was opened twice");
                (stream, destinations, What::Open)
            }
            Transmit::Write { stream, data } => {
                assert!((1..=SLICE_SIZE).contains(&data.len()));
                self.uplink_bytes += data.len() as u64;
                let destinations = self.open.get(&stream).expect("an open stream").clone();
                let greets = br#"{"op":"serverInfo""#;
                if data
                    .get(FRAME_HEADER_SIZE..)
                    .is_some_and(|payload| payload.starts_with(greets))
                {
                    let greeted = self.viewers.get_mut(&destinations[0].0);
                    greeted.expect("a viewer").greetings.push(stream);
                }
                (stream, destinations, What::Data(data))
            }
            Transmit::Close { stream } => {
                self.closed += 1;
                let destinations = self.open.remove(&stream).expect("an open stream");
                (stream, destinations, What::Close)
            }
        };
        self.uplink.push(Packet {
            stream,
            destinations,
            what,
        });
    }

    fn check_bounds(&self) {
        let queued = self.session.queued_bytes();
        assert!(queued <= self.config.queue_budget, "{queued} B are queued");
        let latched = self.session.latched_bytes();
        assert!(latched <= self.config.latched_budget, "{latched} B latched");
        assert_eq!(self.opened - self.closed, self.open.len() as u64);
    }

    /// Streams that are open to viewers.
    pub(crate) fn open_streams(&self) -> usize {
        self.open.len()
    }

    /// Messages that later subscribers of a latched channel must get, as publishers keep them.
    pub(crate) fn history(&self, channel: u64) -> Vec<u64> {
        let state = &self.topics[&channel];
        state.history.values().flatten().copied().collect()
    }
}

fn close(intervals: &mut [Interval], at: u64) {
    if let Some(last) = intervals.last_mut() {
        last.to.get_or_insert(at);
    }
}

fn message(channel: u64, seq: u64, now: u64, size: usize) -> Bytes {
    let length = size.max(MESSAGE_DATA_HEADER_SIZE + 8) - MESSAGE_DATA_HEADER_SIZE;
    let header = message_data_header(ChannelId(channel), now * 1000, length);
    let mut frame = header.expect("a message within the limit").to_vec();
    frame.extend_from_slice(&seq.to_le_bytes());
    frame.resize(MESSAGE_DATA_HEADER_SIZE + length, 0);
    frame.into()
}
