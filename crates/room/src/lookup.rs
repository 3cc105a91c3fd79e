//! Questions to the server about the participants of the room.
//!
//! The server tells of participants without media every three seconds only; it answers at once when it
//! is asked. For that it wants a token of an administrator of the room, which an API key makes.

use std::time::Duration;

use livekit_protocol::{
    ListParticipantsRequest, ListParticipantsResponse, ParticipantInfo, RoomParticipantIdentity,
};
use prost::Message;

use crate::connect::{http_url, Endpoint};
use crate::mint::{MintError, TokenMint};
use crate::token::TokenSource;

/// Longest time that an answer may take.
const ANSWER: Duration = Duration::from_secs(3);

/// Asks the server about the participants of one room.
#[derive(Clone, Debug)]
pub struct ParticipantLookup {
    url: String,
    mint: TokenMint,
    client: reqwest::Client,
}

/// The server did not tell of participants.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// The token cannot be made.
    #[error(transparent)]
    Token(#[from] MintError),
    /// The server does not answer, or does not know it.
    #[error("the server does not tell of participants: {0}")]
    Server(reqwest::Error),
    /// The answer cannot be decoded.
    #[error("the server's answer cannot be read: {0}")]
    Answer(#[from] prost::DecodeError),
}

impl ParticipantLookup {
    /// For the room of an endpoint, if that has an API key.
    #[must_use]
    pub fn new(endpoint: &Endpoint) -> Option<Self> {
        let TokenSource::Minted(mint) = &endpoint.token else {
            return None;
        };
        let client = reqwest::Client::builder().timeout(ANSWER).build().ok()?;
        Some(Self {
            url: format!("{}/twirp/livekit.RoomService", http_url(&endpoint.url)),
            mint: mint.clone(),
            client,
        })
    }

    /// Describes a participant as it is now.
    ///
    /// # Errors
    /// The server does not answer within 3 s, or the participant is not in the room.
    pub async fn participant(&self, identity: &str) -> Result<ParticipantInfo, LookupError> {
        let question = RoomParticipantIdentity {
            room: self.mint.room.clone(),
            identity: identity.to_owned(),
            ..RoomParticipantIdentity::default()
        };
        self.ask("GetParticipant", &question).await
    }

    /// Describes all participants as they are now, us included.
    ///
    /// # Errors
    /// The server does not answer within 3 s.
    pub async fn participants(&self) -> Result<Vec<ParticipantInfo>, LookupError> {
        let question = ListParticipantsRequest {
            room: self.mint.room.clone(),
        };
        let answer: ListParticipantsResponse = self.ask("ListParticipants", &question).await?;
        Ok(answer.participants)
    }

    async fn ask<A: Message + Default>(
        &self,
        method: &str,
        question: &impl Message,
    ) -> Result<A, LookupError> {
        let request = self
            .client
            .post(format!("{}/{method}", self.url))
            .bearer_auth(self.mint.mint_for_admin()?.expose())
            .header(reqwest::header::CONTENT_TYPE, "application/protobuf")
            .body(question.encode_to_vec());
        let answer = async { request.send().await?.error_for_status()?.bytes().await };
        let answer = answer.await;
        let answer = answer.map_err(|error| LookupError::Server(error.without_url()))?;
        Ok(A::decode(answer)?)
    }
}
