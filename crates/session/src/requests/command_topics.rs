//! Topics that drive the robot: one driver at a time, and a stop when it is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::request::ClientChannelKey;
use crate::ids::ParticipantId;
use crate::permission::NameRule;

/// The drivers of command topics.
///
/// The first participant that publishes on a command topic drives it until it leaves, publishes no
/// more on it, loses its right or sends nothing for the timeout. Then a stop is due, once. A driver
/// that another stopped drives again only after it has let go: sent nothing for the timeout. A driver
/// that is asked can hand the wheel to who asked, for whom it is kept for a while.
#[derive(Debug)]
pub(crate) struct CommandTopics {
    rule: NameRule,
    timeout: Duration,
    driven: BTreeMap<String, Driven>,
    /// Drivers that others stopped, by topic.
    stopped: BTreeMap<String, Stopped>,
    /// Wheels that were handed over and are not driven yet, by topic.
    promised: BTreeMap<String, Promise>,
}

/// How long a wheel is kept for whom it was handed to.
pub(crate) const PROMISE: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Driven {
    /// The channel of the last message.
    by: ClientChannelKey,
    last: Instant,
    /// Participants that were told that they cannot drive.
    told: BTreeSet<ParticipantId>,
    /// The participant that asked for the wheel and has no answer yet.
    asker: Option<ParticipantId>,
}

/// A topic that was handed over.
#[derive(Debug)]
struct Promise {
    to: ParticipantId,
    until: Instant,
    /// Participants that were told that they cannot drive.
    told: BTreeSet<ParticipantId>,
}

/// A driver that another stopped.
#[derive(Debug)]
struct Stopped {
    driver: ParticipantId,
    /// When it will have let go.
    until: Instant,
}

/// The reason why a participant may not publish on a command topic now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// Somebody else drives.
    DrivenBy(ParticipantId),
    /// Nobody drives, but the wheel was handed to somebody else.
    HandedTo(ParticipantId),
    /// Somebody else stopped it, and it has not let go since.
    Stopped,
}

/// A topic that is driven no more. A stop is to be published on `by`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Released {
    pub(crate) topic: String,
    pub(crate) by: ClientChannelKey,
    /// Participants that were told that they cannot drive.
    pub(crate) told: BTreeSet<ParticipantId>,
    /// The participant that asked for the wheel and had no answer.
    pub(crate) asker: Option<ParticipantId>,
}

/// Outcome of a question for the wheel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Nobody else drives.
    Free,
    /// This driver is to be asked.
    Driver(ParticipantId),
    /// This other one has asked before.
    Before(ParticipantId),
}

impl CommandTopics {
    pub(crate) fn new(rule: NameRule, timeout: Duration) -> Self {
        Self {
            rule,
            timeout,
            driven: BTreeMap::new(),
            stopped: BTreeMap::new(),
            promised: BTreeMap::new(),
        }
    }

    /// Whether a topic drives the robot.
    pub(crate) fn holds(&self, topic: &str) -> bool {
        self.rule.holds(topic)
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// A participant wants to publish.
    pub(crate) fn may_publish(
        &mut self,
        now: Instant,
        topic: &str,
        id: ParticipantId,
    ) -> Result<(), Obstacle> {
        if let Some(driven) = self.driven.get_mut(topic) {
            if driven.by.participant == id {
                return Ok(());
            }
            driven.told.insert(id);
            return Err(Obstacle::DrivenBy(driven.by.participant));
        }
        let mut holds_on = false;
        if let Some(stopped) = self.stopped.get_mut(topic) {
            if stopped.driver == id && now < stopped.until {
                stopped.until = now + self.timeout;
                holds_on = true;
            }
        }
        match self.promised.get_mut(topic) {
            Some(promise) if promise.to != id && now < promise.until => {
                promise.told.insert(id);
                Err(Obstacle::HandedTo(promise.to))
            }
            _ if holds_on => Err(Obstacle::Stopped),
            _ => Ok(()),
        }
    }

    /// The driver of a topic.
    pub(crate) fn driver(&self, topic: &str) -> Option<ParticipantId> {
        let driven = self.driven.get(topic);
        driven.map(|driven| driven.by.participant)
    }

    /// Somebody was told that it cannot drive, before it tried.
    pub(crate) fn was_told(&mut self, topic: &str, id: ParticipantId) {
        if let Some(driven) = self.driven.get_mut(topic) {
            driven.told.insert(id);
        }
    }

    /// A participant asks for the wheel.
    pub(crate) fn ask(&mut self, topic: &str, id: ParticipantId) -> Asked {
        let Some(driven) = self.driven.get_mut(topic) else {
            return Asked::Free;
        };
        let driver = driven.by.participant;
        match driven.asker {
            _ if driver == id => Asked::Free,
            Some(asker) if asker != id => Asked::Before(asker),
            _ => {
                driven.asker = Some(id);
                driven.told.insert(id);
                Asked::Driver(driver)
            }
        }
    }

    /// The driver answers. Returns who asked, if somebody did and this is the driver.
    pub(crate) fn answer(&mut self, topic: &str, id: ParticipantId) -> Option<ParticipantId> {
        let driven = self.driven.get_mut(topic);
        let driven = driven.filter(|driven| driven.by.participant == id)?;
        driven.asker.take()
    }

    /// The driver hands the wheel over, and has to let go.
    pub(crate) fn hand_over(
        &mut self,
        now: Instant,
        topic: &str,
        to: ParticipantId,
    ) -> Option<Released> {
        let released = self.stop(now, topic)?;
        let promise = Promise {
            to,
            until: now + PROMISE,
            told: BTreeSet::from([released.by.participant]),
        };
        self.promised.insert(topic.to_owned(), promise);
        Some(released)
    }

    /// The topics that somebody asked for, or that were handed to it.
    pub(crate) fn wanted_by(&self, id: ParticipantId) -> Vec<String> {
        let asked = self.driven.iter().filter(|(_, d)| d.asker == Some(id));
        let promised = self.promised.iter().filter(|(_, p)| p.to == id);
        let topics = asked.map(|(topic, _)| topic);
        topics
            .chain(promised.map(|(topic, _)| topic))
            .cloned()
            .collect()
    }

    /// Somebody wants the wheel no more. Returns the driver that it had asked, and whom it kept waiting.
    pub(crate) fn give_up(
        &mut self,
        topic: &str,
        id: ParticipantId,
    ) -> (Option<ParticipantId>, BTreeSet<ParticipantId>) {
        let driver = self.driven.get_mut(topic).and_then(|driven| {
            driven.asker.take_if(|asker| *asker == id)?;
            Some(driven.by.participant)
        });
        let told = match self.promised.get(topic) {
            Some(promise) if promise.to == id => self.end_promise(topic),
            _ => BTreeSet::new(),
        };
        (driver, told)
    }

    fn end_promise(&mut self, topic: &str) -> BTreeSet<ParticipantId> {
        let promise = self.promised.remove(topic);
        promise.map(|promise| promise.told).unwrap_or_default()
    }

    /// Wheels that were handed over and not taken in time: the topics, with those who were told that they
    /// cannot drive.
    pub(crate) fn lapsed(&mut self, now: Instant) -> Vec<(String, BTreeSet<ParticipantId>)> {
        let promised = std::mem::take(&mut self.promised);
        let (lapsed, lasting): (BTreeMap<_, _>, _) = promised
            .into_iter()
            .partition(|(_, promise)| promise.until <= now);
        self.promised = lasting;
        lapsed
            .into_iter()
            .map(|(topic, promise)| (topic, promise.told))
            .collect()
    }

    /// A message of a participant that may publish was passed on: a sign of life. Returns whether it
    /// drives from now on, and did not before.
    pub(crate) fn on_message(&mut self, now: Instant, topic: &str, by: ClientChannelKey) -> bool {
        if let Some(driven) = self.driven.get_mut(topic) {
            driven.by = by;
            driven.last = now;
            false
        } else if self.rule.holds(topic) {
            let driven = Driven {
                by,
                last: now,
                told: self.end_promise(topic),
                asker: None,
            };
            self.driven.insert(topic.to_owned(), driven);
            true
        } else {
            false
        }
    }

    /// The wheel is taken from whoever drives.
    pub(crate) fn take_over(&mut self, topic: &str) -> Option<Released> {
        self.release(topic)
    }

    /// Somebody else than its driver stops a topic.
    pub(crate) fn stop(&mut self, now: Instant, topic: &str) -> Option<Released> {
        let released = self.release(topic)?;
        let stopped = Stopped {
            driver: released.by.participant,
            until: now + self.timeout,
        };
        self.stopped.insert(topic.to_owned(), stopped);
        Some(released)
    }

    /// The drivers that were stopped, have let go and may drive again, each with its topic.
    pub(crate) fn let_go(&mut self, now: Instant) -> Vec<(String, ParticipantId)> {
        let stopped = std::mem::take(&mut self.stopped);
        let (ended, lasting): (BTreeMap<_, _>, _) = stopped
            .into_iter()
            .partition(|(_, stopped)| stopped.until <= now);
        self.stopped = lasting;
        ended
            .into_iter()
            .map(|(topic, stopped)| (topic, stopped.driver))
            .filter(|(topic, driver)| !self.is_told(topic, *driver))
            .collect()
    }

    /// Whether somebody was told that it cannot drive, and that is so still.
    fn is_told(&self, topic: &str, id: ParticipantId) -> bool {
        let driven = self.driven.get(topic).map(|driven| &driven.told);
        let promised = self.promised.get(topic).map(|promise| &promise.told);
        driven
            .into_iter()
            .chain(promised)
            .any(|told| told.contains(&id))
    }

    /// A channel is gone, or what came on it cannot be published.
    pub(crate) fn on_channel_gone(&mut self, channel: ClientChannelKey) -> Option<Released> {
        let (topic, _) = self.driven.iter().find(|(_, d)| d.by == channel)?;
        self.release(&topic.clone())
    }

    /// A participant is gone: nobody has to tell it anything.
    pub(crate) fn forget(&mut self, id: ParticipantId) {
        for driven in self.driven.values_mut() {
            driven.told.remove(&id);
        }
        for promise in self.promised.values_mut() {
            promise.told.remove(&id);
        }
        self.stopped.retain(|_, stopped| stopped.driver != id);
    }

    /// Topics whose driver sent nothing for the timeout.
    pub(crate) fn on_timeout(&mut self, now: Instant) -> Vec<Released> {
        let expired: Vec<String> = self
            .driven
            .iter()
            .filter(|(_, driven)| driven.last + self.timeout <= now)
            .map(|(topic, _)| topic.clone())
            .collect();
        expired
            .iter()
            .filter_map(|topic| self.release(topic))
            .collect()
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        let silent = self
            .driven
            .values()
            .map(|driven| driven.last + self.timeout);
        let let_go = self.stopped.values().map(|stopped| stopped.until);
        let lapse = self.promised.values().map(|promise| promise.until);
        silent.chain(let_go).chain(lapse).min()
    }

    /// The topics that are driven, each with its driver.
    pub(crate) fn drivers(&self) -> impl Iterator<Item = (&str, ParticipantId)> {
        self.driven
            .iter()
            .map(|(topic, driven)| (topic.as_str(), driven.by.participant))
    }

    fn release(&mut self, topic: &str) -> Option<Released> {
        let (topic, driven) = self.driven.remove_entry(topic)?;
        Some(Released {
            topic,
            by: driven.by,
            told: driven.told,
            asker: driven.asker,
        })
    }
}

#[cfg(test)]
mod tests;
