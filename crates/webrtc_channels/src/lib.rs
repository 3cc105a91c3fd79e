//! WebRTC data channels in pure Rust.
//!
//! A [`PeerConnection`](peer_connection::PeerConnection) finds a path to its peer (ICE, with STUN, TURN and ICE-TCP), secures it
//! (DTLS) and carries [`DataChannel`](data_channel::DataChannel)s over it (SCTP). There is no media. The protocols are sans-IO
//! crates; this crate owns the sockets and the time, on one thread per connection, and needs no
//! async runtime.
//!
//! Offers, answers and candidates are texts that the application carries to the peer. Two connections
//! in one process:
//!
//! ```
//! use std::sync::mpsc::channel;
//!
//! use webrtc_channels::configuration::RtcConfiguration;
//! use webrtc_channels::data_channel::DataChannelInit;
//! use webrtc_channels::peer_connection::{OfferOptions, PeerConnection};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let near = PeerConnection::new(RtcConfiguration::default())?;
//! let far = PeerConnection::new(RtcConfiguration::default())?;
//! let (near_candidates, for_far) = channel();
//! let (far_candidates, for_near) = channel();
//! near.on_ice_candidate(Some(Box::new(move |candidate| drop(near_candidates.send(candidate)))));
//! far.on_ice_candidate(Some(Box::new(move |candidate| drop(far_candidates.send(candidate)))));
//!
//! let (received, messages) = channel();
//! far.on_data_channel(Some(Box::new(move |channel| {
//!     let received = received.clone();
//!     channel.on_message(Some(Box::new(move |message| drop(received.send(message.data.to_vec())))));
//! })));
//! let greetings = near.create_data_channel("greetings", DataChannelInit::default())?;
//!
//! let offer = near.create_offer(OfferOptions::default()).await?;
//! near.set_local_description(offer.clone()).await?;
//! far.set_remote_description(offer).await?;
//! let answer = far.create_answer().await?;
//! far.set_local_description(answer.clone()).await?;
//! near.set_remote_description(answer).await?;
//!
//! while greetings.send(b"hello", false).is_err() {
//!     for candidate in for_far.try_iter() {
//!         far.add_ice_candidate(candidate).await?;
//!     }
//!     for candidate in for_near.try_iter() {
//!         near.add_ice_candidate(candidate).await?;
//!     }
//!     std::thread::sleep(std::time::Duration::from_millis(10));
//! }
//! assert_eq!(messages.recv().unwrap(), b"hello");
//! # Ok::<(), webrtc_channels::RtcError>(())
//! # }).unwrap();
//! ```

mod credentials;
mod dcep;
mod engine;
mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod sdp;

pub mod callbacks;
pub mod certificate;
pub mod configuration;
pub mod data_channel;
pub mod ice_candidate;
pub mod peer_connection;
pub mod session_description;
pub mod states;
pub mod stats;

pub use error::{RtcError, RtcErrorType};
