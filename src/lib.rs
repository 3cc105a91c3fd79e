//! Remote access to a ROS 2 robot with Foxglove tools, through any LiveKit server.
//!
//! Data flows one way: [`ros`] → [`bridge`] → [`driver`] with its [session](remote_access_session) →
//! [`livekit`]; demand flows back.
//! [`access`] decides what viewers may do. [`media`] encodes images on the way. [`config`] holds all
//! parameters; [`metrics`] serves the session in numbers.

pub mod access;
pub mod bridge;
pub mod config;
pub mod driver;
pub mod livekit;
pub mod media;
pub mod metrics;
pub mod orderly_end;
pub mod parent;
mod proc_stat;
pub mod ros;
