//! Viewers that the room does not tell of yet.
//!
//! LiveKit's server tells of participants without media every three seconds. A viewer opens its stream
//! at once; the server is asked who that is, where the robot has the API key for it. What the answer
//! says counts until the room tells the same, which it has to do in time.

use std::collections::HashMap;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use flume::r#async::RecvStream;
use futures_util::StreamExt;
use livekit::id::{ParticipantIdentity, ParticipantSid};
use remote_access_room::ParticipantLookup;
use tracing::debug;

use super::description::Description;

/// Least time between two questions about one participant.
const AGAIN: Duration = Duration::from_secs(1);
/// Participants that may be asked about within that time.
const MAX_ASKED: usize = 64;
/// Longest time until the room has told of a viewer: several times the server's three seconds.
const MAX_UNTOLD: Duration = Duration::from_secs(10);

/// What has become of an arrival.
pub(super) enum Arrival {
    /// The server says that it is there.
    Known(Description),
    /// The room should have told of this session by now.
    Overdue(ParticipantIdentity, ParticipantSid),
}

/// Questions about those who arrive.
pub(super) struct Arrivals {
    lookup: Option<ParticipantLookup>,
    asked: HashMap<ParticipantIdentity, Instant>,
    sender: flume::Sender<Arrival>,
    answers: RecvStream<'static, Arrival>,
}

impl Arrivals {
    /// Without a `lookup` nobody is asked.
    pub(super) fn new(lookup: Option<ParticipantLookup>) -> Self {
        let (sender, answers) = flume::bounded(MAX_ASKED);
        Self {
            lookup,
            asked: HashMap::new(),
            sender,
            answers: answers.into_stream(),
        }
    }

    /// Asks who has opened a stream.
    pub(super) fn ask(&mut self, now: Instant, identity: &ParticipantIdentity) {
        let Some(lookup) = self.lookup.clone() else {
            return;
        };
        self.asked.retain(|_, &mut at| now < at + AGAIN);
        if self.asked.len() >= MAX_ASKED || self.asked.contains_key(identity) {
            return;
        }
        self.asked.insert(identity.clone(), now);
        let (identity, sender) = (identity.clone(), self.sender.clone());
        tokio::spawn(async move {
            let known = match lookup.participant(identity.as_str()).await {
                Ok(info) => Description::from_server(info),
                Err(error) => {
                    debug!(%identity, %error, "waiting until the room tells of a participant");
                    None
                }
            };
            let Some(known) = known.filter(|it| it.is_active && it.identity == identity) else {
                return;
            };
            let sid = known.sid.clone();
            // The connection may be over.
            if sender.send_async(Arrival::Known(known)).await.is_ok() {
                tokio::time::sleep(MAX_UNTOLD).await;
                sender
                    .send_async(Arrival::Overdue(identity, sid))
                    .await
                    .ok();
            }
        });
    }

    /// Waits for what has become of one.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Arrival> {
        match self.answers.poll_next_unpin(context) {
            Poll::Ready(Some(arrival)) => Poll::Ready(arrival),
            // It has a sender itself.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}
