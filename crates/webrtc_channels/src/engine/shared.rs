//! State shared by the connection's thread and the rest of the program.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

use is::IceCreds;
use mio::Waker;
use parking_lot::Mutex;
use thiserror::Error;
use tokio::sync::oneshot;

use super::callback::Callback;
use super::channel::{Channel, Connection, Request};
use super::resolver::{Addresses, Name};
use crate::callbacks::{
    OnConnectionChange, OnDataChannel, OnIceCandidate, OnIceCandidateError, OnIceConnectionChange,
    OnIceGatheringChange, OnNegotiationNeeded, OnSignalingChange,
};
use crate::configuration::RtcConfiguration;
use crate::sdp::Fingerprint;
use crate::states::{IceConnectionState, IceGatheringState, PeerConnectionState, SignalingState};
use crate::stats::RtcStats;

/// Commands that may wait. Descriptions, candidates and channel calls are rare; a caller that gets
/// this far ahead of the thread is broken or under attack.
const MAX_COMMANDS: usize = 4096;

/// A request to the connection's thread.
pub(crate) enum Command {
    /// A local description was set: gather, and restart ICE if the credentials are new.
    Local {
        credentials: IceCreds,
        mid: String,
        mline_index: i32,
    },
    /// A remote description is in force.
    Remote(Box<RemoteDescription>),
    /// The peer announced a candidate.
    Candidate(String),
    /// New settings.
    Configure(Box<RtcConfiguration>),
    /// The addresses of a name that an ICE server has.
    Resolved(Name, Addresses),
    OpenChannel(Arc<Channel>),
    CloseChannel(Arc<Channel>),
    /// The channel got a message callback: hand over what waited for it.
    Deliver(Arc<Channel>),
    /// Tell the application about a new signaling state.
    Signaling(SignalingState),
    /// Tell the application that an offer is due.
    NegotiationNeeded,
    /// Collect statistics.
    Stats(oneshot::Sender<Vec<RtcStats>>),
    Close,
}

/// Transport settings of a remote description.
pub(crate) struct RemoteDescription {
    pub(crate) credentials: IceCreds,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) ice_controlling: bool,
    pub(crate) dtls_client: bool,
    pub(crate) data_channels: bool,
    pub(crate) max_message_size: Option<u64>,
    pub(crate) candidates: Vec<String>,
}

/// A command was not accepted.
#[derive(Debug, Error)]
pub(crate) enum Rejected {
    #[error("the connection is closed")]
    Closed,
    #[error("too many calls are waiting for the connection")]
    TooMany,
}

/// The application's callbacks.
#[derive(Default)]
pub(crate) struct Observers {
    pub(crate) connection: Callback<OnConnectionChange>,
    pub(crate) data_channel: Callback<OnDataChannel>,
    pub(crate) candidate: Callback<OnIceCandidate>,
    pub(crate) candidate_error: Callback<OnIceCandidateError>,
    pub(crate) ice: Callback<OnIceConnectionChange>,
    pub(crate) gathering: Callback<OnIceGatheringChange>,
    pub(crate) negotiation: Callback<OnNegotiationNeeded>,
    pub(crate) signaling: Callback<OnSignalingChange>,
}

impl Observers {
    /// Drops all callbacks. They often hold the connection they belong to; without this such a
    /// cycle would live for ever.
    pub(crate) fn clear(&self) {
        self.connection.set(None);
        self.data_channel.set(None);
        self.candidate.set(None);
        self.candidate_error.set(None);
        self.ice.set(None);
        self.gathering.set(None);
        self.negotiation.set(None);
        self.signaling.set(None);
    }
}

/// States that any thread may ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Status {
    pub(crate) connection: PeerConnectionState,
    pub(crate) ice: IceConnectionState,
    pub(crate) gathering: IceGatheringState,
}

struct Mailbox {
    commands: Vec<Command>,
    closed: bool,
}

/// The meeting point of the connection's thread and all others.
pub(crate) struct Shared {
    pub(crate) observers: Observers,
    status: Mutex<Status>,
    mailbox: Mutex<Mailbox>,
    /// Bytes of the largest message the peer takes.
    max_message_size: AtomicU64,
    /// A wake-up is under way, so another one is not needed.
    woken: AtomicBool,
    waker: Waker,
}

impl Shared {
    pub(crate) fn new(waker: Waker) -> Self {
        Self {
            observers: Observers::default(),
            status: Mutex::new(Status {
                connection: PeerConnectionState::New,
                ice: IceConnectionState::New,
                gathering: IceGatheringState::New,
            }),
            mailbox: Mutex::new(Mailbox {
                commands: Vec::new(),
                closed: false,
            }),
            max_message_size: AtomicU64::new(0),
            woken: AtomicBool::new(false),
            waker,
        }
    }

    /// Hands a command to the thread.
    ///
    /// # Errors
    /// The thread has ended, or too many commands wait. [`Command::Close`] is never too many.
    pub(crate) fn post(&self, command: Command) -> Result<(), Rejected> {
        {
            let mut mailbox = self.mailbox.lock();
            if mailbox.closed {
                return Err(Rejected::Closed);
            }
            if mailbox.commands.len() >= MAX_COMMANDS && !matches!(command, Command::Close) {
                return Err(Rejected::TooMany);
            }
            mailbox.commands.push(command);
        }
        self.wake();
        Ok(())
    }

    /// Makes the thread look at its queues.
    pub(crate) fn wake(&self) {
        if !self.woken.swap(true, Ordering::SeqCst) {
            if let Err(error) = self.waker.wake() {
                log::error!("cannot wake the connection's thread: {error}");
            }
        }
    }

    /// For the thread: takes all commands. What is pushed from now on wakes it again.
    pub(super) fn take_commands(&self) -> Vec<Command> {
        self.woken.store(false, Ordering::SeqCst);
        std::mem::take(&mut self.mailbox.lock().commands)
    }

    /// For the thread: accepts no further command and returns what was left.
    pub(super) fn close_mailbox(&self) -> Vec<Command> {
        let mut mailbox = self.mailbox.lock();
        mailbox.closed = true;
        std::mem::take(&mut mailbox.commands)
    }

    pub(crate) fn status(&self) -> Status {
        *self.status.lock()
    }

    pub(super) fn update_status(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.status.lock());
    }

    pub(super) fn set_max_message_size(&self, bytes: u64) {
        self.max_message_size.store(bytes, Ordering::Relaxed);
    }
}

impl Connection for Shared {
    fn max_message_size(&self) -> u64 {
        self.max_message_size.load(Ordering::Relaxed)
    }

    fn wake(&self) {
        Shared::wake(self);
    }

    fn request(&self, request: Request) {
        // A connection that is gone has closed its channels already.
        let _ = self.post(match request {
            Request::Close(channel) => Command::CloseChannel(channel),
            Request::Deliver(channel) => Command::Deliver(channel),
        });
    }
}
