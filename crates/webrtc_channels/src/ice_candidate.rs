//! ICE candidates as the API passes them around.

use std::fmt::{Debug, Display, Formatter};

use crate::sdp::SdpParseError;

/// One address at which a peer may be reachable, in the text form of RFC 8839.
pub struct IceCandidate {
    mid: String,
    mline_index: i32,
    candidate: String,
}

impl IceCandidate {
    /// Reads a candidate: `candidate:…`, with or without a leading `a=`. An empty text is the
    /// end-of-candidates mark.
    ///
    /// # Errors
    /// The text is something else. Whether the address can be used is decided later.
    pub fn parse(sdp_mid: &str, sdp_mline_index: i32, sdp: &str) -> Result<Self, SdpParseError> {
        let candidate = sdp.trim();
        let candidate = candidate.strip_prefix("a=").unwrap_or(candidate);
        if !candidate.is_empty() && !candidate.starts_with("candidate:") {
            return Err(SdpParseError {
                line: sdp.to_owned(),
                description: "Expect line: candidate:<candidate-str>".to_owned(),
            });
        }
        Ok(Self::new(
            sdp_mid.to_owned(),
            sdp_mline_index,
            candidate.to_owned(),
        ))
    }

    pub(crate) fn new(mid: String, mline_index: i32, candidate: String) -> Self {
        Self {
            mid,
            mline_index,
            candidate,
        }
    }

    /// The `a=mid` of the media section the candidate belongs to.
    pub fn sdp_mid(&self) -> String {
        self.mid.clone()
    }

    /// The position of that media section, from 0.
    pub fn sdp_mline_index(&self) -> i32 {
        self.mline_index
    }

    /// The candidate text, without `a=`.
    pub fn candidate(&self) -> String {
        self.candidate.clone()
    }
}

impl Display for IceCandidate {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.candidate)
    }
}

impl Debug for IceCandidate {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IceCandidate")
            .field("candidate", &self.candidate)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::IceCandidate;

    #[test]
    fn takes_both_spellings_and_the_end_mark() {
        let text = "candidate:1 1 udp 2130706431 127.0.0.1 5000 typ host";
        for spelling in [text.to_owned(), format!("a={text}"), format!("{text}\r\n")] {
            assert_eq!(
                IceCandidate::parse("0", 0, &spelling).unwrap().candidate(),
                text
            );
        }
        assert_eq!(IceCandidate::parse("0", 0, "").unwrap().candidate(), "");
        assert!(IceCandidate::parse("0", 0, "m=audio").is_err());
    }
}
