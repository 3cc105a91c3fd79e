//! The LiveKit side: everything that names the LiveKit SDK.
//!
//! [`Driver`] runs a [`Session`](remote_access_session::Session) on a room of a LiveKit server and comes
//! back after every interruption. The robot's side reaches it through a [`Port`].

mod answer;
mod driver;
mod inbox;
mod outbox;
mod participants;
mod port;
mod report;

pub use answer::Answer;
pub use driver::Driver;
pub use port::{Command, Demand, Message, Messages, Port};
pub use remote_access_room::{Endpoint, Role, Secret, TokenError, TokenSource};
pub use report::{Connection, Report, Reports};
