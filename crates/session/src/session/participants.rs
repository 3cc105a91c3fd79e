//! Participants: joining, leaving, resyncing, and what they send.

use std::time::Instant;

use remote_access_protocol::client::ClientMessage;
use remote_access_protocol::frame::Frame;
use remote_access_protocol::server::StatusLevel;
use tracing::{debug, warn};

use super::Session;
use crate::ids::{InboundId, ParticipantId};
use crate::inbound::{InboundError, Opened};
use crate::permission::{Permission, Rights};

impl Session {
    /// A participant can receive, and has these rights. Does nothing if it is known.
    pub fn participant_joined(&mut self, now: Instant, id: ParticipantId, rights: Rights) {
        if self.sender.knows(id) {
            return;
        }
        self.sender.join(now, id);
        self.inbound.join(now, id);
        self.sender.set_group(id, rights.group);
        let permission = Permission::new(self.config.policy.clone(), rights);
        self.requests.join(now, id, permission);
        self.greet(now, id);
    }

    /// A participant is gone. Does nothing if it is unknown.
    pub fn participant_left(&mut self, now: Instant, id: ParticipantId) {
        self.with_requests(now, |requests| requests.leave(now, id));
        self.inbound.leave(id);
        self.reports.leave(id);
        for channel in self.sender.leave(id) {
            self.channels.unsubscribe(now, channel, id);
        }
        debug!(?id, ?now, "participant removed");
    }

    /// Resyncs a participant: its streams end, it gets new ones with everything it has to know,
    /// and its subscriptions stay.
    pub fn resync(&mut self, now: Instant, id: ParticipantId) {
        let Some(channels) = self.sender.resync(now, id) else {
            return;
        };
        self.greet(now, id);
        for channel in channels {
            self.replay(now, channel, id);
            self.channels.ask_for_key_frame(channel);
        }
        self.sender.wake_answers(id);
    }

    /// Resyncs all participants, after the connection was interrupted.
    pub fn resync_all(&mut self, now: Instant) {
        for id in self.sender.participants() {
            self.resync(now, id);
        }
    }

    /// The connection is lost with all participants and streams. The channels stay.
    pub fn connection_lost(&mut self, now: Instant) {
        for id in self.sender.participants() {
            self.participant_left(now, id);
        }
        self.sender.connection_lost();
    }

    /// Takes the robot's time in nanoseconds, if it is simulated. Viewers get the latest, and it is
    /// kept for later ones, since a simulation may stand still.
    pub fn time(&mut self, time: u64) {
        if let Some(time) = self.robot.set_time(time) {
            for id in self.sender.participants() {
                self.tell_time(id, time);
            }
        }
    }

    fn tell_time(&mut self, id: ParticipantId, time: u64) {
        let permission = self.requests.exchange.permission(id);
        if permission.is_some_and(Permission::gets_time) {
            self.sender.push_time(id, time);
        }
    }

    /// Sends serverInfo, all channels, and what else the robot has.
    fn greet(&mut self, now: Instant, id: ParticipantId) {
        if let Some(permission) = self.requests.exchange.permission(id) {
            let server_info = self.robot.server_info(permission);
            self.push_control(now, id, server_info);
        }
        if let Some(time) = self.robot.time() {
            self.tell_time(id, time);
        }
        if let Some(permission) = self.requests.exchange.permission(id) {
            let catalogue = self.channels.catalogue(permission);
            self.sender.push_shared(id, catalogue);
        }
        self.greet_requests(now, id);
    }

    /// A participant opened a stream to the robot.
    ///
    /// `many_streams` is what it declares about streams in the other direction. A participant
    /// that closed all its streams before it opens one asks for a resync.
    pub fn inbound_opened(
        &mut self,
        now: Instant,
        id: ParticipantId,
        inbound: InboundId,
        many_streams: bool,
    ) -> Result<(), InboundError> {
        let opened = self
            .inbound
            .open(id, inbound)
            .inspect_err(|&error| self.tell_ended(now, id, error))?;
        if opened != Opened::Further {
            if let Some(receiver) = self.sender.receiver_mut(id) {
                receiver.many_streams = many_streams;
            }
        }
        if opened == Opened::Again && self.sender.resync_requested(now, id) {
            self.resync(now, id);
        }
        Ok(())
    }

    /// Bytes arrived on a stream. After an error the stream is forgotten and must be ended.
    pub fn inbound_bytes(
        &mut self,
        now: Instant,
        inbound: InboundId,
        bytes: &[u8],
    ) -> Result<(), InboundError> {
        let id = self.inbound.owner(inbound).ok_or(InboundError::Unknown)?;
        if let Some(receiver) = self.sender.receiver_mut(id) {
            receiver.flow.on_heard(now);
        }
        self.handle_bytes(now, id, inbound, bytes)
            .inspect_err(|&error| {
                self.inbound.refuse(id, inbound, error);
                self.tell_ended(now, id, error);
            })
    }

    /// Tells a participant why its stream ends.
    fn tell_ended(&mut self, now: Instant, id: ParticipantId, error: InboundError) {
        let text = format!("the robot ended a stream of this viewer: {error}");
        self.with_requests(now, |requests| {
            let status_id = "stream-ended".to_owned();
            let exchange = &mut requests.exchange;
            exchange.notice(now, id, StatusLevel::Error, text, status_id);
        });
    }

    fn handle_bytes(
        &mut self,
        now: Instant,
        id: ParticipantId,
        inbound: InboundId,
        bytes: &[u8],
    ) -> Result<(), InboundError> {
        self.inbound.push(now, inbound, bytes)?;
        while let Some(frame) = self.inbound.next_frame(now, inbound)? {
            self.handle_frame(now, id, frame);
        }
        self.inbound.check_budget(id)
    }

    /// A stream from a participant has ended.
    pub fn inbound_closed(&mut self, inbound: InboundId) {
        self.inbound.close(inbound);
    }

    fn handle_frame(&mut self, now: Instant, id: ParticipantId, frame: Frame) {
        match ClientMessage::parse(frame) {
            Ok(message) => self.handle_message(now, id, message),
            Err(error) => debug!(?id, %error, "skipping a message"),
        }
    }

    fn handle_message(&mut self, now: Instant, id: ParticipantId, message: ClientMessage) {
        match message {
            ClientMessage::Subscribe(channels) => self.subscribe(now, id, &channels),
            ClientMessage::Unsubscribe(channels) => self.unsubscribe(now, id, &channels),
            ClientMessage::Ping { timestamp } => {
                self.requests.publishing.pinged(now, id, timestamp);
                self.ping(now, id, timestamp);
            }
            ClientMessage::PingAck { device_timestamp } => {
                if let Some(receiver) = self.sender.receiver_mut(id) {
                    receiver.flow.on_ack(now, device_timestamp);
                }
            }
            request @ (ClientMessage::Advertise(_)
            | ClientMessage::Unadvertise(_)
            | ClientMessage::MessageData { .. }
            | ClientMessage::TimedMessageData { .. }
            | ClientMessage::ServiceCallRequest(_)
            | ClientMessage::GetParameters { .. }
            | ClientMessage::SetParameters { .. }
            | ClientMessage::SubscribeParameterUpdates(_)
            | ClientMessage::UnsubscribeParameterUpdates(_)
            | ClientMessage::SubscribeConnectionGraph
            | ClientMessage::UnsubscribeConnectionGraph
            | ClientMessage::FetchAsset { .. }
            | ClientMessage::Wheel { .. }) => {
                self.with_requests(now, |requests| requests.handle(now, id, request));
            }
        }
    }

    fn ping(&mut self, now: Instant, id: ParticipantId, timestamp: u64) {
        let receiver = self.sender.receiver(id);
        if receiver.is_some_and(|receiver| receiver.flow.is_broken(now)) {
            warn!(
                ?id,
                "participant pings and acknowledges nothing: it must have missed something, \
                 resyncing it"
            );
            self.resync(now, id);
        }
        if let Some(receiver) = self.sender.receiver_mut(id) {
            let watching = || self.channels.watching_videos(id);
            let pings = receiver.flow.ping(now, timestamp, watching);
            receiver.control.push_pongs(&pings);
        }
    }
}
