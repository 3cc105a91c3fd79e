//! The remote-access session: a state machine between a robot's channels and remote participants.
//!
//! It does no I/O, starts no task and reads no clock: time is passed in, bytes and events come
//! and go as values. That makes it testable by simulation, seed by seed.
//!
//! - Participants and their bytes come in by [`Session::participant_joined`],
//!   [`Session::inbound_bytes`] and their like, channels and messages by
//!   [`Session::add_channels`] and [`Session::message`].
//! - Demand goes back to the robot's side as [`Event`]s: a channel is wanted while at least one
//!   participant subscribes to it, and for [`SessionConfig::unsubscribe_linger`] after that.
//! - What participants ask of the robot comes out as [`Request`]s, by [`Session::poll_request`],
//!   each one allowed by the [`Policy`] and the participant's [`Rights`]; the answers come in by
//!   methods. Stops come out before them, by [`Session::poll_stop`].
//! - What is to be sent is pulled, one [`Transmit`] at a time, by [`Session::next_transmit`]. The
//!   choice is made as late as possible: control before data, then a fair share for each
//!   participant, and in it for each channel.
//! - After [`Session::poll_timeout`] at the latest [`Session::handle_timeout`] is called.
//!
//! A message for several participants that read many streams goes out once, on a *lane*: a byte
//! stream for one channel and one exact set of destinations. Others get all on one stream.
//! Flow control keeps the bytes in flight to each participant near what it can take.
//!
//! A remote party is a *participant* here, as LiveKit calls it, and a *viewer* in all that people
//! read. `examples/two_viewers.rs` drives a session with two of them in memory.
//!
//! # Parts
//!
//! [`Session`] hands events on to parts that own their state and know nothing of each other, but
//! for what is passed to them: `channels` (the robot's channels, their subscribers, latched
//! messages), `inbound` (bytes of participants within limits), `requests` (publishing, services,
//! parameters, the connection graph, assets, and the permission that each needs), `send` (queues,
//! lanes, turns on the uplink, flow control), `reports` (of dropped messages) and `robot` (facts
//! about the robot).

mod audit;
mod bucket;
mod catalogues;
mod channels;
mod class;
mod config;
mod counters;
mod ids;
mod inbound;
mod message;
mod permission;
mod reports;
mod requests;
mod robot;
mod send;
mod session;
mod status;
mod transmit;

pub use audit::AUDIT_TARGET;
pub use bucket::TokenBucket;
pub use channels::channel::{ChannelInfo, Delivery};
pub use channels::rate_limit::RateLimit;
pub use config::{SessionConfig, SLICE_SIZE};
pub use counters::{Drops, Traffic};
pub use ids::{InboundId, ParticipantId, PublisherId, StreamId};
pub use inbound::InboundError;
pub use message::VideoFrame;
pub use permission::{NameRule, Policy, Rights};
pub use requests::connection_graph::{Connections, NodesByName};
pub use requests::request::{ClientChannelKey, Encoding, Request, RequestKey};
pub use requests::services::ServiceInfo;
pub use robot::{RobotInfo, Subject};
pub use session::snapshot::{ChannelSnapshot, ParticipantSnapshot, Snapshot};
pub use session::viewers::ViewerInfo;
pub use session::Session;
pub use transmit::{Event, Lag, Transmit};
