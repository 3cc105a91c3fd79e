//! Change feeds: events that bring a receiver up to date with what exists.

use super::error::OfferError;
use super::filter::TopicFilter;
use flume::{Sender, TrySendError};
use std::collections::{BTreeMap, HashMap};

/// A topic or a service, which can be offered under its name.
pub(super) trait Offer: Clone {
    /// Event for receivers.
    type Event;
    /// Properties that may change without it being another one.
    type State: Copy + PartialEq;

    fn type_name(&self) -> &str;
    fn state(&self) -> Self::State;
    fn added(self) -> Self::Event;
    /// Its state is another one.
    fn changed(self) -> Self::Event;
    fn removed(name: &str, type_name: &str) -> Self::Event;
    fn problem(name: &str, reason: &OfferError) -> Self::Event;
    fn solved(name: &str) -> Self::Event;
}

/// State of a name: usable, or the reason why not.
pub(super) type Discovered<O> = Result<O, OfferError>;

/// Brings one receiver up to date, as far as it keeps up: what does not fit into its queue is worked
/// out again from the state at the next attempt, so that it may miss what came and went but ends
/// with what is.
pub(super) struct ChangeFeed<O: Offer> {
    filter: TopicFilter,
    events: Sender<O::Event>,
    /// Offers that the receiver knows: type and state.
    told: HashMap<String, (String, O::State)>,
    /// Problems that the receiver knows, by name.
    problems: BTreeMap<String, OfferError>,
}

/// Progress of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    UpToDate,
    /// Its queue is full.
    Behind,
    /// Nobody receives any more.
    Gone,
}

impl<O: Offer> ChangeFeed<O> {
    pub(super) fn new(filter: TopicFilter, events: Sender<O::Event>) -> Self {
        Self {
            filter,
            events,
            told: HashMap::new(),
            problems: BTreeMap::new(),
        }
    }

    pub(super) fn wants(&self, name: &str) -> bool {
        self.filter.wants(name)
    }

    /// Tells what is different from what was told.
    pub(super) fn update(&mut self, known: &BTreeMap<String, Discovered<O>>) -> Progress {
        match self.tell_changes(known) {
            Ok(()) if self.events.is_disconnected() => Progress::Gone,
            Ok(()) => Progress::UpToDate,
            Err(progress) => progress,
        }
    }

    fn tell_changes(&mut self, known: &BTreeMap<String, Discovered<O>>) -> Result<(), Progress> {
        let gone: Vec<_> = self
            .told
            .iter()
            .filter(|(name, (type_name, _))| match known.get(*name) {
                Some(Ok(offer)) => offer.type_name() != *type_name,
                Some(Err(_)) | None => true,
            })
            .map(|(name, (type_name, _))| (name.clone(), type_name.clone()))
            .collect();
        for (name, type_name) in gone {
            self.tell(O::removed(&name, &type_name))?;
            self.told.remove(&name);
        }
        let solved: Vec<_> = self
            .problems
            .keys()
            .filter(|name| !matches!(known.get(*name), Some(Err(_))))
            .cloned()
            .collect();
        for name in solved {
            self.tell(O::solved(&name))?;
            self.problems.remove(&name);
        }
        for (name, discovered) in known {
            if self.wants(name) {
                self.tell_one(name, discovered)?;
            }
        }
        Ok(())
    }

    fn tell_one(&mut self, name: &str, discovered: &Discovered<O>) -> Result<(), Progress> {
        match discovered {
            Ok(offer) => {
                match self.told.get(name) {
                    None => self.tell(offer.clone().added())?,
                    Some((_, state)) if *state != offer.state() => {
                        self.tell(offer.clone().changed())?
                    }
                    Some(_) => return Ok(()),
                }
                let told = (offer.type_name().to_owned(), offer.state());
                self.told.insert(name.to_owned(), told);
            }
            Err(reason) => {
                if self.problems.get(name) == Some(reason) {
                    return Ok(());
                }
                self.tell(O::problem(name, reason))?;
                self.problems.insert(name.to_owned(), reason.clone());
            }
        }
        Ok(())
    }

    fn tell(&self, event: O::Event) -> Result<(), Progress> {
        self.events
            .try_send(event)
            .map_err(|problem| match problem {
                TrySendError::Full(_) => Progress::Behind,
                TrySendError::Disconnected(_) => Progress::Gone,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ros::filter::Patterns;
    use crate::ros::{Topic, TopicEvent};
    use flume::Receiver;
    use std::collections::HashSet;

    fn feed(queue: usize) -> (ChangeFeed<Topic>, Receiver<TopicEvent>) {
        let (events, receiver) = flume::bounded(queue);
        let filter = TopicFilter {
            allow: Patterns::new([".*"]).expect("valid"),
            deny: Patterns::new(["/denied"]).expect("valid"),
            include_hidden: false,
        };
        (ChangeFeed::new(filter, events), receiver)
    }

    fn topics(
        entries: impl IntoIterator<Item = (&'static str, Discovered<Topic>)>,
    ) -> BTreeMap<String, Discovered<Topic>> {
        entries
            .into_iter()
            .map(|(name, discovered)| (name.to_owned(), discovered))
            .collect()
    }

    #[test]
    fn a_topic_comes_changes_and_goes() {
        let (mut feed, events) = feed(10);
        let first = Topic::of("/a", "p/msg/T");
        let state = topics([
            ("/a", Ok(first.clone())),
            ("/denied", Ok(Topic::of("/denied", "p/msg/T"))),
        ]);
        assert_eq!(feed.update(&state), Progress::UpToDate);
        assert_eq!(feed.update(&state), Progress::UpToDate);
        assert_eq!(
            events.drain().collect::<Vec<_>>(),
            [TopicEvent::Added(first.clone())]
        );

        let mut latched = first.clone();
        latched.qos.transient_local = true;
        feed.update(&topics([("/a", Ok(latched.clone()))]));
        assert_eq!(
            events.drain().collect::<Vec<_>>(),
            [TopicEvent::QosChanged(latched)]
        );

        let other = Topic::of("/a", "p/msg/U");
        feed.update(&topics([("/a", Ok(other.clone()))]));
        let removed = |type_name: &str| TopicEvent::Removed {
            name: "/a".into(),
            type_name: type_name.into(),
        };
        assert_eq!(
            events.drain().collect::<Vec<_>>(),
            [removed("p/msg/T"), TopicEvent::Added(other)]
        );

        feed.update(&topics([]));
        assert_eq!(events.drain().collect::<Vec<_>>(), [removed("p/msg/U")]);
    }

    #[test]
    fn a_problem_is_told_once_for_each_reason_and_when_it_is_over() {
        let (mut feed, events) = feed(10);
        let problem = |reason: &str| TopicEvent::Problem {
            topic: "/a".into(),
            reason: OfferError::Endpoints(reason.to_owned()),
        };
        let solved = TopicEvent::Solved { topic: "/a".into() };
        for reason in ["x", "x", "y"] {
            feed.update(&topics([(
                "/a",
                Err(OfferError::Endpoints(reason.to_owned())),
            )]));
        }
        assert_eq!(
            events.drain().collect::<Vec<_>>(),
            [problem("x"), problem("y")]
        );
        let usable = Topic::of("/a", "p/msg/T");
        feed.update(&topics([("/a", Ok(usable.clone()))]));
        assert_eq!(
            events.drain().collect::<Vec<_>>(),
            [solved.clone(), TopicEvent::Added(usable)]
        );
        feed.update(&topics([("/a", Err(OfferError::Endpoints("x".into())))]));
        feed.update(&topics([]));
        feed.update(&topics([]));
        let last: Vec<_> = events.drain().skip(1).collect();
        assert_eq!(last, [problem("x"), solved]);
    }

    #[test]
    fn a_topic_that_becomes_a_problem_is_removed() {
        let (mut feed, events) = feed(10);
        feed.update(&topics([("/a", Ok(Topic::of("/a", "p/msg/T")))]));
        feed.update(&topics([(
            "/a",
            Err(OfferError::Endpoints("mixed".into())),
        )]));
        let events: Vec<_> = events.drain().skip(1).collect();
        assert!(
            matches!(
                &events[..],
                [TopicEvent::Removed { .. }, TopicEvent::Problem { .. }]
            ),
            "{events:?}"
        );
    }

    #[test]
    fn a_slow_receiver_ends_with_the_final_state() {
        let (mut feed, events) = feed(1);
        let all = topics([
            ("/a", Ok(Topic::of("/a", "p/msg/T"))),
            ("/b", Ok(Topic::of("/b", "p/msg/T"))),
        ]);
        assert_eq!(feed.update(&all), Progress::Behind);
        // /a goes and /c comes while the receiver is behind.
        let last = topics([
            ("/b", Ok(Topic::of("/b", "p/msg/T"))),
            ("/c", Ok(Topic::of("/c", "p/msg/T"))),
        ]);
        let mut alive = HashSet::new();
        for _ in 0..10 {
            for event in events.drain() {
                match event {
                    TopicEvent::Added(topic) => assert!(alive.insert(topic.name)),
                    TopicEvent::Removed { name, .. } => assert!(alive.remove(&name)),
                    other => panic!("{other:?}"),
                }
            }
            feed.update(&last);
        }
        assert_eq!(alive, HashSet::from(["/b".to_owned(), "/c".to_owned()]));
        assert_eq!(feed.update(&last), Progress::UpToDate);
    }

    #[test]
    fn a_receiver_that_is_gone_is_noticed() {
        let (mut feed, events) = feed(1);
        drop(events);
        assert_eq!(feed.update(&topics([])), Progress::Gone);
    }
}
