//! List of viewers and what they do, for people who look after the robot.

use std::collections::BTreeMap;

use super::Session;
use crate::ids::ParticipantId;
use crate::requests::Requests;
use crate::send::receiver::Receiver;

/// A viewer and what it does at this moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewerInfo {
    /// The name that people read.
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
        let info = |(id, receiver): (&ParticipantId, &Receiver)| {
            let subscribed = receiver.subscriptions.keys();
            let watches = subscribed.filter_map(|channel| {
                let state = self.channels.get(*channel)?;
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
        let receivers = &self.sender.routes().receivers;
        receivers.iter().map(info).collect()
    }
}
