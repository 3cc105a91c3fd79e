//! Opens a robot in a LiveKit room to the tools of this machine.
//!
//! [`room`] joins the room and reads the robot's streams. [`hub`] stands between the robot and any
//! number of local clients. [`web`] serves them: the Foxglove WebSocket protocol to tools, and a
//! page to browsers. [`record`] writes what is watched to a file.

pub mod hub;
pub mod local;
pub mod options;
pub mod outbox;
pub mod record;
pub mod room;
pub mod subscription;
pub mod token;
pub mod web;
