//! Messages of the robot, and its coming and going.

use std::collections::BTreeSet;

use remote_access_protocol::client::ClientMessage;
use remote_access_protocol::frame::{Frame, Opcode};
use remote_access_protocol::server::{BinaryMessage, Channel, ServerMessage, StatusLevel};
use remote_access_protocol::{ChannelId, ServiceId};
use tracing::{debug, info};

use super::State;

/// Topic of the notice about the robot's absence.
const ROBOT_NOTICE: &str = "robot";

impl State {
    /// The robot is there. It introduces itself in a moment.
    pub fn robot_joined(&mut self, name: &str) {
        self.robot = Some(name.to_owned());
        self.ask_again = true;
        self.notice(ROBOT_NOTICE, StatusLevel::Warning, None);
    }

    /// The robot has this name.
    pub fn robot_named(&mut self, name: &str) {
        self.robot = Some(name.to_owned());
    }

    /// The robot is gone, and with it all that it offers. What clients want of it is kept.
    pub fn robot_left(&mut self, why: &str) {
        self.robot = None;
        self.requests.clear();
        let (channels, services, statuses) = self.offer.clear();
        self.remove_channels(&channels);
        self.remove_services(&services);
        if !statuses.is_empty() {
            self.tell_all(&ServerMessage::RemoveStatus {
                status_ids: statuses,
            });
        }
        self.fail_pending("the robot is gone");
        let reason = if why.is_empty() {
            String::new()
        } else {
            format!("{why}; ")
        };
        let text = format!("{reason}waiting for a robot in room {}", self.room);
        self.notice(ROBOT_NOTICE, StatusLevel::Warning, Some(text));
    }

    /// A frame came from the robot at the time `clock`, on the clock that pings carry. Returns the
    /// round-trip time if it tells one.
    pub fn robot_frame(&mut self, clock: u64, frame: Frame) -> Option<u64> {
        match frame.opcode {
            Opcode::Text => {
                match serde_json::from_slice(&frame.payload) {
                    Ok(message) => self.robot_message(clock, message),
                    Err(error) => debug!(%error, "skipping a message of the robot"),
                }
                None
            }
            Opcode::Binary => match BinaryMessage::parse(frame.payload) {
                Ok(message) => self.robot_binary(clock, message),
                Err(error) => {
                    debug!(%error, "skipping a binary message of the robot");
                    None
                }
            },
        }
    }

    fn robot_message(&mut self, clock: u64, message: ServerMessage) {
        match message {
            ServerMessage::ServerInfo { .. } => self.introduced(clock, message),
            ServerMessage::Advertise { channels } => self.add_channels(channels),
            ServerMessage::Unadvertise { channel_ids } => {
                let known = |id: &ChannelId| self.offer.channels.contains_key(id);
                let channels = channel_ids.into_iter().filter(known).collect();
                self.remove_channels(&channels);
            }
            ServerMessage::AdvertiseServices { services } => {
                let services = self.offer.add_services(services);
                if !services.is_empty() {
                    self.tell_all(&ServerMessage::AdvertiseServices { services });
                }
            }
            ServerMessage::UnadvertiseServices { service_ids } => {
                self.remove_services(&service_ids);
            }
            ServerMessage::Status { ref id, .. } => {
                if let Some(id) = id.clone() {
                    self.offer.keep_status(id, message.clone());
                }
                self.tell_all(&message);
            }
            ServerMessage::RemoveStatus { ref status_ids } => {
                self.offer.remove_statuses(status_ids);
                self.tell_all(&message);
            }
            ServerMessage::ParameterValues { parameters, id } => {
                self.parameter_values(parameters, id);
            }
            ServerMessage::ServiceCallFailure {
                service_id,
                call_id,
                message,
            } => self.service_failed(service_id, call_id, message),
            ServerMessage::ConnectionGraphUpdate(update) => self.graph_update(update),
        }
    }

    fn robot_binary(&mut self, clock: u64, message: BinaryMessage) -> Option<u64> {
        match message {
            BinaryMessage::MessageData {
                channel,
                log_time,
                message,
            } => self.deliver(channel, log_time, message),
            BinaryMessage::Time(_) => {
                if let Some(message) = payload(&message) {
                    for client in self.clients.values() {
                        client.outbox.push_time(message.clone());
                    }
                    self.offer.time = Some(message);
                }
            }
            BinaryMessage::ServiceCallResponse(response) => self.service_responded(response),
            BinaryMessage::FetchAssetResponse { request, result } => {
                self.asset_fetched(request, result);
            }
            BinaryMessage::Pong {
                timestamp,
                device_timestamp,
            } => {
                self.requests
                    .push(ClientMessage::PingAck { device_timestamp });
                let (channels, services) = self.offer.settle(timestamp);
                self.remove_channels(&channels);
                self.remove_services(&services);
                return Some(clock.saturating_sub(timestamp));
            }
        }
        None
    }

    fn introduced(&mut self, clock: u64, info: ServerMessage) {
        if let ServerMessage::ServerInfo { name, .. } = &info {
            info!(robot = name, "the robot introduced itself");
        }
        let before = self.offer.info(&self.room);
        // The robot sends latched messages again.
        self.latched.clear();
        if self.offer.introduce(clock, info) {
            self.fail_pending("the robot was restarted");
            let info = self.offer.info(&self.room);
            for client in self.clients.values_mut() {
                client.start_session(&info);
            }
        } else {
            let info = self.offer.info(&self.room);
            if info != before {
                self.tell_all(&info);
            }
        }
        if std::mem::take(&mut self.ask_again) {
            self.ask_again();
        }
    }

    fn add_channels(&mut self, channels: Vec<Channel>) {
        let mut new = Vec::new();
        let mut replaced = BTreeSet::new();
        for channel in channels {
            let (is_new, replaces) = self.offer.add_channel(channel.clone());
            if replaces {
                replaced.insert(channel.id);
            }
            if is_new {
                new.push(channel);
            }
        }
        self.forget_channels(&replaced);
        for client in self.clients.values_mut() {
            client.advertise(&new);
        }
        self.keep_watched(&new);
    }

    fn remove_channels(&mut self, ids: &BTreeSet<ChannelId>) {
        for id in ids {
            self.offer.channels.remove(id);
        }
        self.forget_channels(ids);
    }

    /// Tells clients that channels are no more.
    fn forget_channels(&mut self, ids: &BTreeSet<ChannelId>) {
        if ids.is_empty() {
            return;
        }
        for id in ids {
            self.latched.forget(*id);
        }
        for client in self.clients.values_mut() {
            client.forget_channels(ids);
        }
        self.tell_all(&ServerMessage::Unadvertise {
            channel_ids: ids.iter().copied().collect(),
        });
    }

    fn remove_services(&mut self, ids: &[ServiceId]) {
        let service_ids = self.offer.remove_services(ids);
        if !service_ids.is_empty() {
            self.tell_all(&ServerMessage::UnadvertiseServices { service_ids });
        }
    }
}

/// A binary message without its frame.
pub(super) fn payload(message: &BinaryMessage) -> Option<bytes::Bytes> {
    let frame = message.frame()?;
    Some(frame.slice(remote_access_protocol::frame::FRAME_HEADER_SIZE..))
}
