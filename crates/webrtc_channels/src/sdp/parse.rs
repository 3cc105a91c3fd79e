//! The parser.

use super::error::{MissingAttribute, SdpParseError};

/// Message size that a peer accepts when it does not say (RFC 8841, section 6.1), in bytes.
const DEFAULT_MAX_MESSAGE_SIZE: u64 = 65_536;

/// A parsed session description.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sdp {
    session: Vec<String>,
    media: Vec<MediaSection>,
}

/// An `m=` line and the lines that belong to it.
#[derive(Debug, Clone)]
pub(crate) struct MediaSection {
    pub(super) kind: String,
    pub(super) port: u16,
    pub(super) protocol: String,
    pub(super) formats: String,
    pub(super) lines: Vec<String>,
}

/// Which side starts the DTLS handshake (RFC 8842, `a=setup`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setup {
    /// The describing side starts it.
    Active,
    /// The other side starts it.
    Passive,
    /// The answering side chooses.
    ActPass,
}

impl Setup {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::ActPass => "actpass",
        }
    }
}

/// `a=fingerprint`: the hash of the certificate the peer will present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// Name of the hash function in lower case, such as `sha-256`.
    pub(crate) algorithm: String,
    /// The hash.
    pub(crate) digest: Vec<u8>,
}

impl Fingerprint {
    /// Reads `sha-256 AB:CD:…`.
    fn parse(text: &str) -> Option<Self> {
        let (algorithm, hex) = text.trim().split_once(' ')?;
        let digest = hex
            .trim()
            .split(':')
            .map(|byte| {
                (byte.len() == 2 && byte.is_ascii()).then(|| u8::from_str_radix(byte, 16).ok())?
            })
            .collect::<Option<Vec<u8>>>()?;
        Some(Self {
            algorithm: algorithm.to_ascii_lowercase(),
            digest,
        })
    }
}

/// Transport settings of the peer's description.
#[derive(Debug, Clone)]
pub(crate) struct RemoteTransport {
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) setup: Setup,
    pub(crate) ice_lite: bool,
    pub(crate) candidates: Vec<String>,
    /// Bytes of the largest message the peer takes; `None` means any size.
    pub(crate) max_message_size: Option<u64>,
    /// Whether the description has an accepted data channel section.
    pub(crate) data_channels: bool,
}

impl Sdp {
    /// Parses a description.
    ///
    /// # Errors
    /// It does not begin with `v=0`, or a line is malformed.
    pub(crate) fn parse(text: &str) -> Result<Self, SdpParseError> {
        let error = |line: &str, description: &str| SdpParseError {
            line: line.to_owned(),
            description: description.to_owned(),
        };
        let mut lines = text
            .lines()
            .map(str::trim_end)
            .filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default();
        if first != "v=0" {
            return Err(error(first, "Expect line: v=0"));
        }
        let mut sdp = Self::default();
        for line in lines {
            let bytes = line.as_bytes();
            if bytes.len() < 2 || !bytes[0].is_ascii_lowercase() || bytes[1] != b'=' {
                return Err(error(line, "Expect line: <type>=<value>"));
            }
            if let Some(description) = line.strip_prefix("m=") {
                let section = MediaSection::parse(description)
                    .ok_or_else(|| error(line, "Expect line: m=<media> <port> <proto> <fmt>"))?;
                sdp.media.push(section);
            } else {
                let lines = sdp
                    .media
                    .last_mut()
                    .map_or(&mut sdp.session, |m| &mut m.lines);
                lines.push(line.to_owned());
            }
        }
        Ok(sdp)
    }

    /// The first data channel section that is not rejected.
    fn application(&self) -> Option<&MediaSection> {
        self.media
            .iter()
            .find(|section| section.is_application() && section.port != 0)
    }

    /// A transport attribute. All sections are bundled, so the value may stand in the data channel
    /// section, at session level, or in any other section.
    fn transport_attribute(&self, name: &str) -> Option<&str> {
        self.application()
            .and_then(|section| attribute(&section.lines, name))
            .or_else(|| attribute(&self.session, name))
            .or_else(|| {
                self.media
                    .iter()
                    .find_map(|section| attribute(&section.lines, name))
            })
    }

    /// The ICE user fragment and password of the description.
    pub(crate) fn ice_credentials(&self) -> Option<(String, String)> {
        let ufrag = self.transport_attribute("ice-ufrag")?;
        let pwd = self.transport_attribute("ice-pwd")?;
        Some((ufrag.to_owned(), pwd.to_owned()))
    }

    /// The DTLS role of the describing side.
    pub(crate) fn setup(&self) -> Setup {
        match self.transport_attribute("setup") {
            Some("active") => Setup::Active,
            Some("passive") => Setup::Passive,
            _ => Setup::ActPass,
        }
    }

    /// Everything the transport needs of a peer's description.
    ///
    /// # Errors
    /// An attribute is missing.
    pub(crate) fn remote_transport(&self) -> Result<RemoteTransport, MissingAttribute> {
        let (ufrag, pwd) = self
            .ice_credentials()
            .ok_or(MissingAttribute::IceCredentials)?;
        let fingerprint = self
            .transport_attribute("fingerprint")
            .and_then(Fingerprint::parse)
            .ok_or(MissingAttribute::Fingerprint)?;
        Ok(RemoteTransport {
            ufrag,
            pwd,
            fingerprint,
            setup: self.setup(),
            ice_lite: self.session.iter().any(|line| line == "a=ice-lite"),
            candidates: self.candidates(),
            max_message_size: self.max_message_size(),
            data_channels: self.application().is_some(),
        })
    }

    fn max_message_size(&self) -> Option<u64> {
        let stated = self
            .application()
            .and_then(|section| attribute(&section.lines, "max-message-size"))
            .and_then(|size| size.trim().parse().ok())
            .unwrap_or(DEFAULT_MAX_MESSAGE_SIZE);
        (stated != 0).then_some(stated)
    }

    fn candidates(&self) -> Vec<String> {
        let lines = self
            .media
            .iter()
            .flat_map(|section| &section.lines)
            .chain(&self.session);
        lines
            .filter_map(|line| line.strip_prefix("a="))
            .filter(|value| value.starts_with("candidate:"))
            .map(str::to_owned)
            .collect()
    }

    /// The `a=mid` and the position of the data channel section.
    pub(crate) fn data_channel_section(&self) -> Option<(String, usize)> {
        let index = self.media.iter().position(MediaSection::is_application)?;
        Some((self.media[index].mid().to_owned(), index))
    }

    /// The media sections, to be mirrored in an answer or a later offer.
    pub(crate) fn media(&self) -> &[MediaSection] {
        &self.media
    }
}

impl MediaSection {
    fn parse(description: &str) -> Option<Self> {
        let mut parts = description.splitn(4, ' ');
        let kind = parts.next().filter(|kind| !kind.is_empty())?;
        // `m=video 9/2 …` announces several ports; only the first matters.
        let port = parts.next()?.split('/').next()?.parse().ok()?;
        let protocol = parts.next().filter(|protocol| !protocol.is_empty())?;
        Some(Self {
            kind: kind.to_owned(),
            port,
            protocol: protocol.to_owned(),
            formats: parts.next().unwrap_or_default().to_owned(),
            lines: Vec::new(),
        })
    }

    pub(super) fn is_application(&self) -> bool {
        self.kind == "application" && self.protocol.ends_with("DTLS/SCTP")
    }

    pub(super) fn mid(&self) -> &str {
        attribute(&self.lines, "mid").unwrap_or_default()
    }
}

/// The value of the first `a=<name>:<value>` line.
fn attribute<'a>(lines: &'a [String], name: &str) -> Option<&'a str> {
    lines.iter().find_map(|line| {
        line.strip_prefix("a=")?
            .strip_prefix(name)?
            .strip_prefix(':')
    })
}
