//! Writes the descriptions of the local side.

use std::fmt::Write;

use super::parse::{MediaSection, Setup};

/// Bytes of the largest message this library takes, announced in every description. It is what
/// browsers announce.
const MAX_MESSAGE_SIZE: u64 = 262_144;

/// The local transport as a description names it.
#[derive(Debug, Clone)]
pub(crate) struct LocalTransport<'a> {
    pub(crate) ufrag: &'a str,
    pub(crate) pwd: &'a str,
    /// SHA-256 of the certificate, as upper-case hex pairs joined by colons.
    pub(crate) fingerprint: &'a str,
    /// Identifies the session for its whole life.
    pub(crate) session_id: u64,
    /// Grows with every description.
    pub(crate) version: u64,
}

/// Which half of the exchange is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Offer,
    Answer(Setup),
}

/// One section to write.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    kind: String,
    protocol: String,
    formats: String,
    mid: String,
    rejected: bool,
    /// Codec lines of a media section, mirrored from the peer.
    codecs: Vec<String>,
}

impl Section {
    /// The section that carries all data channels.
    pub(crate) fn data_channels(mid: &str) -> Self {
        Self {
            kind: "application".to_owned(),
            protocol: "UDP/DTLS/SCTP".to_owned(),
            formats: "webrtc-datachannel".to_owned(),
            mid: mid.to_owned(),
            rejected: false,
            codecs: Vec::new(),
        }
    }

    /// The counterpart of a section of another description. A media section keeps its codecs,
    /// because an accepted section must name at least one.
    pub(crate) fn mirror(section: &MediaSection) -> Self {
        if section.is_application() {
            return Self {
                rejected: section.port == 0,
                ..Self::data_channels(section.mid())
            };
        }
        let is_codec = |line: &&String| {
            ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"]
                .iter()
                .any(|prefix| line.starts_with(prefix))
        };
        Self {
            kind: section.kind.clone(),
            protocol: section.protocol.clone(),
            formats: section.formats.clone(),
            mid: section.mid().to_owned(),
            rejected: section.port == 0,
            codecs: section.lines.iter().filter(is_codec).cloned().collect(),
        }
    }

    fn is_application(&self) -> bool {
        self.kind == "application"
    }
}

/// Writes an offer or an answer with these sections, all on one bundled transport.
pub(crate) fn write(transport: &LocalTransport<'_>, role: Role, sections: &[Section]) -> String {
    let mut sdp = String::with_capacity(1024);
    let mut line = |text: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = write!(sdp, "{text}\r\n");
    };
    line(format_args!("v=0"));
    line(format_args!(
        "o=- {} {} IN IP4 127.0.0.1",
        transport.session_id, transport.version
    ));
    line(format_args!("s=-"));
    line(format_args!("t=0 0"));
    let bundled: Vec<&str> = sections
        .iter()
        .filter(|section| !section.rejected)
        .map(|s| s.mid.as_str())
        .collect();
    line(format_args!("a=group:BUNDLE {}", bundled.join(" ")));
    line(format_args!("a=msid-semantic: WMS"));
    // livekit-server looks for the fingerprint at session level.
    line(format_args!(
        "a=fingerprint:sha-256 {}",
        transport.fingerprint
    ));
    let setup = match role {
        Role::Offer => Setup::ActPass,
        Role::Answer(setup) => setup,
    };
    for section in sections {
        let port = if section.rejected { 0 } else { 9 };
        line(format_args!(
            "m={} {port} {} {}",
            section.kind, section.protocol, section.formats
        ));
        line(format_args!("c=IN IP4 0.0.0.0"));
        if !section.rejected {
            line(format_args!("a=ice-ufrag:{}", transport.ufrag));
            line(format_args!("a=ice-pwd:{}", transport.pwd));
            line(format_args!("a=ice-options:trickle"));
            line(format_args!(
                "a=fingerprint:sha-256 {}",
                transport.fingerprint
            ));
            line(format_args!("a=setup:{}", setup.as_str()));
        }
        line(format_args!("a=mid:{}", section.mid));
        if section.is_application() {
            line(format_args!("a=sctp-port:5000"));
            line(format_args!("a=max-message-size:{MAX_MESSAGE_SIZE}"));
        } else {
            line(format_args!("a=inactive"));
            line(format_args!("a=rtcp-mux"));
            for codec in &section.codecs {
                line(format_args!("{codec}"));
            }
        }
    }
    sdp
}
