//! Channels that participants publish on.

mod messages;
mod names;
mod wheel;

use std::collections::BTreeMap;
use std::time::Instant;

use remote_access_protocol::client::ClientChannel;
use remote_access_protocol::server::StatusLevel;
use remote_access_protocol::ClientChannelId;
use tracing::debug;

use super::command_age::CommandAges;
use super::command_topics::CommandTopics;
use super::exchange::Exchange;
use super::queue::Busy;
use super::request::{ClientChannelKey, Encoding, Request, UnknownEncoding};
use super::standstill::is_velocity;
use crate::audit::Act;
use crate::ids::ParticipantId;
use crate::permission::Action;
use crate::status::withdraw;
use names::{is_full_name, message_type};
use wheel::{driven_status, stop, Seats};

/// Longest name of a topic or type, in bytes. ROS 2 allows 255.
const MAX_NAME: usize = 256;

/// Reason why a participant cannot publish on a channel. The text is for the viewer's user.
#[derive(Debug, thiserror::Error)]
enum ChannelError {
    #[error("the channel id {0} is in use")]
    IdInUse(ClientChannelId),
    #[error("no more than {0} channels are possible")]
    TooMany(usize),
    #[error("the name of the topic or its type is too long")]
    LongName,
    #[error("the topic must be a full name, such as \"/a/b\"")]
    NotFullName,
    #[error(transparent)]
    Encoding(#[from] UnknownEncoding),
    #[error(transparent)]
    Busy(#[from] Busy),
}

/// The channels that participants publish on, and the command topics among them.
#[derive(Debug)]
pub(crate) struct Publishing {
    channels: BTreeMap<ClientChannelKey, ClientChannelState>,
    commands: CommandTopics,
    seats: Seats,
    ages: CommandAges,
    /// Channels that one participant may have.
    max_channels: usize,
}

/// A channel that a participant publishes on.
#[derive(Debug)]
struct ClientChannelState {
    topic: String,
    /// Its messages tell by themselves that the robot is to stand still.
    velocity: bool,
    /// Messages that were passed on to the robot.
    messages: u64,
    /// The robot's side cannot publish on it.
    failed: bool,
    /// The participant was told that its commands come too late.
    late: bool,
}

impl Publishing {
    pub(crate) fn new(commands: CommandTopics, ages: CommandAges, max_channels: usize) -> Self {
        Self {
            channels: BTreeMap::new(),
            commands,
            seats: Seats::default(),
            ages,
            max_channels,
        }
    }

    /// Notes that the robot's side cannot publish on a channel at all.
    pub(crate) fn channel_failed(
        &mut self,
        exchange: &mut Exchange,
        now: Instant,
        key: ClientChannelKey,
        reason: &str,
    ) {
        let Some(channel) = self.channels.get_mut(&key) else {
            return;
        };
        channel.failed = true;
        let text = format!("cannot publish on {}: {reason}", channel.topic);
        let status_id = channel_status(key.channel);
        exchange.notice(now, key.participant, StatusLevel::Error, text, status_id);
        self.end_driving(exchange, now, key);
    }

    /// Notes that a message on a channel was not published: it is no sign of life, so that what the channel
    /// drives gets its stop.
    fn end_driving(&mut self, exchange: &mut Exchange, now: Instant, key: ClientChannelKey) {
        if let Some(released) = self.commands.on_channel_gone(key) {
            stop(exchange, now, released);
        }
    }

    /// The action that publishing on a topic is.
    fn action<'a>(&self, topic: &'a str) -> Action<'a> {
        if self.commands.holds(topic) {
            Action::Drive { topic }
        } else {
            Action::Publish { topic }
        }
    }

    pub(crate) fn advertise(
        &mut self,
        exchange: &mut Exchange,
        now: Instant,
        id: ParticipantId,
        channels: Vec<ClientChannel>,
    ) {
        for channel in channels {
            let topic = &channel.topic;
            if let Err(error) = exchange.allow(now, id, self.action(topic)) {
                debug!(?id, channel = %channel.id, %error, "a participant's channel is refused");
            } else if let Err(error) = self.add(exchange, id, &channel) {
                debug!(?id, channel = %channel.id, %error, "a participant's channel is refused");
                let text = format!("cannot publish on {topic:.MAX_NAME$}: {error}");
                let status_id = channel_status(channel.id);
                exchange.notice(now, id, StatusLevel::Error, text, status_id);
            } else {
                exchange.audit(now, id, Act::Publishes(topic));
                self.tell_of_driver(exchange, now, topic, id);
            }
        }
    }

    fn add(
        &mut self,
        exchange: &mut Exchange,
        participant: ParticipantId,
        channel: &ClientChannel,
    ) -> Result<(), ChannelError> {
        let limit = self.max_channels;
        let key = ClientChannelKey {
            participant,
            channel: channel.id,
        };
        if self.channels.contains_key(&key) {
            return Err(ChannelError::IdInUse(channel.id));
        }
        if self.of(participant).count() >= limit {
            return Err(ChannelError::TooMany(limit));
        }
        if channel.topic.len() > MAX_NAME || channel.schema_name.len() > MAX_NAME {
            return Err(ChannelError::LongName);
        }
        if !is_full_name(&channel.topic) {
            return Err(ChannelError::NotFullName);
        }
        let encoding = Encoding::parse(&channel.encoding)?;
        let type_name = message_type(&channel.schema_name);
        let velocity = is_velocity(&type_name, encoding);
        let advertise = Request::Advertise {
            key,
            topic: channel.topic.clone(),
            type_name,
            encoding,
        };
        exchange.forward(advertise)?;
        let state = ClientChannelState {
            topic: channel.topic.clone(),
            velocity,
            messages: 0,
            failed: false,
            late: false,
        };
        if self.commands.holds(&state.topic) {
            self.seats.take(&state.topic, participant);
        }
        self.channels.insert(key, state);
        Ok(())
    }

    /// Ends channels that a participant publishes on no more. Unknown ids are ignored.
    pub(crate) fn unadvertise(
        &mut self,
        exchange: &mut Exchange,
        now: Instant,
        participant: ParticipantId,
        channels: &[ClientChannelId],
    ) {
        for &channel in channels {
            let key = ClientChannelKey {
                participant,
                channel,
            };
            let Some(state) = self.channels.remove(&key) else {
                debug!(?participant, %channel, "the participant has no such channel");
                continue;
            };
            self.end_driving(exchange, now, key);
            self.seats.leave(&state.topic, participant);
            exchange.audit(now, participant, Act::PublishesNoMore(&state.topic));
            exchange.forward_ending(Request::Unadvertise { key });
        }
    }

    /// Ends what a participant may not do any more.
    pub(crate) fn end_forbidden(
        &mut self,
        exchange: &mut Exchange,
        now: Instant,
        id: ParticipantId,
    ) {
        let lost: Vec<ClientChannelId> = self
            .of(id)
            .filter(|(_, channel)| !exchange.permits(id, self.action(&channel.topic)))
            .map(|(key, _)| key.channel)
            .collect();
        self.unadvertise(exchange, now, id, &lost);
        self.give_up_forbidden(exchange, id);
    }

    /// Forgets a participant whose channels have ended.
    pub(crate) fn leave(&mut self, id: ParticipantId) {
        self.commands.forget(id);
        self.ages.forget(id);
    }

    /// A ping tells how long a quick way takes.
    pub(crate) fn pinged(&mut self, now: Instant, id: ParticipantId, sent: u64) {
        self.ages.age(now, id, sent);
    }

    /// Stops what was driven by those who sent no command for the timeout.
    pub(crate) fn handle_timeout(&mut self, exchange: &mut Exchange, now: Instant) {
        for released in self.commands.on_timeout(now) {
            let timeout = self.commands.timeout().as_millis();
            let text = format!(
                "{}: no command for {timeout} ms, a stop was published",
                released.topic
            );
            let driver = released.by.participant;
            let status_id = format!("silent-{}", released.topic);
            stop(exchange, now, released);
            exchange.notice(now, driver, StatusLevel::Warning, text, status_id);
        }
        for (topic, driver) in self.commands.let_go(now) {
            exchange.reply(driver, withdraw(driven_status(&topic)));
        }
        for (topic, told) in self.commands.lapsed(now) {
            wheel::is_free(exchange, &topic, told);
        }
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.commands.next_timeout()
    }

    /// The topics that a participant publishes on, each with the number of its messages.
    pub(crate) fn topics(&self, id: ParticipantId) -> BTreeMap<String, u64> {
        let mut topics = BTreeMap::new();
        for (_, channel) in self.of(id) {
            *topics.entry(channel.topic.clone()).or_default() += channel.messages;
        }
        topics
    }

    /// The command topics that are driven, by their drivers.
    pub(crate) fn driven(&self) -> BTreeMap<ParticipantId, Vec<String>> {
        let mut driven: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for (topic, driver) in self.commands.drivers() {
            driven.entry(driver).or_default().push(topic.to_owned());
        }
        driven
    }

    fn of(
        &self,
        participant: ParticipantId,
    ) -> impl Iterator<Item = (&ClientChannelKey, &ClientChannelState)> {
        let key = |channel| ClientChannelKey {
            participant,
            channel: ClientChannelId(channel),
        };
        self.channels.range(key(0)..=key(u32::MAX))
    }
}

fn channel_status(channel: ClientChannelId) -> String {
    format!("client-channel-{channel}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permission::{NameRule, Permission, Policy, Rights};
    use bytes::Bytes;
    use remote_access_protocol::capability::Capability;
    use std::time::Duration;

    #[test]
    fn a_channel_that_may_not_be_used_any_more_ends_with_a_stop() {
        let now = Instant::now();
        let id = ParticipantId(1);
        let mut exchange = Exchange::default();
        let all = NameRule::new(|_| true);
        let commands = CommandTopics::new(all.clone(), Duration::from_secs(1));
        let ages = CommandAges::new(Duration::from_secs(1));
        let mut publishing = Publishing::new(commands, ages, 1);
        let policy = Policy::new([Capability::ClientPublish], all);
        exchange.join(now, id, Permission::new(policy, Rights::all()));
        let channel = |number| ClientChannel {
            id: ClientChannelId(number),
            topic: "/cmd_vel".to_owned(),
            encoding: "cdr".to_owned(),
            schema_name: "geometry_msgs/msg/Twist".to_owned(),
            schema_encoding: None,
            schema: None,
        };
        publishing.advertise(&mut exchange, now, id, vec![channel(1), channel(2)]);
        let message = Bytes::from_static(b"go");
        publishing.message(&mut exchange, now, id, ClientChannelId(1), message);
        assert_eq!(publishing.topics(id).get("/cmd_vel"), Some(&1));
        assert_eq!(publishing.driven().len(), 1);
        let passed_on = std::iter::from_fn(|| exchange.poll()).count();
        assert_eq!(passed_on, 2, "the channel and its message");
        *exchange.permission_mut(id).unwrap() = Permission::none();
        publishing.end_forbidden(&mut exchange, now, id);
        let requests: Vec<Request> = std::iter::from_fn(|| exchange.poll()).collect();
        let key = ClientChannelKey {
            participant: id,
            channel: ClientChannelId(1),
        };
        assert!(
            matches!(
                requests[..],
                [
                    Request::Stop { key: stopped },
                    Request::Unadvertise { key: ended },
                ] if stopped == key && ended == key
            ),
            "{requests:?}"
        );
    }
}
