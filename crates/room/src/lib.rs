//! A LiveKit room as robots and viewers use it.
//!
//! Both join with a token from one of several sources ([`TokenSource`]), however long it takes
//! ([`RoomConnector`]). A viewer reads the robot's byte streams frame by frame ([`FrameReader`]) and
//! writes to the robot on an [`Uplink`].

mod check;
mod connect;
mod encryption;
pub mod guard;
mod incoming;
mod interfaces;
mod log;
mod lookup;
mod mint;
mod reconnect;
mod secret;
mod token;
mod token_endpoint;
mod uplink;

pub use check::{check, Finding};
pub use connect::{close, Endpoint, Joined, RoomConnector};
pub use encryption::{EncryptionKey, EncryptionKeyError, EncryptionVariables};
pub use incoming::{Broken, BufferBudget, FrameReader};
pub use interfaces::interface_filter;
pub use log::{WithoutFalseErrors, DEFAULT_LOG};
pub use lookup::{LookupError, ParticipantLookup};
pub use mint::{MintError, Role, TokenMint};
pub use secret::{without_tokens, Secret};
pub use token::{TokenError, TokenSource};
pub use token_endpoint::{TokenEndpoint, TokenEndpointError};
pub use uplink::{Uplink, UplinkOptions};
pub use webrtc_channels::configuration::{set_interface_filter, InterfaceFilter};
