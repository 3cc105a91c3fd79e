//! Messages that participants publish, and what drives a robot among them.

use std::time::Instant;

use bytes::Bytes;
use remote_access_protocol::server::StatusLevel;
use remote_access_protocol::ClientChannelId;
use tracing::debug;

use super::wheel::{driven_status, may_take, name_of, refusal, stop};
use super::Publishing;
use crate::audit::Act;
use crate::ids::ParticipantId;
use crate::requests::command_topics::Obstacle;
use crate::requests::exchange::Exchange;
use crate::requests::request::{ClientChannelKey, Request};
use crate::requests::standstill::is_standstill;
use crate::status::withdraw;

impl Publishing {
    /// Notes that a message could not be published.
    pub(crate) fn publish_failed(
        &mut self,
        exchange: &mut Exchange,
        now: Instant,
        key: ClientChannelKey,
        reason: &str,
    ) {
        self.tell_not_published(exchange, now, key, reason);
        self.end_driving(exchange, now, key);
    }

    /// Tells a participant that a message was not published.
    fn tell_not_published(
        &self,
        exchange: &mut Exchange,
        now: Instant,
        key: ClientChannelKey,
        reason: &str,
    ) {
        let Some(channel) = self.channels.get(&key) else {
            return;
        };
        let text = format!(
            "a message for {} was not published: {reason}",
            channel.topic
        );
        let status_id = format!("publish-{}", key.channel);
        exchange.notice(now, key.participant, StatusLevel::Error, text, status_id);
    }

    /// Passes on a message that tells when it was sent. A command that is too old is left out, and
    /// does not put off the stop. To stand still is never asked too late.
    pub(crate) fn timed_message(
        &mut self,
        exchange: &mut Exchange,
        now: Instant,
        participant: ParticipantId,
        channel: ClientChannelId,
        sent: u64,
        message: Bytes,
    ) {
        let age = self.ages.age(now, participant, sent);
        let limit = self.ages.limit();
        let key = ClientChannelKey {
            participant,
            channel,
        };
        let state = self.channels.get_mut(&key);
        if let Some(state) = state.filter(|state| self.commands.holds(&state.topic)) {
            let status_id = late_status(&state.topic);
            if age > limit && !(state.velocity && is_standstill(&message)) {
                state.late = true;
                let text = format!(
                    "{}: a command was {} ms on the way and is not obeyed, the limit is {} ms \
                     (the bridge's parameter `command_max_age_ms`)",
                    state.topic,
                    age.as_millis(),
                    limit.as_millis()
                );
                exchange.notice(now, participant, StatusLevel::Warning, text, status_id);
                return;
            }
            if std::mem::take(&mut state.late) {
                exchange.reply(participant, withdraw(status_id));
            }
        }
        self.message(exchange, now, participant, channel, message);
    }

    pub(crate) fn message(
        &mut self,
        exchange: &mut Exchange,
        now: Instant,
        participant: ParticipantId,
        channel: ClientChannelId,
        message: Bytes,
    ) {
        let key = ClientChannelKey {
            participant,
            channel,
        };
        let Some(state) = self.channels.get_mut(&key) else {
            debug!(?participant, %channel, "message on a channel that was not advertised");
            let text = "publishing on a channel that was not advertised, or refused".to_owned();
            let status_id = "client-channel".to_owned();
            exchange.notice(now, participant, StatusLevel::Warning, text, status_id);
            return;
        };
        if state.failed {
            return;
        }
        let topic = &state.topic;
        let stands_still = state.velocity && is_standstill(&message);
        let mut obstacle = self.commands.may_publish(now, topic, participant).err();
        match obstacle {
            Some(Obstacle::DrivenBy(_)) if stands_still => {
                self.stop_driver(exchange, now, key);
                return;
            }
            Some(Obstacle::DrivenBy(driver)) if may_take(exchange, participant, driver) => {
                exchange.audit(now, driver, Act::Overridden(topic));
                if let Some(released) = self.commands.take_over(topic) {
                    stop(exchange, now, released);
                }
                obstacle = self.commands.may_publish(now, topic, participant).err();
            }
            // Nobody drives: a stop is in nobody's way, and is no driving.
            Some(Obstacle::HandedTo(_)) if stands_still => {
                if let Err(busy) = exchange.forward(Request::Publish { key, message }) {
                    self.tell_not_published(exchange, now, key, &busy.to_string());
                }
                return;
            }
            Some(Obstacle::HandedTo(other)) if may_take(exchange, participant, other) => {
                obstacle = None;
            }
            _ => {}
        }
        if let Some(obstacle) = obstacle {
            let told = refusal(exchange, topic, obstacle);
            let status_id = driven_status(topic);
            exchange.notice_of_wheel(now, participant, StatusLevel::Warning, told, status_id);
            return;
        }
        match exchange.forward(Request::Publish { key, message }) {
            Ok(()) => {
                state.messages += 1;
                // What is refused must not put off the stop.
                if self.commands.on_message(now, &state.topic, key) {
                    let topic = state.topic.clone();
                    exchange.audit(now, participant, Act::Drives(&topic));
                    self.tell_seated(exchange, now, &topic, participant);
                }
            }
            Err(busy) => self.tell_not_published(exchange, now, key, &busy.to_string()),
        }
    }

    /// Stops what another drives: whoever may drive a robot may stop it.
    fn stop_driver(&mut self, exchange: &mut Exchange, now: Instant, key: ClientChannelKey) {
        let Some(state) = self.channels.get(&key) else {
            return;
        };
        let topic = &state.topic;
        let Some(released) = self.commands.stop(now, topic) else {
            return;
        };
        let driver = released.by.participant;
        exchange.audit(now, key.participant, Act::StopsAnother(topic));
        stop(exchange, now, released);
        let by = name_of(exchange, key.participant);
        let text = format!("{topic} was stopped by {by}; let go to drive again");
        let status_id = driven_status(topic);
        exchange.notice(now, driver, StatusLevel::Warning, text, status_id);
    }
}

fn late_status(topic: &str) -> String {
    format!("late-{topic}")
}
