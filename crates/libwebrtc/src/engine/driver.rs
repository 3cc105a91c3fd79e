//! The thread of a connection: waits for packets, time and commands, and moves data between the
//! sockets, ICE, DTLS, SCTP and the channels.

mod stats;

use std::collections::VecDeque;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use dimpl::DtlsCertificate;
use is::IceCreds;
use mio::{Poll, Waker};

use self::stats::Wire;
use super::certificate::Certificate;
use super::channels::Channels;
use super::dtls::{Dtls, DtlsOutput};
use super::ice::Ice;
use super::network::{Network, NetworkEvent, Path, Received, WAKER};
use super::sctp::{self, SctpAssociation, SctpEvent};
use super::shared::{Command, RemoteDescription, Shared};
use super::state::{connection_state, Parts};
use crate::data_channel::DataChannelState;
use crate::ice_candidate::IceCandidate;
use crate::peer_connection::{IceConnectionState, IceGatheringState, PeerConnectionState};
use crate::peer_connection_factory::RtcConfiguration;

/// Socket reads in one turn, so that a flood of packets cannot keep commands waiting.
const READS_PER_TURN: usize = 4;
/// DTLS packets kept until the remote description arrives. A handshake starts with a few.
const MAX_EARLY: usize = 8;

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
        broken: false,
        closing: false,
    };
    driver.configure(&config, now);
    std::thread::Builder::new()
        .name("libwebrtc".to_owned())
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
    early: VecDeque<Vec<u8>>,
    sctp: Option<Box<dyn SctpAssociation>>,
    channels: Channels,
    wire: Wire,
    /// `a=mid` and position of the data channel section, once candidates were gathered for it.
    section: Option<(String, i32)>,
    /// A remote description is in force.
    started: bool,
    was_connected: bool,
    /// DTLS or SCTP ended for good.
    broken: bool,
    closing: bool,
}

impl Driver {
    fn run(mut self) {
        let shared = self.shared.clone();
        // A callback of the application may panic. The connection is over then, but its channels
        // and states must not stay as if it were not.
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
            self.work();
            self.finish();
        }));
        if outcome.is_err() {
            log::error!("the connection's thread panicked");
        }
        shared.update_status(|status| status.connection = PeerConnectionState::Closed);
        let left = shared.close_mailbox();
        let closed = std::panic::catch_unwind(AssertUnwindSafe(|| {
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

    fn handle_command(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Local {
                credentials,
                mid,
                mline_index,
            } => {
                let restarted = self.ice.set_local_credentials(credentials, now);
                let first = self.section.replace((mid, mline_index)).is_none();
                if first || restarted {
                    self.enter_gathering(IceGatheringState::Gathering);
                    // What a restart keeps, the peer must be told anew.
                    for line in self.ice.local_candidates() {
                        self.announce(line);
                    }
                    self.network.regather(now);
                    self.handle_network(now);
                }
            }
            Command::Configure(config) => self.configure(&config, now),
            Command::Resolved(servers, generation) => {
                self.network.resolved(servers, generation, now);
            }
            Command::Remote(description) => self.start(*description, now),
            Command::Candidate(line) => self.ice.add_remote(&line),
            Command::OpenChannel(channel) => {
                self.channels.create(channel, self.sctp.as_deref_mut(), now);
            }
            Command::CloseChannel(channel) => self.channels.close(&channel),
            Command::Deliver(channel) => channel.deliver_backlog(),
            Command::Signaling(state) => {
                self.shared
                    .observers
                    .signaling
                    .call(|callback| callback(state));
            }
            Command::NegotiationNeeded => {
                self.shared
                    .observers
                    .negotiation
                    .call(|callback| callback(0));
            }
            Command::Stats(answer) => {
                // The caller may have given up.
                let _ = answer.send(self.stats());
            }
            Command::Close => self.closing = true,
        }
    }

    fn configure(&mut self, config: &RtcConfiguration, now: Instant) {
        self.ice.set_policy(config.ice_transport_type);
        self.network.configure(config, now);
    }

    /// Takes over what is new about the local candidates.
    fn handle_network(&mut self, now: Instant) {
        self.network.handle_timeout(now);
        while let Some(event) = self.network.poll_event() {
            match event {
                NetworkEvent::Gathering => self.enter_gathering(IceGatheringState::Gathering),
                NetworkEvent::Found(candidate, preference) => {
                    if let Some(line) = self.ice.add_local(candidate, preference) {
                        self.announce(line);
                    }
                }
                NetworkEvent::Lost(candidate) => self.ice.remove_local(&candidate),
                NetworkEvent::ServerFailed(error) => {
                    let observer = &self.shared.observers.candidate_error;
                    observer.call(|callback| callback(error));
                }
                NetworkEvent::Gathered => self.enter_gathering(IceGatheringState::Complete),
            }
        }
    }

    /// Tells the application a local candidate.
    fn announce(&self, line: String) {
        let (mid, mline_index) = self.section.clone().unwrap_or_default();
        let candidate = IceCandidate::new(mid, mline_index, line);
        let observer = &self.shared.observers.candidate;
        observer.call(|callback| callback(candidate));
    }

    /// A remote description is in force: the first one starts DTLS and SCTP, later ones may bring
    /// new ICE credentials.
    fn start(&mut self, description: RemoteDescription, now: Instant) {
        self.started = true;
        self.shared
            .set_max_message_size(description.max_message_size.unwrap_or(u64::MAX));
        self.ice
            .set_remote_credentials(description.credentials, description.ice_controlling);
        for candidate in &description.candidates {
            self.ice.add_remote(candidate);
        }
        match &self.dtls {
            Some(dtls) if *dtls.expected() != description.fingerprint => {
                self.fail("the peer changed its certificate, which is not supported");
            }
            Some(_) => {}
            None => {
                self.dtls_client = description.dtls_client;
                let certificate = self.certificate.clone();
                match Dtls::new(certificate, self.dtls_client, description.fingerprint, now) {
                    Ok(dtls) => self.dtls = Some(dtls),
                    Err(error) => self.fail(error),
                }
                while let Some(packet) = self.early.pop_front() {
                    self.handle_dtls(&packet, now);
                }
            }
        }
        let connected = self.dtls.as_ref().is_some_and(Dtls::is_connected);
        if description.data_channels && connected && self.sctp.is_none() {
            self.sctp = Some(sctp::new(self.dtls_client, now));
        }
    }

    fn receive(&mut self, index: usize, received: &mut Received) {
        for _ in 0..READS_PER_TURN {
            let Some(local) = self.network.receive(index, received) else {
                return;
            };
            let now = Instant::now();
            for (source, packet) in received.datagrams() {
                if !self.network.intercept(local, source, packet, now) {
                    let path = Path {
                        proto: is::Protocol::Udp,
                        local,
                        remote: source,
                    };
                    self.handle_packet(packet, path, now);
                }
            }
        }
    }

    /// Takes in a packet of the peer.
    fn handle_packet(&mut self, packet: &[u8], path: Path, now: Instant) {
        // RFC 7983: the first byte tells the protocols apart.
        match packet.first() {
            Some(0..=3) => self.ice.handle_packet(packet, path, now),
            Some(20..=63) => self.handle_dtls(packet, now),
            _ => {}
        }
    }

    fn handle_dtls(&mut self, packet: &[u8], now: Instant) {
        if self.broken {
            return;
        }
        match &mut self.dtls {
            Some(dtls) => {
                self.wire.received(packet.len());
                dtls.handle_packet(packet, now);
                self.poll_dtls(now);
            }
            None if self.early.len() < MAX_EARLY => self.early.push_back(packet.to_vec()),
            None => {}
        }
    }

    fn handle_timeouts(&mut self, now: Instant) {
        self.handle_network(now);
        self.ice.handle_timeout(now);
        if let Some(dtls) = self.dtls.as_mut().filter(|_| !self.broken) {
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
            .filter(|_| !self.broken)
            .and_then(Dtls::poll_timeout);
        let sctp = self.sctp.as_ref().and_then(|sctp| sctp.poll_timeout(now));
        let network = self.network.poll_timeout();
        ice.into_iter().chain(dtls).chain(sctp).chain(network).min()
    }

    /// Moves everything that is ready.
    fn pump(&mut self, now: Instant) {
        while let Some((path, packet)) = self.ice.poll_transmit() {
            self.network.send(path, &packet, now);
        }
        for state in self.ice.poll_states(now) {
            self.enter_ice(state);
        }
        self.poll_dtls(now);
        loop {
            self.handle_sctp_events(now);
            if let Some(sctp) = &mut self.sctp {
                self.channels.feed(sctp.as_mut(), now);
            }
            if !self.send_sctp_packets(now) {
                break;
            }
        }
        self.channels.report();
    }

    /// Takes what DTLS has ready. Its packets wait for a path; the handshake repeats them.
    fn poll_dtls(&mut self, now: Instant) {
        let Some(dtls) = self.dtls.as_mut().filter(|_| !self.broken) else {
            return;
        };
        let Some(path) = self.ice.path() else {
            return;
        };
        let (network, sctp) = (&mut self.network, &mut self.sctp);
        let wire = &mut self.wire;
        let client = self.dtls_client;
        let outcome = dtls.poll(|output| match output {
            DtlsOutput::Packet(packet) => {
                wire.sent(packet.len());
                network.send(path, packet, now);
            }
            DtlsOutput::Connected => *sctp = Some(sctp::new(client, now)),
            DtlsOutput::Data(data) => {
                if let Some(sctp) = sctp {
                    sctp.handle_packet(data, now);
                }
            }
        });
        if let Err(error) = outcome {
            self.fail(error);
        }
    }

    fn handle_sctp_events(&mut self, now: Instant) {
        while let Some(sctp) = &mut self.sctp {
            let Some(event) = sctp.poll_event() else {
                return;
            };
            match event {
                SctpEvent::Connected => {
                    self.channels.connect(self.dtls_client, sctp.as_mut(), now);
                }
                SctpEvent::Message {
                    stream,
                    payload,
                    data,
                } => {
                    self.channels
                        .message(stream, payload, data, sctp.as_mut(), now);
                }
                SctpEvent::Sent { stream, bytes } => self.channels.sent(stream, bytes),
                SctpEvent::StreamReset { stream } => self.channels.stream_reset(stream),
                SctpEvent::Closed => {
                    self.fail("the SCTP association ended");
                    return;
                }
            }
        }
    }

    /// Encrypts and queues what SCTP has to send, unless the socket is blocked. Answers whether
    /// there was anything.
    fn send_sctp_packets(&mut self, now: Instant) -> bool {
        let mut any = false;
        let (Some(path), Some(dtls)) = (self.ice.path(), &mut self.dtls) else {
            return false;
        };
        let mut outcome = Ok(());
        while outcome.is_ok() && !self.network.is_blocked(path) {
            let Some(packet) = self.sctp.as_mut().and_then(|sctp| sctp.poll_packet(now)) else {
                break;
            };
            any = true;
            let (network, wire) = (&mut self.network, &mut self.wire);
            let mut received = Vec::new();
            outcome = dtls.send(&packet).and_then(|()| {
                dtls.poll(|output| match output {
                    DtlsOutput::Packet(packet) => {
                        wire.sent(packet.len());
                        network.send(path, packet, now);
                    }
                    DtlsOutput::Data(data) => received.push(data.to_vec()),
                    DtlsOutput::Connected => {}
                })
            });
            for data in received {
                if let Some(sctp) = &mut self.sctp {
                    sctp.handle_packet(&data, now);
                }
            }
        }
        if let Err(error) = outcome {
            self.fail(error);
        }
        any
    }

    /// DTLS or SCTP is over for good. The application sees `Failed` and must make a new connection.
    fn fail(&mut self, reason: impl std::fmt::Display) {
        if !self.broken && !self.closing {
            log::warn!("connection failed: {reason}");
        }
        self.broken = true;
        self.sctp = None;
        self.channels.close_all();
    }

    fn update_state(&mut self) {
        let state = connection_state(Parts {
            started: self.started,
            ice: self.ice.state(),
            dtls_connected: self.dtls.as_ref().is_some_and(Dtls::is_connected),
            broken: self.broken,
            was_connected: self.was_connected,
        });
        self.was_connected |= state == PeerConnectionState::Connected;
        self.enter(state);
    }

    fn enter(&mut self, state: PeerConnectionState) {
        if self.shared.status().connection != state {
            log::debug!("connection {state:?}");
            self.shared
                .update_status(|status| status.connection = state);
            self.shared
                .observers
                .connection
                .call(|callback| callback(state));
        }
    }

    fn enter_ice(&mut self, state: IceConnectionState) {
        self.shared.update_status(|status| status.ice = state);
        self.shared.observers.ice.call(|callback| callback(state));
    }

    fn enter_gathering(&mut self, state: IceGatheringState) {
        if self.shared.status().gathering == state {
            return;
        }
        self.shared.update_status(|status| status.gathering = state);
        self.shared
            .observers
            .gathering
            .call(|callback| callback(state));
    }
}
