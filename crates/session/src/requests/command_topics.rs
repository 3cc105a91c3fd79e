//! Topics that drive the robot: one driver at a time, and a stop when it is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::request::ClientChannelKey;
use crate::ids::ParticipantId;
use crate::permission::NameRule;

/// The drivers of command topics.
///
/// The first participant that publishes on a command topic drives it until it leaves, publishes no
/// more on it, loses its right or sends nothing for the timeout. Then a stop is due, once.
#[derive(Debug)]
pub(crate) struct CommandTopics {
    rule: NameRule,
    timeout: Duration,
    driven: BTreeMap<String, Driven>,
}

#[derive(Debug)]
struct Driven {
    /// The channel of the last message.
    by: ClientChannelKey,
    last: Instant,
    /// Participants that were told that they cannot drive.
    told: BTreeSet<ParticipantId>,
}

/// A topic that is driven no more. A stop is to be published on `by`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Released {
    pub(crate) topic: String,
    pub(crate) by: ClientChannelKey,
    /// Participants that were told that they cannot drive.
    pub(crate) told: BTreeSet<ParticipantId>,
}

impl CommandTopics {
    pub(crate) fn new(rule: NameRule, timeout: Duration) -> Self {
        Self {
            rule,
            timeout,
            driven: BTreeMap::new(),
        }
    }

    /// Whether a topic drives the robot.
    pub(crate) fn holds(&self, topic: &str) -> bool {
        self.rule.holds(topic)
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// A participant wants to publish. If somebody else drives, its id comes back.
    pub(crate) fn may_publish(
        &mut self,
        topic: &str,
        id: ParticipantId,
    ) -> Result<(), ParticipantId> {
        match self.driven.get_mut(topic) {
            Some(driven) if driven.by.participant != id => {
                driven.told.insert(id);
                Err(driven.by.participant)
            }
            _ => Ok(()),
        }
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
                told: BTreeSet::new(),
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
        let last = self.driven.values().map(|driven| driven.last).min()?;
        Some(last + self.timeout)
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
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use remote_access_protocol::ClientChannelId;

    const SECOND: Duration = Duration::from_secs(1);

    fn commands() -> CommandTopics {
        CommandTopics::new(NameRule::new(|topic| topic.ends_with("cmd_vel")), SECOND)
    }

    fn by(viewer: u64, channel: u32) -> ClientChannelKey {
        ClientChannelKey {
            participant: ParticipantId(viewer),
            channel: ClientChannelId(channel),
        }
    }

    #[test]
    fn the_first_drives_until_it_falls_silent_and_one_stop_is_due() {
        let start = Instant::now();
        let mut commands = commands();
        commands.on_message(start, "/cmd_vel", by(1, 1));
        let other = commands.may_publish("/cmd_vel", ParticipantId(2));
        assert_eq!(other, Err(ParticipantId(1)));
        let later = start + SECOND / 2;
        assert_eq!(commands.may_publish("/cmd_vel", ParticipantId(1)), Ok(()));
        commands.on_message(later, "/cmd_vel", by(1, 1));
        assert_eq!(commands.next_timeout(), Some(later + SECOND));
        assert_eq!(commands.on_timeout(start + SECOND), []);
        let released = commands.on_timeout(later + SECOND);
        assert_eq!(released.len(), 1);
        assert_eq!(released[0].by, by(1, 1));
        assert_eq!(released[0].told, BTreeSet::from([ParticipantId(2)]));
        assert_eq!(commands.on_timeout(later + 9 * SECOND), []);
        assert_eq!(commands.next_timeout(), None);
        assert_eq!(commands.may_publish("/cmd_vel", ParticipantId(2)), Ok(()));
    }

    #[test]
    fn the_channel_of_the_last_message_is_the_one_that_stops() {
        let now = Instant::now();
        let mut commands = commands();
        commands.on_message(now, "/cmd_vel", by(1, 1));
        commands.on_message(now, "/cmd_vel", by(1, 2));
        assert_eq!(commands.on_channel_gone(by(1, 1)), None);
        let released = commands.on_channel_gone(by(1, 2)).unwrap();
        assert_eq!(released.topic, "/cmd_vel");
        assert_eq!(commands.on_channel_gone(by(1, 2)), None);
    }

    #[test]
    fn other_topics_are_nobodys() {
        let now = Instant::now();
        let mut commands = commands();
        commands.on_message(now, "/chat", by(1, 1));
        commands.on_message(now, "/chat", by(2, 1));
        assert_eq!(commands.drivers().count(), 0);
        assert_eq!(commands.on_channel_gone(by(1, 1)), None);
    }
}
