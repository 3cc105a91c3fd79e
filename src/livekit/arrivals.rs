//! Viewers that the room does not tell of yet.
//!
//! LiveKit's server tells of participants without media every three seconds. A viewer opens its stream
//! at once; the server is asked who that is, where the robot has the API key for it. A viewer that joins
//! at the same moment as the robot knows nothing of it, so that the server is also asked who is there
//! soon after the robot has joined. What the answers say counts until the room tells the same, which it
//! has to do in time.

use std::collections::HashMap;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use flume::r#async::RecvStream;
use futures_util::StreamExt;
use livekit::id::{ParticipantIdentity, ParticipantSid};
use remote_access_room::ParticipantLookup;
use tracing::debug;

use super::description::Description;

/// Least time between two questions about one participant. It may come back under its identity.
const AGAIN: Duration = Duration::from_millis(250);
/// Participants that may be asked about within that time.
const MAX_ASKED: usize = 64;
/// Longest time until the room has told of a viewer: several times the server's three seconds.
const MAX_UNTOLD: Duration = Duration::from_secs(10);

/// Pauses before asking who is there. A participant takes some tenths of a second to connect
/// after it has joined.
const LOOKS: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(1)];

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
            announce(vec![known], sender).await;
        });
    }

    /// Asks who is there, soon after `own` has joined.
    pub(super) fn look_around(&self, own: &ParticipantIdentity) {
        let Some(lookup) = self.lookup.clone() else {
            return;
        };
        let (own, sender) = (own.clone(), self.sender.clone());
        tokio::spawn(async move {
            for pause in LOOKS {
                tokio::time::sleep(pause).await;
                if sender.is_disconnected() {
                    return;
                }
                let infos = match lookup.participants().await {
                    Ok(infos) => infos,
                    Err(error) => {
                        debug!(%error, "waiting until the room tells who is there");
                        continue;
                    }
                };
                let known = infos.into_iter().filter_map(Description::from_server);
                let there = known.filter(|it| it.is_active && it.is_viewer && it.identity != own);
                tokio::spawn(announce(there.collect(), sender.clone()));
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

/// Tells of participants that the server knows, and later that the room should have told of them.
async fn announce(known: Vec<Description>, sender: flume::Sender<Arrival>) {
    let ids: Vec<_> = known
        .iter()
        .map(|it| (it.identity.clone(), it.sid.clone()))
        .collect();
    for description in known {
        // The connection may be over.
        if sender
            .send_async(Arrival::Known(description))
            .await
            .is_err()
        {
            return;
        }
    }
    tokio::time::sleep(MAX_UNTOLD).await;
    for (identity, sid) in ids {
        let overdue = Arrival::Overdue(identity, sid);
        if sender.send_async(overdue).await.is_err() {
            return;
        }
    }
}
