//! Commands of the application, and events of the network.

use std::time::Instant;

use super::Driver;
use crate::configuration::RtcConfiguration;
use crate::engine::dtls::Dtls;
use crate::engine::network::NetworkEvent;
use crate::engine::shared::{Command, RemoteDescription};
use crate::ice_candidate::IceCandidate;
use crate::states::IceGatheringState;

impl Driver {
    pub(super) fn handle_command(&mut self, command: Command) {
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
            Command::Resolved(name, addresses) => self.network.resolved(&name, addresses, now),
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

    pub(super) fn configure(&mut self, config: &RtcConfiguration, now: Instant) {
        self.ice.set_policy(config.ice_transport_type);
        self.network.configure(config, now);
    }

    /// Takes over what is new about the local candidates.
    pub(super) fn handle_network(&mut self, now: Instant) {
        self.network.handle_timeout(now);
        while let Some(event) = self.network.poll_event() {
            match event {
                NetworkEvent::Gathering => self.enter_gathering(IceGatheringState::Gathering),
                NetworkEvent::Found(found) => {
                    if let Some(line) = self.ice.add_local(found) {
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
                while let Some((path, packet)) = self.early.pop_front() {
                    self.handle_dtls(&packet, path, now);
                }
            }
        }
        let connected = self.dtls.as_ref().is_some_and(Dtls::is_connected);
        if description.data_channels && connected && self.sctp.is_none() {
            self.sctp = Some(sctp_association::new(self.dtls_client, now));
        }
    }
}
