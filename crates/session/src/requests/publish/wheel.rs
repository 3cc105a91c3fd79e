//! The wheel of a command topic: those who could drive see who has it, and ask for it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use remote_access_protocol::client::WheelAct;
use remote_access_protocol::server::{StatusLevel, Wheel};
use tracing::debug;

use super::Publishing;
use crate::audit::Act;
use crate::ids::ParticipantId;
use crate::permission::Action;
use crate::requests::command_topics::{Asked, Obstacle, Released, PROMISE};
use crate::requests::exchange::Exchange;
use crate::requests::request::Request;
use crate::status::{status, withdraw};

/// The participants that could drive: how many channels each has on a command topic.
#[derive(Debug, Default)]
pub(super) struct Seats(BTreeMap<String, BTreeMap<ParticipantId, usize>>);

impl Seats {
    pub(super) fn take(&mut self, topic: &str, id: ParticipantId) {
        let seats = self.0.entry(topic.to_owned()).or_default();
        *seats.entry(id).or_default() += 1;
    }

    pub(super) fn leave(&mut self, topic: &str, id: ParticipantId) {
        let Some(seats) = self.0.get_mut(topic) else {
            return;
        };
        if let Some(channels) = seats.get_mut(&id) {
            *channels -= 1;
        }
        seats.retain(|_, channels| *channels > 0);
        if seats.is_empty() {
            self.0.remove(topic);
        }
    }

    fn of(&self, topic: &str) -> Vec<ParticipantId> {
        let seats = self.0.get(topic);
        seats
            .into_iter()
            .flat_map(BTreeMap::keys)
            .copied()
            .collect()
    }
}

impl Publishing {
    /// A participant asks for the wheel, or answers who asked. Who may not drive is refused.
    pub(crate) fn wheel(
        &mut self,
        exchange: &mut Exchange,
        now: Instant,
        id: ParticipantId,
        topic: &str,
        act: WheelAct,
    ) {
        if !self.commands.holds(topic) {
            debug!(?id, "asked for the wheel of a topic that drives nothing");
            return;
        }
        if exchange.allow(now, id, Action::Drive { topic }).is_err() {
            return;
        }
        match act {
            WheelAct::Ask => self.ask(exchange, now, id, topic),
            WheelAct::Give => self.give(exchange, now, id, topic),
            WheelAct::Keep => self.keep(exchange, id, topic),
        }
    }

    fn ask(&mut self, exchange: &mut Exchange, now: Instant, id: ParticipantId, topic: &str) {
        let text = match self.commands.ask(topic, id) {
            Asked::Free => format!("{topic} is free"),
            Asked::Before(other) => {
                let other = name_of(exchange, other);
                format!("{other} has asked for the wheel of {topic} before")
            }
            Asked::Driver(driver) => {
                let asker = name_of(exchange, id);
                let text = format!("{asker} asks for the wheel of {topic}");
                let told = (text, Some(Wheel::Asked { asker }));
                let status_id = asked_status(topic);
                if !exchange.notice_of_wheel(now, driver, StatusLevel::Info, told, status_id) {
                    // The driver was asked a moment ago.
                    self.commands.give_up(topic, id);
                    return;
                }
                exchange.audit(now, id, Act::AsksForWheel(topic));
                let driver = name_of(exchange, driver);
                answer(
                    exchange,
                    id,
                    topic,
                    format!("{driver} was asked for the wheel of {topic}"),
                );
                return;
            }
        };
        exchange.notice(now, id, StatusLevel::Info, text, wheel_status(topic));
    }

    fn give(&mut self, exchange: &mut Exchange, now: Instant, id: ParticipantId, topic: &str) {
        let Some(asker) = self.commands.answer(topic, id) else {
            return;
        };
        exchange.reply(id, withdraw(asked_status(topic)));
        let Some(released) = self.commands.hand_over(now, topic, asker) else {
            return;
        };
        exchange.audit(now, id, Act::HandsOver(topic));
        stop(exchange, now, released);
        let driver = name_of(exchange, id);
        let seconds = PROMISE.as_secs();
        let text = format!("{driver} hands you the wheel of {topic}, for {seconds} s");
        answer(exchange, asker, topic, text);
        let told = refusal(exchange, topic, Obstacle::HandedTo(asker));
        let status_id = driven_status(topic);
        exchange.notice_of_wheel(now, id, StatusLevel::Info, told, status_id);
    }

    fn keep(&mut self, exchange: &mut Exchange, id: ParticipantId, topic: &str) {
        let Some(asker) = self.commands.answer(topic, id) else {
            return;
        };
        exchange.reply(id, withdraw(asked_status(topic)));
        let driver = name_of(exchange, id);
        answer(
            exchange,
            asker,
            topic,
            format!("{driver} keeps the wheel of {topic}"),
        );
    }
}

impl Publishing {
    /// Tells who has just become able to drive a topic who drives it.
    pub(super) fn tell_of_driver(
        &mut self,
        exchange: &mut Exchange,
        now: Instant,
        topic: &str,
        id: ParticipantId,
    ) {
        if let Some(driver) = self.commands.driver(topic) {
            self.tell(exchange, now, topic, driver, id);
        }
    }

    /// Tells those who could drive a topic who drives it from now on.
    pub(super) fn tell_seated(
        &mut self,
        exchange: &mut Exchange,
        now: Instant,
        topic: &str,
        driver: ParticipantId,
    ) {
        for id in self.seats.of(topic) {
            self.tell(exchange, now, topic, driver, id);
        }
    }

    fn tell(
        &mut self,
        exchange: &mut Exchange,
        now: Instant,
        topic: &str,
        driver: ParticipantId,
        id: ParticipantId,
    ) {
        if id == driver {
            return;
        }
        let told = if may_take(exchange, id, driver) {
            let driver = name_of(exchange, driver);
            let text = format!("{topic} is driven by {driver}; your command takes the wheel");
            let may_take = true;
            (text, Some(Wheel::Driven { driver, may_take }))
        } else {
            refusal(exchange, topic, Obstacle::DrivenBy(driver))
        };
        let status_id = driven_status(topic);
        if exchange.notice_of_wheel(now, id, StatusLevel::Info, told, status_id) {
            self.commands.was_told(topic, id);
        }
    }

    /// Forgets what a participant asked for or was handed that may not drive any more.
    pub(super) fn give_up_forbidden(&mut self, exchange: &mut Exchange, id: ParticipantId) {
        for topic in self.commands.wanted_by(id) {
            if exchange.permits(id, Action::Drive { topic: &topic }) {
                continue;
            }
            let (asked, told) = self.commands.give_up(&topic, id);
            if let Some(driver) = asked {
                exchange.reply(driver, withdraw(asked_status(&topic)));
            }
            is_free(exchange, &topic, told);
        }
    }
}

/// Whether a participant may take the wheel from another.
pub(super) fn may_take(exchange: &Exchange, id: ParticipantId, from: ParticipantId) -> bool {
    let overrides = |id| exchange.permits(id, Action::OverrideDriver);
    overrides(id) && !overrides(from)
}

/// Why somebody cannot drive: for its user, and as fields.
pub(super) fn refusal(
    exchange: &Exchange,
    topic: &str,
    obstacle: Obstacle,
) -> (String, Option<Wheel>) {
    match obstacle {
        Obstacle::DrivenBy(driver) => {
            let driver = name_of(exchange, driver);
            let text = format!("{topic} is driven by {driver}; it is free when {driver} stops");
            let may_take = false;
            (text, Some(Wheel::Driven { driver, may_take }))
        }
        Obstacle::HandedTo(heir) => {
            let heir = name_of(exchange, heir);
            let text = format!("{topic} was handed to {heir}");
            (text, Some(Wheel::Handed { heir }))
        }
        Obstacle::Stopped => {
            let text = format!("{topic} was stopped by another; let go to drive again");
            (text, None)
        }
    }
}

/// Stops what is driven no more, and tells those who waited for that.
pub(super) fn stop(exchange: &mut Exchange, now: Instant, released: Released) {
    let driver = released.by.participant;
    exchange.audit(now, driver, Act::Stopped(&released.topic));
    exchange.forward_ending(Request::Stop { key: released.by });
    if released.asker.is_some() {
        exchange.reply(driver, withdraw(asked_status(&released.topic)));
    }
    is_free(exchange, &released.topic, released.told);
}

/// Tells those who were told that they cannot drive that nothing is in their way any more.
pub(super) fn is_free(exchange: &mut Exchange, topic: &str, told: BTreeSet<ParticipantId>) {
    let withdrawal = withdraw(driven_status(topic));
    for id in told {
        exchange.reply(id, withdrawal.clone());
    }
}

pub(super) fn name_of(exchange: &Exchange, id: ParticipantId) -> String {
    match exchange.name(id) {
        "" => "another viewer".to_owned(),
        name => name.to_owned(),
    }
}

/// Answers who asked for the wheel, at once: what it was told a moment ago is over.
fn answer(exchange: &mut Exchange, asker: ParticipantId, topic: &str, text: String) {
    exchange.reply(asker, status(StatusLevel::Info, text, wheel_status(topic)));
}

/// Names the status of who cannot drive a topic.
pub(super) fn driven_status(topic: &str) -> String {
    format!("driven-{topic}")
}

/// Names the status of a driver who is asked for the wheel.
fn asked_status(topic: &str) -> String {
    format!("asked-{topic}")
}

/// Names the status with the answer to who asked for the wheel.
fn wheel_status(topic: &str) -> String {
    format!("wheel-{topic}")
}
