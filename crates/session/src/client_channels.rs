//! Channels that viewers publish on.

use std::time::Instant;

use bytes::Bytes;
use remote_access_protocol::client::ClientChannel;
use remote_access_protocol::server::StatusLevel;
use remote_access_protocol::ClientChannelId;
use tracing::{debug, info};

use super::command_topics::Released;
use super::permission::Ask;
use super::request::{ClientChannelKey, Encoding};
use super::{ParticipantId, Request, Session};

/// Longest name of a topic or type, in bytes. ROS 2 allows 255.
const MAX_NAME: usize = 256;

/// A channel that a viewer publishes on.
#[derive(Debug)]
pub(super) struct ClientChannelState {
    pub topic: String,
    /// Messages that were passed on to the robot.
    pub messages: u64,
    /// The robot's side cannot publish on it.
    failed: bool,
}

impl Session {
    /// The robot's side cannot publish on a channel at all.
    pub fn client_channel_failed(&mut self, now: Instant, key: ClientChannelKey, reason: &str) {
        let Some(channel) = self.client_channel(key) else {
            return;
        };
        channel.failed = true;
        let text = format!("cannot publish on {}: {reason}", channel.topic);
        let id = channel_status(key.channel);
        self.notice(now, key.viewer, StatusLevel::Error, text, id);
    }

    /// The robot's side did not publish a message.
    pub fn publish_failed(&mut self, now: Instant, key: ClientChannelKey, reason: &str) {
        let Some(channel) = self.client_channel(key) else {
            return;
        };
        let text = format!(
            "a message for {} was not published: {reason}",
            channel.topic
        );
        let id = format!("publish-{}", key.channel);
        self.notice(now, key.viewer, StatusLevel::Error, text, id);
    }

    pub(super) fn client_advertise(
        &mut self,
        now: Instant,
        viewer: ParticipantId,
        channels: Vec<ClientChannel>,
    ) {
        for channel in channels {
            let id = channel.id;
            if let Err(reason) = self.client_advertise_one(now, viewer, channel) {
                debug!(?viewer, %id, reason, "a viewer's channel is refused");
            }
        }
    }

    fn client_advertise_one(
        &mut self,
        now: Instant,
        viewer: ParticipantId,
        channel: ClientChannel,
    ) -> Result<(), String> {
        let topic = &channel.topic;
        self.allow(now, viewer, Ask::Publish { topic })?;
        let key = ClientChannelKey {
            viewer,
            channel: channel.id,
        };
        let result = self.client_channel_added(key, &channel);
        if let Err(reason) = &result {
            let text = format!("cannot publish on {topic:.MAX_NAME$}: {reason}");
            let id = channel_status(channel.id);
            self.notice(now, viewer, StatusLevel::Error, text, id);
        }
        result
    }

    fn client_channel_added(
        &mut self,
        key: ClientChannelKey,
        channel: &ClientChannel,
    ) -> Result<(), String> {
        let limit = self.config.max_client_channels;
        let Some(participant) = self.participants.get_mut(&key.viewer) else {
            return Ok(());
        };
        let channels = &mut participant.asks.channels;
        if channels.contains_key(&key.channel) {
            return Err(format!("the channel id {} is in use", key.channel));
        }
        if channels.len() >= limit {
            return Err(format!("no more than {limit} channels are possible"));
        }
        if channel.topic.len() > MAX_NAME || channel.schema_name.len() > MAX_NAME {
            return Err("the name of the topic or its type is too long".to_owned());
        }
        if !is_full_name(&channel.topic) {
            return Err("the topic must be a full name, such as \"/a/b\"".to_owned());
        }
        let encoding = Encoding::parse(&channel.encoding).ok_or_else(|| {
            let encoding = &channel.encoding;
            format!("the encoding must be \"cdr\" or \"json\", not {encoding:.32?}")
        })?;
        let advertise = Request::Advertise {
            key,
            topic: channel.topic.clone(),
            type_name: message_type(&channel.schema_name),
            encoding,
        };
        self.asks
            .queue
            .push(advertise)
            .map_err(|busy| busy.to_string())?;
        let state = ClientChannelState {
            topic: channel.topic.clone(),
            messages: 0,
            failed: false,
        };
        channels.insert(key.channel, state);
        Ok(())
    }

    /// Channels that a viewer publishes on no more. Unknown ids are ignored.
    pub(super) fn end_client_channels(
        &mut self,
        now: Instant,
        viewer: ParticipantId,
        channels: &[ClientChannelId],
    ) {
        for &channel in channels {
            let key = ClientChannelKey { viewer, channel };
            let Some(participant) = self.participants.get_mut(&viewer) else {
                return;
            };
            if participant.asks.channels.remove(&channel).is_none() {
                debug!(?viewer, %channel, "the viewer has no such channel");
                continue;
            }
            if let Some(released) = self.asks.commands.on_channel_gone(key) {
                self.stop(now, released);
            }
            self.request(Request::Unadvertise { key });
        }
    }

    pub(super) fn client_message(
        &mut self,
        now: Instant,
        viewer: ParticipantId,
        channel: ClientChannelId,
        message: Bytes,
    ) {
        let key = ClientChannelKey { viewer, channel };
        let Some(state) = self.client_channel(key) else {
            debug!(?viewer, %channel, "message on a channel that was not advertised");
            let text = "publishing on a channel that was not advertised, or refused".to_owned();
            self.notice(
                now,
                viewer,
                StatusLevel::Warning,
                text,
                "client-channel".to_owned(),
            );
            return;
        };
        if state.failed {
            return;
        }
        let topic = state.topic.clone();
        if let Err(driver) = self.asks.commands.may_publish(&topic, viewer) {
            let driver = self.name_of(driver);
            let text = format!("{topic} is driven by {driver}; it is free when {driver} stops");
            self.notice(
                now,
                viewer,
                StatusLevel::Warning,
                text,
                driven_status(&topic),
            );
            return;
        }
        match self.asks.queue.push(Request::Publish { key, message }) {
            Ok(()) => {
                // What is refused must not put off the stop.
                self.asks.commands.on_message(now, &topic, key);
                if let Some(state) = self.client_channel(key) {
                    state.messages += 1;
                }
            }
            Err(busy) => self.publish_failed(now, key, &busy.to_string()),
        }
    }

    /// Stops what was driven by those who are silent.
    pub(super) fn stop_silent_drivers(&mut self, now: Instant) {
        for released in self.asks.commands.on_timeout(now) {
            let timeout = self.asks.commands.timeout().as_millis();
            let text = format!(
                "{}: no command for {timeout} ms, a stop was published",
                released.topic
            );
            let driver = released.by.viewer;
            let id = format!("silent-{}", released.topic);
            self.stop(now, released);
            self.notice(now, driver, StatusLevel::Warning, text, id);
        }
    }

    fn stop(&mut self, now: Instant, released: Released) {
        let viewer = self.name_of(released.by.viewer);
        info!(topic = released.topic, viewer, "publishing a stop");
        self.request(Request::Stop { key: released.by });
        let withdrawal = super::status::withdraw(driven_status(&released.topic));
        for viewer in released.told {
            self.push_control(now, viewer, withdrawal.clone());
        }
    }

    fn client_channel(&mut self, key: ClientChannelKey) -> Option<&mut ClientChannelState> {
        let participant = self.participants.get_mut(&key.viewer)?;
        participant.asks.channels.get_mut(&key.channel)
    }

    fn name_of(&self, viewer: ParticipantId) -> String {
        let participant = self.participants.get(&viewer);
        let name = participant.map(|participant| participant.asks.name.as_str());
        match name {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ => "another viewer".to_owned(),
        }
    }
}

/// Whether a name is that of a ROS topic in full. A name that ROS would expand could get around
/// the rules for names.
fn is_full_name(topic: &str) -> bool {
    let part = |part: &str| {
        let first = part.bytes().next();
        first.is_some_and(|byte| !byte.is_ascii_digit())
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    topic
        .strip_prefix('/')
        .is_some_and(|rest| rest.split('/').all(part))
}

fn channel_status(channel: ClientChannelId) -> String {
    format!("client-channel-{channel}")
}

fn driven_status(topic: &str) -> String {
    format!("driven-{topic}")
}

/// The full name of a message type. `package/Type` is short for `package/msg/Type`, as in rclcpp:
/// so Lichtblick and Foxglove name what their 3D panels publish.
fn message_type(name: &str) -> String {
    match name.split_once('/') {
        Some((package, name)) if !name.contains('/') => format!("{package}/msg/{name}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_of_types_are_of_messages() {
        let full = "geometry_msgs/msg/PoseStamped";
        assert_eq!(message_type("geometry_msgs/PoseStamped"), full);
        for name in [full, "PoseStamped", "", "a/b/c/d"] {
            assert_eq!(message_type(name), name);
        }
    }

    #[test]
    fn names_that_ros_would_expand_or_refuse_are_no_full_names() {
        for name in ["/a", "/a/b_1", "/_hidden", "/A"] {
            assert!(is_full_name(name), "{name}");
        }
        let others = [
            "", "/", "a", "cmd_vel", "~/a", "/a/", "//a", "/a//b", "/1a", "/{node}", "/a b", "/ä",
        ];
        for name in others {
            assert!(!is_full_name(name), "{name}");
        }
    }
}
