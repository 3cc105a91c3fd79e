//! Who is there and does what, for people who look after the robot.

use std::collections::BTreeMap;

use super::requests::Requests;
use super::{ParticipantId, Session};

/// What a viewer does at this moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewerInfo {
    /// What people call it.
    pub name: String,
    /// The topics that it watches.
    pub watches: Vec<String>,
    /// The topics that it publishes on, each with the number of its messages so far.
    pub publishes: BTreeMap<String, u64>,
    /// The command topics that it drives.
    pub drives: Vec<String>,
    /// Service calls, files and parameters that it waits for.
    pub waits_for: usize,
}

impl Session {
    /// All viewers, in the order in which they joined.
    pub fn viewers(&self) -> Vec<ViewerInfo> {
        let Requests {
            exchange,
            publishing,
            ..
        } = &self.requests;
        let mut drives = publishing.driven();
        let info = |(id, participant): (&ParticipantId, &super::Participant)| {
            let subscribed = participant.subscriptions.keys();
            let watches = subscribed.filter_map(|channel| {
                let state = self.channels.get(channel)?;
                Some(state.info.channel.topic.clone())
            });
            ViewerInfo {
                name: exchange.name(*id).to_owned(),
                watches: watches.collect(),
                publishes: publishing.topics(*id),
                drives: drives.remove(id).unwrap_or_default(),
                waits_for: exchange.pending.of(*id).count(),
            }
        };
        self.participants.iter().map(info).collect()
    }
}
