//! The thread of a connection: waits for packets, time and commands, and moves data between the
//! sockets, ICE, DTLS, SCTP and the channels.

mod commands;
mod packets;
mod states;
mod stats;
mod wire;

use std::collections::VecDeque;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::DtlsCertificate;
use is::IceCreds;
use mio::{Poll, Waker};

use self::wire::Wire;
use super::channels::Channels;
use super::dtls::Dtls;
use super::ice::Ice;
use super::network::{Network, Path, Received, WAKER};
use super::shared::{Command, Shared};
use crate::certificate::Certificate;
use crate::configuration::RtcConfiguration;
use crate::data_channel::DataChannelState;
use crate::states::{IceConnectionState, PeerConnectionState};
use sctp_association::SctpAssociation;

/// Time for which a connection that the peer ended stays as it is. The peer usually says so by the
/// application's own channel too, and the application closes it; a connection that failed at once
/// would be answered with a new one. Signaling that lost a race takes a round trip or two.
const GRACE: Duration = Duration::from_secs(3);

/// Whether DTLS or SCTP are over for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    NotYet,
    /// The peer ended the connection. It has failed if nobody closes it until then, or if that is
    /// over.
    ByPeer {
        fails_at: Option<Instant>,
    },
    /// Only a new connection helps.
    Failed,
}

/// Starts the thread of a connection.
///
/// # Errors
/// The poll object or the thread cannot be created.
pub(super) fn spawn(
    certificate: Certificate,
    credentials: IceCreds,
    config: RtcConfiguration,
) -> io::Result<Arc<Shared>> {
    let poll = Poll::new()?;
    let shared = Arc::new(Shared::new(Waker::new(poll.registry(), WAKER)?));
    let now = Instant::now();
    let mut driver = Driver {
        shared: shared.clone(),
        network: Network::new(poll, shared.clone(), now),
        ice: Ice::new(credentials, now),
        certificate: certificate.dtls,
        dtls: None,
        dtls_client: false,
        early: VecDeque::new(),
        sctp: None,
        channels: Channels::new(shared.clone()),
        wire: Wire::default(),
        section: None,
        started: false,
        was_connected: false,
        end: End::NotYet,
        closing: false,
    };
    driver.configure(&config, now);
    std::thread::Builder::new()
        .name("webrtc".to_owned())
        .spawn(move || driver.run())?;
    Ok(shared)
}

struct Driver {
    shared: Arc<Shared>,
    network: Network,
    ice: Ice,
    certificate: DtlsCertificate,
    dtls: Option<Dtls>,
    dtls_client: bool,
    /// DTLS packets that came before the remote description.
    early: VecDeque<(Path, Vec<u8>)>,
    sctp: Option<Box<dyn SctpAssociation>>,
    channels: Channels,
    wire: Wire,
    /// `a=mid` and position of the data channel section, once candidates were gathered for it.
    section: Option<(String, i32)>,
    /// A remote description is in force.
    started: bool,
    was_connected: bool,
    end: End,
    closing: bool,
}

impl Driver {
    fn run(mut self) {
        let shared = self.shared.clone();
        // A callback of the application may panic. The connection is over then, its channels and
        // states must not stay as if it were not, and the application must learn that only a new
        // one helps.
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
            self.work();
            self.finish();
        }));
        let left = shared.close_mailbox();
        let closed = std::panic::catch_unwind(AssertUnwindSafe(|| {
            match outcome {
                Ok(()) => self.enter(PeerConnectionState::Closed),
                Err(_) => {
                    log::error!("the connection's thread panicked");
                    self.enter(PeerConnectionState::Failed);
                }
            }
            self.channels.close_all();
            for command in left {
                if let Command::OpenChannel(channel) | Command::CloseChannel(channel) = command {
                    channel.set_state(DataChannelState::Closed);
                }
            }
            shared.observers.clear();
        }));
        if closed.is_err() {
            log::error!("a callback panicked while the connection was closed");
            shared.observers.clear();
        }
    }

    fn work(&mut self) {
        let mut received = Received::new();
        while !self.closing {
            for command in self.shared.take_commands() {
                self.handle_command(command);
            }
            let now = Instant::now();
            self.handle_timeouts(now);
            self.pump(now);
            self.update_state();
            self.network.flush();
            if self.closing {
                break;
            }
            let now = Instant::now();
            let timeout = self
                .next_timeout(now)
                .map(|at| at.saturating_duration_since(now));
            if let Err(error) = self.network.wait(timeout) {
                log::error!("waiting for packets: {error}");
                break;
            }
            for index in 0..self.network.sockets() {
                self.receive(index, &mut received);
            }
            let now = Instant::now();
            self.network.read_streams(now);
            while let Some((path, packet)) = self.network.poll_packet() {
                self.handle_packet(&packet, path, now);
            }
        }
    }

    /// Tells the peer and the application that the connection is over.
    fn finish(&mut self) {
        let now = Instant::now();
        if let Some(sctp) = &mut self.sctp {
            sctp.abort();
        }
        self.send_sctp_packets(now);
        if let Some(dtls) = &mut self.dtls {
            dtls.close();
        }
        self.poll_dtls(now);
        self.network.close(now);
        self.channels.close_all();
        self.enter_ice(IceConnectionState::Closed);
        self.enter(PeerConnectionState::Closed);
    }

    fn handle_timeouts(&mut self, now: Instant) {
        self.handle_network(now);
        self.ice.handle_timeout(now);
        if matches!(self.end, End::ByPeer { fails_at: Some(at) } if now >= at) {
            log::warn!("the peer ended the connection, and nobody closed it");
            self.end = End::ByPeer { fails_at: None };
        }
        if let Some(dtls) = self.dtls.as_mut().filter(|_| self.end == End::NotYet) {
            if let Err(error) = dtls.handle_timeout(now) {
                self.fail(error);
            }
        }
        if let Some(sctp) = &mut self.sctp {
            sctp.handle_timeout(now);
        }
    }

    fn next_timeout(&mut self, now: Instant) -> Option<Instant> {
        let ice = self.ice.poll_timeout();
        let dtls = self
            .dtls
            .as_ref()
            .filter(|_| self.end == End::NotYet)
            .and_then(Dtls::poll_timeout);
        let end = match self.end {
            End::ByPeer { fails_at } => fails_at,
            End::NotYet | End::Failed => None,
        };
        let sctp = self.sctp.as_ref().and_then(|sctp| sctp.poll_timeout(now));
        let network = self.network.poll_timeout();
        [ice, dtls, end, sctp, network].into_iter().flatten().min()
    }

    /// DTLS or SCTP is over for good. The application sees `Failed` and must make a new connection.
    fn fail(&mut self, reason: impl std::fmt::Display) {
        if self.end == End::NotYet && !self.closing {
            log::warn!("connection failed: {reason}");
        }
        self.end = End::Failed;
        self.sctp = None;
        self.channels.close_all();
    }

    /// The peer ended DTLS or SCTP, as a server does when its guest has to leave.
    fn ended_by_peer(&mut self, what: &str, now: Instant) {
        if self.end == End::NotYet {
            log::debug!("the peer ended {what}");
            self.end = End::ByPeer {
                fails_at: Some(now + GRACE),
            };
        }
        self.sctp = None;
        self.channels.close_all();
    }
}
