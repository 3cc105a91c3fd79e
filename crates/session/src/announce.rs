//! What participants are told beside data: the robot, its channels, and what they did not get.

use std::time::Instant;

use bytes::Bytes;
use remote_access_protocol::capability::Capability;
use remote_access_protocol::server::{ServerMessage, StatusLevel};
use remote_access_protocol::ChannelId;
use tracing::{info, warn};

use super::counters::{DropReason, Drops};
use super::permission::Permission;
use super::status::{status, REPORTS_AT_ONCE, REPORT_INTERVAL};
use super::{Encoding, ParticipantId, Session};

/// An advertise message holds about this many bytes of schemas at most.
const ADVERTISE_BATCH: usize = 512 * 1024;

impl Session {
    /// A message was too large to be sent, `size` bytes.
    pub fn message_too_large(&mut self, now: Instant, channel: ChannelId, size: usize) {
        self.count_drop(channel, DropReason::TooLarge);
        let Some(state) = self.channels.get_mut(&channel) else {
            return;
        };
        let recent = |at| now.saturating_duration_since(at) < REPORT_INTERVAL;
        if state.too_large_at.is_some_and(recent) {
            return;
        }
        state.too_large_at = Some(now);
        let topic = &state.info.channel.topic;
        let text = format!("{topic}: a message of {size} bytes is over the limit of 16 MiB");
        let subscribers: Vec<ParticipantId> = state.subscribers.iter().copied().collect();
        let frame = status(StatusLevel::Error, text, format!("size-{channel}"));
        for id in subscribers {
            self.push_control(now, id, frame.clone());
        }
    }

    /// Sends serverInfo and all channels.
    pub(super) fn greet(&mut self, now: Instant, id: ParticipantId) {
        self.push_control(now, id, self.server_info(id));
        if let Some(time) = self.time {
            self.tell_time(id, time);
        }
        let channels: Vec<ChannelId> = self.channels.keys().copied().collect();
        for frame in self.advertise_frames(&channels) {
            self.push_control(now, id, Some(frame));
        }
        self.greet_requests(now, id);
    }

    fn server_info(&self, id: ParticipantId) -> Option<Bytes> {
        let robot = &self.robot;
        let permission = self.requests.exchange.permission(id)?;
        let capabilities = permission.announced(robot.simulated_time);
        let encoded = [Capability::ClientPublish, Capability::Services];
        let supported_encodings = if encoded.iter().any(|each| capabilities.contains(each)) {
            Encoding::ALL.map(|each| each.name().to_owned()).to_vec()
        } else {
            Vec::new()
        };
        let server_info = ServerMessage::ServerInfo {
            name: robot.name.clone(),
            capabilities,
            supported_encodings,
            metadata: robot.metadata.clone(),
            session_id: robot.session_id.clone(),
        };
        server_info.frame()
    }

    /// The robot's time in nanoseconds, if it is simulated. Viewers get the latest, and it is kept
    /// for later ones, since a simulation may stand still.
    pub fn time(&mut self, time: u64) {
        if !self.robot.simulated_time {
            return;
        }
        self.time = Some(time);
        let ids: Vec<ParticipantId> = self.participants.keys().copied().collect();
        for id in ids {
            self.tell_time(id, time);
        }
    }

    fn tell_time(&mut self, id: ParticipantId, time: u64) {
        let permission = self.requests.exchange.permission(id);
        let gets_time = permission.is_some_and(Permission::gets_time);
        if let Some(participant) = self.participants.get_mut(&id) {
            if gets_time && participant.restart_at.is_none() {
                participant.control.push_time(time);
            }
        }
    }

    /// The advertise messages of these channels, several channels to a message.
    pub(super) fn advertise_frames(&self, ids: &[ChannelId]) -> Vec<Bytes> {
        let mut frames = Vec::new();
        let mut batch = Vec::new();
        let mut batch_size = 0;
        for state in ids.iter().filter_map(|id| self.channels.get(id)) {
            let channel = state.info.channel.clone();
            batch_size += channel.schema.len();
            batch.push(channel);
            if batch_size > ADVERTISE_BATCH {
                let channels = std::mem::take(&mut batch);
                frames.extend(ServerMessage::Advertise { channels }.frame());
                batch_size = 0;
            }
        }
        if !batch.is_empty() {
            frames.extend(ServerMessage::Advertise { channels: batch }.frame());
        }
        frames
    }

    pub(super) fn broadcast_control(&mut self, now: Instant, frames: &[Bytes]) {
        let ids: Vec<ParticipantId> = self.participants.keys().copied().collect();
        for id in ids {
            for frame in frames {
                self.push_control(now, id, Some(frame.clone()));
            }
        }
    }

    /// Queues a control message, if there is one. Too many in the queue start the participant anew.
    pub(super) fn push_control(&mut self, now: Instant, id: ParticipantId, frame: Option<Bytes>) {
        let (Some(participant), Some(frame)) = (self.participants.get_mut(&id), frame) else {
            return;
        };
        if participant.restart_at.is_some() {
            return;
        }
        if participant.control.push(frame).is_err() {
            warn!(?id, "participant does not read its control messages");
            participant.control.clear();
            self.restart_later(now, id);
        }
    }

    pub(super) fn report_soon(&mut self, now: Instant) {
        self.report_at.get_or_insert(now + REPORT_INTERVAL);
    }

    /// Tells each participant about the messages that it did not get.
    pub(super) fn report_drops(&mut self, now: Instant) {
        self.report_at = None;
        let mut frames = Vec::new();
        let mut open = false;
        for (&id, participant) in &mut self.participants {
            // One that takes nothing gets its reports when it does again.
            let stuck = participant.flow.is_quiet(now) && !participant.flow.has_window();
            let mut reports = if stuck { REPORTS_AT_ONCE } else { 0 };
            let last = participant.last_report;
            let split = |&(&channel, _): &(&ChannelId, &mut _)| Some(channel) > last;
            let (later, earlier): (Vec<_>, Vec<_>) =
                participant.subscriptions.iter_mut().partition(split);
            for (&channel, subscription) in later.into_iter().chain(earlier) {
                let Some(state) = self.channels.get(&channel) else {
                    continue;
                };
                let drops = &subscription.queue.drops;
                if reports < REPORTS_AT_ONCE {
                    let topic = &state.info.channel.topic;
                    if let Some(frame) = subscription.drops.update(now, channel, topic, drops) {
                        frames.push((id, frame));
                        participant.last_report = Some(channel);
                        reports += 1;
                    }
                }
                open |= subscription.drops.is_open() || subscription.drops.is_news(drops);
            }
        }
        for (id, frame) in frames {
            self.push_control(now, id, Some(frame));
        }
        self.log_drops(now);
        if open {
            self.report_soon(now);
        }
    }

    /// Logs the drops of all participants, once in a while.
    fn log_drops(&mut self, now: Instant) {
        let mut drops = Drops::default();
        for participant in self.participants.values() {
            drops.add(&participant.drops());
        }
        if let Some(news) = self.drop_log.news(now, drops.total()) {
            let Drops { rate_limit, .. } = drops;
            let too_slow = drops.by_slowness();
            info!(
                news,
                too_slow, rate_limit, "messages were dropped; viewers were told"
            );
        }
    }
}
