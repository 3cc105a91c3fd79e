//! Viewers that the room does not tell of yet.
//!
//! LiveKit's server tells of participants without media every three seconds. A viewer opens its stream
//! at once; the server is asked who that is, where the robot has the API key for it. A viewer that joins
//! at the same moment as the robot knows nothing of it, so that the server is also asked who is there
//! soon after the robot has joined. What the answers say counts until the room tells the same, which it
//! has to do in time.

use std::collections::HashMap;
use std::task::{Context, Poll};
use std::time::Duration;

use flume::r#async::RecvStream;
use futures_util::StreamExt;
use livekit::id::{ParticipantIdentity, ParticipantSid};
use remote_access_room::ParticipantLookup;
use tracing::debug;

use super::description::Description;

/// Least time between two questions about one participant.
const AGAIN: Duration = Duration::from_millis(250);
/// Questions about a participant that does not seem to be there yet.
const TRIES: u32 = 4;
/// Participants that may be asked about at once.
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
    /// Those who are asked about; what is sent has them asked about once more.
    asked: HashMap<ParticipantIdentity, flume::Sender<()>>,
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

    /// Asks who has opened a stream. A question that is being asked is asked once more after its answer,
    /// which may be about the participant's session before; so answers come in order.
    pub(super) fn ask(&mut self, identity: &ParticipantIdentity) {
        let Some(lookup) = self.lookup.clone() else {
            return;
        };
        self.asked.retain(|_, again| !again.is_disconnected());
        if let Some(again) = self.asked.get(identity) {
            // One more is enough, however often it is wanted.
            again.try_send(()).ok();
            return;
        }
        if self.asked.len() >= MAX_ASKED {
            return;
        }
        let (again, wanted) = flume::bounded(1);
        self.asked.insert(identity.clone(), again);
        let (identity, sender) = (identity.clone(), self.sender.clone());
        tokio::spawn(async move {
            let mut tries = 0;
            while tries < TRIES {
                tries += 1;
                if let Some(known) = look_up(&lookup, &identity).await {
                    if sender.send_async(Arrival::Known(known)).await.is_err() {
                        return;
                    }
                    tries = TRIES;
                }
                tokio::time::sleep(AGAIN).await;
                if wanted.try_recv().is_ok() {
                    tries = 0;
                }
            }
        });
    }

    /// The room has to tell in time of a participant that only the server has told of.
    pub(super) fn expect(&self, identity: ParticipantIdentity, sid: ParticipantSid) {
        let sender = self.sender.clone();
        tokio::spawn(async move {
            tokio::time::sleep(MAX_UNTOLD).await;
            // The connection may be over.
            let _ = sender.send_async(Arrival::Overdue(identity, sid)).await;
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
                for viewer in known.filter(|it| it.is_active && it.is_viewer && it.identity != own)
                {
                    if sender.send_async(Arrival::Known(viewer)).await.is_err() {
                        return;
                    }
                }
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

/// A participant as the server knows it, if it can receive.
async fn look_up(
    lookup: &ParticipantLookup,
    identity: &ParticipantIdentity,
) -> Option<Description> {
    match lookup.participant(identity.as_str()).await {
        Ok(info) => Description::from_server(info)
            .filter(|known| known.is_active && known.identity == *identity),
        Err(error) => {
            debug!(%identity, %error, "waiting until the room tells of a participant");
            None
        }
    }
}
