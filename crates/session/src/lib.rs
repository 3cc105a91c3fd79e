//! The remote-access session: a state machine between a robot's channels and remote participants.
//!
//! It does no I/O, starts no task and reads no clock: time is passed in, bytes and events come
//! and go as values. That makes it testable by simulation, seed by seed.
//!
//! - Participants and their bytes come in by [`Session::participant_joined`],
//!   [`Session::inbound_bytes`] and their like, channels and messages by
//!   [`Session::add_channels`] and [`Session::message`].
//! - Demand goes back to the robot's side as [`Event`]s: a channel is wanted while at least one
//!   participant subscribes to it.
//! - What participants ask of the robot comes out as [`Request`]s, by [`Session::poll_request`],
//!   each one allowed by the participant's [`Rights`]; the answers come in by methods.
//! - What is to be sent is pulled, one [`Transmit`] at a time, by [`Session::next_transmit`]. The
//!   choice is made as late as possible: control before data, then a fair share for each channel.
//!
//! A message for several participants that read many streams goes out once, on a *lane*: a byte
//! stream for one channel and one exact set of destinations. Others get all on one stream.
//! Flow control keeps the bytes in flight to each participant near what it can take.
#![forbid(unsafe_code)]
#![deny(missing_docs, unreachable_pub)]

mod bucket;
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

pub use bucket::TokenBucket;
pub use channels::channel::ChannelInfo;
pub use channels::rate_limit::RateLimit;
pub use config::{SessionConfig, SLICE_SIZE};
pub use counters::{Drops, Traffic};
pub use ids::{InboundId, ParticipantId, PublisherId, StreamId};
pub use inbound::InboundError;
pub use permission::{NameRule, Rights};
pub use requests::connection_graph::{Connections, NodesByName};
pub use requests::request::{ClientChannelKey, Encoding, Request, RequestKey};
pub use requests::services::ServiceInfo;
pub use robot::RobotInfo;
pub use session::{ChannelSnapshot, ParticipantSnapshot, Session, Snapshot, ViewerInfo};
pub use transmit::{Event, Transmit};
