//! The offer/answer exchange (RFC 8829) as a state machine: no sockets, no threads.

use is::IceCreds;

use crate::credentials;
use crate::engine::{Command, RemoteDescription};
use crate::sdp::{self, LocalTransport, RemoteTransport, Role, Sdp, Section, Setup};
use crate::session_description::{SdpParseError, SdpType, SessionDescription};
use crate::states::SignalingState;
use crate::RtcError;

/// Commands for the engine that follow from a change, in order.
pub(super) struct Effects {
    pub(super) commands: Vec<Command>,
}

pub(super) struct Signaling {
    state: SignalingState,
    /// Of the last local description that was set.
    credentials: IceCreds,
    /// SHA-256 of the local certificate.
    fingerprint: String,
    session_id: u64,
    version: u64,
    pending_local: Option<SessionDescription>,
    pending_remote: Option<SessionDescription>,
    current_local: Option<SessionDescription>,
    current_remote: Option<SessionDescription>,
    restart_ice: bool,
    /// The DTLS role. The first exchange decides it for the connection's whole life.
    dtls_client: Option<bool>,
}

impl From<SdpParseError> for RtcError {
    fn from(error: SdpParseError) -> Self {
        Self::invalid_sdp(error.to_string())
    }
}

impl Signaling {
    pub(super) fn new(credentials: IceCreds, fingerprint: String) -> Self {
        Self {
            state: SignalingState::Stable,
            credentials,
            fingerprint,
            // RFC 8829, section 5.2.1: 63 random bits.
            session_id: fastrand::u64(..) >> 1,
            version: 1,
            pending_local: None,
            pending_remote: None,
            current_local: None,
            current_remote: None,
            restart_ice: false,
            dtls_client: None,
        }
    }

    pub(super) fn state(&self) -> SignalingState {
        self.state
    }

    pub(super) fn current_local(&self) -> Option<SessionDescription> {
        self.current_local.clone()
    }

    pub(super) fn current_remote(&self) -> Option<SessionDescription> {
        self.current_remote.clone()
    }

    pub(super) fn has_remote(&self) -> bool {
        self.current_remote.is_some() || self.pending_remote.is_some()
    }

    pub(super) fn restart_ice(&mut self) {
        self.restart_ice = true;
    }

    pub(super) fn close(&mut self) {
        self.state = SignalingState::Closed;
    }

    fn check_open(&self) -> Result<(), RtcError> {
        if self.state == SignalingState::Closed {
            return Err(RtcError::invalid_state("the connection is closed"));
        }
        Ok(())
    }

    /// Writes an offer. It keeps the sections of earlier exchanges, in their order.
    pub(super) fn create_offer(
        &mut self,
        ice_restart: bool,
    ) -> Result<SessionDescription, RtcError> {
        self.check_open()?;
        // Before the first exchange there is nothing to restart.
        let restart = (ice_restart || self.restart_ice) && self.current_local.is_some();
        self.restart_ice = false;
        let sections = match &self.current_local {
            Some(local) => mirror(&Sdp::parse(local.as_str())?),
            None => vec![Section::data_channels("0")],
        };
        Ok(self.write(restart, Role::Offer, &sections, SdpType::Offer))
    }

    pub(super) fn create_answer(&mut self) -> Result<SessionDescription, RtcError> {
        self.check_open()?;
        let Some(offer) = &self.pending_remote else {
            return Err(RtcError::invalid_state(
                "there is no remote offer to answer",
            ));
        };
        let offer = Sdp::parse(offer.as_str())?;
        let before = match &self.current_remote {
            Some(remote) => Sdp::parse(remote.as_str())?.ice_credentials(),
            None => None,
        };
        // New remote credentials restart ICE, which takes new local ones too.
        let restart = before.is_some() && before != offer.ice_credentials();
        let setup = match (self.dtls_client, offer.setup()) {
            (Some(true), _) => Setup::Active,
            (Some(false), _) | (None, Setup::Active) => Setup::Passive,
            (None, _) => Setup::Active,
        };
        Ok(self.write(
            restart,
            Role::Answer(setup),
            &mirror(&offer),
            SdpType::Answer,
        ))
    }

    fn write(
        &mut self,
        restart: bool,
        role: Role,
        sections: &[Section],
        sdp_type: SdpType,
    ) -> SessionDescription {
        // Without random numbers there is no restart; the present path may last.
        let fresh = restart.then(credentials::random).and_then(Result::ok);
        let credentials = fresh.unwrap_or_else(|| self.credentials.clone());
        self.version += 1;
        let transport = LocalTransport {
            ufrag: &credentials.ufrag,
            pwd: &credentials.pass,
            fingerprint: &self.fingerprint,
            session_id: self.session_id,
            version: self.version,
        };
        SessionDescription::new(sdp::write(&transport, role, sections), sdp_type)
    }

    /// A local description comes into force.
    pub(super) fn set_local(
        &mut self,
        description: SessionDescription,
    ) -> Result<Effects, RtcError> {
        self.check_open()?;
        let before = self.state;
        let mut commands = Vec::new();
        match description.sdp_type() {
            SdpType::Offer => {
                self.expect(&[SignalingState::Stable, SignalingState::HaveLocalOffer])?;
                commands.push(self.local(&Sdp::parse(description.as_str())?)?);
                self.pending_local = Some(description);
                self.state = SignalingState::HaveLocalOffer;
            }
            SdpType::Answer | SdpType::PrAnswer => {
                let Some(offer) = &self.pending_remote else {
                    return Err(RtcError::invalid_state(
                        "there is no remote offer to answer",
                    ));
                };
                let remote = remote_transport(&Sdp::parse(offer.as_str())?)?;
                let local = Sdp::parse(description.as_str())?;
                commands.push(self.local(&local)?);
                let client = *self
                    .dtls_client
                    .get_or_insert(local.setup() == Setup::Active);
                commands.push(remote_command(remote, Offerer::Peer, client));
                self.current_remote = self.pending_remote.take();
                self.current_local = Some(description);
                self.pending_local = None;
                self.state = SignalingState::Stable;
            }
            SdpType::Rollback => self.roll_back(),
        }
        Ok(self.effects(before, commands))
    }

    /// A remote description comes into force.
    pub(super) fn set_remote(
        &mut self,
        description: SessionDescription,
    ) -> Result<Effects, RtcError> {
        self.check_open()?;
        let before = self.state;
        let mut commands = Vec::new();
        match description.sdp_type() {
            SdpType::Offer => {
                self.expect(&[SignalingState::Stable, SignalingState::HaveRemoteOffer])?;
                remote_transport(&Sdp::parse(description.as_str())?)?;
                self.pending_remote = Some(description);
                self.state = SignalingState::HaveRemoteOffer;
            }
            SdpType::Answer | SdpType::PrAnswer => {
                self.expect(&[SignalingState::HaveLocalOffer])?;
                let remote = remote_transport(&Sdp::parse(description.as_str())?)?;
                // The answerer chose. Later answers cannot change it: the handshake is over.
                let client = *self
                    .dtls_client
                    .get_or_insert(remote.setup == Setup::Passive);
                commands.push(remote_command(remote, Offerer::Us, client));
                self.current_local = self.pending_local.take();
                self.current_remote = Some(description);
                self.pending_remote = None;
                self.state = SignalingState::Stable;
            }
            SdpType::Rollback => self.roll_back(),
        }
        Ok(self.effects(before, commands))
    }

    fn expect(&self, states: &[SignalingState]) -> Result<(), RtcError> {
        if states.contains(&self.state) {
            return Ok(());
        }
        let message = format!(
            "the description does not fit the signaling state {:?}",
            self.state
        );
        Err(RtcError::invalid_state(message))
    }

    /// Takes over the ICE credentials of a local description.
    fn local(&mut self, sdp: &Sdp) -> Result<Command, RtcError> {
        let (ufrag, pass) = sdp
            .ice_credentials()
            .ok_or_else(|| RtcError::invalid_sdp("the local description has no ICE credentials"))?;
        self.credentials = IceCreds { ufrag, pass };
        let (mid, index) = sdp.data_channel_section().unwrap_or_default();
        Ok(Command::Local {
            credentials: self.credentials.clone(),
            mid,
            mline_index: i32::try_from(index).unwrap_or(0),
        })
    }

    fn roll_back(&mut self) {
        self.pending_local = None;
        self.pending_remote = None;
        self.state = SignalingState::Stable;
    }

    fn effects(&self, before: SignalingState, mut commands: Vec<Command>) -> Effects {
        if self.state != before {
            commands.push(Command::Signaling(self.state));
        }
        Effects { commands }
    }
}

fn mirror(sdp: &Sdp) -> Vec<Section> {
    sdp.media().iter().map(Section::mirror).collect()
}

fn remote_transport(sdp: &Sdp) -> Result<RemoteTransport, RtcError> {
    sdp.remote_transport()
        .map_err(|missing| RtcError::invalid_sdp(missing.to_string()))
}

/// The side that made the offer of an exchange.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Offerer {
    Us,
    Peer,
}

fn remote_command(remote: RemoteTransport, offerer: Offerer, dtls_client: bool) -> Command {
    Command::Remote(Box::new(RemoteDescription {
        credentials: IceCreds {
            ufrag: remote.ufrag,
            pass: remote.pwd,
        },
        fingerprint: remote.fingerprint,
        // RFC 8445, section 6.1.1: the offerer controls, and always controls a lite peer.
        ice_controlling: offerer == Offerer::Us || remote.ice_lite,
        dtls_client,
        data_channels: remote.data_channels,
        max_message_size: remote.max_message_size,
        candidates: remote.candidates,
    }))
}
