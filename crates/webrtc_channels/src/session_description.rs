//! Session descriptions (offers and answers) as the API passes them around.

use std::fmt::{Debug, Display, Formatter};
use std::str::FromStr;

use crate::sdp::Sdp;
pub use crate::sdp::SdpParseError;

/// The role of a session description in the offer/answer exchange.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum SdpType {
    /// Starts an exchange.
    Offer,
    /// A preliminary answer.
    PrAnswer,
    /// Ends an exchange.
    Answer,
    /// Takes the last offer back.
    Rollback,
}

impl FromStr for SdpType {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [Self::Offer, Self::PrAnswer, Self::Answer, Self::Rollback]
            .into_iter()
            .find(|candidate| candidate.name() == name)
            .ok_or("invalid SdpType")
    }
}

impl SdpType {
    fn name(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::PrAnswer => "pranswer",
            Self::Answer => "answer",
            Self::Rollback => "rollback",
        }
    }
}

impl Display for SdpType {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// An offer or an answer. Its text is what the application carries to the peer.
#[derive(Clone)]
pub struct SessionDescription {
    sdp: String,
    sdp_type: SdpType,
}

impl SessionDescription {
    /// Reads a description from text.
    ///
    /// # Errors
    /// The text is not SDP. A rollback may be empty.
    pub fn parse(sdp: &str, sdp_type: SdpType) -> Result<Self, SdpParseError> {
        if sdp_type != SdpType::Rollback {
            Sdp::parse(sdp)?;
        }
        Ok(Self {
            sdp: sdp.to_owned(),
            sdp_type,
        })
    }

    pub(crate) fn new(sdp: String, sdp_type: SdpType) -> Self {
        Self { sdp, sdp_type }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.sdp
    }

    /// Whether this is an offer, an answer, or something in between.
    pub fn sdp_type(&self) -> SdpType {
        self.sdp_type
    }
}

impl Display for SessionDescription {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.sdp)
    }
}

impl Debug for SessionDescription {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionDescription")
            .field("sdp_type", &self.sdp_type)
            .finish()
    }
}
